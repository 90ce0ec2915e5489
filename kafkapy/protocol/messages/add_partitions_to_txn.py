"""AddPartitionsToTxn (key 24): a transaction is about to write to partitions (KIP-98).

v2 PRODUCER_FENCED; v3 flexible encoding, the last that clients speak; v4 from broker to coordinator: several
transactions, and whether they have the partitions already (KIP-890); v5 TRANSACTION_ABORTABLE.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int16, Int32, Int64, String, message, wire


@message()
class AddPartitionsToTxnTopic:
    name: str = wire(String)
    partitions: list[int] = wire(Array(Int32))


@message()
class AddPartitionsToTxnTransaction:
    transactional_id: str = wire(String, "4+")
    producer_id: int = wire(Int64, "4+")
    producer_epoch: int = wire(Int16, "4+")
    verify_only: bool = wire(Boolean, "4+")  # ask whether they are in the transaction, add none
    topics: list[AddPartitionsToTxnTopic] = wire(Array(AddPartitionsToTxnTopic), "4+")


@message(versions="0-5", flexible="3+")
class AddPartitionsToTxnRequest:
    transactions: list[AddPartitionsToTxnTransaction] = wire(Array(AddPartitionsToTxnTransaction), "4+")
    v3_and_below_transactional_id: str = wire(String, "0-3")
    v3_and_below_producer_id: int = wire(Int64, "0-3")
    v3_and_below_producer_epoch: int = wire(Int16, "0-3")
    v3_and_below_topics: list[AddPartitionsToTxnTopic] = wire(Array(AddPartitionsToTxnTopic), "0-3")


@message()
class AddPartitionsToTxnPartitionResult:
    partition_index: int = wire(Int32)
    partition_error_code: int = wire(Int16)


@message()
class AddPartitionsToTxnTopicResult:
    name: str = wire(String)
    results_by_partition: list[AddPartitionsToTxnPartitionResult] = wire(Array(AddPartitionsToTxnPartitionResult))


@message()
class AddPartitionsToTxnResult:
    transactional_id: str = wire(String, "4+")
    topic_results: list[AddPartitionsToTxnTopicResult] = wire(Array(AddPartitionsToTxnTopicResult), "4+")


@message(versions="0-5", flexible="3+")
class AddPartitionsToTxnResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16, "4+")
    results_by_transaction: list[AddPartitionsToTxnResult] = wire(Array(AddPartitionsToTxnResult), "4+")
    results_by_topic_v3_and_below: list[AddPartitionsToTxnTopicResult] = wire(
        Array(AddPartitionsToTxnTopicResult), "0-3"
    )


ADD_PARTITIONS_TO_TXN = Api(24, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse)
