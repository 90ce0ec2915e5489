"""The segments of one log in a row, oldest first: finding offsets and times in them, and taking some away.

Where one segment ends the next begins. The last is the active one, which appends go to. Of the closed ones only the one
that was read last keeps its file open. Nothing here knows producers, epochs, or how far the log is durable. What the
disk refuses is raised as OSError. Apache's classes: `LogSegments`, `LocalLog`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import overload

from kafkapy.protocol.batch import BatchHeader
from kafkapy.storage.aborted import AbortedTransaction
from kafkapy.storage.discarded import Discard
from kafkapy.storage.segment import FileSlice, Found, Segment
from kafkapy.storage.swap import swap_in

_base_offset = attrgetter("base_offset")


class Segments(Sequence[Segment]):
    """A log's segments; at least one, except while the log starts over."""

    __slots__ = ("_all", "_reading", "has_aborted", "noted_counts")

    def __init__(self, segments: Iterable[Segment]) -> None:
        self._all = list(segments)
        self._reading: Segment | None = None
        self.has_aborted = False  # some transaction index holds something
        self.noted_counts: dict[int, int] = {}  # the `aborted_counts` that were written last

    @overload
    def __getitem__(self, at: int) -> Segment: ...
    @overload
    def __getitem__(self, at: slice) -> list[Segment]: ...
    def __getitem__(self, at: int | slice) -> Segment | list[Segment]:
        return self._all[at]

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Segment]:
        return iter(self._all)

    @property
    def active(self) -> Segment:
        """The segment that appends go to."""
        return self._all[-1]

    @property
    def size(self) -> int:
        """Bytes of all segments' batches."""
        return sum(segment.size for segment in self._all)

    def holding(self, offset: int) -> list[Segment]:
        """The segment that holds `offset` and all behind it."""
        return self._all[max(bisect_right(self._all, offset, key=_base_offset) - 1, 0) :]

    # --- reading

    def read(
        self,
        offset: int,
        max_bytes: int,
        end_offset: int | None,
        *,
        at_least_one_batch: bool,
        cached_only: bool = False,
    ) -> FileSlice | None:
        """A slice of one segment's file, from the batch that holds `offset`; None if no batch lies there.

        Ends before `end_offset`, a batch boundary, or with the segment. See `Log.read`.
        """
        segments = self._all
        for at in range(bisect_right(segments, offset, key=_base_offset) - 1, len(segments)):
            if (found := segments[at].locate(offset, cached_only=cached_only)) is not None:
                return self._slice(at, *found, max_bytes, end_offset, at_least_one_batch, cached_only)
            # The offset was compacted away at the segment's end.
        return None

    def _slice(
        self,
        at: int,
        position: int,
        header: BatchHeader,
        max_bytes: int,
        end_offset: int | None,
        at_least_one: bool,
        cached_only: bool,
    ) -> FileSlice | None:
        segment = self._all[at]
        end = segment.size
        if end_offset is not None:
            if header.base_offset >= end_offset:
                return None
            ends_later = at + 1 < len(self._all) and self._all[at + 1].base_offset <= end_offset
            if not ends_later and (beyond := segment.locate(end_offset, cached_only=cached_only)) is not None:
                end = beyond[0]
        size = min(end - position, max_bytes)
        if size < header.size:
            if not at_least_one:
                return None
            size = header.size
        self._hold(segment)
        return FileSlice(segment.file, position, size, is_recent=segment.is_recent(position))

    def aborted_transactions(self, offset: int, found: FileSlice, log_end_offset: int) -> list[AbortedTransaction]:
        """The aborted transactions that overlap the slice which `read` found for `offset`.

        It ends, as in Apache Kafka, where the index knows a batch to, or with its segment: a few too many do no harm.
        """
        if not self.has_aborted:
            return []
        segments = self.holding(offset)
        while segments[0].file is not found.file and len(segments) > 1:
            segments = segments[1:]  # the offset was compacted away at a segment's end
        end = segments[0].offset_index.offset_behind(found.position + found.size)
        if end is None:
            end = segments[1].base_offset if len(segments) > 1 else log_end_offset
        aborted: list[AbortedTransaction] = []
        for segment in segments:
            more, is_all = segment.transaction_index.overlapping(offset, end)
            aborted += more
            if is_all:
                break
        return aborted

    def aborted_counts(self) -> dict[int, int]:
        """How many aborted transactions each segment's index has, by base offset, if any. Raises OSError."""
        counts = ((segment.base_offset, segment.transaction_index.count) for segment in self._all)
        return {base_offset: count for base_offset, count in counts if count}

    def note_aborted(self, segment: Segment, aborted: AbortedTransaction) -> None:
        """A transaction was aborted whose marker is the last batch of the segment. Raises OSError."""
        segment.transaction_index.append(aborted)
        self.has_aborted = True

    def find_timestamp(self, timestamp: int, from_offset: int, *, cached_only: bool = False) -> Found | None:
        """The first record at or behind `from_offset` that is not older than `timestamp`, and its batch.

        Raises ColdError if that would take the disk its time, and only what is `cached_only` is wanted.
        """
        for segment in self._all:
            if not segment.size or segment.largest_timestamp < timestamp:
                continue
            self._hold(segment)
            if (found := segment.find_timestamp(timestamp, from_offset, cached_only=cached_only)) is not None:
                return found
        return None

    def find_newest(self, *, cached_only: bool = False) -> Found | None:
        """The first record with the largest timestamp of all, and its batch. Raises ColdError as `find_timestamp`."""
        segment = max(self._all, key=lambda segment: segment.newest.timestamp)
        if not segment.size:
            return None
        self._hold(segment)
        return segment.find_newest(cached_only=cached_only)

    def batches(self, from_offset: int) -> Iterator[tuple[BatchHeader, memoryview]]:
        """Every batch from the one that holds `from_offset` to the end. Raises KafkaError(CORRUPT_MESSAGE)."""
        for segment in self.holding(from_offset):
            if not segment.size or (found := segment.locate(from_offset)) is None:
                continue
            for _, header, data in segment.batches(found[0]):
                yield header, data
            self.let_go(segment)

    def _hold(self, segment: Segment) -> None:
        before = self._reading
        if segment is not before:
            self._reading = segment
            if before is not None:
                self.let_go(before)

    def let_go(self, segment: Segment) -> None:
        """Close the segment's file, unless it is one that stays open."""
        if segment is not self._all[-1] and segment is not self._reading:
            segment.release()

    def release(self) -> None:
        """Close all files."""
        self._reading = None
        for segment in self._all:
            segment.release()

    # --- changing

    def append(self, segment: Segment) -> None:
        """Let a new one be active. The one before it goes if nothing is in it; it may even have begun later."""
        if self._all:
            self.active.release()
            if self.active.size == 0:
                self.active.delete()
                self._all.pop()
        self._all.append(segment)

    def remove_from(self, offset: int, discard: Discard) -> None:
        """Discard, newest first, the segments that begin at `offset` or behind it."""
        self._reading = None
        while self._all and self._all[-1].base_offset >= offset:
            self._all.pop().discard(discard)

    def remove_oldest(self, count: int, discard: Discard) -> None:
        """Discard so many, the oldest first: a crash in between leaves a log without a hole."""
        for _ in range(count):
            self._all[0].discard(discard)
            if self._all.pop(0) is self._reading:
                self._reading = None

    def replace(self, replaced: Sequence[Segment], cleaned: Segment) -> None:
        """Let `cleaned` stand for neighbouring closed segments, whose files remain as `.deleted`."""
        at = self._all.index(replaced[0])
        swap_in(cleaned, replaced)
        self._all[at : at + len(replaced)] = [cleaned]
        if self._reading in replaced:
            self._reading = None
