"""DeleteTopics (key 20): by name, or from v6 by id.

v1 throttle time; v3 may answer TOPIC_DELETION_DISABLED; v4 flexible encoding; v5 error messages, and may answer
THROTTLING_QUOTA_EXCEEDED (KIP-599); v6 `topics` in place of `topic_names`, with ids (KIP-516).
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, String, Uuid, message, wire


@message()
class DeleteTopicState:
    """A topic, named or, where the name is null, by its id."""

    name: str | None = wire(String, "6+", nullable="6+", default=None)
    topic_id: UUID = wire(Uuid, "6+")


@message(versions="0-6", flexible="4+")
class DeleteTopicsRequest:
    topics: list[DeleteTopicState] = wire(Array(DeleteTopicState), "6+")
    topic_names: list[str] = wire(Array(String), "0-5")
    timeout_ms: int = wire(Int32)


@message()
class DeletableTopicResult:
    name: str | None = wire(String, nullable="6+")
    topic_id: UUID = wire(Uuid, "6+")
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, "5+", nullable="5+", default=None)


@message(versions="0-6", flexible="4+")
class DeleteTopicsResponse:
    throttle_time_ms: int = wire(Int32, "1+")
    responses: list[DeletableTopicResult] = wire(Array(DeletableTopicResult))


DELETE_TOPICS = Api(20, DeleteTopicsRequest, DeleteTopicsResponse)
