"""What was given up waits here for its time to be removed: directories of partitions, and files of segments.

Who reads from them meanwhile can go on. Apache's: `LogManager.deleteLogs`, `LocalLog.deleteSegmentFiles`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from uuid import uuid4

from kafkapy.storage.disk import Disk

DISCARDED_SUFFIX = "-delete"
DELETED = ".deleted"  # behind the names of files that are to be removed
LONGEST_NAME = 255  # that a file system takes
logger = logging.getLogger(__name__)

Discard = Callable[[str], object]  # takes such a file, to remove it later


def discard_file(disk: Disk, path: str, discard: Discard) -> None:
    """Give the file the ending `.deleted`, and hand it over: removing a large one takes a while. Raises OSError."""
    disk.rename(path, path + DELETED)
    discard(path + DELETED)


def discarded_name(topic: str, partition: int) -> str:
    """A new name for the directory of a partition that is given up; a long topic's is cut."""
    ending = f"-{partition}.{uuid4().hex}{DISCARDED_SUFFIX}"
    return f"{topic[: LONGEST_NAME - len(ending)]}{ending}"


class Discarded:
    """Those of one log directory. `on_disk_error` is told what kept one from being removed."""

    def __init__(self, disk: Disk, on_disk_error: Callable[[OSError], object]) -> None:
        self._disk = disk
        self._on_disk_error = on_disk_error
        self._waiting: list[tuple[int, str]] = []  # when to remove which

    def add(self, path: str, at_ms: int) -> None:
        """Let the file, or the directory with the files in it, be removed at that time. May be called in any thread."""
        self._waiting.append((at_ms, path))

    def is_due(self, now_ms: int) -> bool:
        """Whether there is something to do for `remove`."""
        return any(at_ms <= now_ms for at_ms, _ in self._waiting)

    def remove(self, now_ms: int) -> None:
        """Remove those whose time has come; what fails is tried again next time.

        May run in a thread of its own, beside everything else here: large files take their time.
        """
        for entry in [entry for entry in self._waiting if entry[0] <= now_ms]:
            try:
                if self._disk.is_dir(entry[1]):
                    remove_directory(self._disk, entry[1])
                else:
                    self._disk.unlink(entry[1])
            except FileNotFoundError:
                pass  # somebody else has done it, or it went with its directory
            except OSError as error:
                logger.warning("%s cannot be removed: %s", entry[1], error)
                self._on_disk_error(error)
                continue
            if entry in self._waiting:
                self._waiting.remove(entry)

    def forget(self) -> None:
        """Remove nothing any more."""
        self._waiting.clear()


def remove_directory(disk: Disk, directory: str) -> None:
    """Remove the directory and the files in it. Raises OSError."""
    for name in disk.list(directory):
        disk.unlink(f"{directory}/{name}")
    disk.rmdir(directory)
