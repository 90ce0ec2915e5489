"""A transactional id: its producer, and how far its transaction is. What may follow what is decided here.

A `Transaction` is a value: every step gives another one, which becomes true when its record is replayed. Apache's
classes: `TransactionMetadata`, `TransactionState`. KIP-98; KIP-360 (a producer goes on after an error); KIP-890 (every
transaction has its own epoch: transaction.version 2).

    Empty ──▶ Ongoing ──▶ PrepareCommit ──▶ CompleteCommit ──▶ Ongoing, or Empty (InitProducerId)
                     └──▶ PrepareAbort  ──▶ CompleteAbort  ──▶ the same
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from kafkapy.protocol.errors import ErrorCode, KafkaError

NO_PRODUCER_ID = -1
NO_EPOCH = -1
NO_TIME = -1
EPOCH_PER_TRANSACTION = 2  # transaction.version, and what a client speaks
_LAST_EPOCH = 2**15 - 1
EXHAUSTED_EPOCH = _LAST_EPOCH - 1  # the last that a client sees; one more is kept for fencing it


class TransactionState(IntEnum):
    """The numbers stand in the log."""

    EMPTY = 0
    ONGOING = 1
    PREPARE_COMMIT = 2
    PREPARE_ABORT = 3
    COMPLETE_COMMIT = 4
    COMPLETE_ABORT = 5
    DEAD = 6
    PREPARE_EPOCH_FENCE = 7

    @property
    def text(self) -> str:
        """As clients know it, such as CompleteCommit."""
        return self.name.title().replace("_", "")


PREPARED = (TransactionState.PREPARE_COMMIT, TransactionState.PREPARE_ABORT)
ENDED = (TransactionState.EMPTY, TransactionState.COMPLETE_COMMIT, TransactionState.COMPLETE_ABORT)


class TopicPartition(NamedTuple):
    """A partition that a transaction writes to."""

    topic: str
    partition: int


class Transaction(NamedTuple):
    """What is known of a transactional id; times in ms since the epoch."""

    transactional_id: str
    producer_id: int
    timeout_ms: int
    previous_producer_id: int = NO_PRODUCER_ID
    next_producer_id: int = NO_PRODUCER_ID  # once this transaction has ended: the epochs are used up
    producer_epoch: int = NO_EPOCH
    last_producer_epoch: int = NO_EPOCH  # the one before; not in the log
    state: TransactionState = TransactionState.EMPTY
    partitions: frozenset[TopicPartition] = frozenset()
    start_ms: int = NO_TIME
    update_ms: int = NO_TIME
    client_version: int = 0  # of the transaction protocol

    @property
    def is_epoch_exhausted(self) -> bool:
        return self.producer_epoch >= EXHAUSTED_EPOCH

    def is_timed_out(self, now_ms: int) -> bool:
        return self.state is TransactionState.ONGOING and self.start_ms + self.timeout_ms < now_ms

    # Each of these gives the transaction after a step.

    def with_next_epoch(self, expected_epoch: int | None, timeout_ms: int, now_ms: int) -> Transaction:
        """A producer begins, or goes on after an error with the epoch that it had. Raises KafkaError(PRODUCER_FENCED).

        A request that is repeated gets the answer it got.
        """
        epoch, last_epoch = self.producer_epoch + 1, NO_EPOCH
        if expected_epoch is not None:
            if self.producer_epoch in (NO_EPOCH, expected_epoch):
                last_epoch = self.producer_epoch
            elif expected_epoch == self.last_producer_epoch:
                epoch, last_epoch = self.producer_epoch, self.last_producer_epoch
            else:
                why = (
                    f"the producer of {self.transactional_id!r} has epoch {expected_epoch}, "
                    f"one with epoch {self.producer_epoch} has taken its place"
                )
                raise KafkaError(ErrorCode.PRODUCER_FENCED, why)
        return self._emptied(self.producer_id, epoch, last_epoch, timeout_ms, now_ms)

    def with_producer_id(self, producer_id: int, timeout_ms: int, now_ms: int, *, known: bool) -> Transaction:
        """The epochs of the producer id are used up: go on with another. `known`: the producer said who it is."""
        last_epoch = self.producer_epoch if known else NO_EPOCH
        return self._emptied(producer_id, 0, last_epoch, timeout_ms, now_ms)

    def _emptied(self, producer_id: int, epoch: int, last_epoch: int, timeout_ms: int, now_ms: int) -> Transaction:
        return self._replace(
            producer_id=producer_id,
            previous_producer_id=self.producer_id,
            producer_epoch=epoch,
            last_producer_epoch=last_epoch,
            timeout_ms=timeout_ms,
            state=TransactionState.EMPTY,
            partitions=frozenset(),
            start_ms=NO_TIME,
            update_ms=now_ms,
        )

    def with_partitions(self, added: frozenset[TopicPartition], client_version: int, now_ms: int) -> Transaction:
        """The transaction begins, or goes on, with more partitions."""
        return self._replace(
            previous_producer_id=self.producer_id,
            state=TransactionState.ONGOING,
            partitions=self.partitions | added,
            start_ms=now_ms if self.state in ENDED else self.start_ms,
            update_ms=now_ms,
            client_version=client_version,
        )

    def prepared(self, *, commit: bool, client_version: int, next_producer_id: int, now_ms: int) -> Transaction:
        """It is decided how the transaction ends. With epochs per transaction, the next one begins now."""
        epoch, last_epoch = self.producer_epoch, self.last_producer_epoch
        if client_version >= EPOCH_PER_TRANSACTION:
            last_epoch = epoch
            epoch = min(epoch + 1, _LAST_EPOCH)
        return self._replace(
            previous_producer_id=self.producer_id,
            next_producer_id=next_producer_id,
            producer_epoch=epoch,
            last_producer_epoch=last_epoch,
            state=TransactionState.PREPARE_COMMIT if commit else TransactionState.PREPARE_ABORT,
            # One that is aborted before it began must have a beginning all the same.
            start_ms=self.start_ms if self.state is TransactionState.ONGOING else now_ms,
            update_ms=now_ms,
            client_version=client_version,
        )

    def fenced(self, client_version: int, next_producer_id: int, now_ms: int) -> Transaction:
        """The transaction is aborted against its producer's will, whose epoch is over."""
        own = self
        if client_version < EPOCH_PER_TRANSACTION:
            epoch = min(self.producer_epoch + 1, _LAST_EPOCH)
            own = self._replace(producer_epoch=epoch, last_producer_epoch=NO_EPOCH)
        return own.prepared(
            commit=False, client_version=client_version, next_producer_id=next_producer_id, now_ms=now_ms
        )

    def completed(self, now_ms: int) -> Transaction:
        """All markers are written."""
        committed = self.state is TransactionState.PREPARE_COMMIT
        producer_id, epoch = self.producer_id, self.producer_epoch
        if self.client_version >= EPOCH_PER_TRANSACTION and self.next_producer_id != NO_PRODUCER_ID:
            producer_id, epoch = self.next_producer_id, 0
        return self._replace(
            producer_id=producer_id,
            previous_producer_id=self.producer_id,
            next_producer_id=NO_PRODUCER_ID,
            producer_epoch=epoch,
            state=TransactionState.COMPLETE_COMMIT if committed else TransactionState.COMPLETE_ABORT,
            partitions=frozenset(),
            update_ms=now_ms,
        )
