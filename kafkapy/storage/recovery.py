"""Opening a partition's log: as it was left after a clean stop, checked batch by batch after any other.

What was below the recovery point is durable and is not read. From there on every batch is held against its checksum;
the first that fails is where the log ends, since a machine that lost power may have written what follows it but not it.
Indexes, leader epochs and producers of the checked part are made anew. No batch that is whole is ever cut off before a
damaged one. Transaction indexes are mended everywhere. Apache's class: `LogLoader`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from kafkapy.protocol.batch import BatchHeader, check_crc, read_records
from kafkapy.protocol.errors import KafkaError
from kafkapy.storage.aborted_recovery import ABORTED_FILE, mend_transaction_indexes, read_counts
from kafkapy.storage.discarded import DELETED
from kafkapy.storage.disk import Disk
from kafkapy.storage.epochs import LEADER_EPOCH_FILE, LeaderEpochs
from kafkapy.storage.log import Log
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.producer_replay import replay_producers
from kafkapy.storage.producers import DEFAULT_EXPIRATION_MS, Producers, has_producer
from kafkapy.storage.segment import INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX, Segment
from kafkapy.storage.swap import CLEANED, finish_swaps

_LEFTOVERS = (DELETED, CLEANED, ".tmp", ".part")
_INDEX_SUFFIXES = (INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX)
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LastKnown:
    """What the checkpoint files say of a log."""

    clean: bool  # the log was closed
    recovery_point: int = 0
    log_start_offset: int = 0


def open_log(
    disk: Disk,
    directory: str,
    topic: str,
    partition: int,
    topic_id: UUID,
    config: LogConfig,
    *,
    last_known: LastKnown,
    now_ms: int,
    producer_id_expiration_ms: int = DEFAULT_EXPIRATION_MS,
) -> Log:
    """The log in the directory, recovered if it was not closed. Raises OSError if the disk cannot be read."""
    names = finish_swaps(disk, directory, disk.list(directory))
    _sweep(disk, directory, names)
    segments = [
        Segment(disk, directory, int(name[: -len(LOG_SUFFIX)]), config.index_interval_bytes, now_ms)
        for name in sorted(names)
        if name.endswith(LOG_SUFFIX) and name[: -len(LOG_SUFFIX)].isdecimal()
    ]
    segments = _without_overtaken(segments)
    epochs = LeaderEpochs(disk, f"{directory}/{LEADER_EPOCH_FILE}")
    if LEADER_EPOCH_FILE in names:
        epochs.load()
    producers = Producers(disk, directory, f"{topic}-{partition}", producer_id_expiration_ms)
    producers.find_snapshots(names)
    start = last_known.log_start_offset

    def producers_before(offset: int) -> Producers:
        known = Producers(disk, directory, f"{topic}-{partition}", producer_id_expiration_ms)
        known.snapshots = [at for at in producers.snapshots if start < at <= offset]
        known.reload(start, offset, now_ms)
        return known

    counts = read_counts(disk, directory) if ABORTED_FILE in names else {}
    mend = partial(mend_transaction_indexes, names=names, counts=counts, new_producers=producers_before)
    end, segments = _find_end(disk, segments, producers, epochs, last_known, now_ms, mend)
    if not segments or end < start:
        if segments:
            logger.warning("%s ends at %d, before its start offset %d: it begins there, empty", directory, end, start)
        for segment in segments:
            segment.delete()
        segments = [Segment.create(disk, directory, start, config.index_interval_bytes, now_ms)]
        producers.clear(start)
        epochs.clear()
        end = start
    start = max(start, segments[0].base_offset)
    epochs.truncate_from_end(end)
    epochs.truncate_from_start(start)
    producers.remove_stray_snapshots([segment.base_offset for segment in segments])
    if last_known.clean:
        # A clean stop leaves a snapshot. Apache Kafka takes a log without any to have no producers; but then what is
        # open would be shown to readers of committed records, and what is repeated be written twice.
        _load_producers(producers, segments, start, end, now_ms)
    log = Log(
        disk,
        directory,
        topic,
        partition,
        topic_id,
        config,
        segments=segments,
        producers=producers,
        epochs=epochs,
        log_start_offset=start,
        log_end_offset=end,
        recovery_point=end if last_known.clean else min(last_known.recovery_point, end),
        now_ms=now_ms,
        unsynced=not last_known.clean,
    )
    log.segments.noted_counts = counts
    log.segments.has_aborted = any(name.endswith(TRANSACTION_INDEX_SUFFIX) for name in names) or any(
        segment.has_aborted for segment in segments
    )
    log.release()  # the files are opened again by those who use them
    return log


def _sweep(disk: Disk, directory: str, names: list[str]) -> None:
    """Remove what an interrupted deletion or replacement left."""
    for name in names:
        orphan = name.endswith(_INDEX_SUFFIXES) and name.rpartition(".")[0] + LOG_SUFFIX not in names
        if orphan or name.endswith(_LEFTOVERS):
            logger.warning("removing leftover %s/%s", directory, name)
            disk.unlink(f"{directory}/{name}")


def _find_end(
    disk: Disk,
    segments: list[Segment],
    producers: Producers,
    epochs: LeaderEpochs,
    last_known: LastKnown,
    now_ms: int,
    mend: Callable[[Sequence[Segment]], None],
) -> tuple[int, list[Segment]]:
    """Where the log ends, and the segments that remain; `mend` makes transaction indexes whole."""
    if not segments:
        return 0, segments
    first_checked = len(segments)
    if not last_known.clean:
        first_checked = sum(segment.base_offset <= last_known.recovery_point for segment in segments) - 1
        first_checked = max(first_checked, 0)
    for segment in segments[:first_checked]:
        if not _indexes_are_sane(segment):
            logger.warning("the indexes of %s are damaged or missing and are made anew", segment.path(LOG_SUFFIX))
            segment.restart_indexes()
            _check_segment(segment, 0, segment.base_offset)
            segment.finish(sync=True)
    mend(segments[: first_checked + 1])
    if first_checked == len(segments):
        try:
            end = segments[-1].next_offset()
            if not epochs.entries:
                _find_epochs(segments, epochs, end)
            return end, segments
        except KafkaError as error:
            logger.warning("%s was not closed as its directory says: %s", segments[-1].path(LOG_SUFFIX), error)
            first_checked -= 1
    first = segments[first_checked]
    end = max(last_known.recovery_point, first.base_offset)
    position = None if last_known.clean else first.resume_indexes(end)
    if position is None:
        first.restart_indexes()
        end, position = first.base_offset, 0
    epochs.truncate_from_end(end)
    if not epochs.entries:
        _find_epochs(segments[: first_checked + 1], epochs, end)
    _load_producers(
        producers, segments[: first_checked + 1], max(last_known.log_start_offset, segments[0].base_offset), end, now_ms
    )
    for at in range(first_checked, len(segments)):
        segment = segments[at]
        segment.transaction_index.truncate_to(end if at == first_checked else segment.base_offset)
        if at > first_checked:
            if segment.base_offset < end:
                logger.warning("%s begins before what precedes it ends", segment.path(LOG_SUFFIX))
                _cut(disk, segments, at - 1, segments[at - 1].size, end)
                return end, segments[:at]
            end, position = segment.base_offset, 0
            segment.restart_indexes()
            producers.end_offset = end
            producers.take_snapshot(sync=False)
        end, valid = _check_segment(segment, position, end, producers, epochs)
        producers.end_offset = end
        if at < len(segments) - 1:
            segment.finish()
        if valid < segment.size:
            _cut(disk, segments, at, valid, end)
            return end, segments[: at + 1]
    return end, segments


def _cut(disk: Disk, segments: list[Segment], at: int, size: int, end: int) -> None:
    """Let the log end with so many bytes of the segment. Durable at once: the recovery point may be there already."""
    # From behind, and the cut last: a crash in between leaves the damage, and behind it no hole.
    for later in reversed(segments[at + 1 :]):
        logger.warning("%s follows damage and is removed", later.path(LOG_SUFFIX))
        later.delete()
    segment = segments[at]
    disk.sync_dir(segment.directory)
    logger.warning("%s is cut to offset %d, %d bytes", segment.path(LOG_SUFFIX), end, segment.size - size)
    segment.truncate_bytes(size)
    segment.sync()


def _load_producers(producers: Producers, segments: list[Segment], start: int, offset: int, now_ms: int) -> None:
    """What the log says of its producers up to `offset`, which is durable."""
    producers.reload(start, offset, now_ms)
    try:
        if producers.end_offset < offset:
            replay_producers(producers, segments, offset)
    except KafkaError as error:
        logger.error(
            "producers of %s may be unknown: what should be durable is damaged: %s", producers.partition, error
        )
    producers.end_offset = offset


def _without_overtaken(segments: list[Segment]) -> list[Segment]:
    """The segments without those that were begun in vain: empty ones, and the log went on in the one before."""
    kept: list[Segment] = []
    for segment in segments:
        if kept and not segment.size and _end_of(kept[-1]) > segment.base_offset:
            logger.warning("removing %s, which is empty and was overtaken", segment.path(LOG_SUFFIX))
            segment.delete()
        else:
            kept.append(segment)
    return kept


def _end_of(segment: Segment) -> int:
    end = segment.base_offset
    with suppress(KafkaError):
        for _, header in segment.headers(segment.offset_index.last.position):
            end = header.next_offset
    return end


def _find_epochs(segments: list[Segment], epochs: LeaderEpochs, end: int) -> None:
    """Read from the batches what was written when they were made durable, and was lost since."""
    for segment in segments:
        behind = segment.base_offset
        with suppress(KafkaError):  # damage is for those to tell who read there
            for _, header in segment.headers(0):
                if header.base_offset < behind:
                    break  # it is not durable, nor what follows
                behind = header.next_offset
                if header.leader_epoch > epochs.latest and header.base_offset < end:
                    epochs.assign(header.leader_epoch, header.base_offset)


def _indexes_are_sane(segment: Segment) -> bool:
    if not segment.size:
        return True
    return segment.offset_index.is_sane(segment.size) and segment.time_index.is_sane()


def _check_segment(
    segment: Segment,
    position: int,
    offset: int,
    producers: Producers | None = None,
    epochs: LeaderEpochs | None = None,
) -> tuple[int, int]:
    """Check every batch from `position`, where `offset` is: where the batches that are whole end, and at which byte."""
    try:
        for at, header, data in segment.batches(position):
            check_crc(data, 0, header)
            _check_offsets(header, offset, segment)
            segment.note(at, header)
            if epochs is not None and header.leader_epoch > epochs.latest:
                epochs.assign(header.leader_epoch, header.base_offset)
            if producers is not None and has_producer(header):
                aborted = producers.update(header, read_records(data) if header.is_control else ())
                if aborted is not None:
                    segment.transaction_index.append(aborted)
            offset = header.next_offset
            position = at + header.size
    except (KafkaError, _OffsetError) as error:
        logger.warning("%s is damaged at byte %d: %s", segment.path(LOG_SUFFIX), position, error)
    return offset, position


class _OffsetError(Exception):
    """A batch whose offsets cannot follow those before it."""


def _check_offsets(header: BatchHeader, expected: int, segment: Segment) -> None:
    if header.base_offset < expected or header.last_offset_delta < 0:
        raise _OffsetError(f"a batch of offsets {header.base_offset} to {header.last_offset} follows {expected}")
    if not segment.offset_index.holds(header.last_offset, header.last_offset):
        raise _OffsetError(f"offset {header.last_offset} is too far from the segment's {segment.base_offset}")
