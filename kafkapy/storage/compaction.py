"""One compaction of one log: index the newest offset of each key, then write each group of segments anew.

It reads closed segments, which do not change, through descriptors of its own, and writes only files that end in
`.cleaned`; the log itself is not touched, so all of it may run in another thread while the log is read and written.
Putting the new segments in the old ones' place is `Log.replace`, and belongs to the log's own thread. Segments that
shrank are joined up to the size that the topic allows. No batch is copied whose checksum is not right: damage must not
get a new, right one. Apache's class: `Cleaner`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from kafkapy.protocol.batch import BatchHeader, check_crc
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.octets import Bytes
from kafkapy.protocol.record_scan import batch_body, scan_records
from kafkapy.storage.aborted import AbortedTransaction, read_aborted
from kafkapy.storage.batch_filter import BatchFilter, CleanedTransactions
from kafkapy.storage.disk import Disk
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.offset_map import OffsetMap
from kafkapy.storage.producers import LastOfProducer
from kafkapy.storage.segment import INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX, Segment
from kafkapy.storage.swap import CLEANED

_LARGEST_DELTA = 2**31 - 1


@dataclass(frozen=True, slots=True)
class CompactionLimits:
    """What one compaction may use: the table of keys and how full it gets, and buffers to read into and to write from.

    A batch that is larger than a buffer is read and written all the same.
    """

    dedupe_buffer_bytes: int = 134_217_728
    load_factor: float = 0.9
    io_buffer_bytes: int = 262_144  # for reading, and as much for writing


DEFAULT_LIMITS = CompactionLimits()


class ClosedSegment(NamedTuple):
    """A segment as it was when the compaction began."""

    base_offset: int
    size: int


@dataclass(slots=True)
class CompactionStats:
    """What was read and written, in batches' bytes and in records."""

    bytes_read: int = 0
    bytes_written: int = 0
    batches_read: int = 0
    batches_written: int = 0
    records_read: int = 0
    records_written: int = 0
    keys: int = 0


class Compaction:
    """The work on one log from `first_dirty_offset` to before `end_offset`. `index` first, then `write` each group.

    `segments` are the log's closed segments from its first to before `end_offset`. `on_bytes` hears of every so many
    bytes read or written, and may raise whatever ends the work.
    """

    def __init__(
        self,
        disk: Disk,
        directory: str,
        config: LogConfig,
        segments: Sequence[ClosedSegment],
        *,
        first_dirty_offset: int,
        end_offset: int,
        producers: Mapping[int, LastOfProducer],
        limits: CompactionLimits,
        now_ms: int,
        on_bytes: Callable[[int], None] = lambda size: None,
    ) -> None:
        self.first_dirty_offset = first_dirty_offset
        self.cleaned_to = first_dirty_offset  # exclusive; known once `index` is done
        self.groups: list[tuple[ClosedSegment, ...]] = []
        self.stats = CompactionStats()
        self._disk = disk
        self._directory = directory
        self._config = config
        self._segments = segments
        self._end_offset = end_offset
        self._producers = producers
        self._limits = limits
        self._now_ms = now_ms
        self._on_bytes = on_bytes
        self._filter: BatchFilter | None = None
        self._transactions = CleanedTransactions([])

    # --- the newest offset of each key

    def index(self) -> None:
        """Read the keys of the dirty part, as many as the memory allows; `cleaned_to` and `groups` follow.

        Raises OSError, KafkaError(CORRUPT_MESSAGE).
        """
        limits = self._limits
        offsets = OffsetMap(
            limits.dedupe_buffer_bytes, limits.load_factor, max(self._end_offset - self.first_dirty_offset, 1)
        )
        aborted = self._aborted()
        met = [transaction for transaction in aborted if transaction.last_offset >= self.first_dirty_offset]
        self._index_dirty(offsets, CleanedTransactions(met))
        self.stats.keys = offsets.size
        self.cleaned_to = max(offsets.latest_offset + 1, self.first_dirty_offset)
        self.groups = self._group([segment for segment in self._segments if segment.base_offset < self.cleaned_to])
        self._transactions = CleanedTransactions(aborted)
        self._filter = BatchFilter(
            offsets,
            self._transactions,
            self._producers,
            end_offset=self._end_offset,
            delete_retention_ms=self._config.delete_retention_ms,
            now_ms=self._now_ms,
        )

    def _index_dirty(self, offsets: OffsetMap, transactions: CleanedTransactions) -> None:
        first = self.first_dirty_offset
        next_bases = [segment.base_offset for segment in self._segments[1:]] + [self._end_offset]
        for closed, next_base in zip(self._segments, next_bases, strict=True):
            if next_base <= first:
                continue
            segment = self._open(closed)
            found = segment.locate(first)
            for header, data in self._batches(segment, closed.size, closed.size if found is None else found[0]):
                if header.is_control:
                    transactions.meet_control(header, data)
                elif not transactions.meet_data(header) and not self._put(offsets, header, data):
                    return
                if header.last_offset >= first:
                    offsets.latest_offset = header.last_offset
            offsets.latest_offset = next_base - 1  # nothing is between its last batch and there

    def _put(self, offsets: OffsetMap, header: BatchHeader, data: Bytes) -> bool:
        base, first = header.base_offset, self.first_dirty_offset
        records = scan_records(batch_body(data, header), header)
        return offsets.put(
            [(key, base + delta) for key, delta, _, _, _ in records if key is not None and base + delta >= first]
        )

    def _aborted(self) -> list[AbortedTransaction]:
        # Of the active segment too: a transaction may have begun before it.
        names = [name for name in self._disk.list(self._directory) if name.endswith(TRANSACTION_INDEX_SUFFIX)]
        return [found for name in names for found in read_aborted(self._disk, f"{self._directory}/{name}")]

    def _group(self, segments: Sequence[ClosedSegment]) -> list[tuple[ClosedSegment, ...]]:
        """Neighbours that make one segment: by their sizes now, and by what an index can hold."""
        groups: list[tuple[ClosedSegment, ...]] = []
        config = self._config
        sums = (0, 0, 0)
        ends = [segment.base_offset for segment in segments[1:]] + [self._end_offset]
        for closed, end in zip(segments, ends, strict=True):
            sizes = (closed.size, self._size(closed, INDEX_SUFFIX), self._size(closed, TIME_INDEX_SUFFIX))
            joined = tuple(map(sum, zip(sums, sizes, strict=True)))
            if (
                groups
                and joined[0] <= config.segment_bytes
                and max(joined[1:]) <= config.segment_index_bytes
                and end - 1 - groups[-1][0].base_offset <= _LARGEST_DELTA
            ):
                groups[-1] += (closed,)
                sums = (joined[0], joined[1], joined[2])
            else:
                groups.append((closed,))
                sums = sizes
        return groups

    def _size(self, closed: ClosedSegment, suffix: str) -> int:
        try:
            return self._disk.size(self._open(closed).path(suffix))
        except FileNotFoundError:
            return 0

    # --- what is left

    def write(self, group: Sequence[ClosedSegment]) -> Segment:
        """The group as one segment, in durable files that end in `.cleaned`; the groups in their order.

        Raises OSError, KafkaError(CORRUPT_MESSAGE); nothing is left behind then.
        """
        segment = Segment.create(
            self._disk,
            self._directory,
            group[0].base_offset,
            self._config.index_interval_bytes,
            self._now_ms,
            ending=CLEANED,
        )
        try:
            for closed in group:
                self._copy(closed, segment)
            self._finish(segment, self._open(group[-1]))
        except BaseException:
            with suppress(OSError):
                segment.delete()
            raise
        return segment

    def _copy(self, closed: ClosedSegment, target: Segment) -> None:
        assert self._filter is not None, "index comes before write"
        stats = self.stats
        chunks: list[Bytes] = []
        headers: list[BatchHeader] = []
        size = 0
        for header, data in self._batches(self._open(closed), closed.size):
            stats.batches_read += 1
            stats.records_read += header.record_count
            if (left := self._filter.filter(header, data)) is None:
                continue
            stats.batches_written += 1
            stats.records_written += left[0].record_count
            headers.append(left[0])
            chunks.append(left[1])
            size += len(left[1])
            if size >= self._limits.io_buffer_bytes:
                self._append(target, chunks, headers, size)
                chunks, headers, size = [], [], 0
        if chunks:
            self._append(target, chunks, headers, size)

    def _append(self, target: Segment, chunks: list[Bytes], headers: list[BatchHeader], size: int) -> None:
        target.append(chunks, headers)
        self._on_bytes(size)

    def _finish(self, segment: Segment, newest: Segment) -> None:
        transactions, self._transactions.kept = self._transactions.kept, []
        segment.transaction_index.replace(transactions)
        segment.finish(sync=True)
        segment.sync()
        segment.release()
        # Retention of records without timestamps goes by the age of their file.
        path = newest.path(LOG_SUFFIX)
        self._disk.set_modified_ms(segment.path(LOG_SUFFIX), self._disk.modified_ms(path))
        self.stats.bytes_written += segment.size

    def _open(self, closed: ClosedSegment) -> Segment:
        return Segment(self._disk, self._directory, closed.base_offset, self._config.index_interval_bytes, self._now_ms)

    def _batches(self, segment: Segment, end: int, position: int = 0) -> Iterator[tuple[BatchHeader, memoryview]]:
        next_offset = segment.base_offset
        for _, header, data in segment.batches(position, end, at_once=self._limits.io_buffer_bytes):
            self._on_bytes(header.size)
            check_crc(data, 0, header)
            # Offsets are not under the checksum.
            if not next_offset <= header.base_offset <= header.last_offset < self._end_offset:
                why = f"a batch of offsets {header.base_offset} to {header.last_offset} follows {next_offset}"
                raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"{segment.path(LOG_SUFFIX)}: {why}")
            next_offset = header.next_offset
            self.stats.bytes_read += header.size
            yield header, data
