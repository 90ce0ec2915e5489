"""DeleteShareGroupOffsets (key 92): an empty share group forgets topics (KIP-932)."""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, String, Uuid, message, wire


@message()
class DeleteShareGroupOffsetsRequestTopic:
    topic_name: str = wire(String)


@message(versions="0", flexible="0+")
class DeleteShareGroupOffsetsRequest:
    group_id: str = wire(String)
    topics: list[DeleteShareGroupOffsetsRequestTopic] = wire(Array(DeleteShareGroupOffsetsRequestTopic))


@message()
class DeleteShareGroupOffsetsResponseTopic:
    topic_name: str = wire(String)
    topic_id: UUID = wire(Uuid)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)


@message(versions="0", flexible="0+")
class DeleteShareGroupOffsetsResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)
    responses: list[DeleteShareGroupOffsetsResponseTopic] = wire(Array(DeleteShareGroupOffsetsResponseTopic))


DELETE_SHARE_GROUP_OFFSETS = Api(92, DeleteShareGroupOffsetsRequest, DeleteShareGroupOffsetsResponse)
