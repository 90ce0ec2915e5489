"""The log of one partition: its segments, producers and leader epochs, as one sequence of batches.

Offsets ascend from `log_start_offset` to before `log_end_offset`. A batch is in the log whole or not at all: a write
that fails is taken back, and a log that cannot even do that takes no more. Below `recovery_point` everything is
durable; above it, a process that is killed loses nothing, since the operating system has it, and a machine that loses
power may lose the end. Nothing here waits for replicas or knows a high watermark. Apache's classes: `UnifiedLog`,
`LocalLog`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

from kafkapy.protocol.batch import BatchHeader, Record, check_crc, read_records
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.octets import Bytes
from kafkapy.storage.aborted import AbortedTransaction
from kafkapy.storage.aborted_recovery import begin_counts
from kafkapy.storage.append import Prepared, check_batches, check_records, prepare
from kafkapy.storage.decided import Decided
from kafkapy.storage.discarded import Discard
from kafkapy.storage.disk import Disk
from kafkapy.storage.epochs import LEADER_EPOCH_FILE, LeaderEpochs
from kafkapy.storage.flush import flush_to
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.producer_replay import recall_batches, replay_producers
from kafkapy.storage.producers import Producers, SequencedBatch, has_producer
from kafkapy.storage.segment import FileSlice, Segment, storage_error
from kafkapy.storage.segments import Segments


class Appended(NamedTuple):
    """What became of an append; for a duplicate, what became of the original."""

    base_offset: int
    last_offset: int
    log_append_time: int  # -1 unless the topic's timestamps are LogAppendTime
    log_start_offset: int
    duplicate: bool


class Log:
    """The log of one partition. Made by `recovery.open_log` from what is on the disk."""

    def __init__(
        self,
        disk: Disk,
        directory: str,
        topic: str,
        partition: int,
        topic_id: UUID,
        config: LogConfig,
        *,
        segments: Sequence[Segment],
        producers: Producers,
        epochs: LeaderEpochs,
        log_start_offset: int,
        log_end_offset: int,
        recovery_point: int,
        now_ms: int,
        unsynced: bool = False,
    ) -> None:
        self.disk = disk
        self.directory = directory
        self.topic = topic
        self.partition = partition
        self.topic_id = topic_id
        self.config = config
        self.segments = Segments(segments)
        self.producers = producers
        self.epochs = epochs
        self.log_start_offset = log_start_offset
        self.log_end_offset = log_end_offset
        self.recovery_point = recovery_point
        self.decided = Decided(producers, log_start_offset, log_end_offset, recovery_point)
        self.last_flush_ms = now_ms
        self._clock_ms = now_ms  # the time of the latest append
        self._failed = ""
        self._closed = False
        self.on_disk_error: Callable[[OSError], object] = _unheard
        self.discard: Discard = _at_the_next_start
        self.truncations = 0
        self.last_batch_offset = -1  # where the last batch begins, if it was appended since the log was opened
        self._unsynced = unsynced  # files may differ from what is durable, even below the recovery point

    def __repr__(self) -> str:
        return f"<Log {self} {self.log_start_offset}..{self.log_end_offset}>"

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"

    @property
    def active(self) -> Segment:
        """The segment that appends go to."""
        return self.segments.active

    @property
    def end_of_closed_segments(self) -> int:
        """Where the active segment begins; or the log's end, if that one was begun behind a gap and is empty."""
        return min(self.active.base_offset, self.log_end_offset)

    @property
    def size(self) -> int:
        """Bytes of all segments' batches."""
        return self.segments.size

    @property
    def latest_epoch(self) -> int:
        """The newest leader epoch that wrote here, -1 if none did."""
        return self.epochs.latest

    @property
    def is_failed(self) -> bool:
        """Whether the disk has failed the log, or it was deleted: it takes no more writes."""
        return bool(self._failed)

    @property
    def is_closed(self) -> bool:
        """Whether it was closed, and everything is durable."""
        return self._closed

    @property
    def recovery_checkpoint(self) -> int:
        """What to note on disk as the recovery point: from there on a start looks for what may not be durable.

        Where all batches are durable it is where the last one begins. A roll may still complete the files of the
        segment that has it, and until that is durable too, the segment is one to look at.
        """
        if self.recovery_point == self.log_end_offset and self.active.size and not self._closed:
            return self.last_batch_offset if self.last_batch_offset >= 0 else self.recovery_point
        return self.recovery_point

    # --- appending

    def append_as_leader(
        self,
        records: Bytes,
        leader_epoch: int,
        now_ms: int,
        *,
        from_client: bool = True,
        first: BatchHeader | None = None,
    ) -> Appended:
        """Give the batches the next offsets and write them; a producer's repetition is answered, not written.

        A client's produce request carries one batch with offsets from 0; the broker's own may carry several, control
        batches too. `records` is not changed; `first` is the header it begins with, if that was read already. Raises
        KafkaError: CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, INVALID_RECORD, INVALID_TIMESTAMP, RECORD_LIST_TOO_LARGE,
        OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, KAFKA_STORAGE_ERROR; the log is then as it was before.
        """
        self.check_usable()
        config = self.config
        batches = check_batches(records, config, from_client=from_client, first=first)
        if from_client:
            check_records(records, batches, config, now_ms, compacted="compact" in config.cleanup_policy)
        ready = prepare(records, batches, config, self.log_end_offset, leader_epoch, now_ms, from_client=from_client)
        for header in ready.headers:
            if has_producer(header):
                if from_client and (duplicate := self._find_duplicate(header)) is not None:
                    # A process that was killed may have written it and not lived to sync it.
                    self._flush_if_due()
                    time = duplicate.timestamp if config.timestamp_type == "LogAppendTime" else -1
                    return Appended(duplicate.first_offset, duplicate.last_offset, time, self.log_start_offset, True)
                self.producers.check(header, sequence=from_client)
        self._write(ready, now_ms)
        return Appended(
            ready.headers[0].base_offset,
            self.log_end_offset - 1,
            ready.log_append_time,
            self.log_start_offset,
            False,
        )

    def _find_duplicate(self, header: BatchHeader) -> SequencedBatch | None:
        found = self.producers.find_duplicate(header)
        if found is None and self.producers.must_recall(header):
            try:
                with suppress(KafkaError):  # damage is for those to tell who read there
                    recall_batches(self.producers, self.segments)
            except OSError as error:
                raise self.disk_error("looking for what is repeated", error) from error
            found = self.producers.find_duplicate(header)
        return found

    def append_as_follower(self, records: Bytes, now_ms: int | None = None) -> None:
        """Write batches that have their offsets and leader epochs from the leader.

        Raises KafkaError: CORRUPT_MESSAGE, KAFKA_STORAGE_ERROR, and UNKNOWN_SERVER_ERROR for offsets that do not
        ascend from the log's end.
        """
        self.check_usable()
        batches = check_batches(records, _UNLIMITED, from_client=False)
        expected = self.log_end_offset
        for _, header in batches:
            if header.base_offset < expected or header.last_offset_delta < 0:
                why = (
                    f"{self}: a batch of offsets {header.base_offset} to {header.last_offset} cannot follow {expected}"
                )
                raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, why)
            expected = header.next_offset
        headers = [header for _, header in batches]
        newest = max(header.max_timestamp for header in headers)
        ready = Prepared([records], headers, len(records), newest, -1)
        self._write(ready, self._clock_ms if now_ms is None else now_ms)

    def _write(self, ready: Prepared, now_ms: int) -> None:
        self._clock_ms = max(self._clock_ms, now_ms)
        headers = ready.headers
        if ready.size > self.config.segment_bytes:
            why = f"{self}: {ready.size} bytes at once, segment.bytes allows {self.config.segment_bytes}"
            raise KafkaError(ErrorCode.RECORD_LIST_TOO_LARGE, why)
        segment = self.segments.active
        if self._should_roll(segment, ready, now_ms):
            self.roll(now_ms, headers[0].base_offset)
            segment = self.segments.active
        self._unsynced = True
        before = segment.size
        try:
            segment.append(ready.chunks, headers)
        except OSError as error:
            # The segment has taken back what it could. If the file still is not what it was, nothing may follow.
            if segment.file.size != before or self._is_longer(segment, before):
                self.fail(f"a write failed and could not be taken back: {error}")
            raise self.disk_error("appending", error) from error
        position = 0
        for header in headers:
            if header.leader_epoch > self.epochs.latest:
                self.epochs.assign(header.leader_epoch, header.base_offset)
            if has_producer(header):
                control = read_records(b"".join(ready.chunks), position) if header.is_control else ()
                if (aborted := self.producers.update(header, control)) is not None:
                    self._note_aborted(segment, aborted)
            position += header.size
        last = headers[-1]
        self.log_end_offset = self.producers.end_offset = last.base_offset + last.last_offset_delta + 1
        self.last_batch_offset = last.base_offset
        self._flush_if_due()

    def _note_aborted(self, segment: Segment, aborted: AbortedTransaction) -> None:
        try:
            self.segments.note_aborted(segment, aborted)
        except OSError as error:
            self.fail(f"the transaction index cannot be read: {error}")
            raise self.disk_error("appending", error) from error

    def _flush_if_due(self) -> None:
        if self.log_end_offset - self.recovery_point >= self.config.flush_messages:
            self.flush()

    def _is_longer(self, segment: Segment, size: int) -> bool:
        try:
            return bool(segment.file.pread(1, size))
        except OSError:
            return True

    def _should_roll(self, segment: Segment, ready: Prepared, now_ms: int) -> bool:
        config = self.config
        size = segment.size
        headers = ready.headers
        if not segment.offset_index.holds(headers[0].base_offset, headers[-1].last_offset):
            return True
        if size == 0:
            return False
        return (
            size > config.segment_bytes - ready.size
            or segment.waited_for_roll_ms(now_ms, ready.max_timestamp) > config.segment_ms - segment.jitter_ms
            or segment.is_full(config.segment_index_bytes)
        )

    def roll(self, now_ms: int | None = None, base_offset: int | None = None) -> None:
        """Begin a new segment at the log's end; the old one's indexes are completed, its file is not yet synced.

        An empty active segment stays. Raises KafkaError(KAFKA_STORAGE_ERROR); the log then goes on in the old segment.
        """
        self.check_usable()
        now_ms = self._clock_ms if now_ms is None else now_ms
        base = self.log_end_offset if base_offset is None else base_offset
        old = self.active
        if old.base_offset == base:
            return
        config = self.config
        jitter = random.randrange(min(config.segment_jitter_ms, config.segment_ms)) if config.segment_jitter_ms else 0
        try:
            old.finish()
            if self.recovery_point >= base:
                self._let_be_flushed_again(old)
            self.producers.end_offset = base
            self.decided.note(base)
            self.producers.take_snapshot(sync=False)
            new = Segment.create(
                self.disk,
                self.directory,
                base,
                config.index_interval_bytes,
                now_ms,
                jitter,
                reserved_bytes=config.reserved_bytes,
            )
            self.segments.append(new)
        except OSError as error:
            raise self.disk_error("beginning a new segment", error) from error

    def _let_be_flushed_again(self, finished: Segment) -> None:
        """Its batches are durable; what finished its files is not, nor what took a failed write back."""
        if self.last_batch_offset >= 0:
            self.recovery_point = self.last_batch_offset
        else:
            finished.sync()  # the checkpoint on disk may still say that there is nothing to look at

    # --- reading

    def read(
        self,
        offset: int,
        max_bytes: int,
        end_offset: int,
        *,
        at_least_one_batch: bool = True,
        cached_only: bool = False,
    ) -> FileSlice | None:
        """A slice of the file from the batch that holds `offset` on, ending before `end_offset` and in one segment.

        `end_offset` is exclusive and a batch boundary. `max_bytes` may cut the last batch, as in Kafka, but never the
        first: that is whole if `at_least_one_batch`, else left out. None if there is nothing to read. Raises
        KafkaError(OFFSET_OUT_OF_RANGE) outside of the log, KafkaError(KAFKA_STORAGE_ERROR), and, if the disk must be
        asked where the slice begins and only what is `cached_only` is wanted, ColdError.
        """
        if not self.log_start_offset <= offset <= self.log_end_offset:
            why = f"{self}: offset {offset} is outside of {self.log_start_offset} to {self.log_end_offset}"
            raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE, why)
        if offset >= min(end_offset, self.log_end_offset):
            return None
        try:
            before = end_offset if end_offset < self.log_end_offset else None
            found = self.segments.read(
                offset, max_bytes, before, at_least_one_batch=at_least_one_batch, cached_only=cached_only
            )
        except OSError as error:
            raise self.disk_error(f"reading offset {offset}", error) from error
        if found is not None:
            found.on_disk_error = self.on_disk_error
        return found

    def offset_for_timestamp(
        self, timestamp: int, end_offset: int, *, cached_only: bool = False
    ) -> tuple[int, int, int] | None:
        """Timestamp, offset and leader epoch of the first record that is not older than `timestamp`.

        None if there is none before `end_offset`. Raises KafkaError(KAFKA_STORAGE_ERROR); and if the disk would have to
        be asked and only what is `cached_only` is wanted, ColdError.
        """
        try:
            found = self.segments.find_timestamp(timestamp, self.log_start_offset, cached_only=cached_only)
        except OSError as error:
            raise self.disk_error(f"looking for timestamp {timestamp}", error) from error
        return None if found is None or found[0].offset >= end_offset else _place(*found)

    def max_timestamp(self, *, cached_only: bool = False) -> tuple[int, int, int] | None:
        """Timestamp, offset and leader epoch of the first record with the largest timestamp; None in an empty log.

        Raises KafkaError(KAFKA_STORAGE_ERROR), ColdError as `offset_for_timestamp`.
        """
        try:
            found = self.segments.find_newest(cached_only=cached_only)
        except OSError as error:
            raise self.disk_error("looking for the newest record", error) from error
        return None if found is None else _place(*found)

    def end_offset_for_epoch(self, leader_epoch: int) -> tuple[int, int]:
        """The largest epoch here that is not above `leader_epoch`, and the offset where it ends; or (-1, -1)."""
        return self.epochs.end_offset_for(leader_epoch, self.log_end_offset)

    def epoch_of(self, offset: int) -> int:
        """The leader epoch in which `offset` was written, -1 if not known."""
        return self.epochs.epoch_of(offset)

    def replay(self, from_offset: int) -> Iterator[tuple[BatchHeader, list[Record]]]:
        """Every batch from the one that holds `from_offset` to the end, control batches included, records decoded.

        Records below `from_offset` in the first batch are included. Raises KafkaError(CORRUPT_MESSAGE) for a damaged
        batch, KafkaError(KAFKA_STORAGE_ERROR).
        """
        try:
            for header, data in self.segments.batches(max(from_offset, self.log_start_offset)):
                # State made of a damaged record would be wrong without anybody knowing.
                check_crc(data, 0, header)
                yield header, read_records(data)
        except OSError as error:
            raise self.disk_error(f"replaying from offset {from_offset}", error) from error

    # --- upkeep

    def flush(self, now_ms: int | None = None) -> None:
        """Make all batches in the log durable. Raises KafkaError(KAFKA_STORAGE_ERROR)."""
        if self.log_end_offset > self.recovery_point:
            flush_to(self, self.log_end_offset)
        if now_ms is not None:
            self.last_flush_ms = now_ms

    def flush_rolled(self) -> None:
        """Make the closed segments durable, so that recovery need not read them again."""
        if self.end_of_closed_segments > self.recovery_point:
            flush_to(self, self.end_of_closed_segments)

    def truncate_to(self, offset: int) -> None:
        """Drop every batch that holds `offset` or anything above it.

        Whole batches only: a compressed batch cannot be cut. The log may therefore end below `offset`, and a follower
        fetches the gap again. Raises KafkaError(KAFKA_STORAGE_ERROR).
        """
        if offset >= self.log_end_offset:
            return
        self.check_usable()
        self._unsynced = True
        self.truncations += 1
        self.last_batch_offset = -1
        try:
            if offset < self.segments[0].base_offset:
                self._start_over(offset)
                return
            self.segments.remove_from(offset + 1, self.discard)
            # What is gone must not come back, below or behind what is appended next, nor leave a hole.
            self.disk.sync_dir(self.directory)
            self.active.truncate_to(offset)
            self.active.sync()
            self.log_end_offset = self.active.next_offset()
            self.recovery_point = min(self.recovery_point, self.log_end_offset)
            self.log_start_offset = min(self.log_start_offset, self.log_end_offset)
            self.epochs.truncate_from_end(self.log_end_offset)
            self.epochs.flush()
            self.rebuild_producers(self.log_end_offset)
            self.decided.truncated(self.log_end_offset)
        except OSError as error:
            self.fail(f"truncating failed: {error}")
            raise self.disk_error(f"truncating to {offset}", error) from error

    def start_at(self, offset: int) -> None:
        """Drop everything and go on, empty, at `offset`. Raises KafkaError(KAFKA_STORAGE_ERROR)."""
        self.check_usable()
        try:
            self._start_over(offset)
        except OSError as error:
            self.fail(f"truncating failed: {error}")
            raise self.disk_error(f"starting over at {offset}", error) from error

    def _start_over(self, offset: int) -> None:
        self.truncations += 1
        self.last_batch_offset = -1
        self.segments.remove_from(0, self.discard)
        interval, reserved = self.config.index_interval_bytes, self.config.reserved_bytes
        self.segments.append(
            Segment.create(self.disk, self.directory, offset, interval, self._clock_ms, reserved_bytes=reserved)
        )
        self.epochs.clear()
        self.epochs.flush()
        self.producers.clear(offset)
        self.decided.truncated(offset)
        self.log_start_offset = self.log_end_offset = self.recovery_point = offset

    def skip_to(self, offset: int) -> None:
        """Go on at `offset`; between there and the end is nothing, as in a compacted log.

        Raises KafkaError(KAFKA_STORAGE_ERROR).
        """
        self.roll(base_offset=offset)
        self.log_end_offset = self.producers.end_offset = offset

    def rebuild_producers(self, offset: int) -> None:
        """Know of the producers what the log says up to `offset`: the newest snapshot and the batches behind it."""
        producers = self.producers
        producers.reload(self.log_start_offset, offset, self._clock_ms)
        if producers.end_offset < offset:
            replay_producers(producers, self.segments.holding(producers.end_offset), offset)
        producers.end_offset = offset

    def advance_log_start_offset(self, offset: int) -> bool:
        """Declare what lies below `offset` gone; whether that was news. Segments go with the next retention."""
        if offset <= self.log_start_offset:
            return False
        if offset > self.log_end_offset:
            why = f"{self}: offset {offset} is beyond the log's end {self.log_end_offset}"
            raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE, why)
        self.log_start_offset = offset
        self.epochs.truncate_from_start(offset)
        return True

    def drop_oldest(self, count: int) -> None:
        """Give up the `count` oldest segments, never the active one, to `discard`; slices of them stay readable."""
        count = min(count, len(self.segments) - 1)
        if count <= 0:
            return
        self.advance_log_start_offset(self.segments[count].base_offset)
        try:
            self.segments.remove_oldest(count, self.discard)
            self.producers.remove_snapshots_before(self.segments[0].base_offset, self.discard)
        except OSError as error:
            raise self.disk_error("deleting old segments", error) from error

    def replace(self, replaced: Sequence[Segment], cleaned: Segment) -> None:
        """Let `cleaned` stand for the closed, neighbouring segments `replaced`; slices of those stay readable.

        Their files remain, as `.deleted`; they are the caller's to discard once the directory is synced. Raises
        KafkaError(KAFKA_STORAGE_ERROR), and then the log takes no more writes: its files are another's than it knows.
        """
        self.check_usable()
        try:
            self.segments.replace(replaced, cleaned)
            self.producers.remove_snapshots_at([one.base_offset for one in replaced[1:]], self.discard)
        except OSError as error:
            self.fail(f"replacing segments failed: {error}")
            raise self.disk_error("replacing segments", error) from error

    def close(self) -> None:
        """Make everything durable and leave the files as a clean stop does: indexes and producer snapshot complete.

        Raises KafkaError(KAFKA_STORAGE_ERROR); the files are let go of in any case.
        """
        try:
            if not self._failed:
                self.active.finish()
                if self._unsynced:
                    flush_to(self, self.log_end_offset)
                begin_counts(self.disk, self.directory, self.segments)()
                self.producers.take_snapshot(sync=True)
                self.epochs.flush()
        except OSError as error:
            raise self.disk_error("closing", error) from error
        finally:
            self.release()
            self._closed = True

    def release(self) -> None:
        """Let go of all files, as they are."""
        self.segments.release()
        self.discard = _at_the_next_start  # whoever set another may know this log: that cycle would outlive it

    def move(self, directory: str) -> None:
        """The directory has been renamed; nothing more is written."""
        self.directory = directory
        self.epochs.path = f"{directory}/{LEADER_EPOCH_FILE}"
        self.give_up("the partition is deleted")

    def give_up(self, why: str) -> None:
        """Take no more writes, and let go of all files."""
        self.fail(why)
        self.on_disk_error = _unheard  # whoever is still at work on it in a thread may find its files gone
        self.release()

    def disk_error(self, doing: str, error: OSError) -> KafkaError:
        """The KafkaError to raise for an error of the disk, which `on_disk_error` is told."""
        self.on_disk_error(error)
        return storage_error(f"{self}: {doing}", error)

    def sync_failed(self, error: OSError) -> KafkaError:
        """The KafkaError to raise for a sync that failed; the log takes no more writes.

        Nobody knows what is on the disk then; going on would acknowledge what may be lost.
        """
        self.fail(f"a sync failed: {error}")
        return self.disk_error("flushing", error)

    def fail(self, why: str) -> None:
        """Take no more writes: the disk has something else than the log knows."""
        self._failed = self._failed or why

    def check_usable(self) -> None:
        """Raise KafkaError(KAFKA_STORAGE_ERROR) if the log takes no more writes."""
        if self._closed:
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"{self} is closed")
        if self._failed:
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"{self} takes no more writes: {self._failed}")


def _place(record: Record, header: BatchHeader) -> tuple[int, int, int]:
    return record.timestamp, record.offset, header.leader_epoch


def _unheard(error: OSError) -> None:
    """Nobody but the caller wants to know."""


def _at_the_next_start(path: str) -> None:
    """Whoever opens the log again sweeps it up."""


_UNLIMITED = LogConfig(max_message_bytes=2**31 - 1)
