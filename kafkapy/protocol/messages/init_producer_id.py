"""InitProducerId (key 22)."""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Boolean, Int16, Int32, Int64, String, message, wire


@message(versions="0-6", flexible="2+")
class InitProducerIdRequest:
    transactional_id: str | None = wire(String, nullable="0+")
    transaction_timeout_ms: int = wire(Int32)
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
