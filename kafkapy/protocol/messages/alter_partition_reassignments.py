"""AlterPartitionReassignments (key 45): partitions get other replicas, or keep those they have (KIP-455).

v1 whether the number of replicas may change (KIP-860).
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int16, Int32, String, message, wire


@message()
class ReassignablePartition:
    """A partition and its replicas to be; null ends a reassignment that is under way."""

    partition_index: int = wire(Int32)
    replicas: list[int] | None = wire(Array(Int32), nullable="0+", default=None)


@message()
class ReassignableTopic:
    name: str = wire(String)
    partitions: list[ReassignablePartition] = wire(Array(ReassignablePartition))


@message(versions="0-1", flexible="0+")
class AlterPartitionReassignmentsRequest:
    timeout_ms: int = wire(Int32, default=60_000)
    allow_replication_factor_change: bool = wire(Boolean, "1+", default=True)
    topics: list[ReassignableTopic] = wire(Array(ReassignableTopic))


@message()
class ReassignablePartitionResponse:
    partition_index: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")


@message()
class ReassignableTopicResponse:
    name: str = wire(String)
    partitions: list[ReassignablePartitionResponse] = wire(Array(ReassignablePartitionResponse))


@message(versions="0-1", flexible="0+")
class AlterPartitionReassignmentsResponse:
    throttle_time_ms: int = wire(Int32)
    allow_replication_factor_change: bool = wire(Boolean, "1+", default=True)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")
    responses: list[ReassignableTopicResponse] = wire(Array(ReassignableTopicResponse))


ALTER_PARTITION_REASSIGNMENTS = Api(45, AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse)
