"""ShareAcknowledge (key 79): what became of records that a share consumer was given (KIP-932).

v0 was tried out in Kafka 4.0 and is gone; v2 renewed holds (KIP-1222).
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int8, Int16, Int32, Int64, String, Uuid, message, wire


@message()
class AcknowledgementBatch:
    """What became of records: one type for all, or one for each: 0 gap, 1 accept, 2 release, 3 reject, 4 renew."""

    first_offset: int = wire(Int64)
    last_offset: int = wire(Int64)
    acknowledge_types: list[int] = wire(Array(Int8))


@message()
class AcknowledgePartition:
    partition_index: int = wire(Int32)
    acknowledgement_batches: list[AcknowledgementBatch] = wire(Array(AcknowledgementBatch))


@message()
class AcknowledgeTopic:
    topic_id: UUID = wire(Uuid)
    partitions: list[AcknowledgePartition] = wire(Array(AcknowledgePartition))


@message(versions="1-2", flexible="0+")
class ShareAcknowledgeRequest:
    group_id: str | None = wire(String, nullable="0+", default=None)
    member_id: str | None = wire(String, nullable="0+")
    share_session_epoch: int = wire(Int32)  # -1 ends the session
    is_renew_ack: bool = wire(Boolean, "2+")
    topics: list[AcknowledgeTopic] = wire(Array(AcknowledgeTopic))


@message()
class LeaderIdAndEpoch:
    """Who leads now, as far as this broker knows."""

    leader_id: int = wire(Int32)
    leader_epoch: int = wire(Int32)


@message()
class AcknowledgedPartition:
    partition_index: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)
    current_leader: LeaderIdAndEpoch = wire(LeaderIdAndEpoch)


@message()
class ShareAcknowledgeTopicResponse:
    topic_id: UUID = wire(Uuid)
    partitions: list[AcknowledgedPartition] = wire(Array(AcknowledgedPartition))


@message()
class NodeEndpoint:
    """Where a leader listens that this response tells of."""

    node_id: int = wire(Int32)
    host: str = wire(String)
    port: int = wire(Int32)
    rack: str | None = wire(String, nullable="0+", default=None)


@message(versions="1-2", flexible="0+")
class ShareAcknowledgeResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)
    acquisition_lock_timeout_ms: int = wire(Int32, "2+")
    responses: list[ShareAcknowledgeTopicResponse] = wire(Array(ShareAcknowledgeTopicResponse))
    node_endpoints: list[NodeEndpoint] = wire(Array(NodeEndpoint))


SHARE_ACKNOWLEDGE = Api(79, ShareAcknowledgeRequest, ShareAcknowledgeResponse)
