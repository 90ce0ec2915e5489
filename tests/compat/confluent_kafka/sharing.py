"""What two members of a share group (KIP-932) of confluent-kafka read at the broker of argv[1], as one line of JSON.

argv[2] is a topic that is there, argv[3] the group. Members accept records, but release those whose value begins with
"release" the first time that they come, and reject those that say "reject".
"""

import json
import sys

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from confluent_kafka import AcknowledgeType, Producer, ShareConsumer

BOOTSTRAP, TOPIC, GROUP = sys.argv[1:]


def start_at_earliest():
    setting = ConfigEntry("share.auto.offset.reset", "earliest", incremental_operation=AlterConfigOpType.SET)
    admin = AdminClient({"bootstrap.servers": BOOTSTRAP})
    [altered] = admin.incremental_alter_configs(
        [ConfigResource(ResourceType.GROUP, GROUP, incremental_configs=[setting])]
    ).values()
    altered.result(30)


def produce(*values):
    producer = Producer({"bootstrap.servers": BOOTSTRAP})
    for value in values:
        producer.produce(TOPIC, value, partition=0)
        producer.flush(30)


def member():
    opened = ShareConsumer(
        {"bootstrap.servers": BOOTSTRAP, "group.id": GROUP, "share.acknowledgement.mode": "explicit"}
    )
    opened.subscribe([TOPIC])
    return opened


def verdict(message):
    if message.value().startswith(b"release") and message.delivery_count() == 1:
        return AcknowledgeType.RELEASE
    return AcknowledgeType.REJECT if message.value().startswith(b"reject") else AcknowledgeType.ACCEPT


def read(count, *members):
    """The values of the first `count` records that members got, each with how often it was delivered."""
    values = []
    while len(values) < count:
        for one in members:
            messages = [message for message in one.poll(0.1) if message.error() is None]
            for message in messages:
                one.acknowledge(message, verdict(message))
                values.append([message.value().decode(), message.delivery_count()])
            if messages:
                assert not any(one.commit_sync(30).values())
    return sorted(values)


start_at_earliest()
produce("a", "release b", "reject c")
first = member()
told = {"alone": read(4, first)}
second = member()
produce(*map(str, range(20)))
told["together"] = read(20, first, second)
first.close()
produce("last")
told["left"] = read(1, second)
second.close()
print(json.dumps(told))
