"""TxnOffsetCommit (key 28): a group's positions, which count once the transaction is committed (KIP-98).

v2 leader epochs (KIP-320); v3 member and generation, flexible encoding (KIP-447); v4 TRANSACTION_ABORTABLE; v5 stands
for AddOffsetsToTxn, too (KIP-890).
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, Int64, String, message, wire


@message()
class TxnOffsetCommitRequestPartition:
    partition_index: int = wire(Int32)
    committed_offset: int = wire(Int64)
    committed_leader_epoch: int = wire(Int32, "2+", default=-1)  # of the last record consumed; -1: not known
    committed_metadata: str | None = wire(String, nullable="0+")


@message()
class TxnOffsetCommitRequestTopic:
    name: str = wire(String)
    partitions: list[TxnOffsetCommitRequestPartition] = wire(Array(TxnOffsetCommitRequestPartition))


@message(versions="0-5", flexible="3+")
class TxnOffsetCommitRequest:
    transactional_id: str = wire(String)
    group_id: str = wire(String)
    producer_id: int = wire(Int64)
    producer_epoch: int = wire(Int16)
    generation_id: int = wire(Int32, "3+", default=-1)  # -1: the client does not say
    member_id: str = wire(String, "3+")
    group_instance_id: str | None = wire(String, "3+", nullable="3+", default=None)
    topics: list[TxnOffsetCommitRequestTopic] = wire(Array(TxnOffsetCommitRequestTopic))


@message()
class TxnOffsetCommitResponsePartition:
    partition_index: int = wire(Int32)
    error_code: int = wire(Int16)


@message()
class TxnOffsetCommitResponseTopic:
    name: str = wire(String)
    partitions: list[TxnOffsetCommitResponsePartition] = wire(Array(TxnOffsetCommitResponsePartition))


@message(versions="0-5", flexible="3+")
class TxnOffsetCommitResponse:
    throttle_time_ms: int = wire(Int32)
    topics: list[TxnOffsetCommitResponseTopic] = wire(Array(TxnOffsetCommitResponseTopic))


TXN_OFFSET_COMMIT = Api(28, TxnOffsetCommitRequest, TxnOffsetCommitResponse)
