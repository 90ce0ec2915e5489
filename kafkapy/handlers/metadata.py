"""Metadata: the brokers, and the partitions of topics with their leaders.

A topic that does not exist is made on first use, where the broker's configuration and the client allow it: always
before v4, by the client's flag since. It is complete in the same reply.
"""

from __future__ import annotations

from kafkapy.handlers.authorized_operations import NOT_ASKED, ON_CLUSTER, ON_TOPIC
from kafkapy.handlers.call import Call, serves
from kafkapy.metadata.partitions import NO_LEADER, PartitionState
from kafkapy.metadata.topic_names import check_topic_name, is_internal
from kafkapy.metadata.topics import Topic
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.metadata import (
    METADATA,
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from kafkapy.protocol.wire import ZERO_UUID

_FIRST_VERSION_WITH_FLAG = 4
_FIRST_VERSION_WITH_TOPIC_IDS = 12


@serves(METADATA)
def metadata(request: MetadataRequest, call: Call) -> MetadataResponse:
    cluster = call.node.cluster
    topics = _topics(request, call)
    if request.include_topic_authorized_operations:
        for topic in topics:
            if topic.error_code == ErrorCode.NONE:
                topic.topic_authorized_operations = ON_TOPIC
    return MetadataResponse(
        brokers=[MetadataResponseBroker(*address) for address in cluster.addresses(call.listener)],
        cluster_id=cluster.image.cluster_id,
        controller_id=call.node.config.node_id,
        topics=topics,
        cluster_authorized_operations=ON_CLUSTER if request.include_cluster_authorized_operations else NOT_ASKED,
    )


def _topics(request: MetadataRequest, call: Call) -> list[MetadataResponseTopic]:
    # Version 0 had no null: its empty list means all topics.
    if request.topics is None or (call.version == 0 and not request.topics):
        return [_describe(topic, call) for topic in call.node.cluster.image.topics()]
    answers: dict[object, MetadataResponseTopic] = {}
    missing: list[str] = []
    for topic in request.topics:
        key, answer = _answer(topic, call)
        if key in answers:
            continue
        answers[key] = answer
        if answer.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION and topic.name:
            missing.append(topic.name)
    allowed = request.allow_auto_topic_creation or call.version < _FIRST_VERSION_WITH_FLAG
    if missing and allowed and call.node.config.auto_create_topics_enable:
        _create(missing, answers, call)
    return list(answers.values())


def _answer(topic: MetadataRequestTopic, call: Call) -> tuple[object, MetadataResponseTopic]:
    image = call.node.cluster.image
    if topic.name is None or topic.topic_id != ZERO_UUID:
        if call.version < _FIRST_VERSION_WITH_TOPIC_IDS:
            # Versions 10 and 11 have a field for the id and no meaning for it.
            return topic.topic_id, _refused(topic.name or "", ErrorCode.INVALID_REQUEST, topic, call)
        found = image.topic_by_id(topic.topic_id)
        if found is None:
            return topic.topic_id, _refused(None, ErrorCode.UNKNOWN_TOPIC_ID, topic, call)
        return topic.topic_id, _describe(found, call)
    found = image.topic(topic.name)
    if found is not None:
        return topic.name, _describe(found, call)
    try:
        check_topic_name(topic.name)
    except KafkaError as error:
        return topic.name, _refused(topic.name, error.code, topic, call)
    return topic.name, _refused(topic.name, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, topic, call)


def _create(names: list[str], answers: dict[object, MetadataResponseTopic], call: Call) -> None:
    cluster = call.node.cluster
    refused = cluster.create_on_first_use(names)
    for name in names:
        topic = cluster.image.topic(name)
        if topic is not None:
            answers[name] = _describe(topic, call)
        elif name in refused:
            answers[name].error_code = refused[name].code


def _refused(name: str | None, code: ErrorCode, topic: MetadataRequestTopic, call: Call) -> MetadataResponseTopic:
    internal = name is not None and is_internal(name)
    return MetadataResponseTopic(error_code=code, name=name, topic_id=topic.topic_id, is_internal=internal)


def _describe(topic: Topic, call: Call) -> MetadataResponseTopic:
    return MetadataResponseTopic(
        name=topic.name,
        topic_id=topic.topic_id,
        is_internal=is_internal(topic.name),
        partitions=[_describe_partition(partition, call) for partition in topic.partitions],
    )


def _describe_partition(partition: PartitionState, call: Call) -> MetadataResponsePartition:
    image = call.node.cluster.image
    return MetadataResponsePartition(
        error_code=ErrorCode.LEADER_NOT_AVAILABLE if partition.leader == NO_LEADER else ErrorCode.NONE,
        partition_index=partition.partition,
        leader_id=partition.leader,
        leader_epoch=partition.leader_epoch,
        replica_nodes=list(partition.replicas),
        isr_nodes=list(partition.isr),
        offline_replicas=[replica for replica in partition.replicas if not image.is_online(partition, replica)],
    )
