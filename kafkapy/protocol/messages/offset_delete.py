"""OffsetDelete (key 47): forget a group's offsets of topics that it no longer reads (KIP-496)."""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, String, message, wire


@message()
class OffsetDeleteRequestPartition:
    partition_index: int = wire(Int32)


@message()
class OffsetDeleteRequestTopic:
    name: str = wire(String)
    partitions: list[OffsetDeleteRequestPartition] = wire(Array(OffsetDeleteRequestPartition))


@message(versions="0")
class OffsetDeleteRequest:
    group_id: str = wire(String)
    topics: list[OffsetDeleteRequestTopic] = wire(Array(OffsetDeleteRequestTopic))


@message()
class OffsetDeleteResponsePartition:
    partition_index: int = wire(Int32)
    error_code: int = wire(Int16)


@message()
class OffsetDeleteResponseTopic:
    name: str = wire(String)
    partitions: list[OffsetDeleteResponsePartition] = wire(Array(OffsetDeleteResponsePartition))


@message(versions="0")
class OffsetDeleteResponse:
    error_code: int = wire(Int16)
    throttle_time_ms: int = wire(Int32)
    topics: list[OffsetDeleteResponseTopic] = wire(Array(OffsetDeleteResponseTopic))


OFFSET_DELETE = Api(47, OffsetDeleteRequest, OffsetDeleteResponse)
