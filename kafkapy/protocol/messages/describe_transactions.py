"""DescribeTransactions (key 65): what the coordinator knows of transactional ids (KIP-664)."""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, Int64, String, message, wire


@message(versions="0", flexible="0+")
class DescribeTransactionsRequest:
    transactional_ids: list[str] = wire(Array(String))


@message()
class TopicData:
    topic: str = wire(String)
    partitions: list[int] = wire(Array(Int32))


@message()
class TransactionState:
    error_code: int = wire(Int16)
    transactional_id: str = wire(String)
    transaction_state: str = wire(String)
    transaction_timeout_ms: int = wire(Int32)
    transaction_start_time_ms: int = wire(Int64)  # since the epoch
    producer_id: int = wire(Int64)
    producer_epoch: int = wire(Int16)
    topics: list[TopicData] = wire(Array(TopicData))  # while it ends: those without a marker yet


@message(versions="0", flexible="0+")
class DescribeTransactionsResponse:
    throttle_time_ms: int = wire(Int32)
    transaction_states: list[TransactionState] = wire(Array(TransactionState))


DESCRIBE_TRANSACTIONS = Api(65, DescribeTransactionsRequest, DescribeTransactionsResponse)
