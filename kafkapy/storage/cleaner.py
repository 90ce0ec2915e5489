"""The log cleaner of one log directory: which log is compacted next, from where to where, and how far each one is.

The dirtiest log is next: the one with the largest share of bytes that no compaction has seen, if that is more than
`min.cleanable.dirty.ratio`, or if records wait longer than `max.compaction.lag.ms`. Never compacted are the active
segment, what is not stable yet, and segments younger than `min.compaction.lag.ms`. How far a log is clean stands in
`cleaner-offset-checkpoint`; without it a log is only cleaned again. A log that is damaged is not tried again. What is
heavy is handed out as jobs for another thread. Apache's classes: `LogCleaner`, `LogCleanerManager`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import NamedTuple

from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.storage.checkpoint import CheckpointError, TopicPartition, read_offsets, write_offsets
from kafkapy.storage.compaction import DEFAULT_LIMITS, ClosedSegment, Compaction, CompactionLimits
from kafkapy.storage.discarded import DELETED
from kafkapy.storage.disk import Disk
from kafkapy.storage.log import Log
from kafkapy.storage.segment import SUFFIXES, Segment

CLEANER_OFFSET_FILE = "cleaner-offset-checkpoint"
Job = Callable[[], object]
logger = logging.getLogger(__name__)


class Cleanable(NamedTuple):
    """A log, and the part of it that can be compacted."""

    log: Log
    first_dirty_offset: int
    end_offset: int  # exclusive; where a segment begins
    clean_bytes: int
    dirty_bytes: int
    is_due: bool  # some record has waited for `max.compaction.lag.ms`

    @property
    def dirty_ratio(self) -> float:
        total = self.clean_bytes + self.dirty_bytes
        return self.dirty_bytes / total if total else 0.0


class Cleaner:
    """Compacts the logs that are in `logs` at the time, those whose policy says so."""

    def __init__(self, path: str, disk: Disk, logs: Mapping[TopicPartition, Log]) -> None:
        self._disk = disk
        self._path = f"{path}/{CLEANER_OFFSET_FILE}"
        self._logs = logs
        self._damaged: set[Log] = set()
        self._writing = Lock()  # jobs of several logs may be done at once
        try:
            self._clean_to = read_offsets(disk, self._path)
        except (CheckpointError, OSError) as error:
            logger.warning("a checkpoint is passed over, and logs are cleaned from their start: %s", error)
            self._clean_to = {}
        # An offset is that of the log that was here, not of a later one of the same name.
        self._owners = dict(logs)

    # --- choosing

    def pick(
        self, stable_offsets: Mapping[TopicPartition, int], now_ms: int, at_work: Collection[Log] = ()
    ) -> Cleanable | None:
        """The dirtiest log that has enough to compact, up to before its last stable offset, and is not `at_work`."""
        self._forget_deleted()
        found = []
        for key, log in self._logs.items():
            if "compact" not in log.config.cleanup_policy or log.is_failed or log in self._damaged or log in at_work:
                continue
            try:
                cleanable = self._measure(key, log, stable_offsets.get(key, 0), now_ms)
            except (OSError, KafkaError) as error:
                self.fail(log, error)
                continue
            if cleanable.dirty_ratio > log.config.min_cleanable_dirty_ratio or (
                cleanable.is_due and cleanable.dirty_bytes
            ):
                found.append(cleanable)
        return max(found, key=lambda cleanable: cleanable.dirty_ratio, default=None)

    def _forget_deleted(self) -> None:
        for key, owner in list(self._owners.items()):
            if self._logs.get(key) is not owner:
                del self._owners[key]
                self._clean_to.pop(key, None)
                self._damaged.discard(owner)
        for key, log in self._logs.items():
            if key not in self._owners:
                self._owners[key] = log
                self._clean_to.pop(key, None)

    def _measure(self, key: TopicPartition, log: Log, stable_offset: int, now_ms: int) -> Cleanable:
        dirty = self._clean_to.get(key, log.log_start_offset)
        if not log.log_start_offset <= dirty <= log.log_end_offset:
            if dirty > log.log_end_offset or "delete" not in log.config.cleanup_policy:
                logger.warning("%s is cleaned from its start: it does not hold offset %d", log, dirty)
            dirty = log.log_start_offset
        closed = log.segments[:-1]
        # A segment counts as dirty from the offset on; the first of these may be clean in part.
        waiting = [
            segment
            for segment, following in zip(closed, log.segments[1:], strict=True)
            if following.base_offset > dirty
        ]
        end = self._end_offset(log, waiting, stable_offset, now_ms)
        is_due = self._is_due(log, waiting, now_ms)
        clean_bytes = sum(segment.size for segment in closed if segment.base_offset < min(dirty, end))
        dirty_bytes = sum(segment.size for segment in waiting if segment.base_offset < end)
        return Cleanable(log, dirty, end, clean_bytes, dirty_bytes, is_due)

    @staticmethod
    def _end_offset(log: Log, waiting: list[Segment], stable_offset: int, now_ms: int) -> int:
        lag_ms = log.config.min_compaction_lag_ms
        ends = [segment.base_offset for segment in waiting[1:]] + [log.active.base_offset]
        for segment, end in zip(waiting, ends, strict=False):
            if end > stable_offset or (lag_ms > 0 and segment.largest_timestamp > now_ms - lag_ms):
                return segment.base_offset
        return log.active.base_offset

    @staticmethod
    def _is_due(log: Log, waiting: list[Segment], now_ms: int) -> bool:
        before_ms = now_ms - log.config.max_compaction_lag_ms
        if before_ms <= 0:
            return False
        for segment in waiting:
            first = segment.first_timestamp
            segment.release()
            if first is not None and 0 < first < before_ms:
                return True
        return False

    # --- compacting

    def clean(
        self,
        cleanable: Cleanable,
        now_ms: int,
        limits: CompactionLimits = DEFAULT_LIMITS,
        on_bytes: Callable[[int], None] = lambda size: None,
    ) -> Iterator[Job]:
        """Compact the log in steps: each job is to be done, wherever, before the next is asked for.

        What a job raises goes to `fail`. What is done between jobs is short and touches the log. The log is whole after
        every step. Several logs may be at work at once, each once.
        """
        log = cleanable.log
        segments = [
            ClosedSegment(segment.base_offset, segment.size)
            for segment in log.segments[:-1]
            if segment.base_offset < cleanable.end_offset
        ]
        known = {segment.base_offset: segment for segment in log.segments[:-1]}
        compaction = Compaction(
            self._disk,
            log.directory,
            log.config,
            segments,
            first_dirty_offset=cleanable.first_dirty_offset,
            end_offset=cleanable.end_offset,
            producers=log.producers.last_offsets(),
            limits=limits,
            now_ms=now_ms,
            on_bytes=on_bytes,
        )
        yield compaction.index
        for group in compaction.groups:
            written: list[Segment] = []
            replaced = [known[closed.base_offset] for closed in group]
            yield partial(self._write, compaction, group, replaced, written)
            if not self._is_as_it_was(log, replaced, group):
                logger.info("%s has changed while it was compacted, which begins anew", log)
                yield written[0].delete
                return
            log.replace(replaced, written[0])
            yield partial(self._disk.sync_dir, log.directory)
            for segment in replaced:
                for suffix in SUFFIXES:
                    log.discard(segment.path(suffix))
        key = (log.topic, log.partition)
        if self._logs.get(key) is log:
            self._clean_to[key] = compaction.cleaned_to
            yield self._checkpoint
        stats = compaction.stats
        logger.info(
            "compacted %s, offsets %d to %d: %d records of %d and %d bytes of %d are left, %d keys",
            log,
            cleanable.first_dirty_offset,
            compaction.cleaned_to,
            stats.records_written,
            stats.records_read,
            stats.bytes_written,
            stats.bytes_read,
            stats.keys,
        )

    @staticmethod
    def _is_as_it_was(log: Log, replaced: list[Segment], group: tuple[ClosedSegment, ...]) -> bool:
        """Whether retention, truncation or deletion left the segments alone meanwhile."""
        if log.is_failed or replaced[0] not in log.segments:
            return False
        at = log.segments.index(replaced[0])
        return log.segments[at : min(at + len(group), len(log.segments) - 1)] == replaced and all(
            segment.size == closed.size for segment, closed in zip(replaced, group, strict=True)
        )

    def _write(
        self,
        compaction: Compaction,
        group: tuple[ClosedSegment, ...],
        replaced: list[Segment],
        written: list[Segment],
    ) -> None:
        written.append(compaction.write(group))
        for segment in replaced:
            for suffix in SUFFIXES:
                # It would go when this one is renamed, on the event loop.
                with suppress(FileNotFoundError):
                    self._disk.unlink(segment.path(suffix) + DELETED)

    def _checkpoint(self) -> None:
        with self._writing:
            write_offsets(self._disk, self._path, dict(self._clean_to))

    def fail(self, log: Log, error: Exception) -> None:
        """Cleaning has raised `error`: what the disk refused is tried again, a damaged log is not."""
        if log.is_failed:
            return
        if isinstance(error, OSError):
            log.on_disk_error(error)
        of_the_disk = isinstance(error, OSError) or (
            isinstance(error, KafkaError) and error.code is ErrorCode.KAFKA_STORAGE_ERROR
        )
        if of_the_disk:
            logger.error("%s was not compacted, which is tried again: %s", log, error)
        else:
            self._damaged.add(log)
            logger.error("%s is not compacted any more, until the next start: %s", log, error, exc_info=error)
