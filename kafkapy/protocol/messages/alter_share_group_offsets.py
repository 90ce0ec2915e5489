"""AlterShareGroupOffsets (key 91): move the beginning of share partitions of an empty group (KIP-932)."""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, Int64, String, Uuid, message, wire


@message()
class AlterShareGroupOffsetsRequestPartition:
    partition_index: int = wire(Int32)
    start_offset: int = wire(Int64)


@message()
class AlterShareGroupOffsetsRequestTopic:
    topic_name: str = wire(String)
    partitions: list[AlterShareGroupOffsetsRequestPartition] = wire(Array(AlterShareGroupOffsetsRequestPartition))


@message(versions="0", flexible="0+")
class AlterShareGroupOffsetsRequest:
    group_id: str = wire(String)
    topics: list[AlterShareGroupOffsetsRequestTopic] = wire(Array(AlterShareGroupOffsetsRequestTopic))


@message()
class AlterShareGroupOffsetsResponsePartition:
    partition_index: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)


@message()
class AlterShareGroupOffsetsResponseTopic:
    topic_name: str = wire(String)
    topic_id: UUID = wire(Uuid)
    partitions: list[AlterShareGroupOffsetsResponsePartition] = wire(Array(AlterShareGroupOffsetsResponsePartition))


@message(versions="0", flexible="0+")
class AlterShareGroupOffsetsResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)
    responses: list[AlterShareGroupOffsetsResponseTopic] = wire(Array(AlterShareGroupOffsetsResponseTopic))


ALTER_SHARE_GROUP_OFFSETS = Api(91, AlterShareGroupOffsetsRequest, AlterShareGroupOffsetsResponse)
