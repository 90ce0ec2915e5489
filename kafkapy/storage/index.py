"""The two sparse indexes of a segment: offset to position, and timestamp to offset.

Entries are fixed in size and ascend, so a lookup is a binary search. An index only saves scanning: a missing entry
costs a longer scan, a wrong one would be corruption, so an index is cut before its log is, and is written before the
log's recovery point passes its segment; beyond that point recovery makes it anew. That is why the newest entries may
wait in memory, and why no descriptor is kept open. Apache's classes: `OffsetIndex`, `TimeIndex`.

    .index      8 bytes: offset - base offset (int32), position in the .log (int32); the batch whose *last* offset it is
    .timeindex  12 bytes: timestamp (int64), offset - base offset (int32); no record up to that offset is newer
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from kafkapy.protocol.octets import Bytes
from kafkapy.storage.disk import ColdError, Disk, File
from kafkapy.storage.index_file import flush_file, open_written

_WAITING_BYTES = 4096  # written together, once so many wait
_PAGE = 512  # entries: a range this small is read at once
_MAX_RELATIVE = 2**31 - 1

Bisect = Callable[..., int]  # bisect_left or bisect_right


class OffsetPosition(NamedTuple):
    """An entry of the offset index, its offset made absolute."""

    offset: int
    position: int


class TimestampOffset(NamedTuple):
    """An entry of the time index, its offset made absolute."""

    timestamp: int
    offset: int


class _Index:
    """A file of fixed-size entries in ascending order, the newest of which wait in memory."""

    __slots__ = ("_disk", "_last", "_page", "_waiting", "_written", "base_offset", "path")
    entry: struct.Struct

    def __init__(self, disk: Disk, path: str, base_offset: int) -> None:
        self._disk = disk
        self.path = path
        self.base_offset = base_offset
        self._written = -1  # entries in the file; -1: not looked at yet
        self._waiting = bytearray()
        self._last: tuple[int, int] | None = None
        # The entries of the file that were looked at last, behind the number of the first.
        self._page: tuple[int, Bytes] = (0, b"")

    @property
    def entries(self) -> int:
        """How many entries there are."""
        if self._written < 0:
            try:
                self._written = self._disk.size(self.path) // self.entry.size
            except FileNotFoundError:
                self._written = 0
        return self._written + len(self._waiting) // self.entry.size

    def start_empty(self) -> None:
        """Take it as known that there is no file yet."""
        self._written = 0

    def release(self) -> None:
        """Keep nothing in memory that is in the file."""
        self._page = (0, b"")

    def reset(self) -> None:
        """Drop all entries, and the file."""
        with suppress(FileNotFoundError):
            self._disk.unlink(self.path)
        self._written = 0
        self._waiting.clear()
        self._last = None

    def flush(self, *, sync: bool) -> None:
        """Write the entries that wait; the file exists afterwards. Raises OSError, and then they still wait."""
        if not self._waiting and not sync and self._disk.exists(self.path):
            return
        flush_file(self.written(), sync=sync)

    def written(self) -> File:
        """The file, open, with the entries that waited, for who syncs and closes it. Raises as `flush` does."""
        at = (self.entries - len(self._waiting) // self.entry.size) * self.entry.size
        file = open_written(self._disk, self.path, at, self._waiting)
        self._written = file.size // self.entry.size
        self._waiting = bytearray()
        return file

    def _add(self, first: int, second: int) -> None:
        self._waiting += self.entry.pack(first, second)
        self._last = (first, second)
        if len(self._waiting) >= _WAITING_BYTES:
            try:
                self.flush(sync=False)
            except OSError:
                return  # a full disk: the batch is in the log already, so the entry waits on; roll and close will tell

    def _last_entry(self) -> tuple[int, int] | None:
        if self._last is None and self.entries:
            self._last = (
                self._entry(self._waiting, -1) if self._waiting else self._entry(self._read(self._written - 1, 1), 0)
            )
        return self._last

    def _entry(self, data: Bytes, at: int) -> tuple[int, int]:
        first, second = self.entry.unpack_from(data, at * self.entry.size)
        return first, second

    def _read(self, start: int, count: int) -> bytes:
        """So many entries of the file, or fewer at its end."""
        file = self._disk.open(self.path)
        try:
            return file.pread(count * self.entry.size, start * self.entry.size)
        finally:
            file.close()

    def _ends(self) -> tuple[tuple[int, int], ...] | None:
        """The first and the last entry; None if the file is missing, or does not hold whole entries."""
        try:
            file = self._disk.open(self.path)
        except FileNotFoundError:
            return None
        try:
            self._written, torn = divmod(file.size, self.entry.size)
            ends = (0, self._written - 1) if self._written else ()
            found = tuple(self.entry.unpack(file.pread(self.entry.size, at * self.entry.size)) for at in ends)
        finally:
            file.close()
        self._last = found[-1] if found else None
        return None if torn else found

    def _search(
        self, bisect: Bisect, column: int, target: int, cached_only: bool = False
    ) -> tuple[int, tuple[int, int] | None]:
        """How many entries lie before where `target` would go, and the last of them."""
        if self.entries > self._written and bisect([self._entry(self._waiting, 0)[column]], target):
            page: tuple[int, Bytes] = self._written, bytes(self._waiting)
        elif self._written == 0:
            return 0, None
        else:
            page = self._page_for(bisect, column, target, cached_only)
        start, data = page
        at = bisect(range(len(data) // self.entry.size), target, key=lambda at: self._entry(data, at)[column])
        return start + at, (self._entry(data, at - 1) if at else None)

    def _page_for(self, bisect: Bisect, column: int, target: int, cached_only: bool) -> tuple[int, Bytes]:
        """The entries of the file among which `target` goes, and the number of the first of them."""
        start, data = self._page
        if data:
            # Who reads a log on and on asks for places close to each other.
            ends = [self._entry(data, 0)[column], self._entry(data, -1)[column]]
            place = bisect(ends, target)
            if place == 1 or (place == 0 and start == 0):
                return self._page
        file = self._disk.open(self.path)
        read = partial(self._pread_cached, file) if cached_only else file.pread
        try:
            size = self.entry.size
            low, high = 0, self._written
            while high - low > _PAGE:
                middle = (low + high) // 2
                if bisect([self._entry(read(size, middle * size), 0)[column]], target):
                    low = middle
                else:
                    high = middle
            # Whole pages, so that the next lookup finds itself in the same one.
            low -= low % _PAGE
            high = min(low + 2 * _PAGE, self._written)
            self._page = low, read((high - low) * size, low * size)
        finally:
            file.close()
        return self._page

    def _pread_cached(self, file: File, size: int, position: int) -> Bytes:
        found = file.pread_cached(size, position)
        if found is None:
            raise ColdError(partial(self._disk.read, self.path))  # all of it, or every probe would be another wait
        return found

    def drop_last(self) -> None:
        """Drop the newest entry."""
        self._cut(self.entries - 1)

    def _keep_while(self, is_next: Callable[[tuple[int, int], tuple[int, int]], bool], first: tuple[int, int]) -> None:
        """Keep the entries that each follow the one before, the first of them `first`, and drop those behind."""
        keep = 0
        for entry in self.entry.iter_unpack(self._read(0, self.entries) if self.entries else b""):
            if not is_next(first, entry):
                break
            first = entry
            keep += 1
        self._cut(keep)

    def _cut(self, keep: int) -> None:
        """Keep the first `keep` entries."""
        total = self.entries
        if keep >= total and total:
            return
        self._last = None
        self._page = (0, b"")
        if keep >= self._written:
            del self._waiting[(keep - self._written) * self.entry.size :]
            return
        self._waiting = bytearray()
        file = self._disk.open(self.path)
        try:
            file.truncate(keep * self.entry.size)
        finally:
            file.close()
        self._written = keep


class OffsetIndex(_Index):
    """Finds the position to start scanning from for an offset."""

    __slots__ = ()
    entry = struct.Struct(">ii")

    def append(self, offset: int, position: int) -> None:
        """Note that the batch at `position` ends with `offset`, which must be above the last entry's."""
        self._add(offset - self.base_offset, position)

    def lookup(self, offset: int, *, cached_only: bool = False) -> OffsetPosition:
        """The entry with the largest offset not above `offset`; the segment's beginning if there is none.

        Raises ColdError if that would take the disk its time, and only what is `cached_only` is wanted.
        """
        _, entry = self._search(bisect_right, 0, offset - self.base_offset, cached_only)
        return self._absolute(entry)

    def before(self, position: int) -> int:
        """The largest position not above `position` where a batch is known to begin."""
        _, entry = self._search(bisect_right, 1, position)
        return entry[1] if entry is not None else 0

    def offset_behind(self, position: int) -> int | None:
        """The offset of the first entry at `position` or behind it; None if there is none."""
        number, _ = self._search(bisect_left, 1, position)
        if number >= self.entries:
            return None
        at = number - self._written
        entry = self._entry(self._waiting, at) if at >= 0 else self._entry(self._read(number, 1), 0)
        return self.base_offset + entry[0]

    @property
    def last(self) -> OffsetPosition:
        """The newest entry, or the segment's beginning."""
        return self._absolute(self._last_entry())

    def truncate_to(self, offset: int) -> None:
        """Drop the entries for `offset` and above."""
        self._cut(self._search(bisect_left, 0, offset - self.base_offset)[0])

    def keep_below(self, offset: int, log_size: int) -> None:
        """Drop what is not of a batch below `offset`, in a log of so many bytes: what a crash left, or zeros."""
        end = offset - self.base_offset
        self._keep_while(lambda last, entry: last[0] < entry[0] < end and last[1] < entry[1] < log_size, (-1, 0))

    def is_full(self, max_bytes: int) -> bool:
        return self.entries >= max_bytes // self.entry.size

    def holds(self, first: int, last: int) -> bool:
        """Whether the distances of these offsets, in order, from the base offset fit entries."""
        return first >= self.base_offset and last - self.base_offset <= _MAX_RELATIVE

    def is_sane(self, log_size: int) -> bool:
        """Whether the file can be an index of a log of `log_size` bytes; missing counts as not."""
        ends = self._ends()
        return ends is not None and all(offset >= 0 and 0 <= at < max(log_size, 1) for offset, at in ends)

    def _absolute(self, entry: tuple[int, int] | None) -> OffsetPosition:
        return (
            OffsetPosition(self.base_offset, 0)
            if entry is None
            else OffsetPosition(self.base_offset + entry[0], entry[1])
        )


class TimeIndex(_Index):
    """Finds the offset to start scanning from for a timestamp."""

    __slots__ = ()
    entry = struct.Struct(">qi")

    def maybe_append(self, timestamp: int, offset: int) -> None:
        """Note that `timestamp` was reached at `offset`, if it is later than the last entry's."""
        if timestamp > self.last.timestamp:
            self._add(timestamp, offset - self.base_offset)

    def lookup(self, timestamp: int, *, cached_only: bool = False) -> TimestampOffset:
        """The entry with the largest timestamp not above `timestamp`; (-1, base offset) if there is none.

        Raises ColdError as `OffsetIndex.lookup` does.
        """
        _, entry = self._search(bisect_right, 0, timestamp, cached_only)
        return self._absolute(entry)

    @property
    def last(self) -> TimestampOffset:
        """The newest entry, or (-1, base offset)."""
        return self._absolute(self._last_entry())

    def truncate_to(self, offset: int) -> None:
        """Drop the entries for `offset` and above."""
        self._cut(self._search(bisect_left, 1, offset - self.base_offset)[0])

    def keep_below(self, offset: int) -> None:
        """Drop what is not of a batch below `offset`: what a crash left, or zeros."""
        end = offset - self.base_offset
        self._keep_while(lambda last, entry: last[0] < entry[0] and last[1] <= entry[1] < end, (-1, 0))

    def is_full(self, max_bytes: int) -> bool:
        return self.entries >= max_bytes // self.entry.size - 1  # one is kept for closing the segment

    def is_sane(self) -> bool:
        """Whether the file can be a time index; missing counts as not."""
        ends = self._ends()
        return ends is not None and (not ends or (ends[-1][1] >= 0 and ends[-1][0] >= ends[0][0]))

    def _absolute(self, entry: tuple[int, int] | None) -> TimestampOffset:
        return (
            TimestampOffset(-1, self.base_offset)
            if entry is None
            else TimestampOffset(entry[0], self.base_offset + entry[1])
        )
