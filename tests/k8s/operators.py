"""Objects of operators against the schemas of their custom resources.

Those of KEDA and of Prometheus' operator are the models that cloudcoil generates from the published
definitions. Strimzi's are written down here, as far as Millrace uses them, after its API version v1 (Strimzi
0.49 and later): no package carries them. SPDX-License-Identifier: Apache-2.0
"""
import jsonschema
import pydantic
from cloudcoil.models.keda.v1alpha1 import ScaledObject
from cloudcoil.models.prometheus_operator.v1 import PrometheusRule, ServiceMonitor

GROUPS = ("keda.sh/", "monitoring.coreos.com/", "kafka.strimzi.io/")
MODELS = {("keda.sh/v1alpha1", "ScaledObject"): ScaledObject,
          ("monitoring.coreos.com/v1", "ServiceMonitor"): ServiceMonitor,
          ("monitoring.coreos.com/v1", "PrometheusRule"): PrometheusRule}
OPERATIONS = ["Read", "Write", "Create", "Delete", "Alter", "Describe", "ClusterAction", "AlterConfigs",
              "DescribeConfigs", "IdempotentWrite", "All"]


def closed(required, **properties):
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def one_of(*words):
    return {"enum": list(words)}


TEXT = {"type": "string"}
ACL = closed(["resource", "operations"], type=one_of("allow", "deny"), host=TEXT,
             operations={"type": "array", "items": {"enum": OPERATIONS}, "minItems": 1},
             resource=closed(["type"], name=TEXT, patternType=one_of("literal", "prefix"),
                             type=one_of("topic", "group", "cluster", "transactionalId")))
USER = closed(["authentication", "authorization"],
              authentication=closed(["type"], type=one_of("scram-sha-512", "tls", "tls-external")),
              authorization=closed(["type", "acls"], type=one_of("simple"), acls={"type": "array", "items": ACL}))
TOPIC = closed(["partitions"], topicName=TEXT, partitions={"type": "integer", "minimum": 1},
               replicas={"type": "integer", "minimum": 1, "maximum": 32767},
               config={"type": "object", "additionalProperties": {"type": ["string", "integer", "number", "boolean"]}})
SPECS = {("kafka.strimzi.io/v1", "KafkaUser"): USER, ("kafka.strimzi.io/v1", "KafkaTopic"): TOPIC}


def differences(given, understood, path=""):
    """What a model did not take over: it knows no such field."""
    if isinstance(given, dict) and isinstance(understood, dict):
        for key, value in given.items():
            if key not in understood:
                yield f"{path}.{key}: no such field"
            else:
                yield from differences(value, understood[key], f"{path}.{key}")
    elif isinstance(given, list) and isinstance(understood, list):
        for number, (one, other) in enumerate(zip(given, understood)):
            yield from differences(one, other, f"{path}[{number}]")


def problems(thing):
    """Sentences about an object of an operator; none when it is valid."""
    kind = (thing["apiVersion"], thing["kind"])
    if kind in MODELS:
        try:
            understood = MODELS[kind].model_validate(thing).model_dump(by_alias=True, exclude_unset=True, mode="json")
        except pydantic.ValidationError as error:
            return [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        return list(differences(thing["spec"], understood.get("spec", {}), "spec"))
    if kind in SPECS:
        errors = [f"{error.json_path}: {error.message}"
                  for error in jsonschema.Draft202012Validator(SPECS[kind]).iter_errors(thing["spec"])]
        if "strimzi.io/cluster" not in thing["metadata"].get("labels", {}):
            errors.append("metadata.labels: names no cluster")
        return errors
    return [f"{kind[0]} {kind[1]} is known to no schema here"]
