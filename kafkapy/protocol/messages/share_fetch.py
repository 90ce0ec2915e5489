"""ShareFetch (key 78): records of share partitions, given to one consumer for a time; what became of others (KIP-932).

v0 was tried out in Kafka 4.0 and is gone; v2 a strict limit of records (KIP-1206) and renewed holds (KIP-1222).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int8, Int16, Int32, Int64, Records, String, Uuid, message, wire


@message()
class AcknowledgementBatch:
    """What became of records: one type for all, or one for each: 0 gap, 1 accept, 2 release, 3 reject, 4 renew."""

    first_offset: int = wire(Int64)
    last_offset: int = wire(Int64)
    acknowledge_types: list[int] = wire(Array(Int8))


@message()
class ShareFetchPartition:
    partition_index: int = wire(Int32)
    partition_max_bytes: int = wire(Int32, "0")
    acknowledgement_batches: list[AcknowledgementBatch] = wire(Array(AcknowledgementBatch))


@message()
class ShareFetchTopic:
    topic_id: UUID = wire(Uuid)
    partitions: list[ShareFetchPartition] = wire(Array(ShareFetchPartition))


@message()
class ShareForgottenTopic:
    topic_id: UUID = wire(Uuid)
    partitions: list[int] = wire(Array(Int32))


@message(versions="1-2", flexible="0+")
class ShareFetchRequest:
    group_id: str | None = wire(String, nullable="0+", default=None)
    member_id: str | None = wire(String, nullable="0+")
    share_session_epoch: int = wire(Int32)  # 0 begins a session, -1 ends it
    max_wait_ms: int = wire(Int32)
    min_bytes: int = wire(Int32)
    max_bytes: int = wire(Int32, default=0x7FFFFFFF)
    max_records: int = wire(Int32)  # exceeded to the end of a batch, unless the mode says otherwise
    batch_size: int = wire(Int32)  # records that the consumer wants to acknowledge together
    share_acquire_mode: int = wire(Int8, "2+")  # 0 whole batches, 1 never more than max_records
    is_renew_ack: bool = wire(Boolean, "2+")  # some are renewed; then nothing is fetched
    topics: list[ShareFetchTopic] = wire(Array(ShareFetchTopic))
    forgotten_topics_data: list[ShareForgottenTopic] = wire(Array(ShareForgottenTopic))


@message()
class LeaderIdAndEpoch:
    """Who leads now, as far as this broker knows."""

    leader_id: int = wire(Int32)
    leader_epoch: int = wire(Int32)


@message()
class AcquiredRecords:
    """Records that are the consumer's for now, and how often they were delivered with this time."""

    first_offset: int = wire(Int64)
    last_offset: int = wire(Int64)
    delivery_count: int = wire(Int16)


@message()
class SharePartitionData:
    partition_index: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)
    acknowledge_error_code: int = wire(Int16)
    acknowledge_error_message: str | None = wire(String, nullable="0+", default=None)
    current_leader: LeaderIdAndEpoch = wire(LeaderIdAndEpoch)
    records: Any = wire(Records, nullable="0")
    acquired_records: list[AcquiredRecords] = wire(Array(AcquiredRecords))


@message()
class ShareFetchableTopicResponse:
    topic_id: UUID = wire(Uuid)
    partitions: list[SharePartitionData] = wire(Array(SharePartitionData))


@message()
class NodeEndpoint:
    """Where a leader listens that this response tells of."""

    node_id: int = wire(Int32)
    host: str = wire(String)
    port: int = wire(Int32)
    rack: str | None = wire(String, nullable="0+", default=None)


@message(versions="1-2", flexible="0+")
class ShareFetchResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)
    acquisition_lock_timeout_ms: int = wire(Int32)  # how long acquired records are the consumer's
    responses: list[ShareFetchableTopicResponse] = wire(Array(ShareFetchableTopicResponse))
    node_endpoints: list[NodeEndpoint] = wire(Array(NodeEndpoint))


SHARE_FETCH = Api(78, ShareFetchRequest, ShareFetchResponse)
