#!/usr/bin/env python3
"""The rights of Kafka's users, as the component `strimzi` writes them down.

    acls.py grant OBJECTS    makes each KafkaUser a SCRAM user with its ACLs, as Strimzi's operator would
    acls.py probe OBJECTS    tries, as each user, everything that its ACLs do not name; all must be refused
    acls.py users OBJECTS    sets the users' passwords again
    acls.py topics OBJECTS   compares each KafkaTopic with the topic that the command made

From the environment come BOOTSTRAP, CA (a file), ADMIN_PASSWORD and USERS, a file with a user and a password
a line. What the ACLs do name is shown by the services, which work with them. SPDX-License-Identifier: Apache-2.0
"""
import logging
import os
import sys
import time

import yaml
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (AclBinding, AclOperation, AclPermissionType, AdminClient, AlterConfigOpType,
                                   ConfigEntry, ConfigResource, NewTopic, ResourcePatternType, ResourceType, ScramCredentialInfo,
                                   ScramMechanism, UserScramCredentialUpsertion)

TYPES = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP, "transactionalId": ResourceType.TRANSACTIONAL_ID}
REFUSALS = {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED,
            KafkaError.CLUSTER_AUTHORIZATION_FAILED, KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED}
STREAMS = ("ingestion", "cleaning", "features", "scoring")
WAIT_S = 60
SILENT = logging.Logger("silent")  # a refusal is fatal to a producer, which says so
SILENT.addHandler(logging.NullHandler())


def client(user, password, **more):
    return {"bootstrap.servers": os.environ["BOOTSTRAP"], "security.protocol": "sasl_ssl",
            "ssl.ca.location": os.environ["CA"], "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": user, "sasl.password": password,
            "log_level": 0, **more}


def passwords():
    with open(os.environ["USERS"], encoding="utf-8") as file:
        return dict(line.split() for line in file)


def admin():
    return AdminClient(client("admin", os.environ["ADMIN_PASSWORD"]))


def done(futures):
    for future in futures.values():
        future.result(WAIT_S)


def objects(path, kind):
    with open(path, encoding="utf-8") as file:
        return [d for d in yaml.safe_load_all(file) if d and d["kind"] == kind]


def acls_of(user):
    """(type, name, is a prefix, operation) of each right."""
    for acl in user["spec"]["authorization"]["acls"]:
        resource = acl["resource"]
        for operation in acl["operations"]:
            yield resource["type"], resource["name"], resource["patternType"] == "prefix", operation


def set_passwords(path):
    known = passwords()
    master = admin()
    credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 8192)
    names = [user["metadata"]["name"] for user in objects(path, "KafkaUser")]
    done(master.alter_user_scram_credentials(
        [UserScramCredentialUpsertion(name, credential, known[name].encode()) for name in names]))
    return []


def grant(path):
    users = objects(path, "KafkaUser")
    set_passwords(path)
    master = admin()
    bindings = {AclBinding(TYPES[kind], name, ResourcePatternType.PREFIXED if prefix else ResourcePatternType.LITERAL,
                           "User:" + user["metadata"]["name"], "*", AclOperation[operation.upper()],
                           AclPermissionType.ALLOW)
                for user in users for kind, name, prefix, operation in acls_of(user)}
    done(master.create_acls(list(bindings)))
    print(f"{len(users)} users, {len(bindings)} rights", file=sys.stderr)
    return []


class Prober:
    """What one user can do that it should not."""

    def __init__(self, user, topics):
        self.name = user["metadata"]["name"]
        self.password = passwords()[self.name]
        self.rights = list(acls_of(user))
        self.topics = topics
        self.found, self.tried = [], 0

    def may(self, kind, name, operation):
        return any(k == kind and o == operation and (name.startswith(n) if prefix else name == n)
                   for k, n, prefix, o in self.rights)

    def settings(self, **more):
        return client(self.name, self.password, **more)

    def expect_refusal(self, what, attempt):
        self.tried += 1
        try:
            attempt()
        except KafkaException as error:
            if error.args[0].code() in REFUSALS:
                return
            self.found.append(f"{self.name}: {what}: not refused but {error.args[0].str()}")
            return
        self.found.append(f"{self.name}: {what}: done")

    def writes(self):
        producer = Producer(self.settings(**{"message.timeout.ms": WAIT_S * 1000}))
        codes = {}
        forbidden = [topic for topic in self.topics if not self.may("topic", topic, "Write")]
        for topic in forbidden:
            producer.produce(topic, b"intruder", on_delivery=lambda error, _, topic=topic: codes.update({topic: error}))
        producer.flush(WAIT_S)
        for topic in forbidden:
            self.tried += 1
            error = codes.get(topic)
            if error is None or error.code() not in REFUSALS:
                self.found.append(f"{self.name}: write to {topic}: {error}")

    def reads(self):
        """Who may not even see a topic cannot read it; who may see it is refused as it reads."""
        mine = AdminClient(self.settings())
        consumer = Consumer(self.settings(**{"group.id": "nobody", "auto.offset.reset": "earliest"}))
        forbidden = [topic for topic in self.topics if not self.may("topic", topic, "Read")]
        seen = {topic for topic in forbidden if self.may("topic", topic, "Write")}
        for topic in forbidden:
            if topic not in seen:
                self.expect_refusal(f"a look at {topic}", lambda: done(mine.describe_topics(TopicCollection([topic]))))
        consumer.assign([TopicPartition(topic, 0, 0) for topic in seen])
        self.tried += len(seen)
        until = time.monotonic() + WAIT_S
        while seen and time.monotonic() < until:
            message = consumer.poll(1.0)
            if message is not None and message.error() is None:
                break
            if message is not None and message.topic() and message.error().code() in REFUSALS:
                seen.discard(message.topic())
        self.found += [f"{self.name}: read of {topic}: not refused" for topic in seen]
        consumer.close()

    def groups(self):
        for group in [f"millrace.main.{s}{end}" for s in STREAMS for end in ("", ".sink")]:
            if self.may("group", group, "Read"):
                continue
            self.tried += 1
            consumer = Consumer(self.settings(**{"group.id": group}))
            consumer.subscribe(["millrace.pipelines"])
            message, until = None, time.monotonic() + WAIT_S
            while message is None and time.monotonic() < until:
                message = consumer.poll(1.0)
            if message is None or message.error() is None or message.error().code() not in REFUSALS:
                self.found.append(f"{self.name}: joining {group}: not refused")
            consumer.close()

    def transactions(self):
        for service in STREAMS:
            identity = f"millrace.main.{service}.0"
            if not self.may("transactionalId", identity, "Write"):
                producer = Producer(self.settings(**{"transactional.id": identity}), logger=SILENT)
                self.expect_refusal(f"transactions of {identity}", lambda: producer.init_transactions(WAIT_S))

    def administration(self):
        mine = AdminClient(self.settings())
        if not self.may("topic", "millrace.intruder.raw", "Create"):
            self.expect_refusal("make a topic", lambda: done(mine.create_topics([NewTopic("millrace.intruder.raw", 1, 1)])))
        self.expect_refusal("make a topic of another name", lambda: done(mine.create_topics([NewTopic("intruder", 1, 1)])))
        self.expect_refusal("remove a topic", lambda: done(mine.delete_topics(["millrace.loan.dead"])))
        entry = ConfigEntry("retention.ms", "1", incremental_operation=AlterConfigOpType.SET)
        change = ConfigResource(ConfigResource.Type.TOPIC, "millrace.loan.dead", incremental_configs=[entry])
        self.expect_refusal("change a topic", lambda: done(mine.incremental_alter_configs([change])))
        everything = AclBinding(ResourceType.TOPIC, "*", ResourcePatternType.LITERAL, "User:" + self.name, "*",
                                AclOperation.ALL, AclPermissionType.ALLOW)
        self.expect_refusal("give rights", lambda: done(mine.create_acls([everything])))

    def run(self):
        self.writes()
        self.reads()
        self.groups()
        self.transactions()
        self.administration()
        return self.found


def probe(path):
    topics = [t["metadata"]["name"] for t in objects(path, "KafkaTopic")]
    found, tried = [], 0
    for user in objects(path, "KafkaUser"):
        prober = Prober(user, topics)
        found += prober.run()
        tried += prober.tried
        print(f"  {prober.name}: {prober.tried} attempts", file=sys.stderr)
    print(f"{tried} attempts outside of the lists, {len(found)} not refused", file=sys.stderr)
    return found


def compare(path):
    wanted = {t["metadata"]["name"]: t["spec"] for t in objects(path, "KafkaTopic")}
    master = admin()
    known = {name: len(topic.partitions) for name, topic in master.list_topics(timeout=WAIT_S).topics.items()
             if not name.startswith("__")}
    found = [f"{name}: described, but not made" for name in wanted.keys() - known.keys()]
    found += [f"{name}: made, but not described" for name in known.keys() - wanted.keys()]
    both = sorted(wanted.keys() & known.keys())
    answers = master.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, name) for name in both])
    configs = {resource.name: future.result(WAIT_S) for resource, future in answers.items()}
    for name in both:
        if wanted[name]["partitions"] != known[name]:
            found.append(f"{name}: {known[name]} partitions, not {wanted[name]['partitions']}")
        # What was set on the topic itself, by either side.
        own = {entry.name: entry.value for entry in configs[name].values() if entry.source == 1}
        described = {key: str(value) for key, value in wanted[name]["config"].items()}
        if own != described:
            found.append(f"{name}: {own}, not {described}")
    return found


def main():
    what, path = sys.argv[1:]
    found = {"users": set_passwords, "grant": grant, "probe": probe, "topics": compare}[what](path)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
