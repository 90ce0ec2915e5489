"""What a simulated log was told and has promised, and whether what is found after a recovery keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

from kafkapy.protocol.batch import BatchHeader, Record, check_crc, read_header, read_records
from kafkapy.storage.log import Log
from kafkapy.storage.producer_replay import recall_batches, replay_producers
from kafkapy.storage.producers import Producers
from kafkapy.storage.segment import Segment

ABORT = b"\0\0\0\0"


class Written(NamedTuple):
    """A batch that was appended."""

    base_offset: int
    next_offset: int
    records: tuple[tuple[int, int, bytes | None, bytes | None], ...]  # offset, timestamp, key, value
    leader_epoch: int
    producer: tuple[int, int, int]  # id, epoch, base sequence
    is_control: bool


@dataclass
class Told:
    """One partition's model."""

    topic_id: UUID
    is_made: bool = False
    batches: list[Written] = field(default_factory=list)  # acknowledged, in order
    unsure: Written | None = None  # being written when the process died
    durable: int = 0  # everything below is promised to survive anything
    start: int = 0  # records below are given up
    known_from: int = 0  # the largest start there ever was
    start_on_disk: int = 0  # and may come back down to here
    compacted_to: int = 0  # below, a compaction may have been
    decided_to: int = 0  # and below, it may have looked at transactions' markers
    branches: list[list[Written]] = field(default_factory=list)  # what was truncated, and may come back with power lost
    is_torn: bool = False  # a truncation did not end

    @property
    def end(self) -> int:
        return self.batches[-1].next_offset if self.batches else self.start

    def note(self, log: Log) -> None:
        """Take the log's word for how far it is durable."""
        if not self.is_torn:
            if self.durable < log.recovery_point == log.log_end_offset:
                self.branches.clear()
            self.durable = max(self.durable, log.recovery_point)
        self.note_start(log)

    def note_start(self, log: Log) -> None:
        """Take it that what is below may be gone for good, or may come back."""
        self.start = log.log_start_offset
        self.known_from = max(self.known_from, self.start)

    def expect(self, data: bytes, base_offset: int, leader_epoch: int) -> None:
        """The batch is about to be written."""
        header = read_header(data)._replace(base_offset=base_offset, leader_epoch=leader_epoch)
        records = [replace(record, offset=base_offset + at) for at, record in enumerate(read_records(data))]
        self.unsure = _written(header, records)

    def acknowledge(self) -> None:
        """It was written."""
        assert self.unsure is not None
        self.batches.append(self.unsure)
        self.unsure = None

    def refuse(self) -> None:
        """It was taken back; until what follows is durable, it may come with the power lost in place of that."""
        assert self.unsure is not None
        self.branches.append([*self.batches, self.unsure])
        self.unsure = None

    def truncate(self, offset: int) -> None:
        """What holds `offset` or anything above goes; until that is durable it may come back."""
        self.branches.append(self.batches)
        self.is_torn = True
        self.batches = [batch for batch in self.batches if batch.next_offset <= offset]
        self.durable = min(self.durable, self.end)
        self.start_on_disk = 0

    def knows(self, header: BatchHeader, records: list[Record]) -> bool:
        """Whether such records were written in that batch."""
        found = _written(header, records)
        return any(
            batch.base_offset <= found.base_offset < batch.next_offset and set(found.records) <= set(batch.records)
            for batch in (*self.batches, *([self.unsure] if self.unsure else []))
        )

    def has_gap_at(self, offset: int) -> bool:
        return not any(batch.base_offset <= offset < batch.next_offset for batch in self.batches)

    # --- after a recovery

    def settle(self, log: Log, *, power: bool) -> None:
        """Hold the log that was opened to what was promised, and go on from what it is now."""
        found = read_all(log)
        ways = [[*self.batches, *([self.unsure] if self.unsure else [])]]
        if power or self.is_torn:
            ways += self.branches
        if power:
            # A segment that was never synced may be empty, and the next one not.
            ways = [[batch for batch in way if batch.base_offset < self.durable or batch in found] for way in ways]
        problems = [self._difference(way, found, log, power=power) for way in ways]
        assert None in problems, problems
        way = ways[problems.index(None)]
        end = log.log_end_offset
        self.batches = [batch for batch in way if batch.next_offset <= end]
        self.unsure = None
        if power:
            self.branches.clear()
        self.is_torn = False
        assert self.start_on_disk <= log.log_start_offset <= self.known_from, log
        check(log, known_from=self.known_from, compacted_to=self.compacted_to)
        _check_readers(log, self.batches, known_from=self.known_from)
        self.start = log.log_start_offset

    def _difference(self, way: list[Written], found: list[Written], log: Log, *, power: bool) -> str | None:
        """Why the log is not what `way` says, None if it is."""
        end, start = log.log_end_offset, log.log_start_offset
        promised = self.durable if power else max(self.durable, self.batches[-1].next_offset if self.batches else 0)
        if end < promised:
            return f"it ends at {end}, {promised} was promised"
        # A segment that begins behind a gap may be left without its first batch.
        if end not in {start, log.active.base_offset, *(batch.next_offset for batch in way)}:
            return f"it ends at {end}, within a batch"
        expected = [batch for batch in way if start < batch.next_offset <= end]
        there = [batch for batch in found if batch.next_offset > start]
        if self.compacted_to:
            return self._compaction_difference(expected, there, start)
        if there != expected:
            return (
                f"missing {[b for b in expected if b not in there]}, surplus {[b for b in there if b not in expected]}"
            )
        return None

    def _compaction_difference(self, expected: list[Written], found: list[Written], start: int) -> str | None:
        known = {record for batch in expected for record in batch.records}
        control = {record[0] for batch in expected if batch.is_control for record in batch.records}
        aborted = _aborted(expected)
        there = [record for batch in found for record in batch.records]
        if [record[0] for record in there] != sorted({record[0] for record in there}):
            return f"its offsets do not ascend: {there}"
        if any(record not in known and record[0] >= start for record in there):
            return f"{[record for record in there if record not in known]} was never written"
        newest: dict[bytes | None, int] = {}
        for offset, _, key, _ in sorted(known):
            if offset not in control:
                newest[key] = offset
        for record in sorted(known.difference(there)):
            offset, _, key, value = record
            may_go = offset in control or offset in aborted or value is None or newest[key] > offset
            gone = offset < self.compacted_to and may_go
            if offset >= start and not gone:
                return f"{record} is gone"
        return None


def _aborted(batches: list[Written]) -> set[int]:
    """The offsets of records whose transaction was aborted."""
    aborted: set[int] = set()
    in_doubt: dict[int, list[int]] = {}
    for batch in batches:
        producer_id = batch.producer[0]
        if not batch.is_control:
            in_doubt.setdefault(producer_id, []).extend(record[0] for record in batch.records)
            continue
        ended = in_doubt.pop(producer_id, [])
        if any(key == ABORT for _, _, key, _ in batch.records):
            aborted.update(ended)
    return aborted


def _check_readers(log: Log, written: list[Written], *, known_from: int) -> None:
    """Who reads committed records is told to leave out those of aborted transactions, and no others."""
    coming = sorted(
        (entry.first_offset, entry.producer_id)
        for segment in log.segments
        for entry in segment.transaction_index.entries
        if entry.last_offset >= log.log_start_offset
    )
    skipping: set[int] = set()
    skipped, seen = set(), set()
    for header, records in log.replay(log.log_start_offset):
        while coming and coming[0][0] <= header.last_offset:
            skipping.add(coming.pop(0)[1])
        if header.is_control:
            if records and records[0].key == ABORT:
                skipping.discard(header.producer_id)
            continue
        found = {record.offset for record in records if record.offset >= max(known_from, log.log_start_offset)}
        seen |= found
        if header.is_transactional and header.producer_id in skipping:
            skipped |= found
    assert skipped == _aborted(written) & seen


def start_in_checkpoint(log: Log) -> int:
    """What the checkpoints, written now, say of where it begins: segments deleted before that may come back."""
    return log.log_start_offset if log.log_start_offset > log.segments[0].base_offset else 0


def read_all(log: Log) -> list[Written]:
    """Every batch, through `replay`."""
    return [_written(header, records) for header, records in log.replay(log.log_start_offset)]


def _written(header: BatchHeader, records: list[Record]) -> Written:
    return Written(
        header.base_offset,
        header.next_offset,
        tuple((record.offset, record.timestamp, record.key, record.value) for record in records),
        header.leader_epoch,
        (header.producer_id, header.producer_epoch, header.base_sequence),
        header.is_control,
    )


def check(log: Log, *, known_from: int, compacted_to: int) -> None:
    """What every opened log must be, whatever happened before.

    Where records come back that were given up, below `known_from`, their leader epochs and producers may be forgotten.
    """
    ends = [segment.base_offset for segment in log.segments[1:]] + [log.log_end_offset]
    batches: list[tuple[BatchHeader, Any]] = []
    for segment, end in zip(log.segments, ends, strict=True):
        batches += _check_segment(segment, end, is_active=segment is log.active)
    headers = [header for header, _ in batches]
    assert all(a.next_offset <= b.base_offset for a, b in pairwise(headers)), headers
    assert log.log_start_offset <= log.log_end_offset
    assert log.recovery_point <= log.log_end_offset
    assert log.log_start_offset >= log.segments[0].base_offset
    assert log.log_end_offset == (headers[-1].next_offset if headers and log.active.size else log.active.base_offset)
    for header in headers:
        if header.base_offset >= known_from:
            assert log.epoch_of(header.base_offset) == header.leader_epoch, (log.epochs.entries, header)
    _check_producers(log, known_from, whole=not compacted_to and not known_from)
    _check_times(log, batches)


def _check_segment(segment: Segment, end: int, *, is_active: bool) -> list[tuple[BatchHeader, Any]]:
    found = []
    behind = 0
    lasts = {0: segment.base_offset}
    for position, header, data in segment.batches():
        check_crc(data, 0, header)
        assert position == behind
        behind += header.size
        assert segment.base_offset <= header.base_offset <= header.last_offset < end
        found.append((header, read_records(data)))
        lasts[position] = header.last_offset
    assert behind == segment.size
    for header, _ in found:
        at = segment.offset_index.lookup(header.last_offset)
        assert at.offset <= header.last_offset
        assert at.position in lasts, "an index entry leads into a batch"
        assert at.position == 0 or lasts[at.position] == at.offset
        time = segment.time_index.lookup(header.max_timestamp)
        assert time.timestamp <= header.max_timestamp
        assert all(
            h.max_timestamp <= time.timestamp for h, _ in found if h.last_offset <= time.offset and time.timestamp >= 0
        )
        located = segment.locate(header.last_offset)
        assert located is not None
        assert located[1] == header
    newest = max((header.max_timestamp for header, _ in found), default=-1)
    if found and not is_active:
        assert segment.time_index.last.timestamp == newest
    return found


def _check_producers(log: Log, known_from: int, *, whole: bool) -> None:
    replayed = Producers(log.disk, log.directory, str(log))
    replayed.end_offset = known_from
    replay_producers(replayed, log.segments, log.log_end_offset)
    recall_batches(log.producers, log.segments)
    for producer_id, expected in replayed.by_id.items():
        found = log.producers.by_id[producer_id]
        # Of what was compacted before its successor was lost a snapshot may know more than the log.
        assert found.epoch >= expected.epoch
        if expected.batches and found.epoch == expected.epoch:
            assert found.batches[-1].last_offset >= expected.batches[-1].last_offset
        if whole:
            assert found.transaction_first_offset == expected.transaction_first_offset
            assert list(found.batches) == list(expected.batches)
            assert found.last_timestamp == expected.last_timestamp
    if whole:
        assert set(log.producers.by_id) == set(replayed.by_id)


def _check_times(log: Log, batches: list[tuple[BatchHeader, Any]]) -> None:
    records = [
        (record.timestamp, record.offset, header.leader_epoch)
        for header, found in batches
        for record in found
        if record.offset >= log.log_start_offset
    ]
    times = sorted({timestamp for timestamp, _, _ in records})
    for timestamp in times[:: max(len(times) // 8, 1)]:
        first = next(record for record in records if record[0] >= timestamp)
        assert log.offset_for_timestamp(timestamp, log.log_end_offset) == first
