"""Opening a partition's log: as it was left after a clean stop, checked batch by batch after any other.

What was below the recovery point is durable and is not read. From there on every batch is held against its checksum;
the first that fails is where the log ends, since a machine that lost power may have written what follows it but not it.
Indexes, leader epochs and producers of the checked part are made anew. No batch that is whole is ever cut off before a
damaged one. Apache's class: `LogLoader`.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from kafkapy.protocol.batch import BatchHeader, check_crc, read_records
from kafkapy.protocol.errors import KafkaError
from kafkapy.storage.disk import Disk
from kafkapy.storage.epochs import LEADER_EPOCH_FILE, LeaderEpochs
from kafkapy.storage.log import Log
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.producer_replay import recall_batches, replay_producers
from kafkapy.storage.producers import DEFAULT_EXPIRATION_MS, Producers, has_producer
from kafkapy.storage.segment import INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX, Segment
from kafkapy.storage.swap import CLEANED, DELETED, finish_swaps

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
    epochs = LeaderEpochs(disk, f"{directory}/{LEADER_EPOCH_FILE}")
    if LEADER_EPOCH_FILE in names:
        epochs.load()
    producers = Producers(disk, directory, f"{topic}-{partition}", producer_id_expiration_ms)
    producers.find_snapshots(names)
    start = last_known.log_start_offset
    end, segments = _find_end(disk, segments, producers, epochs, last_known, now_ms)
    if last_known.clean and not epochs.entries:
        _find_epochs(segments, epochs)
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
    producers.remove_stray_snapshots([segment.base_offset for segment in segments])
    if last_known.clean:
        _load_producers_after_clean_stop(log)
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
) -> tuple[int, list[Segment]]:
    """Where the log ends, and the segments that remain."""
    if not segments:
        return 0, segments
    start = last_known.log_start_offset
    first_checked = len(segments)
    if not last_known.clean:
        first_checked = sum(segment.base_offset <= last_known.recovery_point for segment in segments) - 1
        first_checked = max(first_checked, 0)
    for segment in segments[:first_checked]:
        if not _indexes_are_sane(segment):
            logger.warning("the indexes of %s are damaged or missing and are made anew", segment.path(LOG_SUFFIX))
            _check_segment(segment, None, epochs)
            segment.finish(sync=True)
    if first_checked == len(segments):
        try:
            return segments[-1].next_offset(), segments
        except KafkaError as error:
            logger.warning("%s was not closed as its directory says: %s", segments[-1].path(LOG_SUFFIX), error)
            first_checked -= 1
    base = segments[first_checked].base_offset
    producers.reload(max(start, segments[0].base_offset), base, now_ms)
    recall_batches(producers, segments[:first_checked])
    if producers.end_offset < base:
        replay_producers(producers, segments[:first_checked], base)
    end = base
    for at in range(first_checked, len(segments)):
        segment = segments[at]
        producers.end_offset = segment.base_offset
        if at > first_checked:
            producers.take_snapshot(sync=False)
        end, whole = _check_segment(segment, producers, epochs)
        producers.end_offset = end
        if at < len(segments) - 1:
            segment.finish()
        if not whole:
            for later in segments[at + 1 :]:
                logger.warning("%s follows damage and is removed", later.path(LOG_SUFFIX))
                later.delete()
            return end, segments[: at + 1]
    return end, segments


def _find_epochs(segments: list[Segment], epochs: LeaderEpochs) -> None:
    """What a clean stop had written, and was lost since."""
    for segment in segments:
        with suppress(KafkaError):  # damage is for those to tell who read there
            for _, header in segment.headers(0):
                if header.leader_epoch > epochs.latest:
                    epochs.assign(header.leader_epoch, header.base_offset)


def _indexes_are_sane(segment: Segment) -> bool:
    if not segment.size:
        return True
    return segment.offset_index.is_sane(segment.size) and segment.time_index.is_sane()


def _check_segment(segment: Segment, producers: Producers | None, epochs: LeaderEpochs) -> tuple[int, bool]:
    """Check every batch, and cut the segment at the first that is damaged: its end offset, and whether it was whole."""
    segment.restart_indexes()
    end = segment.base_offset
    valid = 0
    try:
        for position, header, data in segment.batches():
            check_crc(data, 0, header)
            _check_offsets(header, end, segment)
            segment.note(position, header)
            if header.leader_epoch > epochs.latest:
                epochs.assign(header.leader_epoch, header.base_offset)
            if producers is not None and has_producer(header):
                producers.update(header, read_records(data) if header.is_control else ())
            end = header.next_offset
            valid = position + header.size
    except (KafkaError, _OffsetError) as error:
        dropped = segment.size - valid
        logger.warning("%s is cut to offset %d, %d bytes: %s", segment.path(LOG_SUFFIX), end, dropped, error)
        segment.truncate_bytes(valid)
        return end, False
    return end, True


class _OffsetError(Exception):
    """A batch whose offsets cannot follow those before it."""


def _check_offsets(header: BatchHeader, expected: int, segment: Segment) -> None:
    if header.base_offset < expected or header.last_offset_delta < 0:
        raise _OffsetError(f"a batch of offsets {header.base_offset} to {header.last_offset} follows {expected}")
    if not segment.offset_index.holds(header.last_offset):
        raise _OffsetError(f"offset {header.last_offset} is too far from the segment's {segment.base_offset}")


def _load_producers_after_clean_stop(log: Log) -> None:
    if log.producers.snapshots:
        log.rebuild_producers(log.log_end_offset)
    else:
        # As Apache does: a clean stop leaves a snapshot wherever there is something to know.
        log.producers.end_offset = log.producers.snapshot_offset = log.log_end_offset
