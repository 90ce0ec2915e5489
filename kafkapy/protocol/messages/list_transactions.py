"""ListTransactions (key 66): the transactional ids that a broker coordinates (KIP-664).

v1 those that have been open for long (KIP-994); v2 those whose id matches a pattern (KIP-1152).
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, Int64, String, message, wire


@message(versions="0-2", flexible="0+")
class ListTransactionsRequest:
    state_filters: list[str] = wire(Array(String))  # none lets all pass; so for each filter
    producer_id_filters: list[int] = wire(Array(Int64))
    duration_filter: int = wire(Int64, "1+", default=-1)  # ms; below 0 lets all pass
    transactional_id_pattern: str | None = wire(String, "2+", nullable="2+", default=None)


@message()
class TransactionState:
    transactional_id: str = wire(String)
    producer_id: int = wire(Int64)
    transaction_state: str = wire(String)


@message(versions="0-2", flexible="0+")
class ListTransactionsResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16)
    unknown_state_filters: list[str] = wire(Array(String))
    transaction_states: list[TransactionState] = wire(Array(TransactionState))


LIST_TRANSACTIONS = Api(66, ListTransactionsRequest, ListTransactionsResponse)
