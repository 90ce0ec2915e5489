"""The records of `__transaction_state` as this release writes and reads them.

A key is an int16, 0, and the key's message; a value is an int16 version and the value's message; no value is a
tombstone. Version 0 is written until transaction.version 1 is finalized. Apache: TransactionLog.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from kafkapy.coordinator.transactions.transaction import TopicPartition, Transaction, TransactionState
from kafkapy.protocol.batch import Record
from kafkapy.protocol.codec import DecodeError, decode, encode_bytes
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.records.transactions import PartitionsSchema, TransactionLogKey, TransactionLogValue

_PREFIX = struct.Struct(">h")
_TRANSACTION_LOG = 0
_LAST_VERSION = 1


class TransactionChange(NamedTuple):
    """A transactional id as it was written; no value: it is forgotten."""

    transactional_id: str
    value: Transaction | None


@dataclass(slots=True, kw_only=True)
class TransactionRecord(Record):
    """A record that was made here: what it says, and the epoch before, which the log has no place for."""

    change: TransactionChange


def transaction_record(transaction: Transaction, feature_level: int, now_ms: int) -> Record:
    """The record that says what a transactional id is now, at this level of transaction.version."""
    version = min(feature_level, _LAST_VERSION)
    value = TransactionLogValue(
        producer_id=transaction.producer_id,
        producer_epoch=transaction.producer_epoch,
        transaction_timeout_ms=transaction.timeout_ms,
        transaction_status=transaction.state,
        transaction_partitions=None if transaction.state is TransactionState.EMPTY else _by_topic(transaction),
        transaction_last_update_timestamp_ms=transaction.update_ms,
        transaction_start_timestamp_ms=transaction.start_ms,
    )
    if version:
        value.previous_producer_id = transaction.previous_producer_id
        value.next_producer_id = transaction.next_producer_id
        value.client_transaction_version = transaction.client_version
    change = TransactionChange(transaction.transactional_id, transaction)
    encoded = _PREFIX.pack(version) + encode_bytes(value, version)
    return TransactionRecord(0, now_ms, _key(transaction.transactional_id), encoded, change=change)


def forget_record(transactional_id: str, now_ms: int) -> Record:
    """The record that says that a transactional id is not known any more."""
    return Record(0, now_ms, _key(transactional_id), None)


def _key(transactional_id: str) -> bytes:
    return _PREFIX.pack(_TRANSACTION_LOG) + encode_bytes(TransactionLogKey(transactional_id), 0)


def _by_topic(transaction: Transaction) -> list[PartitionsSchema]:
    topics: dict[str, list[int]] = {}
    for topic, partition in sorted(transaction.partitions):
        topics.setdefault(topic, []).append(partition)
    return [PartitionsSchema(topic, partitions) for topic, partitions in topics.items()]


def read_transaction_record(record: Record) -> TransactionChange | None:
    """What the record says, or None if it is about something, or in a version, that this release does not know.

    Raises KafkaError(CORRUPT_MESSAGE) if a key or value it should know cannot be read.
    """
    if isinstance(record, TransactionRecord):
        return record.change
    try:
        if record.key is None:
            raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"the record at offset {record.offset} has no key")
        if _PREFIX.unpack_from(record.key)[0] != _TRANSACTION_LOG:
            return None
        key, _ = decode(TransactionLogKey, 0, record.key, _PREFIX.size)
        if record.value is None:
            return TransactionChange(key.transactional_id, None)
        (version,) = _PREFIX.unpack_from(record.value)
        if not 0 <= version <= _LAST_VERSION:
            return None
        value, _ = decode(TransactionLogValue, version, record.value, _PREFIX.size)
        return TransactionChange(key.transactional_id, _transaction(key.transactional_id, value))
    except (DecodeError, struct.error, ValueError) as error:
        why = f"the transaction record at offset {record.offset} cannot be read: {error}"
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, why) from error


def _transaction(transactional_id: str, value: TransactionLogValue) -> Transaction:
    return Transaction(
        transactional_id,
        value.producer_id,
        value.transaction_timeout_ms,
        previous_producer_id=value.previous_producer_id,
        next_producer_id=value.next_producer_id,
        producer_epoch=value.producer_epoch,
        state=TransactionState(value.transaction_status),
        partitions=frozenset(
            TopicPartition(topic.topic, partition)
            for topic in value.transaction_partitions or []
            for partition in topic.partition_ids
        ),
        start_ms=value.transaction_start_timestamp_ms,
        update_ms=value.transaction_last_update_timestamp_ms,
        client_version=value.client_transaction_version,
    )
