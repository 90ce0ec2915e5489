"""The three checkpoint files of one log directory: how far each log is durable, where it begins, what is committed.

What they are to say is taken where the logs are used, and written in any thread; what was taken later is never
overwritten by what was taken before. Apache's: `LogManager.checkpointRecoveryOffsetsInDir` and its like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from threading import Lock

from kafkapy.storage.checkpoint import (
    HIGH_WATERMARK_FILE,
    LOG_START_OFFSET_FILE,
    RECOVERY_POINT_FILE,
    TopicPartition,
    write_offsets,
)
from kafkapy.storage.disk import Disk
from kafkapy.storage.log import Log


class Checkpoints:
    """Those in the directory `path`, which name the logs `named` at first."""

    def __init__(self, disk: Disk, path: str, named: Iterable[TopicPartition] = ()) -> None:
        self._disk = disk
        self._path = path
        self._in_files = frozenset(named)
        self._on_their_way: frozenset[TopicPartition] = frozenset()
        self._taken = 0
        self._written = 0
        self._writing = Lock()

    def may_name(self, key: TopicPartition) -> bool:
        """Whether the files say something of a log of that name, or soon will."""
        return key in self._in_files or key in self._on_their_way

    def take(
        self, logs: Mapping[TopicPartition, Log], high_watermarks: Mapping[TopicPartition, int] | None = None
    ) -> Callable[[], None]:
        """What writes how things stand now; the file of high watermarks stays as it is if None are given.

        It may run in a thread of its own. Raises OSError.
        """
        contents = {
            RECOVERY_POINT_FILE: {key: log.recovery_checkpoint for key, log in logs.items()},
            LOG_START_OFFSET_FILE: {
                key: log.log_start_offset
                for key, log in logs.items()
                if log.log_start_offset > log.segments[0].base_offset
            },
        }
        if high_watermarks is not None:
            contents[HIGH_WATERMARK_FILE] = dict(high_watermarks)
        self._taken = number = self._taken + 1
        self._on_their_way = named = frozenset(logs)

        def write() -> None:
            with self._writing:
                if number > self._written:
                    self._write(contents, named)
                    self._written = number

        return write

    def _write(self, contents: Mapping[str, Mapping[TopicPartition, int]], named: frozenset[TopicPartition]) -> None:
        self._in_files |= named
        for name, offsets in contents.items():
            write_offsets(self._disk, f"{self._path}/{name}", offsets)
        self._in_files = named
