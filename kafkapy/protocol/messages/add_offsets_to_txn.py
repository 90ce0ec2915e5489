"""AddOffsetsToTxn (key 25): a transaction is about to commit a group's offsets (KIP-98).

v2 PRODUCER_FENCED; v3 flexible encoding; v4 TRANSACTION_ABORTABLE (KIP-890).
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Int16, Int32, Int64, String, message, wire


@message(versions="0-4", flexible="3+")
class AddOffsetsToTxnRequest:
    transactional_id: str = wire(String)
    producer_id: int = wire(Int64)
    producer_epoch: int = wire(Int16)
    group_id: str = wire(String)


@message(versions="0-4", flexible="3+")
class AddOffsetsToTxnResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16)


ADD_OFFSETS_TO_TXN = Api(25, AddOffsetsToTxnRequest, AddOffsetsToTxnResponse)
