"""A segment: one `.log` file of record batches, and its two indexes.

Batches lie one behind the other, whole, with ascending offsets from the base offset in the file's name. A batch is
found by the offset index and the headers behind its entry; a batch's body is read only by those who ask for it. The
file is opened at first use, and a closed segment's file is let go of again, so that a broker of ten thousand
partitions does not hold a descriptor for every file. Apache's classes: `LogSegment`, `FileRecords`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial

from kafkapy.protocol.batch import (
    HEADER_SIZE,
    LENGTH_END,
    NO_TIMESTAMP,
    BatchHeader,
    Record,
    check_crc,
    read_header,
    read_records,
)
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.octets import Bytes
from kafkapy.storage.aborted import TransactionIndex
from kafkapy.storage.discarded import Discard, discard_file
from kafkapy.storage.disk import ColdError, Disk, File
from kafkapy.storage.index import OffsetIndex, TimeIndex, TimestampOffset

Found = tuple[Record, BatchHeader]
LOG_SUFFIX = ".log"
INDEX_SUFFIX = ".index"
TIME_INDEX_SUFFIX = ".timeindex"
TRANSACTION_INDEX_SUFFIX = ".txnindex"
SUFFIXES = (LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX)

_HEADER_WINDOW = 4096  # bytes read at once when only headers are wanted
_BODY_WINDOW = 1 << 20  # and when whole batches are
_WARM_BYTES = 1 << 18  # brought into memory where a header is wanted that is not: it is mostly the first of many
_RECENT_BYTES = 1 << 23  # at the end of what this process has appended, which are in memory
_RECENT_BATCHES = 64  # whose positions are remembered, for readers at the end of the log
_FOLLOWERS = 64  # and so many where readers are likely to go on


def file_name(base_offset: int, suffix: str) -> str:
    """The name of a file that begins with `base_offset`, such as 00000000000000000042.log."""
    return f"{base_offset:020d}{suffix}"


class FileSlice:
    """A range of a segment's file, not yet read. It stays readable after the segment was rolled or deleted.

    `is_recent` says that it was appended so lately that it is in memory. What the disk refuses `on_disk_error` is told.
    """

    __slots__ = ("file", "is_recent", "on_disk_error", "position", "size")

    def __init__(self, file: File, position: int, size: int, *, is_recent: bool = False) -> None:
        self.file = file
        self.position = position
        self.size = size
        self.is_recent = is_recent
        self.on_disk_error: Callable[[OSError], object] = _unheard

    def __len__(self) -> int:
        return self.size

    def read(self) -> Bytes:
        """The bytes. Raises KafkaError(KAFKA_STORAGE_ERROR) if the disk cannot give them."""
        try:
            return self._whole(self.file.pread(self.size, self.position))
        except OSError as error:
            raise self.failed(error) from error

    def read_cached(self) -> Bytes | None:
        """The bytes, if the disk need not be asked for them; None if it must. Raises as `read` does."""
        if self.is_recent:
            return self.read()
        try:
            found = self.file.pread_cached(self.size, self.position)
        except OSError as error:
            raise self.failed(error) from error
        return None if found is None else self._whole(found)

    def is_cached(self, position: int, end: int) -> bool:
        """Whether this part of it, by its positions in the file, is in memory. Raises as `read` does."""
        try:
            return self.is_recent or self.file.is_cached(position, end - position)
        except OSError as error:
            raise self.failed(error) from error

    def warm(self, position: int, end: int) -> None:
        """Bring this part of it, by its positions in the file, into memory. Raises as `read` does."""
        try:
            self.file.pread(end - position, position)
        except OSError as error:
            raise self.failed(error) from error

    def fileno(self) -> int:
        """The descriptor to send from, valid while this slice lives."""
        return self.file.fileno()

    def failed(self, error: OSError) -> KafkaError:
        """The KafkaError to raise for an error of the disk, which the log's directory learns of."""
        self.on_disk_error(error)
        return storage_error(f"reading {self.file.path}", error)

    def cut_short(self, missing: int) -> KafkaError:
        """The KafkaError to raise where the file has ended."""
        why = f"{self.file.path} ended {missing} bytes before the records that were promised"
        return KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, why)

    def _whole(self, data: Bytes) -> Bytes:
        if len(data) < self.size:
            raise self.cut_short(self.size - len(data))
        return data


def _unheard(error: OSError) -> None:
    """Nobody but the reader wants to know."""


def storage_error(doing: str, error: OSError) -> KafkaError:
    """The KafkaError to raise for a disk's error."""
    return KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"{doing} failed: {error.strerror or error}; check the disk")


class Segment:
    """The batches from `base_offset` up to the next segment's."""

    __slots__ = (
        "_bytes_since_index",
        "_disk",
        "_file",
        "_first_timestamp",
        "_followers",
        "_is_reserved",
        "_max",
        "_recent",
        "_size",
        "_transaction_index",
        "_written_from",
        "base_offset",
        "created_ms",
        "directory",
        "ending",
        "index_interval_bytes",
        "jitter_ms",
        "offset_index",
        "time_index",
    )

    def __init__(
        self,
        disk: Disk,
        directory: str,
        base_offset: int,
        index_interval_bytes: int,
        now_ms: int,
        *,
        ending: str = "",
    ) -> None:
        self._disk = disk
        self.directory = directory
        self.ending = ending  # behind the names of its files while they are not, or not any more, the log's
        self.base_offset = base_offset
        self.index_interval_bytes = index_interval_bytes
        self.created_ms = now_ms
        self.jitter_ms = 0
        self.offset_index = OffsetIndex(disk, self.path(INDEX_SUFFIX), base_offset)
        self.time_index = TimeIndex(disk, self.path(TIME_INDEX_SUFFIX), base_offset)
        self._transaction_index: TransactionIndex | None = None
        self._file: File | None = None
        self._is_reserved = False  # zeros may follow the batches
        self._size = -1
        self._written_from = -1  # from there on this process has appended
        self._bytes_since_index = 0
        self._max: TimestampOffset | None = None
        self._first_timestamp: int | None = None
        self._recent: deque[tuple[int, int]] = deque(maxlen=_RECENT_BATCHES)
        self._followers: dict[int, int] = {}  # by the offset behind a batch that was found: where the next one begins

    @classmethod
    def create(
        cls,
        disk: Disk,
        directory: str,
        base_offset: int,
        index_interval_bytes: int,
        now_ms: int,
        jitter_ms: int = 0,
        *,
        reserved_bytes: int = 0,
        ending: str = "",
    ) -> Segment:
        """A new, empty segment. What a crash left under its names is emptied.

        Its file is made `reserved_bytes` long at once, and cut to its batches when it is finished.
        """
        segment = cls(disk, directory, base_offset, index_interval_bytes, now_ms, ending=ending)
        segment.jitter_ms = jitter_ms
        segment._file = disk.open(segment.path(LOG_SUFFIX), create=True)
        segment._size = 0
        try:
            if segment._file.size:
                segment._file.truncate(0)
            if reserved_bytes:
                segment._is_reserved = True
                segment._file.reserve(reserved_bytes)
        except OSError:
            # The log goes on in the segment before, and the next start must not take this one for its successor.
            with suppress(OSError):
                segment.delete()
            raise
        segment._max = TimestampOffset(NO_TIMESTAMP, base_offset)
        segment.offset_index.start_empty()
        segment.time_index.start_empty()
        with suppress(FileNotFoundError):
            disk.unlink(segment.path(TRANSACTION_INDEX_SUFFIX))
        return segment

    def path(self, suffix: str) -> str:
        return f"{self.directory}/{file_name(self.base_offset, suffix)}{self.ending}"

    @property
    def file(self) -> File:
        """The open `.log` file."""
        if self._file is None:
            self._file = self._disk.open(self.path(LOG_SUFFIX))
            if self._is_reserved:
                self._file.size = self._size
            self._size = self._file.size
        return self._file

    @property
    def size(self) -> int:
        """Bytes of batches."""
        if self._size < 0:
            self._size = self._disk.size(self.path(LOG_SUFFIX))
        return self._size

    @property
    def transaction_index(self) -> TransactionIndex:
        """The transactions that were aborted here."""
        if self._transaction_index is None:
            self._transaction_index = TransactionIndex(self._disk, self.path(TRANSACTION_INDEX_SUFFIX))
        return self._transaction_index

    @property
    def has_aborted(self) -> bool:
        """Whether transactions are known to have been aborted here."""
        return self._transaction_index is not None and bool(self._transaction_index.entries)

    @property
    def newest(self) -> TimestampOffset:
        """The largest timestamp, and the last offset of the first batch that has it; (-1, base offset) if none."""
        if self._max is None:
            self._max = self.time_index.last
        return self._max

    @property
    def largest_timestamp(self) -> int:
        """The largest timestamp, or when the file was last written if no record has one."""
        newest = self.newest.timestamp
        return newest if newest >= 0 else self._disk.modified_ms(self.path(LOG_SUFFIX))

    @property
    def first_timestamp(self) -> int | None:
        """The largest timestamp of the first batch, None in an empty segment."""
        if self._first_timestamp is None and self.size:
            first = next(self.headers(0), None)
            self._first_timestamp = first[1].max_timestamp if first else None
        return self._first_timestamp

    def waited_for_roll_ms(self, now_ms: int, timestamp: int) -> int:
        """How long the segment has been open: in its records' time if they have any, by the clock if not."""
        first = self._first_timestamp
        if first is None:
            first = self.first_timestamp
        if first is not None and first >= 0:
            return timestamp - first
        return now_ms - self.created_ms

    def is_full(self, max_index_bytes: int) -> bool:
        """Whether an index has no room for another entry."""
        return self.offset_index.is_full(max_index_bytes) or self.time_index.is_full(max_index_bytes)

    # --- writing

    def append(self, chunks: Sequence[Bytes], headers: Sequence[BatchHeader]) -> None:
        """Write the batches with one gathered write. On OSError nothing of them is left, or the truncation raises."""
        file = self.file
        position = file.size
        try:
            file.append(chunks)
        except OSError:
            file.truncate(position)
            raise
        self._size = file.size
        if self._written_from < 0:
            self._written_from = position
        for header in headers:
            self.note(position, header)
            position += header.size

    def note(self, position: int, header: BatchHeader) -> None:
        """Take the batch at `position`, behind all others, into the indexes."""
        newest = self._max
        if newest is None:
            newest = self.newest
        last_offset = header.base_offset + header.last_offset_delta
        if self._first_timestamp is None:
            self._first_timestamp = header.max_timestamp if position == 0 else None
        if header.max_timestamp > newest.timestamp:
            self._max = newest = TimestampOffset(header.max_timestamp, last_offset)
        if self._bytes_since_index > self.index_interval_bytes:
            self.offset_index.append(last_offset, position)
            self.time_index.maybe_append(newest.timestamp, newest.offset)
            self._bytes_since_index = 0
        self._bytes_since_index += header.length + LENGTH_END
        self._recent.append((header.base_offset, position))

    def _forget_places(self) -> None:
        """Batches may not be, or not be any more, where they were."""
        self._recent.clear()
        self._followers.clear()

    def restart_indexes(self) -> None:
        """Forget what the indexes hold, before every batch is noted anew."""
        self.offset_index.reset()
        self.time_index.reset()
        self._bytes_since_index = 0
        self._max = TimestampOffset(NO_TIMESTAMP, self.base_offset)
        self._first_timestamp = None
        self._forget_places()

    def resume_indexes(self, offset: int) -> int | None:
        """Keep what the indexes hold of the batches below `offset`, which are durable and the indexes with them.

        The position of the first batch that is to be noted anew; None if the indexes do not lead there.
        """
        self.offset_index.keep_below(offset, self.size)
        self.time_index.keep_below(offset)
        self._forget_places()
        try:
            self._drop_untrue_entries()
            newest = self.time_index.last
            at, end = self.offset_index.last.position, self.base_offset
            position = at
            for found, header in self.headers(min(at, self.offset_index.lookup(newest.offset).position)):
                if header.base_offset < end:
                    break  # of a batch that is not durable, even this much may have been lost
                if header.base_offset >= offset:
                    end = offset
                    break
                end = header.next_offset
                position = found + header.size
                if header.max_timestamp > newest.timestamp:
                    newest = TimestampOffset(header.max_timestamp, header.last_offset)
        except KafkaError:
            return None
        if end != offset:
            return None
        self._bytes_since_index = position - at
        self._max = newest
        return position

    def _drop_untrue_entries(self) -> None:
        """Hold the newest entries against the batches: behind those that are durable anything may stand."""
        while (last := self.offset_index.last).position:
            _, header = next(self.headers(last.position))
            if header.last_offset == last.offset:
                break
            self.offset_index.drop_last()
        while (time := self.time_index.last).timestamp != NO_TIMESTAMP:
            found = self.locate(time.offset)
            if found is not None and found[1].base_offset <= time.offset and found[1].max_timestamp == time.timestamp:
                break
            self.time_index.drop_last()

    def truncate_bytes(self, size: int) -> None:
        """Cut the file to `size` bytes, leaving the indexes alone."""
        self.file.truncate(size)
        self._size = size

    def truncate_to(self, offset: int) -> int:
        """Drop every batch that holds `offset` or anything above it; how many bytes that were."""
        found = self.locate(offset)
        # Indexes first: an entry past the end of the file is corruption, a missing one only costs a longer scan.
        self.offset_index.truncate_to(offset)
        self.time_index.truncate_to(offset)
        self.transaction_index.truncate_to(offset)
        self._forget_places()
        self._bytes_since_index = 0
        dropped = 0
        if found is not None:
            dropped = self.size - found[0]
            self.truncate_bytes(found[0])
        if self.size == 0:
            self._first_timestamp = None
        self._max = self._newest_after_truncation()
        return dropped

    def _newest_after_truncation(self) -> TimestampOffset:
        newest = self.time_index.last
        for _, header in self.headers(self.offset_index.lookup(newest.offset).position):
            if header.max_timestamp > newest.timestamp:
                newest = TimestampOffset(header.max_timestamp, header.last_offset)
        return newest

    def finish(self, *, sync: bool = False) -> None:
        """Leave the files as a closed segment has them: no zeros in the `.log`, the newest timestamp in the indexes."""
        if self._is_reserved:
            self.truncate_bytes(self._size)
            self._is_reserved = False
        if self._max is not None:
            self.time_index.maybe_append(*self._max)
        # In the order opposite to `restart_indexes`: without an offset index all is made anew once more.
        self.time_index.flush(sync=sync)
        self.offset_index.flush(sync=sync)
        if self._transaction_index is not None:
            self._transaction_index.flush(sync=sync)

    def sync(self) -> None:
        """Make the batches and the index entries durable."""
        self.file.sync()
        self.offset_index.flush(sync=True)
        self.time_index.flush(sync=True)
        if self._transaction_index is not None:
            self._transaction_index.flush(sync=True)

    def written_indexes(self) -> Iterator[File]:
        """The indexes' files, open, with all entries in them; for who syncs and closes them. Raises OSError."""
        yield self.offset_index.written()
        yield self.time_index.written()
        if self._transaction_index is not None and self._transaction_index.is_unsynced:
            yield self._transaction_index.written()

    def release(self) -> None:
        """Let go of the file; it closes with the last slice of it."""
        self._file = None
        self._followers.clear()
        self.offset_index.release()
        self.time_index.release()

    def rename(self, ending: str) -> None:
        """Give the files another ending, the `.log` first. Raises OSError, and then some may have it."""
        self.release()
        for suffix in SUFFIXES:
            path = self.path(suffix)
            if suffix == LOG_SUFFIX or self._disk.exists(path):
                self._disk.rename(path, path.removesuffix(self.ending) + ending)
        self.ending = ending
        self.offset_index.path = self.path(INDEX_SUFFIX)
        self.time_index.path = self.path(TIME_INDEX_SUFFIX)
        self._transaction_index = None

    def discard(self, discard: Discard) -> None:
        """Give the files the ending `.deleted`, and hand them over. Raises OSError if the `.log` keeps its name.

        Indexes without a log are swept up at the next start, so they need not hold up anybody.
        """
        self.release()
        discard_file(self._disk, self.path(LOG_SUFFIX), discard)
        for suffix in SUFFIXES[1:]:
            with suppress(OSError):
                discard_file(self._disk, self.path(suffix), discard)

    def delete(self) -> None:
        """Remove the files. Raises OSError if the `.log` stays, which goes first.

        Indexes without a log are swept up at the next start, so they need not hold up anybody.
        """
        self.release()
        self._disk.unlink(self.path(LOG_SUFFIX))
        for suffix in SUFFIXES[1:]:
            with suppress(OSError):
                self._disk.unlink(self.path(suffix))

    # --- reading

    def is_recent(self, position: int) -> bool:
        """Whether what lies there was appended so lately that it is in memory."""
        return 0 <= self._written_from <= position >= self._size - _RECENT_BYTES

    def headers(
        self, position: int, end: int | None = None, *, cached_only: bool = False
    ) -> Iterator[tuple[int, BatchHeader]]:
        """Each batch's position and header from `position`, where one begins, to `end`; bodies are not read.

        Raises ColdError if that would take the disk its time, and only what is `cached_only` is wanted.
        """
        end = self.size if end is None else min(end, self.size)
        read = self._pread_cached if cached_only and not self.is_recent(position) else self.file.pread
        window: Bytes = b""
        start = 0
        while position < end:
            at = position - start
            if at + HEADER_SIZE > len(window):
                window, start, at = read(_HEADER_WINDOW, position), position, 0
            header = read_header(window, at)
            yield position, header
            position += header.length + LENGTH_END

    def _pread_cached(self, size: int, position: int) -> Bytes:
        file = self.file
        found = file.pread_cached(size, position)
        if found is None:
            raise ColdError(partial(file.pread, max(size, _WARM_BYTES), position))
        return found

    def batches(
        self, position: int = 0, end: int | None = None, *, at_once: int = _BODY_WINDOW
    ) -> Iterator[tuple[int, BatchHeader, memoryview]]:
        """Each batch's position, header and bytes, read `at_once` bytes at a time, or a batch if that is larger.

        Raises KafkaError(CORRUPT_MESSAGE) where no whole batch is.
        """
        at_once = max(at_once, HEADER_SIZE)
        end = self.size if end is None else min(end, self.size)
        file = self.file
        window, start = memoryview(b""), 0
        while position < end:
            at = position - start
            if at + HEADER_SIZE > len(window):
                window, start, at = memoryview(file.pread(at_once, position)), position, 0
            header = read_header(window, at)
            size = header.size
            if position + size > end:
                why = f"a batch of {size} bytes where {end - position} are left in {file.path}"
                raise KafkaError(ErrorCode.CORRUPT_MESSAGE, why)
            if at + size > len(window):
                window, start, at = memoryview(file.pread(max(size, at_once), position)), position, 0
            yield position, header, window[at : at + size]
            position += size

    def locate(self, offset: int, *, cached_only: bool = False) -> tuple[int, BatchHeader] | None:
        """The first batch that ends at `offset` or later: its position and header. Raises ColdError as `headers`."""
        followers = self._followers
        start = followers.get(offset)
        if start is None:
            start = self._start_for(offset, cached_only)
        for position, header in self.headers(start, cached_only=cached_only):
            next_offset = header.base_offset + header.last_offset_delta + 1
            if next_offset > offset:
                # Who reads batch after batch asks for the next one next, and the index would lead to the one before it.
                followers[next_offset] = position + header.length + LENGTH_END
                if len(followers) > _FOLLOWERS:
                    del followers[next(iter(followers))]
                return position, header
        return None

    def _start_for(self, offset: int, cached_only: bool) -> int:
        if self._recent and offset >= self._recent[0][0]:
            for base_offset, position in reversed(self._recent):
                if base_offset <= offset:
                    return position
        return self.offset_index.lookup(offset, cached_only=cached_only).position

    def next_offset(self) -> int:
        """The offset behind the last batch; the base offset if there is none.

        Raises KafkaError(CORRUPT_MESSAGE) if the file does not end with a whole batch.
        """
        end = self.base_offset
        behind = 0
        for position, header in self.headers(self.offset_index.last.position):
            end = header.next_offset
            behind = position + header.size
        if behind != self.size:
            why = f"{self.path(LOG_SUFFIX)} ends within the batch before offset {end}"
            raise KafkaError(ErrorCode.CORRUPT_MESSAGE, why)
        return end

    def records_at(self, position: int, header: BatchHeader, *, cached_only: bool = False) -> list[Record]:
        """The records of one batch, checked and decompressed. Raises ColdError as `headers` does."""
        data = (self._pread_cached if cached_only else self.file.pread)(header.size, position)
        check_crc(data, 0, header)
        return read_records(data)

    def find_timestamp(self, timestamp: int, from_offset: int, *, cached_only: bool = False) -> Found | None:
        """The first record at or behind `from_offset` whose timestamp is at least `timestamp`, and its batch."""
        start = max(self.time_index.lookup(timestamp, cached_only=cached_only).offset, from_offset)
        return self._find(start, timestamp, from_offset, cached_only)

    def find_newest(self, *, cached_only: bool = False) -> Found | None:
        """The first record with the largest timestamp of the segment, and its batch."""
        return self._find(self.newest.offset, self.newest.timestamp, self.base_offset, cached_only)

    def _find(self, start: int, timestamp: int, from_offset: int, cached_only: bool) -> Found | None:
        position = self.offset_index.lookup(start, cached_only=cached_only).position
        for at, header in self.headers(position, cached_only=cached_only):
            if header.max_timestamp >= timestamp and header.last_offset >= from_offset:
                for record in self.records_at(at, header, cached_only=cached_only):
                    if record.timestamp >= timestamp and record.offset >= from_offset:
                        return record, header
        return None
