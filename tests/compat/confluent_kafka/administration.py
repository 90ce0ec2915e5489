"""What confluent-kafka's admin client is told of the cluster at argv[1], as one line of JSON."""

import json
import sys

from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from confluent_kafka import ElectionType, KafkaException, TopicPartition

TOPIC, USER = sys.argv[2:]
admin = AdminClient({"bootstrap.servers": sys.argv[1]})


def result(futures):
    [future] = futures.values()
    return future.result(20)


def code(asked):
    try:
        result(asked)
    except KafkaException as error:
        return error.args[0].name()
    return "NO_ERROR"


def settings(kind, name, *names):
    found = result(admin.describe_configs([ConfigResource(kind, name)]))
    return {one: (found[one].value, found[one].source, sorted(found[one].synonyms)) for one in names}


def alter(kind, name, operation, **changes):
    entries = [
        ConfigEntry(key.replace("_", "."), value, incremental_operation=operation) for key, value in changes.items()
    ]
    return code(admin.incremental_alter_configs([ConfigResource(kind, name, incremental_configs=entries)]))


told = {}
result(admin.create_topics([NewTopic(TOPIC, 2, 1)]))
told["set"] = alter(ResourceType.BROKER, "1", AlterConfigOpType.SET, message_max_bytes="2345678")
told["broker"] = settings(ResourceType.BROKER, "1", "message.max.bytes")
told["topic"] = settings(ResourceType.TOPIC, TOPIC, "max.message.bytes")
told["deleted"] = alter(ResourceType.BROKER, "1", AlterConfigOpType.DELETE, message_max_bytes=None)
told["read only"] = alter(ResourceType.BROKER, "1", AlterConfigOpType.SET, num_partitions="3")

partitions = [TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 7)]
elected = admin.elect_leaders(ElectionType.PREFERRED, partitions).result(20)
told["elected"] = {one.partition: error and error.name() for one, error in elected.items()}

info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 6000)
told["upserted"] = code(admin.alter_user_scram_credentials([UserScramCredentialUpsertion(USER, info, b"secret")]))
described = result(admin.describe_user_scram_credentials([USER])).scram_credential_infos
told["credentials"] = [(one.mechanism.name, one.iterations) for one in described]
deletion = UserScramCredentialDeletion(USER, ScramMechanism.SCRAM_SHA_512)
told["removed"] = code(admin.alter_user_scram_credentials([deletion]))
told["removed again"] = code(admin.alter_user_scram_credentials([deletion]))

cluster = admin.describe_cluster(include_authorized_operations=True).result(20)
told["cluster"] = {
    "controller": cluster.controller.id,
    "nodes": [node.id for node in cluster.nodes],
    "operations": sorted(one.name for one in cluster.authorized_operations),
}
result(admin.delete_topics([TOPIC]))
print(json.dumps(told))
