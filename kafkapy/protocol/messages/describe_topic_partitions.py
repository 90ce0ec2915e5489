"""DescribeTopicPartitions (key 75): topics and their partitions, page by page (KIP-966).

Flexible from the start. What Metadata tells, and the eligible leader replicas.
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int16, Int32, String, Uuid, message, wire


@message()
class TopicRequest:
    name: str = wire(String)


@message()
class Cursor:
    """Where the next page begins."""

    topic_name: str = wire(String)
    partition_index: int = wire(Int32)


@message(versions="0", flexible="0+")
class DescribeTopicPartitionsRequest:
    topics: list[TopicRequest] = wire(Array(TopicRequest))
    response_partition_limit: int = wire(Int32, default=2000)
    cursor: Cursor | None = wire(Cursor, nullable="0+", default=None)


@message()
class DescribeTopicPartitionsResponsePartition:
    """A partition; lists that are null were not known."""

    error_code: int = wire(Int16)
    partition_index: int = wire(Int32)
    leader_id: int = wire(Int32)
    leader_epoch: int = wire(Int32, default=-1)
    replica_nodes: list[int] = wire(Array(Int32))
    isr_nodes: list[int] = wire(Array(Int32))
    eligible_leader_replicas: list[int] | None = wire(Array(Int32), nullable="0+", default=None)
    last_known_elr: list[int] | None = wire(Array(Int32), nullable="0+", default=None)
    offline_replicas: list[int] = wire(Array(Int32))


@message()
class DescribeTopicPartitionsResponseTopic:
    error_code: int = wire(Int16)
    name: str | None = wire(String, nullable="0+")
    topic_id: UUID = wire(Uuid)
    is_internal: bool = wire(Boolean)
    partitions: list[DescribeTopicPartitionsResponsePartition] = wire(Array(DescribeTopicPartitionsResponsePartition))
    # a bit for each operation; the least int32: none known
    topic_authorized_operations: int = wire(Int32, default=-2147483648)


@message(versions="0", flexible="0+")
class DescribeTopicPartitionsResponse:
    throttle_time_ms: int = wire(Int32)
    topics: list[DescribeTopicPartitionsResponseTopic] = wire(Array(DescribeTopicPartitionsResponseTopic))
    next_cursor: Cursor | None = wire(Cursor, nullable="0+", default=None)  # null: this was the last page


DESCRIBE_TOPIC_PARTITIONS = Api(75, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse)
