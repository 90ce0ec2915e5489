"""DescribeTopicPartitions: partitions of topics, a page at a time (KIP-966).

Topics come in order of their names. A page ends after `response_partition_limit` partitions, or the broker's own limit
if that is lower; the cursor in the reply says where the next page starts.
"""

from __future__ import annotations

from kafkapy.handlers.authorized_operations import ON_TOPIC
from kafkapy.handlers.call import Call, serves
from kafkapy.metadata.partitions import NO_LEADER, PartitionState
from kafkapy.metadata.topic_names import check_topic_name, is_internal
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.describe_topic_partitions import (
    DESCRIBE_TOPIC_PARTITIONS,
    Cursor,
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
)


@serves(DESCRIBE_TOPIC_PARTITIONS)
def describe_topic_partitions(request: DescribeTopicPartitionsRequest, call: Call) -> DescribeTopicPartitionsResponse:
    image = call.node.cluster.image
    cursor = request.cursor
    asked = {topic.name for topic in request.topics}
    if cursor is not None and (cursor.partition_index < 0 or (asked and cursor.topic_name not in asked)):
        return DescribeTopicPartitionsResponse(
            topics=[DescribeTopicPartitionsResponseTopic(ErrorCode.INVALID_REQUEST, name) for name in sorted(asked)]
        )
    names = sorted(asked or {topic.name for topic in image.topics()})
    if cursor is not None:
        names = [name for name in names if name >= cursor.topic_name]
    room = max(1, min(request.response_partition_limit, call.node.config.max_request_partition_size_limit))
    response = DescribeTopicPartitionsResponse()
    for name in names:
        first = cursor.partition_index if cursor is not None and cursor.topic_name == name else 0
        if room == 0:
            response.next_cursor = Cursor(name, first)
            break
        answer = _describe(name, first, room, call)
        response.topics.append(answer)
        room -= len(answer.partitions)
        found = image.topic(name)
        end = first + len(answer.partitions)
        if found is not None and end < len(found.partitions):
            response.next_cursor = Cursor(name, end)
            break
    return response


def _describe(name: str, first: int, room: int, call: Call) -> DescribeTopicPartitionsResponseTopic:
    topic = call.node.cluster.image.topic(name)
    if topic is None:
        return DescribeTopicPartitionsResponseTopic(
            _why_missing(name),
            name,
            is_internal=is_internal(name),
            topic_authorized_operations=ON_TOPIC,
        )
    return DescribeTopicPartitionsResponseTopic(
        name=name,
        topic_id=topic.topic_id,
        is_internal=is_internal(name),
        partitions=[_describe_partition(state, call) for state in topic.partitions[first : first + room]],
        topic_authorized_operations=ON_TOPIC,
    )


def _why_missing(name: str) -> ErrorCode:
    try:
        check_topic_name(name)
    except KafkaError as error:
        return error.code
    return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def _describe_partition(partition: PartitionState, call: Call) -> DescribeTopicPartitionsResponsePartition:
    image = call.node.cluster.image
    return DescribeTopicPartitionsResponsePartition(
        error_code=ErrorCode.LEADER_NOT_AVAILABLE if partition.leader == NO_LEADER else ErrorCode.NONE,
        partition_index=partition.partition,
        leader_id=partition.leader,
        leader_epoch=partition.leader_epoch,
        replica_nodes=list(partition.replicas),
        isr_nodes=list(partition.isr),
        eligible_leader_replicas=list(partition.elr),
        last_known_elr=list(partition.last_known_elr),
        offline_replicas=[replica for replica in partition.replicas if not image.is_online(partition, replica)],
    )
