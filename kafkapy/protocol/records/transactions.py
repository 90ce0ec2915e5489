"""The records of `__transaction_state`: what the coordinator knows of each transactional id.

A key is an int16, 0, and the key's message in version 0; a value is an int16, its version, and the value's message; a
null value is a tombstone. TransactionLogValue v1: flexible encoding, with producer ids before and after the epochs of
one are used up, and the version of the protocol that the client speaks (KIP-890).
"""

from __future__ import annotations

from kafkapy.protocol.message import Array, Int8, Int16, Int32, Int64, String, message, wire


@message(versions="0")
class TransactionLogKey:
    """Which transactional id a record is about."""

    transactional_id: str = wire(String, "0")


@message()
class PartitionsSchema:
    """The partitions of one topic in a transaction."""

    topic: str = wire(String)
    partition_ids: list[int] = wire(Array(Int32))


@message(versions="0-1", flexible="1+")
class TransactionLogValue:
    """A transactional id after a change; times are in ms since the epoch, -1: none."""

    producer_id: int = wire(Int64)
    previous_producer_id: int = wire(Int64, "1+", tag=0, default=-1)  # of the last transaction that ended
    next_producer_id: int = wire(Int64, "1+", tag=1, default=-1)  # once this transaction has ended
    producer_epoch: int = wire(Int16)
    next_producer_epoch: int = wire(Int16, "1+", tag=3, default=-1)
    transaction_timeout_ms: int = wire(Int32)
    transaction_status: int = wire(Int8)
    transaction_partitions: list[PartitionsSchema] | None = wire(Array(PartitionsSchema), nullable="0+")
    transaction_last_update_timestamp_ms: int = wire(Int64)
    transaction_start_timestamp_ms: int = wire(Int64)
    client_transaction_version: int = wire(Int16, "1+", tag=2)
