"""Making a log durable, in three steps: `begin_flush` where the log is used, `Flush.sync` in any thread, `end_flush`.

The files are collected first, and stay open whatever becomes of their names: a segment may be deleted or compacted away
before it is synced. How far the log is durable then is seen last: it may have been rolled, truncated or deleted
meanwhile. Apache's: `UnifiedLog.flush`, which the threads of the scheduler call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kafkapy.storage.aborted_recovery import begin_counts
from kafkapy.storage.disk import Disk, File, is_passing
from kafkapy.storage.segment import Segment

if TYPE_CHECKING:
    from kafkapy.storage.log import Log

MOST_SEGMENTS = 16  # of one flush, each with three files that are open until it is done


class LogState(NamedTuple):
    """What must be the same at the end of a flush as at its beginning."""

    active: Segment
    truncations: int


class Flush:
    """A flush of all from `start` to `offset`; only to `if_rolled` if another segment has become the active one.

    Each of `notes` writes a checkpoint of the log's.
    """

    def __init__(
        self,
        disk: Disk,
        directory: str,
        notes: Sequence[Callable[[], None]],
        state: LogState,
        start: int,
        offset: int,
        if_rolled: int,
    ) -> None:
        self.state = state
        self.start = start
        self.offset = offset
        self.if_rolled = if_rolled
        self.error: OSError | None = None  # why nobody knows what is durable
        self.is_complete = True  # False where a full disk kept out what recovery can do without
        self._disk = disk
        self._directory = directory
        self._notes = notes
        self._files: list[File] = []
        self._indexes: list[File] = []

    def add(self, segment: Segment) -> None:
        """Sync this segment too. Raises OSError if its file cannot be opened."""
        self._files.append(segment.file)
        self._finds_room(lambda: self._indexes.extend(segment.written_indexes()))

    def sync(self) -> None:
        """Do what takes time. Never fails: what the disk says is in `error`."""
        try:
            for file in self._files:
                file.sync()
            for index in self._indexes:
                self._finds_room(index.sync)
            for note in self._notes:
                self._finds_room(note)
            self._disk.sync_dir(self._directory)
        except OSError as error:
            self.error = error
        finally:
            for index in self._indexes:
                index.close()
            self._files.clear()  # whose segments may use them still
            self._indexes.clear()

    def _finds_room(self, write: Callable[[], None]) -> None:
        """On a full disk the batches are durable without it: it waits for the next one, as does the recovery point."""
        try:
            write()
        except OSError as error:
            if not is_passing(error):
                raise
            self.is_complete = False


def due_flush(log: Log, now_ms: int) -> Flush | None:
    """Begin the flush that `flush.ms` asks for, or a segment that was rolled; None if nothing does.

    Raises KafkaError(KAFKA_STORAGE_ERROR).
    """
    if log.is_failed or log.is_closed:
        return None
    offset = log.end_of_closed_segments
    if now_ms - log.last_flush_ms >= log.config.flush_ms:
        log.last_flush_ms = now_ms
        offset = log.log_end_offset
    return begin_flush(log, offset) if offset > log.recovery_point else None


def begin_flush(log: Log, offset: int, start: int | None = None) -> Flush:
    """The first step to make everything below `offset` durable, which is the log's end or where a segment begins.

    It may end below `offset` if there are very many segments; the next flush goes on there if that is its `start`, or
    else begins at the recovery point. Raises KafkaError(KAFKA_STORAGE_ERROR).
    """
    log.check_usable()
    start = log.recovery_point if start is None else start
    if_rolled = offset
    to_end = offset == log.log_end_offset
    segments = [one for one in log.segments.holding(start) if one.base_offset < offset or to_end]
    if len(segments) > MOST_SEGMENTS:
        if_rolled = offset = segments[MOST_SEGMENTS].base_offset
        del segments[MOST_SEGMENTS:]
    elif to_end:
        log.decided.note(offset)
        if_rolled = log.last_batch_offset  # a roll finishes the last segment's files, and that is not synced
    state = LogState(log.active, log.truncations)
    try:
        notes = (log.epochs.begin_flush(), begin_counts(log.disk, log.directory, log.segments))
        flush = Flush(log.disk, log.directory, notes, state, start, offset, if_rolled)
        for segment in segments:
            flush.add(segment)
            log.segments.let_go(segment)
    except OSError as error:
        if not is_passing(error):
            log.fail(f"a flush failed: {error}")
        raise log.disk_error("flushing", error) from error
    return flush


def end_flush(log: Log, flush: Flush) -> None:
    """The last step: the recovery point follows, as far as what was synced is still what is there.

    Raises KafkaError(KAFKA_STORAGE_ERROR) if a sync has failed. There is nothing to do for a log that was closed or
    deleted, or has failed, meanwhile.
    """
    if log.is_failed or log.is_closed:
        return
    if flush.error is not None:
        raise log.sync_failed(flush.error) from flush.error
    if flush.is_complete and flush.start <= log.recovery_point and flush.state.truncations == log.truncations:
        offset = flush.offset if flush.state.active is log.active else flush.if_rolled
        log.recovery_point = max(log.recovery_point, offset)
        log.decided.became_durable(log.recovery_point)


class BatchSync:
    """Makes all batches of a log durable at the least cost: `sync` in any thread, then `end` where the log is used.

    The recovery point may stay, and a start reads what is behind it: this is for a log that is synced at every append,
    and read whole at a start. Raises KafkaError(KAFKA_STORAGE_ERROR).
    """

    def __init__(self, log: Log) -> None:
        log.check_usable()
        self._log = log
        self._file = log.active.file
        self._error: OSError | None = None
        # A new segment has a new name in the directory, too.
        self._flush = begin_flush(log, log.log_end_offset) if log.recovery_point <= log.active.base_offset else None

    def sync(self) -> None:
        """Do what takes time. Never fails: `end` does."""
        if self._flush is not None:
            self._flush.sync()
            return
        try:
            self._file.sync()
        except OSError as error:
            self._error = error

    def end(self) -> None:
        """The batches are durable. Raises KafkaError(KAFKA_STORAGE_ERROR) if nobody knows whether they are."""
        if self._flush is not None:
            end_flush(self._log, self._flush)
        if self._error is not None:
            raise self._log.sync_failed(self._error) from self._error
        self._log.check_usable()


def flush_to(log: Log, offset: int) -> None:
    """All three steps, here and now. Raises KafkaError(KAFKA_STORAGE_ERROR)."""
    start = log.recovery_point
    while True:
        flush = begin_flush(log, offset, start)
        flush.sync()
        end_flush(log, flush)
        start = flush.offset
        if start >= offset:
            return
