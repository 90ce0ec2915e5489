"""Putting a cleaned segment in the place of those it was made of, so that a crash leaves the old ones or the new one.

The new files are written as `.cleaned` and synced, then renamed to `.swap`: from there on they count. The old files
are renamed to `.deleted`, oldest first, and the new ones get their names. Whoever opens the directory afterwards
finishes what was begun: without a whole `.swap` the old segments are the log. That is Apache's order and Apache's
recovery, so either broker finishes what the other began. Apache's classes: `LocalLog.replaceSegments`, `LogLoader`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from kafkapy.protocol.errors import KafkaError
from kafkapy.storage.discarded import DELETED
from kafkapy.storage.disk import Disk
from kafkapy.storage.segment import LOG_SUFFIX, SUFFIXES, Segment

CLEANED = ".cleaned"
SWAP = ".swap"
logger = logging.getLogger(__name__)


def swap_in(cleaned: Segment, replaced: Sequence[Segment]) -> None:
    """Rename `cleaned` to take the place of `replaced`, whose files remain as `.deleted`. Raises OSError.

    Nothing is synced: until the directory is, a power failure may undo all of it, from the last rename back.
    """
    cleaned.rename(SWAP)
    for segment in replaced:
        segment.rename(DELETED)
    cleaned.rename("")


def finish_swaps(disk: Disk, directory: str, names: Sequence[str]) -> list[str]:
    """Finish the swap that a crash interrupted, or drop it; the names that the directory holds then. Raises OSError."""
    cleaned = [_base(name) for name in names if name.endswith(CLEANED) and _base(name) >= 0]
    swaps = [name for name in names if name.endswith(SWAP) and _base(name) >= 0]
    if not swaps:
        return list(names)
    # A segment still in part `.cleaned` was not complete, and nor were those behind it, which are renamed first.
    valid = [name for name in swaps if not cleaned or _base(name) < min(cleaned)]
    left = [name for name in names if name not in swaps]
    for name in swaps:
        if name not in valid:
            disk.unlink(f"{directory}/{name}")
    ranges = [_range(disk, directory, name) for name in valid if name.endswith(LOG_SUFFIX + SWAP)]
    for name in list(left):
        if name.endswith(SUFFIXES) and any(first <= _base(name) < end for first, end in ranges):
            logger.warning("removing %s/%s, which was compacted away", directory, name)
            disk.unlink(f"{directory}/{name}")
            left.remove(name)
    for name in sorted(valid):
        logger.warning("finishing the replacement of %s/%s", directory, name.removesuffix(SWAP))
        disk.rename(f"{directory}/{name}", f"{directory}/{name.removesuffix(SWAP)}")
        left.append(name.removesuffix(SWAP))
    disk.sync_dir(directory)
    return sorted(set(left))


def _base(name: str) -> int:
    """The offset that the file's name begins with, -1 in a name that is no segment's."""
    number = name.partition(".")[0]
    return int(number) if number.isdecimal() else -1


def _range(disk: Disk, directory: str, name: str) -> tuple[int, int]:
    """The offsets that the segment stands for: from its base to behind its last batch."""
    segment = Segment(disk, directory, _base(name), 0, 0, ending=SWAP)
    end = segment.base_offset + 1
    try:
        for _, header in segment.headers(0):
            end = header.next_offset
    except KafkaError as error:
        logger.warning("%s/%s: %s", directory, name, error)
    finally:
        segment.release()
    return segment.base_offset, end
