"""InitProducerId (key 22): an id and an epoch for an idempotent or a transactional producer (KIP-98).

v2 flexible encoding; v3 a producer may go on with its id in the next epoch (KIP-360); v4 PRODUCER_FENCED; v5
TRANSACTION_ABORTABLE (KIP-890); v6, not stable yet, two-phase commit (KIP-939).
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Boolean, Int16, Int32, Int64, String, message, wire


@message(versions="0-6", flexible="2+")
class InitProducerIdRequest:
    transactional_id: str | None = wire(String, nullable="0+")  # null: idempotent only
    transaction_timeout_ms: int = wire(Int32)  # without a word, a transaction is aborted after that
    producer_id: int = wire(Int64, "3+", default=-1)
    producer_epoch: int = wire(Int16, "3+", default=-1)
    enable2_pc: bool = wire(Boolean, "6+")
    keep_prepared_txn: bool = wire(Boolean, "6+")


@message(versions="0-6", flexible="2+")
class InitProducerIdResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16)
    producer_id: int = wire(Int64, default=-1)
    producer_epoch: int = wire(Int16)
    ongoing_txn_producer_id: int = wire(Int64, "6+", default=-1)
    ongoing_txn_producer_epoch: int = wire(Int16, "6+", default=-1)


INIT_PRODUCER_ID = Api(22, InitProducerIdRequest, InitProducerIdResponse, stable="0-5")
