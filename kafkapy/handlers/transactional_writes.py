"""Whether records that belong to a transaction may be written: only if its coordinator knows of the partition.

Asked before the first record of a transaction in a partition; from then on the log itself knows that it is open.
Apache: ReplicaManager.handleProduceAppend, AddPartitionsToTxnManager. KIP-890.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from kafkapy.coordinator.promise import Promise
from kafkapy.coordinator.transactions.transaction import TopicPartition
from kafkapy.handlers.call import Node
from kafkapy.parking import wait_for, wait_ms
from kafkapy.protocol.batch import BatchHeader
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.replication.partition import Partition

Codes = dict[TopicPartition, ErrorCode]


_RETRIED = (
    ErrorCode.NETWORK_EXCEPTION,
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_COORDINATOR,
)


class Operation(Enum):
    """What the version of a request says that its client can do with."""

    INVALID_STATE = "verify, and know a failure as INVALID_TXN_STATE"
    ABORTABLE = "verify, and know a failure as TRANSACTION_ABORTABLE"
    ADD = "add the partition"

    @classmethod
    def of(cls, version: int, *, abortable_since: int, adds_since: int) -> Operation:
        """Of a request's version, by the versions of its API."""
        if version >= adds_since:
            return cls.ADD
        return cls.ABORTABLE if version >= abortable_since else cls.INVALID_STATE


def check_epoch(partition: Partition, producer_id: int, epoch: int) -> None:
    """Refuse a producer of an epoch that is over in the partition. Raises KafkaError(INVALID_PRODUCER_EPOCH)."""
    known = partition.log.producers.by_id.get(producer_id)
    if known is not None and epoch < known.epoch:
        where = f"{partition.topic}-{partition.index}"
        why = f"producer {producer_id} has epoch {epoch}; it is {known.epoch} in {where} by now"
        raise KafkaError(ErrorCode.INVALID_PRODUCER_EPOCH, why)


class Admission:
    """What the coordinator said of the partitions that a produce request writes to."""

    def __init__(self, codes: Codes, operation: Operation) -> None:
        self._codes = codes
        self._operation = operation

    def check(self, partition: Partition, header: BatchHeader) -> None:
        """Refuse the batch unless its transaction is open here, or the coordinator said that it may begin.

        Raises KafkaError. An error that older clients do not know how to retry is NOT_ENOUGH_REPLICAS for them.
        """
        producers = partition.log.producers
        if producers.has_open(header.producer_id, header.producer_epoch):
            return
        code = self._codes.get(TopicPartition(partition.topic, partition.index), ErrorCode.INVALID_TXN_STATE)
        where = f"{partition.topic}-{partition.index}"
        check_epoch(partition, header.producer_id, header.producer_epoch)
        if code in _RETRIED or (code is ErrorCode.CONCURRENT_TRANSACTIONS and self._operation is not Operation.ADD):
            why = f"it could not be verified that {where} is in the transaction: {code.name}"
            raise KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS, why)
        if code is not ErrorCode.NONE:
            raise KafkaError(code, f"{where} is not in the transaction of producer {header.producer_id}")


async def wait_admitted(
    node: Node,
    transactional_id: str,
    producer_id: int,
    epoch: int,
    partitions: Sequence[TopicPartition],
    operation: Operation,
) -> Codes:
    """What the coordinator says of each partition. While the last transaction is ending it is asked again, briefly."""
    config = node.config
    if operation is not Operation.ADD and not config.transaction_partition_verification_enable:
        return dict.fromkeys(partitions, ErrorCode.NONE)
    until_ms = node.clock() + config.add_partitions_to_txn_retry_backoff_max_ms
    while True:
        admitted: Promise[Codes] = node.transactions.admit(
            transactional_id, producer_id, epoch, partitions, add=operation is Operation.ADD
        )
        codes = await wait_for(admitted)
        if ErrorCode.CONCURRENT_TRANSACTIONS not in codes.values() or node.clock() >= until_ms:
            return {partition: _told(code, operation) for partition, code in codes.items()}
        await wait_ms(config.add_partitions_to_txn_retry_backoff_ms)


def _told(code: ErrorCode, operation: Operation) -> ErrorCode:
    if code is ErrorCode.PRODUCER_FENCED:
        return ErrorCode.INVALID_PRODUCER_EPOCH
    if code is ErrorCode.TRANSACTION_ABORTABLE and operation is Operation.INVALID_STATE:
        return ErrorCode.INVALID_TXN_STATE
    return code
