"""Which of the records that were read a share consumer gets (KIP-932, KIP-1206).

First what is available of those in flight, then new ones. New ones are given in runs of about the size that the
consumer wants to acknowledge together, cut where a batch of the log ends: more than asked for is given rather than a
part of a batch, unless the consumer's limit is strict. A record that was delivered half as often as it may be comes
with fewer and fewer others, the last time alone, so that one that kills its consumers does not take its neighbours
with it. Apache: SharePartition's `acquire`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from kafkapy.protocol.messages.share_fetch import AcquiredRecords
from kafkapy.replication.in_flight import InFlightBatch, InFlightState, Lock, RecordState
from kafkapy.replication.share_window import ShareWindow
from kafkapy.storage.aborted import AbortedTransaction

_FIRST_DELIVERY = 1
_LEAST_THROTTLE = 2


class ReadBatch(NamedTuple):
    """A batch of the log, and where it is in what was read: from `position` on, `size` bytes."""

    base_offset: int
    last_offset: int
    position: int
    size: int
    producer_id: int = -1
    is_transactional: bool = False
    is_control: bool = False


class Wanted(NamedTuple):
    """What a consumer asks for."""

    member_id: str
    max_records: int
    batch_size: int
    is_strict: bool = False


class Limits(NamedTuple):
    """What the group is configured with."""

    delivery_count: int
    record_locks: int


class Acquisition:
    """One consumer's turn at one share partition. `lock` begins a hold on so many records of a range."""

    def __init__(
        self, window: ShareWindow, wanted: Wanted, limits: Limits, lock: Callable[[int, int, int], Lock]
    ) -> None:
        self._window = window
        self._wanted = wanted
        self._limits = limits
        self._lock = lock
        self._throttled_from = max(_LEAST_THROTTLE, math.ceil(limits.delivery_count / 2))
        self._acquired: list[AcquiredRecords] = []
        self._count = 0

    def take(self, fetch_offset: int, read: Sequence[ReadBatch]) -> tuple[list[AcquiredRecords], int]:
        """The records, and how many there are. `read` is what the log has from `fetch_offset` on."""
        window = self._window
        if not read or read[-1].last_offset < window.start_offset:
            return [], 0
        last = read[-1].last_offset
        at_most = min(self._wanted.max_records, self._limits.record_locks - window.in_flight_count)
        if at_most <= 0:
            # As many are out as may be; of those, what is available again is to be had.
            if fetch_offset > window.end_offset:
                return [], 0
            at_most = min(self._wanted.max_records, window.end_offset - fetch_offset + 1)
            last = min(last, window.end_offset)
        if at_most <= 0:
            return [], 0
        base = read[0].base_offset
        window.archive_missing(fetch_offset, base)
        begin = self._begin(base)
        found = window.batches.between(min(base, begin), last)
        if not found:
            self._take_new(read, begin, last, at_most)
        else:
            self._take_known(read, found, begin, last, at_most)
            if self._acquired:
                window.gap_delivered(self._acquired[-1].last_offset + 1)
        return self._acquired, self._count

    def _begin(self, base: int) -> int:
        """Where the batch in flight begins that holds the first record that was read, or that record."""
        floor = self._window.batches.floor(base)
        if floor is None:
            return max(base, self._window.start_offset)
        return floor.first if floor.last >= base else base

    # What is in flight

    def _take_known(
        self, read: Sequence[ReadBatch], found: list[InFlightBatch], begin: int, last: int, at_most: int
    ) -> None:
        base, next_new = read[0].base_offset, begin
        for batch in found:
            if self._count >= at_most:
                return
            if self._window.gap_start is not None:
                if next_new < batch.first:
                    self._take_new(read, next_new, batch.first - 1, at_most - self._count)
                next_new = batch.last + 1
                if self._count >= at_most:
                    return
            is_throttled = self._is_throttled(batch, base, last)
            if is_throttled and self._count > 0:
                return
            room = at_most - self._count
            is_part = not batch.is_within(base, last) or (self._wanted.is_strict and len(batch) > room)
            if is_part or batch.whole is None or is_throttled:
                if batch.whole is not None:
                    if not batch.whole.is_available:
                        continue
                    batch.split()
                taken = self._take_part(batch, base, last, room)
                if is_throttled and taken:
                    return
            else:
                self._take_whole(batch, batch.whole)
        if self._count < at_most and found[-1].last < last:
            self._take_new(read, found[-1].last + 1, last, at_most - self._count)

    def _take_whole(self, batch: InFlightBatch, state: InFlightState) -> None:
        if state.acquire(self._wanted.member_id):
            state.lock = self._lock(batch.first, batch.last, 1)
            self._acquired.append(AcquiredRecords(batch.first, batch.last, state.delivery_count))
            self._count += len(batch)

    def _take_part(self, batch: InFlightBatch, first: int, last: int, room: int) -> int:
        limit = self._limits.delivery_count
        at_most = room if self._wanted.is_strict else len(batch)
        throttled_to: int | None = None
        taken: list[tuple[int, InFlightState]] = []
        for offset, state in batch.offsets.items():
            if offset < first or not state.is_available:
                continue
            if offset > last:
                break
            count = state.delivery_count
            if limit > _LEAST_THROTTLE and count == limit - 1 and taken:
                break  # its last delivery is alone
            if count >= self._throttled_from and throttled_to is None:
                throttled_to = max(1, len(batch.offsets) >> (count - self._throttled_from + 1))
            state.acquire(self._wanted.member_id)
            taken.append((offset, state))
            is_last_time = limit > _LEAST_THROTTLE and state.delivery_count == limit
            if is_last_time or len(taken) in (at_most, throttled_to):
                break
        if taken:
            lock = self._lock(taken[0][0], taken[-1][0], len(taken))
            for offset, state in taken:
                state.lock = lock
                self._add(offset, state.delivery_count, joins=offset != taken[0][0])
        self._count += len(taken)
        return len(taken)

    def _add(self, offset: int, delivery_count: int, *, joins: bool) -> None:
        before = self._acquired[-1] if joins else None
        if before is not None and (before.last_offset, before.delivery_count) == (offset - 1, delivery_count):
            before.last_offset = offset
        else:
            self._acquired.append(AcquiredRecords(offset, offset, delivery_count))

    def _is_throttled(self, batch: InFlightBatch, first: int, last: int) -> bool:
        counts = [
            state.delivery_count
            for begin, _, state in batch.states()
            if state.is_available and (batch.whole is not None or first <= begin <= last)
        ]
        return max(counts, default=0) >= self._throttled_from

    # What is new

    def _take_new(self, read: Sequence[ReadBatch], first: int, last: int, at_most: int) -> None:
        window = self._window
        if not window.batches and window.end_offset > first:
            first = window.end_offset  # what is before was done with
        if at_most < last - first + 1:
            cut = _end_of_batch(read, first + at_most - 1)
            last = min(cut, last) if window.gap_start is not None else cut
        runs = self._runs(read, first, last)
        if self._wanted.is_strict and last - first + 1 > at_most:
            runs = [self._take_strict(first, last, at_most)]
        else:
            for run in runs:
                lock = self._lock(run.first_offset, run.last_offset, 1)
                state = InFlightState(RecordState.ACQUIRED, _FIRST_DELIVERY, self._wanted.member_id, lock)
                window.batches.put(InFlightBatch(run.first_offset, run.last_offset, state))
        if window.batches.first.first == first:
            window.start_offset = first
        window.end_offset = max(window.end_offset, last)
        acquired_to = runs[-1].last_offset
        window.gap_delivered(acquired_to + 1)
        self._acquired += runs
        self._count += acquired_to - first + 1

    def _runs(self, read: Sequence[ReadBatch], first: int, last: int) -> list[AcquiredRecords]:
        runs, begin = [], first
        if not self._wanted.is_strict and last - first + 1 > self._wanted.batch_size:
            for batch in read:
                if batch.base_offset > last:
                    break
                if batch.base_offset - begin >= self._wanted.batch_size:
                    runs.append(AcquiredRecords(begin, batch.base_offset - 1, _FIRST_DELIVERY))
                    begin = batch.base_offset
        runs.append(AcquiredRecords(begin, last, _FIRST_DELIVERY))
        return runs

    def _take_strict(self, first: int, last: int, at_most: int) -> AcquiredRecords:
        """Only so many of a batch: the rest of it is known, and available."""
        end = first + at_most - 1
        batch = InFlightBatch(first, last, None)
        lock = self._lock(first, end, at_most)
        for offset in range(first, last + 1):
            is_taken = offset <= end
            batch.offsets[offset] = (
                InFlightState(RecordState.ACQUIRED, _FIRST_DELIVERY, self._wanted.member_id, lock)
                if is_taken
                else InFlightState(RecordState.AVAILABLE, 0)
            )
        self._window.batches.put(batch)
        self._window.must_look = True
        return AcquiredRecords(first, end, _FIRST_DELIVERY)


def _end_of_batch(read: Sequence[ReadBatch], offset: int) -> int:
    """The last offset of the batch that holds `offset`; `offset` itself, if none does."""
    before = None
    for batch in read:
        if offset < batch.base_offset:
            break
        before = batch
    return before.last_offset if before is not None and offset <= before.last_offset else offset


def aborted_in(read: Sequence[ReadBatch], aborted: Iterable[AbortedTransaction]) -> list[ReadBatch]:
    """The batches of transactions that were aborted; `aborted` has all that reach into what was read."""
    pending = deque(sorted(aborted, key=lambda one: one.first_offset))
    open_producers: set[int] = set()
    found = []
    for batch in read:
        while pending and pending[0].first_offset <= batch.last_offset:
            open_producers.add(pending.popleft().producer_id)
        if batch.is_control:
            open_producers.discard(batch.producer_id)
        elif batch.is_transactional and batch.producer_id in open_producers:
            found.append(batch)
    return found


def without(acquired: Iterable[AcquiredRecords], batches: Sequence[ReadBatch]) -> list[AcquiredRecords]:
    """The records that are in none of the batches, which are in order."""
    left = []
    for records in acquired:
        begin = records.first_offset
        for batch in batches:
            if batch.last_offset < begin or batch.base_offset > records.last_offset:
                continue
            if begin < batch.base_offset:
                left.append(AcquiredRecords(begin, batch.base_offset - 1, records.delivery_count))
            begin = batch.last_offset + 1
        if begin <= records.last_offset:
            left.append(AcquiredRecords(begin, records.last_offset, records.delivery_count))
    return left
