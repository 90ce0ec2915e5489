"""A transaction index that is damaged or lost below the recovery point, made anew from the batches.

Readers of committed records would take aborted ones for committed. That a file is damaged, it shows itself; that it is
lost, nothing would, since a segment in which nothing was aborted has none: so how many entries each segment's index has
is noted in `aborted-transactions-checkpoint`, a file of ours alone. Each entry is `base-offset entries`. What it says
only leads to a look at the batches, which are what is true: it may be old, missing or of another broker's time. Apache
Kafka makes a damaged index anew, and believes one that is missing. Apache's class: `LogLoader`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from kafkapy.protocol.batch import read_records
from kafkapy.protocol.errors import KafkaError
from kafkapy.storage.aborted import AbortedTransaction
from kafkapy.storage.checkpoint import CheckpointError, read_checkpoint, write_checkpoint
from kafkapy.storage.disk import Disk
from kafkapy.storage.producer_replay import replay_producers
from kafkapy.storage.producers import Producers, has_producer
from kafkapy.storage.segment import LOG_SUFFIX, TRANSACTION_INDEX_SUFFIX, Segment, file_name
from kafkapy.storage.segments import Segments

ABORTED_FILE = "aborted-transactions-checkpoint"
_WORDS = 2
logger = logging.getLogger(__name__)


def read_counts(disk: Disk, directory: str) -> dict[int, int]:
    """How many entries each segment's index had, by base offset; nothing if nobody knows."""
    path = f"{directory}/{ABORTED_FILE}"
    try:
        return {int(base): int(count) for base, count in read_checkpoint(disk, path, _WORDS)}
    except (CheckpointError, ValueError) as error:
        logger.warning("which transaction indexes there were is not known: %s", error)
        return {}


def begin_counts(disk: Disk, directory: str, segments: Segments) -> Callable[[], None]:
    """What notes how many entries there are now, if that has changed; it may run in a thread. Raises OSError."""
    counts = segments.aborted_counts() if segments.has_aborted else {}
    if counts == segments.noted_counts:
        return _nothing

    def write() -> None:
        with suppress(OSError):  # a note that is not written is one safeguard less, and no damage
            write_checkpoint(disk, f"{directory}/{ABORTED_FILE}", counts.items())
            segments.noted_counts = counts

    return write


def mend_transaction_indexes(
    segments: Sequence[Segment],
    names: Sequence[str],
    counts: Mapping[int, int],
    new_producers: Callable[[int], Producers],
) -> None:
    """Make those indexes anew that are damaged, or hold less than was noted; `names` are the directory's files.

    `new_producers` gives what is known of the producers at an offset, or somewhere before it, to be used up. Raises
    OSError.
    """
    there = {name for name in names if name.endswith(TRANSACTION_INDEX_SUFFIX)}
    for at, segment in enumerate(segments):
        base, noted = segment.base_offset, counts.get(segment.base_offset, 0)
        if not noted and file_name(base, TRANSACTION_INDEX_SUFFIX) not in there:
            continue
        index = segment.transaction_index
        if index.count >= noted and index.is_sane(base):
            continue
        found = _find_aborted(new_producers(base), segments[: at + 1])
        if found != index.entries:
            logger.warning("%s was damaged or missing and is made anew", index.path)
        index.replace(found)
        segment.release()


def _find_aborted(producers: Producers, segments: Sequence[Segment]) -> list[AbortedTransaction]:
    """The transactions that ended in the last of the segments by being aborted."""
    segment = segments[-1]
    found: list[AbortedTransaction | None] = []
    try:
        replay_producers(producers, segments, segment.base_offset)
        for position, header in segment.headers(0):
            if has_producer(header):
                control = read_records(segment.file.pread(header.size, position)) if header.is_control else ()
                found.append(producers.update(header, control))
    except KafkaError as error:
        logger.warning("what was aborted in %s is not known behind its damage: %s", segment.path(LOG_SUFFIX), error)
    return [one for one in found if one is not None]


def _nothing() -> None:
    """It is as it was noted."""
