"""AddPartitionsToTxn: partitions become part of a transaction before the first record is written to them.

Up to v3 clients ask, for one transaction; from v4 on brokers do, for several, and may only ask whether they are. One
partition that does not exist fails its whole transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.coordinator.promise import Promise
from kafkapy.coordinator.transactions.transaction import EPOCH_PER_TRANSACTION, TopicPartition
from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.handlers.fenced import told_fenced
from kafkapy.metadata.topic_names import is_internal
from kafkapy.parking import wait_for
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.add_partitions_to_txn import (
    ADD_PARTITIONS_TO_TXN,
    AddPartitionsToTxnPartitionResult,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnResult,
    AddPartitionsToTxnTopicResult,
    AddPartitionsToTxnTransaction,
)

Codes = dict[TopicPartition, ErrorCode]
_FIRST_VERSION_WITH_FENCED = 2
_FIRST_VERSION_OF_BROKERS = 4


@serves(ADD_PARTITIONS_TO_TXN)
def add_partitions_to_txn(
    request: AddPartitionsToTxnRequest, call: Call
) -> AddPartitionsToTxnResponse | Awaitable[AddPartitionsToTxnResponse]:
    transactions = request.transactions
    if call.version < _FIRST_VERSION_OF_BROKERS:
        transactions = [
            AddPartitionsToTxnTransaction(
                request.v3_and_below_transactional_id,
                request.v3_and_below_producer_id,
                request.v3_and_below_producer_epoch,
                topics=request.v3_and_below_topics,
            )
        ]
    promises = [_add(transaction, call) for transaction in transactions]
    if all(promise.is_done for promise in promises):
        return _response(transactions, [promise.result() for promise in promises], call)
    return _wait_for_all(transactions, promises, call)


async def _wait_for_all(
    transactions: list[AddPartitionsToTxnTransaction], promises: list[Promise[Codes]], call: Call
) -> AddPartitionsToTxnResponse:
    return _response(transactions, [await wait_for(promise) for promise in promises], call)


def _add(transaction: AddPartitionsToTxnTransaction, call: Call) -> Promise[Codes]:
    wanted = [TopicPartition(topic.name, index) for topic in transaction.topics for index in topic.partitions]
    refused = _refused(wanted, call)
    if refused:
        transaction.topics = [topic for topic in transaction.topics if topic.partitions]  # the others are not told of
        return Promise.of({one: refused.get(one, ErrorCode.OPERATION_NOT_ATTEMPTED) for one in wanted})
    try:
        return call.node.transactions.admit(
            transaction.transactional_id,
            transaction.producer_id,
            transaction.producer_epoch,
            wanted,
            add=not transaction.verify_only,
            transaction_version=EPOCH_PER_TRANSACTION if call.version >= _FIRST_VERSION_OF_BROKERS else 0,
        )
    except Exception as error:  # one transaction's failure is not its neighbours'
        return Promise.of(dict.fromkeys(wanted, refusal(error, call).code))


def _refused(wanted: list[TopicPartition], call: Call) -> dict[TopicPartition, ErrorCode]:
    """The partitions that no transaction can have: those that do not exist, and for clients internal ones."""
    image = call.node.cluster.image
    refused = {}
    for one in wanted:
        if call.version < _FIRST_VERSION_OF_BROKERS and is_internal(one.topic):
            refused[one] = ErrorCode.TOPIC_AUTHORIZATION_FAILED
        elif image.partition(*one) is None:
            refused[one] = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return refused


def _response(
    transactions: list[AddPartitionsToTxnTransaction], found: list[Codes], call: Call
) -> AddPartitionsToTxnResponse:
    results = [
        AddPartitionsToTxnResult(
            transaction.transactional_id,
            [
                AddPartitionsToTxnTopicResult(
                    topic.name,
                    [
                        AddPartitionsToTxnPartitionResult(index, _told(codes[TopicPartition(topic.name, index)], call))
                        for index in topic.partitions
                    ],
                )
                for topic in transaction.topics
            ],
        )
        for transaction, codes in zip(transactions, found, strict=True)
    ]
    if call.version < _FIRST_VERSION_OF_BROKERS:
        return AddPartitionsToTxnResponse(results_by_topic_v3_and_below=results[0].topic_results)
    return AddPartitionsToTxnResponse(results_by_transaction=results)


def _told(code: ErrorCode, call: Call) -> ErrorCode:
    return told_fenced(code, call.version, _FIRST_VERSION_WITH_FENCED)
