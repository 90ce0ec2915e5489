"""EndTxn (key 26): commit a transaction, or abort it (KIP-98).

v2 PRODUCER_FENCED; v3 flexible encoding; v4 TRANSACTION_ABORTABLE; v5 every transaction has an epoch of its own, and
the answer says which comes next (KIP-890).
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Boolean, Int16, Int32, Int64, String, message, wire


@message(versions="0-5", flexible="3+")
class EndTxnRequest:
    transactional_id: str = wire(String)
    producer_id: int = wire(Int64)
    producer_epoch: int = wire(Int16)
    committed: bool = wire(Boolean)


@message(versions="0-5", flexible="3+")
class EndTxnResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16)
    producer_id: int = wire(Int64, "5+", default=-1)
    producer_epoch: int = wire(Int16, "5+", default=-1)


END_TXN = Api(26, EndTxnRequest, EndTxnResponse)
