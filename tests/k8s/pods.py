#!/usr/bin/env python3
"""Translates a rendered overlay into what `podman kube play` can run on one machine.

    pods.py RENDERED[:RENDERED...] FOLDER --connection RENDERED [--env NAME=VALUE]... [--port POD=PORT]...
        [--arg STEP=WORD]...

A StatefulSet becomes a Pod for each ordinal that has a port, FOLDER/<name>-<ordinal>.yaml; each container of a
Job a Pod of its own, to be run in order, FOLDER/<job>.<number>-<container>.yaml. Of ConfigMaps and Secrets of
one name the last one counts; `connection` is that of the overlay named by --connection, changed by --env.
What of a pod podman does not know, or one machine does not have, is taken out or written differently, and
nothing else:

 * Secrets are written as ConfigMaps, which podman mounts;
 * pods share the machine's network, since Kafka and PostgreSQL listen there, so each gets a port of its own
   for HTTP (--port); the host name stays the pod's, which tells the ordinal;
 * probes are left out: podman would run them as commands inside, and there are none. The caller asks;
 * what a scheduler or a cluster's security needs: topology spread, service accounts, fsGroup.

Users, capabilities, read-only root file systems, limits, ConfigMaps and volumes stay as they are.
SPDX-License-Identifier: Apache-2.0
"""
import argparse
import copy
import os

import yaml

CLUSTER_ALONE = ("topologySpreadConstraints", "serviceAccountName", "automountServiceAccountToken", "enableServiceLinks")


def pairs(words):
    return dict(word.split("=", 1) for word in words)


class Translator:
    def __init__(self, documents, connection, env, ports, arguments):
        self.ports, self.arguments = ports, arguments
        self.documents = documents
        self.maps = {}
        for thing in documents:
            if thing["kind"] == "ConfigMap":
                self.maps[thing["metadata"]["name"]] = thing["data"]
            elif thing["kind"] == "Secret":
                self.maps[thing["metadata"]["name"]] = thing.get("stringData") or decoded(thing["data"])
        self.maps["connection"] = {**connection, **env}

    def config_map(self, name, pod):
        """The map with this machine's addresses: podman lets envFrom win over env, so they are set here."""
        data = dict(self.maps[name])
        if name == "connection" and pod in self.ports:
            data["MILLRACE_HTTP_PORT"] = self.ports[pod]
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}

    def volumes(self, spec, pod):
        """The volumes podman can have by their names in the pod, and the ConfigMaps behind them."""
        kept, maps = {}, []
        for volume in spec.get("volumes", []):
            if "secret" in volume:
                name = volume["secret"]["secretName"]
                if name not in self.maps and volume["secret"].get("optional"):
                    continue
                volume = {"name": volume["name"], "configMap": {"name": name}}
            if "configMap" in volume:
                maps.append(volume["configMap"]["name"])
            kept[volume["name"]] = volume
            if "emptyDir" in volume:  # podman would give one to all pods that use the name
                kept[volume["name"]] = {"name": f"{pod}-{volume['name']}", "emptyDir": {}}
        return kept, maps

    def container(self, container, kept, pod):
        """The container as podman takes it, and the ConfigMaps it reads its environment from."""
        container = copy.deepcopy(container)
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            container.pop(probe, None)
        container["volumeMounts"] = [{**mount, "name": kept[mount["name"]]["name"]}
                                     for mount in container.get("volumeMounts", []) if mount["name"] in kept]
        if pod in self.ports:
            container["ports"] = []
        if container["name"] in self.arguments:
            container["args"] += self.arguments[container["name"]].split()
        container["image"] = "localhost/" + container["image"]
        return container, [source["configMapRef"]["name"] for source in container.get("envFrom", [])]

    def pod(self, name, template, containers, restart):
        spec = {key: value for key, value in template["spec"].items() if key not in CLUSTER_ALONE}
        spec.pop("initContainers", None)
        spec["securityContext"] = {k: v for k, v in spec["securityContext"].items() if not k.startswith("fsGroup")}
        volumes, maps = self.volumes(spec, name)
        spec["containers"] = []
        for container in containers:
            translated, wanted = self.container(container, volumes, name)
            spec["containers"].append(translated)
            maps += wanted
        used = {mount["name"] for c in spec["containers"] for mount in c["volumeMounts"]}
        spec["volumes"] = [volume for volume in volumes.values() if volume["name"] in used]
        spec["hostNetwork"] = True
        spec["restartPolicy"] = restart
        pod = {"apiVersion": "v1", "kind": "Pod", "spec": spec,
               "metadata": {"name": name, "labels": template["metadata"]["labels"]}}
        return [self.config_map(wanted, name) for wanted in dict.fromkeys(maps)] + [pod]

    def files(self):
        """(file name, documents) of every pod."""
        for thing in self.documents:
            name = thing["metadata"]["name"]
            if thing["kind"] == "StatefulSet":
                template = thing["spec"]["template"]
                for pod in self.ports:
                    if pod.rpartition("-")[0] == name:
                        yield pod, self.pod(pod, template, template["spec"]["containers"], "Always")
            elif thing["kind"] == "Job":
                template = thing["spec"]["template"]
                steps = template["spec"].get("initContainers", []) + template["spec"]["containers"]
                for number, step in enumerate(steps, 1):
                    pod_name = f"{name}-{number}-{step['name']}"
                    yield f"{name}.{number}-{step['name']}", self.pod(pod_name, template, [step], "Never")


def load(path):
    with open(path, encoding="utf-8") as file:
        return [document for document in yaml.safe_load_all(file) if document]


def decoded(data):
    import base64
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rendered")
    parser.add_argument("folder")
    for option in ("--env", "--port", "--arg"):
        parser.add_argument(option, action="append", default=[])
    parser.add_argument("--connection", required=True)
    options = parser.parse_args()
    documents = [document for path in options.rendered.split(":") for document in load(path)]
    # Its name ends in a digest of the content.
    connection = next(d["data"] for d in load(options.connection)
                      if d["kind"] == "ConfigMap" and d["metadata"]["name"].startswith("connection"))
    translator = Translator(documents, connection, pairs(options.env), pairs(options.port), pairs(options.arg))
    os.makedirs(options.folder, exist_ok=True)
    for name, things in translator.files():
        with open(os.path.join(options.folder, name + ".yaml"), "w", encoding="utf-8") as file:
            yaml.safe_dump_all(things, file, sort_keys=False)


if __name__ == "__main__":
    main()
