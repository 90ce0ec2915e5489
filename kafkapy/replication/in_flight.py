"""The records of a share partition that are on their way: whose they are, how often they were delivered, what became
of them.

       ┌──────────── released, lock ran out ────────────┐
       ▼                                                │
    Available ──acquired──▶ Acquired ──accepted──▶ Acknowledged
                               └──rejected, released too often, deleted──▶ Archived

A run of records that were delivered together has one state, until something happens to a part of it: from then on each
of its records has its own. A state that is being written may yet be taken back: until then nothing else happens to it.
Apache: InFlightState, InFlightBatch, RecordState.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

NOBODY = ""


class RecordState(IntEnum):
    """What a record is, by the number that the share coordinator keeps."""

    AVAILABLE = 0
    ACQUIRED = 1
    ACKNOWLEDGED = 2
    ARCHIVED = 4

    @property
    def is_final(self) -> bool:
        return self in (RecordState.ACKNOWLEDGED, RecordState.ARCHIVED)


@dataclass(slots=True, eq=False)
class Lock:
    """A consumer's hold on records from `first` to `last`, until it runs out; `holders` of them are still under it."""

    first: int
    last: int
    holders: int
    is_expired: bool = False


class _Before(NamedTuple):
    """What a state goes back to if the new one cannot be written."""

    state: RecordState
    member_id: str


@dataclass(slots=True)
class InFlightState:
    """The state of one record, or of a run of them."""

    state: RecordState
    delivery_count: int
    member_id: str = NOBODY
    lock: Lock | None = None
    before: _Before | None = None
    is_deleted: bool = False  # archived for good, whatever is being written

    @property
    def is_changing(self) -> bool:
        return self.before is not None

    @property
    def is_available(self) -> bool:
        return self.state is RecordState.AVAILABLE and self.before is None

    def acquire(self, member_id: str) -> bool:
        """Deliver it once more; False if it is not to be had."""
        if not self.is_available:
            return False
        self.state, self.member_id = RecordState.ACQUIRED, member_id
        self.delivery_count += 1
        return True

    def leave(self, state: RecordState, delivery_limit: int) -> bool:
        """Take it from its consumer; what was delivered too often does not become available. False if it has none."""
        if self.state is not RecordState.ACQUIRED or self.is_changing:
            return False
        if state is RecordState.AVAILABLE and self.delivery_count >= delivery_limit:
            state = RecordState.ARCHIVED
        self.state, self.member_id = state, NOBODY
        return True

    def begin_leaving(self, state: RecordState, delivery_limit: int) -> bool:
        """The same, to be settled by `settle` once it is known whether it could be written."""
        before = _Before(self.state, self.member_id)
        if not self.leave(state, delivery_limit):
            return False
        self.before = before
        return True

    def settle(self, is_written: bool, delivery_limit: int) -> Lock | None:
        """The new state counts, or the old one does again; the result is the lock that nothing needs any more."""
        before, self.before = self.before, None
        if before is None or is_written or self.is_deleted:
            return self.drop_lock()
        if self.lock is not None and self.lock.is_expired:
            # Its time ran out meanwhile, and nobody could take it then.
            is_over = self.delivery_count >= delivery_limit
            self.state = RecordState.ARCHIVED if is_over else RecordState.AVAILABLE
            return self.drop_lock()
        self.state, self.member_id = before
        return None

    def archive(self) -> Lock | None:
        """Its record is not there any more; the result is the lock that it was under."""
        self.is_deleted = True
        self.state, self.member_id = RecordState.ARCHIVED, NOBODY
        return self.drop_lock()

    def drop_lock(self) -> Lock | None:
        lock, self.lock = self.lock, None
        if lock is not None:
            lock.holders -= 1
        return lock


@dataclass(slots=True)
class InFlightBatch:
    """Records from `first` to `last`: one state for all, or one for each."""

    first: int
    last: int
    whole: InFlightState | None
    offsets: dict[int, InFlightState] = field(default_factory=dict)  # in order; filled when `whole` is None

    def __len__(self) -> int:
        return self.last - self.first + 1

    def is_within(self, first: int, last: int) -> bool:
        return first <= self.first and self.last <= last

    def split(self) -> dict[int, InFlightState]:
        """Each record's own state from now on."""
        whole, self.whole = self.whole, None
        if whole is not None:
            if whole.lock is not None:
                whole.lock.holders += len(self) - 1
            self.offsets = {
                offset: InFlightState(whole.state, whole.delivery_count, whole.member_id, whole.lock)
                for offset in range(self.first, self.last + 1)
            }
        return self.offsets

    def states(self) -> Iterator[tuple[int, int, InFlightState]]:
        """Every state and the offsets that it is of, first and last."""
        if self.whole is not None:
            yield self.first, self.last, self.whole
        else:
            for offset, state in self.offsets.items():
                yield offset, offset, state

    def state_at(self, offset: int) -> InFlightState | None:
        return self.whole if self.whole is not None else self.offsets.get(offset)


class InFlightBatches:
    """Batches in order of their offsets; they do not overlap, and there may be gaps between them."""

    def __init__(self) -> None:
        self._batches: list[InFlightBatch] = []

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[InFlightBatch]:
        return iter(self._batches)

    @property
    def first(self) -> InFlightBatch:
        return self._batches[0]

    @property
    def last(self) -> InFlightBatch:
        return self._batches[-1]

    def put(self, batch: InFlightBatch) -> None:
        self._batches.insert(bisect_left(self._batches, batch.first, key=_first), batch)

    def floor(self, offset: int) -> InFlightBatch | None:
        """The last one that begins at `offset` or before."""
        at = bisect_right(self._batches, offset, key=_first)
        return self._batches[at - 1] if at else None

    def after(self, offset: int) -> InFlightBatch | None:
        """The first one that begins after `offset`."""
        at = bisect_right(self._batches, offset, key=_first)
        return self._batches[at] if at < len(self._batches) else None

    def between(self, first: int, last: int) -> list[InFlightBatch]:
        """Those that begin in this range, both ends included."""
        begin, end = bisect_left(self._batches, first, key=_first), bisect_right(self._batches, last, key=_first)
        return self._batches[begin:end]

    def drop_before(self, first: int) -> None:
        """Forget those that begin before `first`."""
        del self._batches[: bisect_left(self._batches, first, key=_first)]

    def clear(self) -> None:
        self._batches.clear()


def _first(batch: InFlightBatch) -> int:
    return batch.first
