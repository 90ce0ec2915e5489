"""ListPartitionReassignments (key 46): which partitions are on their way to other replicas (KIP-455)."""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, String, message, wire


@message()
class ListPartitionReassignmentsTopics:
    name: str = wire(String)
    partition_indexes: list[int] = wire(Array(Int32))


@message(versions="0", flexible="0+")
class ListPartitionReassignmentsRequest:
    timeout_ms: int = wire(Int32, default=60_000)
    topics: list[ListPartitionReassignmentsTopics] | None = wire(
        Array(ListPartitionReassignmentsTopics), nullable="0+", default=None
    )  # null: all


@message()
class OngoingPartitionReassignment:
    """`replicas` are all of them: those that come, those that go, and those that stay."""

    partition_index: int = wire(Int32)
    replicas: list[int] = wire(Array(Int32))
    adding_replicas: list[int] = wire(Array(Int32))
    removing_replicas: list[int] = wire(Array(Int32))


@message()
class OngoingTopicReassignment:
    name: str = wire(String)
    partitions: list[OngoingPartitionReassignment] = wire(Array(OngoingPartitionReassignment))


@message(versions="0", flexible="0+")
class ListPartitionReassignmentsResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")
    topics: list[OngoingTopicReassignment] = wire(Array(OngoingTopicReassignment))


LIST_PARTITION_REASSIGNMENTS = Api(46, ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse)
