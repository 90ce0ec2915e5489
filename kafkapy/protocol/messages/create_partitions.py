"""CreatePartitions (key 37)."""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int16, Int32, String, message, wire


@message()
class CreatePartitionsAssignment:
    broker_ids: list[int] = wire(Array(Int32))


@message()
class CreatePartitionsTopic:
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
