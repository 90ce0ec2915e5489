"""The part of a partition that a share group is in the middle of: from `start_offset`, before which all is done, to
`end_offset`, beyond which nothing was delivered yet.

`delivery_complete_count` is how many records between are done. When the state was read back it may have gaps: records
that were delivered, and of which nothing was written; `gap` is the first of them, while the window ends where it did
then. Apache: SharePartition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kafkapy.coordinator.share.state_batches import StateBatch
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.replication.in_flight import InFlightBatch, InFlightBatches, InFlightState, Lock, RecordState


@dataclass(slots=True)
class _Gap:
    start_offset: int
    end_offset: int  # the window's when the state was read back: another one means that the gaps are behind


class ShareWindow:
    """What is in flight of one share partition. `unlock` is told of locks that may have lost their last holder."""

    def __init__(self, unlock: Callable[[Lock | None], None]) -> None:
        self.batches = InFlightBatches()
        self.start_offset = 0
        self.end_offset = 0
        self.delivery_complete_count = 0
        self.must_look = False  # something before the end may be available again
        self._unlock = unlock
        self._gap: _Gap | None = None

    def restore(self, start_offset: int, batches: Iterable[StateBatch]) -> None:
        """Go on from a state that was written. Raises KafkaError(UNKNOWN_SERVER_ERROR) for one that cannot be."""
        self.start_offset, gap_start, expected = start_offset, None, start_offset
        for first, last, state, delivery_count in batches:
            if first < start_offset or last < first:
                why = f"its state has records from {first} to {last}, and begins at {start_offset}"
                raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, why)
            if gap_start is None and first > expected:
                gap_start = expected
            expected = last + 1
            restored = InFlightState(RecordState(state), delivery_count)
            self.batches.put(InFlightBatch(first, last, restored))
            if restored.state.is_final:
                self.delivery_complete_count += last - first + 1
        if not self.batches:
            self.end_offset = start_offset
            return
        self.must_look = True
        self.end_offset = self.batches.last.last
        if gap_start is not None:
            self._gap = _Gap(gap_start, self.end_offset)
        self.advance()

    # Looked at

    @property
    def gap_start(self) -> int | None:
        """Where the first gap begins that the state had when it was read; None once all of them were delivered."""
        gap = self._gap
        return gap.start_offset if gap is not None and gap.end_offset == self.end_offset else None

    @property
    def in_flight_count(self) -> int:
        return self.end_offset - self.start_offset + 1 if self.batches else 0

    @property
    def next_fetch_offset(self) -> int:
        """The first record that may be delivered."""
        if not self.batches or self.start_offset > self.batches.last.last:
            self.must_look = False
            return self.end_offset
        if self.must_look:
            found = self._first_available()
            if found is not None:
                return found
            self.must_look = False
        return self.end_offset + 1

    def _first_available(self) -> int | None:
        gap = self.gap_start
        for batch in self.batches:
            if gap is not None:
                if batch.first > gap:
                    return gap
                gap = max(batch.last + 1, gap)
            for first, _, state in batch.states():
                if state.is_available:
                    return first
        return None

    def done_between(self, first: int, last: int) -> int:
        """How many of these records count as done, now that they are."""
        return max(0, last - max(self.start_offset, first) + 1)

    # Changed

    def gap_delivered(self, up_to: int) -> None:
        """Gaps before `up_to` are none any more."""
        gap = self._gap
        if gap is None:
            return
        if gap.end_offset == self.end_offset and up_to <= gap.end_offset:
            gap.start_offset = up_to
        else:
            self._gap = None

    def advance(self) -> bool:
        """Let the window begin behind what is done at its beginning; False if that is where it begins."""
        if not self._can_advance():
            return False
        done = self._done_from_start()
        if done is None:
            return False
        last_done, count = done
        if last_done == self.batches.last.last:
            self.start_offset = self.end_offset = last_done + 1
            self.batches.clear()
            self.delivery_complete_count = 0
            return True
        batch = self.batches.floor(last_done)
        assert batch is not None, "what is done is in a batch"
        if last_done == batch.last:
            following = self.batches.after(last_done)
            assert following is not None, "it is not the last batch"
            self.start_offset = max(self.start_offset, following.first)
            if self.gap_start is not None:
                self.start_offset = min(self.gap_start, self.start_offset)
            self.batches.drop_before(following.first)
        else:
            # A batch is forgotten as a whole, once all of it is done.
            self.start_offset = max(self.start_offset, last_done + 1)
            self.batches.drop_before(batch.first)
        self.delivery_complete_count -= count
        return True

    def _can_advance(self) -> bool:
        batch = self.batches.floor(self.start_offset) if self.batches else None
        state = None if batch is None else batch.state_at(self.start_offset)
        return state is not None and not state.is_changing and state.state.is_final

    def _done_from_start(self) -> tuple[int, int] | None:
        """The last offset of all that is done from the beginning on, and how many count as done; None if nothing is."""
        last_done, count, gap = None, 0, self.gap_start
        for batch in self.batches:
            if gap is not None and batch.last >= gap:
                break
            for first, last, state in batch.states():
                if state.is_changing or not state.state.is_final:
                    return None if last_done is None else (last_done, count)
                last_done = last
                count += self.done_between(first, last)
        return None if last_done is None else (last_done, count)

    def log_begins_at(self, offset: int) -> None:
        """Records before `offset` were deleted."""
        if offset <= self.start_offset:
            return
        if not self.batches:
            self.start_offset = self.end_offset = offset
            self.delivery_complete_count = 0
            return
        done = sum(
            min(offset - 1, last) - max(self.start_offset, first) + 1
            for batch in self.batches
            for first, last, state in batch.states()
            if state.state.is_final and last >= self.start_offset and first < offset
        )
        if self.archive(self.start_offset, offset - 1, RecordState.AVAILABLE, list(self.batches), counts=False):
            self.must_look = True
        self.start_offset = offset
        self.delivery_complete_count -= done
        self.end_offset = max(self.end_offset, offset)

    def archive_missing(self, fetch_offset: int, base_offset: int) -> None:
        """The log has nothing between what was asked for and its first batch: what was available there is gone."""
        if not self.batches or fetch_offset >= base_offset:
            return
        floor = self.batches.floor(fetch_offset)
        first = floor.first if floor is not None and floor.last >= fetch_offset else fetch_offset
        found = self.batches.between(first, base_offset - 1)
        if self.archive(fetch_offset, base_offset - 1, RecordState.AVAILABLE, found, counts=True):
            self.must_look = True

    def archive(
        self, first: int, last: int, of_state: RecordState, batches: Iterable[InFlightBatch], *, counts: bool
    ) -> bool:
        """Archive what is in `of_state` in this range, of these batches; whether there was any."""
        any_archived = False
        for batch in batches:
            if batch.first > last:
                break
            if batch.whole is not None and not batch.is_within(first, last):
                if batch.whole.state is not of_state or batch.last < first:
                    continue
                batch.split()
            for begin, end, state in batch.states():
                if first <= begin and end <= last and state.state is of_state:
                    self._unlock(state.archive())
                    self.delivery_complete_count += end - begin + 1 if counts else 0
                    any_archived = True
        return any_archived
