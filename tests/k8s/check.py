#!/usr/bin/env python3
"""Checks rendered manifests: check.py FILE... (each a rendered overlay).

Objects of Kubernetes itself are validated against the schemas that kubernetes-validate carries, strictly;
those of operators (KEDA, Prometheus, Strimzi) against those of operators.py. Then come the
rules of the house, for every pod there is. With --table it prints the hardening of each pod instead.
SPDX-License-Identifier: Apache-2.0
"""
import sys

import kubernetes_validate
import operators
import yaml

VERSION = "1.33"
SERVICES = ("ingestion", "cleaning", "features", "training", "scoring", "monitoring")
RECOMMENDED = ("name", "version", "component", "part-of", "managed-by")
VOLUMES = {"configMap", "secret", "emptyDir", "projected", "persistentVolumeClaim"}
# The image of Kafka's project writes its configuration into its root file system when it starts.
WRITES_ROOT = {"kafka"}


def load(path):
    with open(path, encoding="utf-8") as file:
        return [document for document in yaml.safe_load_all(file) if document]


def name_of(thing):
    return f"{thing['kind']}/{thing['metadata']['name']}"


def pods(documents):
    """Every (object, pod template) of the documents."""
    for thing in documents:
        if thing["kind"] in ("StatefulSet", "Job", "Deployment"):
            yield thing, thing["spec"]["template"]
        elif thing["kind"] == "CronJob":
            yield thing, thing["spec"]["jobTemplate"]["spec"]["template"]


def containers(template):
    return template["spec"].get("initContainers", []) + template["spec"]["containers"]


class Checker:
    def __init__(self, path):
        self.path = path
        self.documents = load(path)
        self.problems = []
        self.validated = self.foreign = 0

    def require(self, good, where, sentence):
        if not good:
            self.problems.append(f"{self.path}: {where}: {sentence}")

    def names(self, kind):
        return {d["metadata"]["name"] for d in self.documents if d["kind"] == kind}

    def check_schemas(self):
        for thing in self.documents:
            if thing["apiVersion"].startswith(operators.GROUPS):
                for sentence in operators.problems(thing):
                    self.require(False, name_of(thing), sentence)
                self.foreign += 1
                continue
            try:
                kubernetes_validate.validate(thing, VERSION, strict=True)
                self.validated += 1
            except kubernetes_validate.ValidationError as error:
                self.require(False, name_of(thing), f"{'.'.join(map(str, error.path))}: {error.message}")

    def check_pod(self, thing, template):
        where, spec = name_of(thing), template["spec"]
        security = spec.get("securityContext", {})
        self.require(spec.get("automountServiceAccountToken") is False, where, "mounts a token")
        self.require(spec.get("enableServiceLinks") is False, where, "gets service links, which services refuse")
        self.require(security.get("runAsNonRoot") is True and security.get("runAsUser", 0) > 0, where, "may run as root")
        self.require(security.get("seccompProfile") == {"type": "RuntimeDefault"}, where, "has no seccomp profile")
        self.require(spec.get("serviceAccountName") == thing["metadata"]["name"], where, "has no account of its own")
        self.require(spec.get("serviceAccountName") in self.names("ServiceAccount"), where, "its account is missing")
        for forbidden in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"):
            self.require(not spec.get(forbidden), where, f"asks for {forbidden}")
        for volume in spec.get("volumes", []):
            kinds = set(volume) - {"name"}
            self.require(kinds <= VOLUMES, where, f"volume {volume['name']} is a {kinds}")
            if "emptyDir" in kinds:
                self.require("sizeLimit" in volume["emptyDir"], where, f"volume {volume['name']} has no limit")
        for container in containers(template):
            self.check_container(f"{where}/{container['name']}", container)
        labels = template["metadata"]["labels"]
        for word in RECOMMENDED:
            self.require(f"app.kubernetes.io/{word}" in labels or thing["metadata"]["name"] in ("kafka", "postgresql"),
                         where, f"lacks the label app.kubernetes.io/{word}")

    def check_container(self, where, container):
        security = container.get("securityContext", {})
        self.require(security.get("allowPrivilegeEscalation") is False, where, "may gain privileges")
        self.require(security.get("capabilities") == {"drop": ["ALL"]}, where, "keeps capabilities")
        self.require(not security.get("privileged"), where, "is privileged")
        self.require(security.get("readOnlyRootFilesystem") is True or container["name"] in WRITES_ROOT,
                     where, "may write its root file system")
        resources = container.get("resources", {})
        for kind in ("requests", "limits"):
            self.require({"cpu", "memory"} <= set(resources.get(kind, {})), where, f"lacks {kind}")
        tag = container["image"].rpartition(":")[2]
        self.require(tag not in ("", "latest") and "/" not in tag, where, f"image {container['image']} has no version")

    def check_references(self, thing, template):
        where, spec = name_of(thing), template["spec"]
        generated = self.names("ConfigMap")
        secrets = self.names("Secret")
        for container in containers(template):
            for source in container.get("envFrom", []):
                self.require(source["configMapRef"]["name"] in generated or self.partial, where,
                             f"ConfigMap {source['configMapRef']['name']} is missing")
        for volume in spec.get("volumes", []):
            if "configMap" in volume:
                self.require(volume["configMap"]["name"] in generated, where, f"ConfigMap of {volume['name']} is missing")
            if "secret" in volume and secrets and not volume["secret"].get("optional"):
                self.require(volume["secret"]["secretName"] in secrets, where,
                             f"Secret {volume['secret']['secretName']} is missing")
        if thing["kind"] == "StatefulSet":
            self.require(thing["spec"]["serviceName"] in self.names("Service"), where, "its Service is missing")

    def check_service(self, thing, template):
        where, spec = name_of(thing), template["spec"]
        service = template["metadata"]["labels"]["app.kubernetes.io/name"]
        if service not in SERVICES:
            return
        container = spec["containers"][0]
        for probe, path in (("livenessProbe", "/livez"), ("readinessProbe", "/readyz"), ("startupProbe", "/startupz")):
            self.require(container.get(probe, {}).get("httpGet", {}).get("path") == path, where, f"lacks {probe}")
        self.require(spec.get("terminationGracePeriodSeconds", 0) >= 45, where, "has less than 45 s to stop")
        self.require(len(spec.get("topologySpreadConstraints", [])) == 2, where, "is not spread")
        self.require(thing["metadata"]["name"] in self.names("PodDisruptionBudget"), where, "has no disruption budget")
        # The ordinal must be told by the pod's name alone.
        self.require("MILLRACE_INSTANCE" not in str(container.get("env")), where, "its ordinal is fixed")
        # Services and their selectors meet: whoever selects must select these pods and no others.
        chosen = thing["spec"]["selector"]["matchLabels"]
        self.require(chosen.items() <= template["metadata"]["labels"].items(), where, "does not select its pods")
        self.require({"app.kubernetes.io/name", "app.kubernetes.io/instance"} <= set(chosen), where,
                     "selects pods of other lanes")

    def check_network(self):
        policies = [d for d in self.documents if d["kind"] == "NetworkPolicy"]
        deny = [p for p in policies if p["spec"]["podSelector"] == {} and not p["spec"].get("ingress")
                and not p["spec"].get("egress") and set(p["spec"]["policyTypes"]) == {"Ingress", "Egress"}]
        self.require(len(deny) == 1, "NetworkPolicy", "nothing is denied by default")

    def check_namespace(self):
        for thing in self.documents:
            if thing["kind"] == "Namespace":
                self.require(thing["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") == "restricted",
                             name_of(thing), "does not enforce restricted pods")
            elif thing["kind"] == "ServiceAccount":
                self.require(thing.get("automountServiceAccountToken") is False, name_of(thing), "gives tokens")
            if thing["kind"] != "Namespace":
                self.require(thing["metadata"].get("namespace") == "millrace", name_of(thing), "is in no namespace")

    def run(self):
        # The demo and a second lane are laid beside an overlay that has the rest.
        self.partial = not self.names("Namespace")
        self.check_schemas()
        for thing, template in pods(self.documents):
            self.check_pod(thing, template)
            self.check_references(thing, template)
            if thing["kind"] == "StatefulSet":
                self.check_service(thing, template)
        self.check_namespace()
        if not self.partial:
            self.check_network()
        return self.problems


def print_table(documents):
    print("| pod | user | root file system | capabilities | seccomp | privilege escalation | token | account | writable |")
    print("|---|---|---|---|---|---|---|---|---|")
    for thing, template in pods(documents):
        spec = template["spec"]
        security = [c["securityContext"] for c in containers(template)]
        writable = ", ".join(f"{v['name']} ({v['emptyDir']['sizeLimit']})" for v in spec.get("volumes", []) if "emptyDir" in v)
        claims = ", ".join(f"{c['metadata']['name']} (disk)" for c in thing["spec"].get("volumeClaimTemplates", []))
        print("| {} | {} | {} | {} | {} | {} | {} | {} | {} |".format(
            thing["metadata"]["name"], spec["securityContext"]["runAsUser"],
            "read-only" if all(s.get("readOnlyRootFilesystem") for s in security) else "writable",
            "none" if all(s["capabilities"] == {"drop": ["ALL"]} for s in security) else "some",
            spec["securityContext"]["seccompProfile"]["type"],
            "no" if all(s["allowPrivilegeEscalation"] is False for s in security) else "yes",
            "no" if spec["automountServiceAccountToken"] is False else "yes",
            spec["serviceAccountName"], ", ".join(filter(None, [writable, claims])) or "-"))


def main():
    if sys.argv[1:2] == ["--table"]:
        print_table([d for path in sys.argv[2:] for d in load(path)])
        return 0
    problems = []
    for path in sys.argv[1:]:
        checker = Checker(path)
        problems += checker.run()
        print(f"{path}: {checker.validated} objects are valid for Kubernetes {VERSION}, "
              f"{checker.foreign} for operators", file=sys.stderr)
    print("\n".join(problems), end="\n" if problems else "", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
