"""A partition as one share group reads it (KIP-932): which record is whose, for how long, and what became of it.

It is led where the partition is, and its state is kept by the share coordinator, which `Persister` stands for: what
consumers say of records counts once that is written. A consumer that says nothing loses its records when their lock
runs out. Apache: SharePartition.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from kafkapy.config.group import GroupConfig
from kafkapy.coordinator.promise import Promise
from kafkapy.coordinator.share.state_batches import StateBatch
from kafkapy.coordinator.share.state_records import SharePartitionKey
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.read_share_group_state import PartitionResult
from kafkapy.protocol.messages.share_fetch import AcquiredRecords
from kafkapy.protocol.messages.write_share_group_state import PartitionData
from kafkapy.protocol.messages.write_share_group_state import PartitionResult as WriteResult
from kafkapy.protocol.messages.write_share_group_state import StateBatch as WrittenBatch
from kafkapy.replication.acquisition import Acquisition, Limits, ReadBatch, Wanted, aborted_in, without
from kafkapy.replication.in_flight import NOBODY, InFlightBatch, InFlightState, Lock, RecordState
from kafkapy.replication.partition import Partition, Watcher
from kafkapy.replication.share_window import ShareWindow
from kafkapy.storage.aborted import AbortedTransaction

logger = logging.getLogger(__name__)

GAP, ACCEPT, RELEASE, REJECT, RENEW = range(5)
_STATE_AFTER = {
    GAP: RecordState.ARCHIVED,
    ACCEPT: RecordState.ACKNOWLEDGED,
    RELEASE: RecordState.AVAILABLE,
    REJECT: RecordState.ARCHIVED,
}
_NOT_KNOWN = -1


class Phase(Enum):
    """How far a share partition is: a failed or fenced one is given up, and the next fetch makes another."""

    EMPTY = "its state was not asked for yet"
    INITIALIZING = "its state is being read"
    ACTIVE = "it is served"
    FAILED = "its state could not be read"
    FENCED = "it is led elsewhere, or its state was begun anew"


class Persister(Protocol):
    """The share coordinator, as who leads a share partition knows it."""

    def read(self, key: SharePartitionKey, leader_epoch: int) -> Promise[PartitionResult]: ...

    def write(self, key: SharePartitionKey, changed: PartitionData) -> Promise[WriteResult]: ...


class Clocked(Protocol):
    """Actions at their time, one per key."""

    def set(self, key: object, at_ms: int, action: Callable[[], None]) -> None: ...

    def cancel(self, key: object) -> None: ...


class Acknowledgement(NamedTuple):
    """What became of records: one type for all, or one for each."""

    first: int
    last: int
    types: Sequence[int]

    def type_of(self, offset: int) -> int:
        return self.types[0] if len(self.types) == 1 else self.types[offset - self.first]


class _Change(NamedTuple):
    """A state that is being written, and what is written of it."""

    state: InFlightState
    batch: StateBatch


class SharePartition:
    """One partition of one share group."""

    def __init__(
        self,
        key: SharePartitionKey,
        partition: Partition,
        config: Callable[[], GroupConfig],
        persister: Persister,
        alarms: Clocked,
        clock: Callable[[], int],
    ) -> None:
        self.key = key
        self.partition = partition
        self.leader_epoch = partition.leader_epoch
        self.phase = Phase.EMPTY
        self.watchers: set[Watcher] = set()
        self.window = ShareWindow(self._unlock)
        self._config = config
        self._persister = persister
        self._alarms = alarms
        self._clock = clock
        self._state_epoch = 0
        self._locks: set[Lock] = set()

    def __str__(self) -> str:
        return f"{self.partition.topic}-{self.partition.index} of share group {self.key.group_id}"

    # Its life

    def initialize(self, begin_offset: Callable[[], int]) -> Promise[KafkaError | None]:
        """Read the state, if that was not done; `begin_offset` says where a group begins that has none.

        The promise holds why it could not be read; LEADER_NOT_AVAILABLE while somebody else waits for it.
        """
        done: Promise[KafkaError | None] = Promise()
        if self.phase is Phase.ACTIVE:
            done.set(None)
        elif self.phase is not Phase.EMPTY:
            done.set(KafkaError(ErrorCode.LEADER_NOT_AVAILABLE, f"{self}: {self.phase.value}"))
        else:
            self.phase = Phase.INITIALIZING
            self._persister.read(self.key, self.leader_epoch).when_done(
                lambda read: done.set(self._initialized(read, begin_offset))
            )
        return done

    def _initialized(self, read: Promise[PartitionResult], begin_offset: Callable[[], int]) -> KafkaError | None:
        try:
            result = _read_result(read)
            if result.error_code != ErrorCode.NONE:
                raise _of_persister(ErrorCode(result.error_code), result.error_message or "")
            start = begin_offset() if result.start_offset == _NOT_KNOWN else result.start_offset
            self._state_epoch = result.state_epoch
            self.window.restore(start, map(StateBatch.of, result.state_batches))
        except KafkaError as error:
            logger.error("%s cannot be read: %s", self, error)
            self.phase = Phase.FAILED
            return error
        if self.phase is Phase.INITIALIZING:  # not fenced meanwhile
            self.phase = Phase.ACTIVE
        self._tell()
        return None

    def fence(self) -> None:
        """Give it up: whoever waits for it looks again."""
        self.phase = Phase.FENCED
        for lock in self._locks:
            self._alarms.cancel(lock)
        self._locks.clear()
        self._tell()

    # Records go out

    @property
    def can_acquire(self) -> bool:
        """Whether records may be delivered, if there are any."""
        if self.phase is not Phase.ACTIVE:
            return False
        window = self.window
        return (
            window.next_fetch_offset != window.end_offset + 1
            or window.in_flight_count < self._config().share_partition_max_record_locks
        )

    def acquire(
        self,
        wanted: Wanted,
        fetch_offset: int,
        read: Sequence[ReadBatch],
        aborted: Sequence[AbortedTransaction] = (),
    ) -> tuple[list[AcquiredRecords], int]:
        """Give a consumer what it may have of what was read from `fetch_offset` on, and how many records these are.

        Records of the transactions that were `aborted` are done with, and nobody gets them.
        """
        if self.phase is not Phase.ACTIVE or wanted.max_records <= 0:
            return [], 0
        config = self._config()
        limits = Limits(config.share_delivery_count_limit, config.share_partition_max_record_locks)
        acquired, count = Acquisition(self.window, wanted, limits, self._hold).take(fetch_offset, read)
        batches = aborted_in(read, aborted) if acquired else []
        if not batches:
            return acquired, count
        for batch in batches:
            floor = self.window.batches.floor(batch.base_offset)
            first = batch.base_offset if floor is None else floor.first
            held = self.window.batches.between(first, batch.last_offset)
            self.window.archive(batch.base_offset, batch.last_offset, RecordState.ACQUIRED, held, counts=True)
        left = without(acquired, batches)
        return left, sum(one.last_offset - one.first_offset + 1 for one in left)

    # Records come back

    def acknowledge(self, member_id: str, batches: Iterable[Acknowledgement]) -> Promise[KafkaError | None]:
        """Take in what a consumer says of its records; all of it counts, or nothing.

        The promise holds why not: INVALID_RECORD_STATE (they are not, or no longer, its), INVALID_REQUEST, and what
        the share coordinator answers.
        """
        changes: list[_Change] = []
        try:
            for batch in batches:
                if any(kind not in _STATE_AFTER and kind != RENEW for kind in batch.types):
                    raise KafkaError(ErrorCode.INVALID_REQUEST, f"Invalid acknowledge type: {list(batch.types)}")
                if batch.last >= self.window.start_offset:
                    self._acknowledge(member_id, batch, changes)
        except KafkaError as error:
            self._settle(changes, is_written=False)
            return Promise.of(error)
        return self._write(changes)

    def release(self, member_id: str) -> Promise[KafkaError | None]:
        """Take back what a consumer has that is gone."""
        changes: list[_Change] = []
        for batch in self.window.batches:
            self._split_at_start(batch)
            for first, last, state in batch.states():
                if state.state is RecordState.ACQUIRED and state.member_id == member_id:
                    self._begin_leaving(first, last, state, RecordState.AVAILABLE, changes)
        return self._write(changes)

    def _acknowledge(self, member_id: str, acknowledged: Acknowledgement, changes: list[_Change]) -> None:
        start = self.window.start_offset
        for batch in self._batches_of(acknowledged):
            if batch.last < start:
                continue
            whole = batch.whole
            if whole is not None:
                if whole.member_id == NOBODY:
                    raise _invalid("The batch cannot be acknowledged. The batch is not in the acquired state.")
                _check_owner(whole, member_id, "Member is not the owner of batch record")
            is_whole = batch.is_within(acknowledged.first, acknowledged.last) and len(acknowledged.types) == 1
            if whole is not None and not (is_whole and batch.first >= start):
                if whole.state is not RecordState.ACQUIRED:
                    raise _invalid("The batch cannot be acknowledged. The subset batch is not in the acquired state.")
                batch.split()
            renewed: list[tuple[int, InFlightState]] = []
            for first, last, state in batch.states():
                if first < max(acknowledged.first, start):
                    continue
                if last > acknowledged.last:
                    break
                if state.state is not RecordState.ACQUIRED:
                    raise _invalid("The offset cannot be acknowledged. The offset is not acquired.")
                _check_owner(state, member_id, "Member is not the owner of offset")
                kind = acknowledged.type_of(first)
                if kind == RENEW:
                    renewed.append((last, state))
                else:
                    self._begin_leaving(first, last, state, _STATE_AFTER[kind], changes)
            if renewed:
                self._renew(batch.first, renewed)

    def _batches_of(self, acknowledged: Acknowledgement) -> list[InFlightBatch]:
        batches, start = self.window.batches, self.window.start_offset
        floor = batches.floor(acknowledged.first)
        if floor is None and acknowledged.first < start <= acknowledged.last:
            floor = batches.floor(start)
        if floor is None:
            raise _invalid("Batch record not found. The request batch offsets are not found in the cache.")
        found = batches.between(floor.first, acknowledged.last)
        for offset, which in ((acknowledged.first, "first"), (acknowledged.last, "last")):
            if offset > found[-1].last:
                why = f"Batch record not found. The {which} offset in request is past acquired records."
                raise KafkaError(ErrorCode.INVALID_REQUEST, why)
        return found

    def _renew(self, first: int, renewed: list[tuple[int, InFlightState]]) -> None:
        if not self._config().share_renew_acknowledge_enable:
            raise _invalid("Renewing acquisition locks is not enabled for the group.")
        lock = self._hold(first, renewed[-1][0], len(renewed))
        for _, state in renewed:
            self._unlock(state.drop_lock())
            state.lock = lock

    def _begin_leaving(
        self, first: int, last: int, state: InFlightState, after: RecordState, changes: list[_Change]
    ) -> None:
        if last < self.window.start_offset:
            after = RecordState.ARCHIVED
        if not state.begin_leaving(after, self._config().share_delivery_count_limit):
            raise _invalid("Unable to acknowledge records for the batch")
        changes.append(_Change(state, StateBatch(first, last, state.state, state.delivery_count)))
        if state.state.is_final:
            self.window.delivery_complete_count += self.window.done_between(first, last)

    def _split_at_start(self, batch: InFlightBatch) -> None:
        """What is before the beginning was deleted: it must not become available again."""
        whole = batch.whole
        is_acquired = whole is not None and whole.state is RecordState.ACQUIRED
        if is_acquired and batch.first < self.window.start_offset <= batch.last:
            batch.split()

    # Writing

    def _write(self, changes: list[_Change]) -> Promise[KafkaError | None]:
        if not changes:
            return Promise.of(None)
        done: Promise[KafkaError | None] = Promise()

        def written(result: Promise[WriteResult]) -> None:
            error = _error_of(result)
            self._settle(changes, is_written=error is None)
            moved = self.window.advance() if error is None else False
            done.set(error)
            if error is None and (moved or self.window.must_look):
                self._tell()

        self._persist([change.batch for change in changes]).when_done(written)
        return done

    def _persist(self, batches: Iterable[StateBatch]) -> Promise[WriteResult]:
        changed = PartitionData(
            partition=self.key.partition,
            state_epoch=self._state_epoch,
            leader_epoch=self.leader_epoch,
            start_offset=self.window.start_offset,
            delivery_complete_count=self.window.delivery_complete_count,
            state_batches=[WrittenBatch(*batch) for batch in batches],
        )
        return self._persister.write(self.key, changed)

    def _settle(self, changes: list[_Change], *, is_written: bool) -> None:
        limit = self._config().share_delivery_count_limit
        for state, (first, last, written, _) in changes:
            self._unlock(state.settle(is_written, limit))
            if state.state is RecordState.AVAILABLE:
                self.window.must_look = True
            was_counted = RecordState(written).is_final
            if was_counted != state.state.is_final:
                count = self.window.done_between(first, last)
                self.window.delivery_complete_count += -count if was_counted else count

    # Locks

    def _hold(self, first: int, last: int, holders: int) -> Lock:
        lock = Lock(first, last, holders)
        self._locks.add(lock)
        at_ms = self._clock() + self._config().share_record_lock_duration_ms
        self._alarms.set(lock, at_ms, lambda: self._lock_ran_out(lock))
        return lock

    def _unlock(self, lock: Lock | None) -> None:
        if lock is not None and lock.holders <= 0:
            self._alarms.cancel(lock)
            self._locks.discard(lock)

    def _lock_ran_out(self, lock: Lock) -> None:
        """Take the records that are still under the lock from their consumer."""
        lock.is_expired = True
        limit, changed = self._config().share_delivery_count_limit, []
        floor = self.window.batches.floor(lock.first)
        for batch in self.window.batches.between(lock.first if floor is None else floor.first, lock.last):
            self._split_at_start(batch)
            for first, last, state in batch.states():
                if state.lock is not lock:
                    continue
                is_deleted = last < self.window.start_offset
                if state.leave(RecordState.ARCHIVED if is_deleted else RecordState.AVAILABLE, limit):
                    state.drop_lock()
                    changed.append(StateBatch(first, last, state.state, state.delivery_count))
                    if state.state.is_final:
                        self.window.delivery_complete_count += self.window.done_between(first, last)
                    else:
                        self.window.must_look = True
        self._locks.discard(lock)
        if not changed:
            return

        def written(result: Promise[WriteResult]) -> None:
            error = _error_of(result)
            if error is not None:
                # The records are available all the same; if this broker dies, they count as delivered once less.
                logger.error("%s: that locks ran out cannot be written: %s", self, error)
            self.window.advance()

        self._persist(changed).when_done(written)
        self._tell()

    def _tell(self) -> None:
        for watcher in tuple(self.watchers):
            watcher.grew(0)


def _read_result(read: Promise[PartitionResult]) -> PartitionResult:
    try:
        return read.result()
    except KafkaError as error:
        raise _of_persister(error.code, error.why) from None


def _error_of(written: Promise[WriteResult]) -> KafkaError | None:
    try:
        result = written.result()
    except KafkaError as error:
        return _of_persister(error.code, error.why)
    if result.error_code == ErrorCode.NONE:
        return None
    return _of_persister(ErrorCode(result.error_code), result.error_message or "")


def _check_owner(state: InFlightState, member_id: str, why: str) -> None:
    if state.is_changing:
        raise _invalid("The record state is invalid. The acknowledgement of delivery could not be completed.")
    if state.member_id != member_id:
        raise _invalid(why)


def _invalid(why: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_RECORD_STATE, why)


def _of_persister(code: ErrorCode, why: str) -> KafkaError:
    """What a consumer is told of an error of the share coordinator's."""
    match code:
        case ErrorCode.NOT_COORDINATOR | ErrorCode.COORDINATOR_NOT_AVAILABLE | ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
            return KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, why)
        case ErrorCode.GROUP_ID_NOT_FOUND | ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
            return KafkaError(code, why)
        case ErrorCode.FENCED_LEADER_EPOCH | ErrorCode.FENCED_STATE_EPOCH:
            return KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, why)
        case _:
            return KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, why)
