"""CreatePartitions (key 37): give topics more partitions.

v2 flexible encoding; v3 may answer THROTTLING_QUOTA_EXCEEDED (KIP-599).
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int16, Int32, String, message, wire


@message()
class CreatePartitionsAssignment:
    """The brokers of one new partition, its preferred leader first."""

    broker_ids: list[int] = wire(Array(Int32))


@message()
class CreatePartitionsTopic:
    """`count` is how many partitions there should be in all; assignments are of the new ones only."""

    name: str = wire(String)
    count: int = wire(Int32)
    assignments: list[CreatePartitionsAssignment] | None = wire(Array(CreatePartitionsAssignment), nullable="0+")


@message(versions="0-3", flexible="2+")
class CreatePartitionsRequest:
    topics: list[CreatePartitionsTopic] = wire(Array(CreatePartitionsTopic))
    timeout_ms: int = wire(Int32)
    validate_only: bool = wire(Boolean)


@message()
class CreatePartitionsTopicResult:
    name: str = wire(String)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)


@message(versions="0-3", flexible="2+")
class CreatePartitionsResponse:
    throttle_time_ms: int = wire(Int32)
    results: list[CreatePartitionsTopicResult] = wire(Array(CreatePartitionsTopicResult))


CREATE_PARTITIONS = Api(37, CreatePartitionsRequest, CreatePartitionsResponse)
