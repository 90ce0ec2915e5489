"""Checkpoint files: small text files that are replaced whole, never edited.

The form is a version line, a count line, and one line per entry, words parted by a space. A reader sees the old file
or the new one, never a half: the new content is written under `.tmp`, synced and renamed. What cannot be read raises
`CheckpointError`, whose reader decides what is lost. Apache's classes: `CheckpointFile`, `OffsetCheckpointFile`.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Mapping

from kafkapy.storage.disk import Disk

RECOVERY_POINT_FILE = "recovery-point-offset-checkpoint"
HIGH_WATERMARK_FILE = "replication-offset-checkpoint"
LOG_START_OFFSET_FILE = "log-start-offset-checkpoint"
_VERSION = 0
_HEAD_LINES = 2
_OFFSET_WORDS = 3

TopicPartition = tuple[str, int]


class CheckpointError(Exception):
    """A checkpoint file that does not hold what it should."""


def replace_file(disk: Disk, path: str, data: bytes, *, sync: bool = True) -> None:
    """Put `data` in the place of the file; a crash leaves the old content or the new, if `sync`."""
    temporary = path + ".tmp"
    disk.write(temporary, data, sync=sync)
    disk.rename(temporary, path)
    if sync:
        disk.sync_dir(os.path.dirname(path))


def write_checkpoint(disk: Disk, path: str, entries: Iterable[tuple[object, ...]]) -> None:
    """Replace the file by one with these entries."""
    lines = [" ".join(map(str, entry)) for entry in entries]
    text = "".join(f"{line}\n" for line in (str(_VERSION), str(len(lines)), *lines))
    replace_file(disk, path, text.encode())


def read_checkpoint(disk: Disk, path: str, words: int) -> list[list[str]]:
    """The entries, each of `words` words; none if the file is missing or empty. Raises CheckpointError."""
    try:
        text = disk.read(path).decode()
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path} is not text: {error}") from None
    lines = text.splitlines()
    if not lines:
        return []
    if lines[0].strip() != str(_VERSION):
        raise CheckpointError(f"{path} has version {lines[0]!r}; only version {_VERSION} is known")
    entries = [line.split() for line in lines[_HEAD_LINES:] if line.strip()]
    if len(lines) < _HEAD_LINES or lines[1].strip() != str(len(entries)):
        raise CheckpointError(f"{path} holds {len(entries)} entries, its second line says otherwise")
    for entry in entries:
        if len(entry) != words:
            raise CheckpointError(f"{path}: {' '.join(entry)!r} is not {words} words")
    return entries


def write_offsets(disk: Disk, path: str, offsets: Mapping[TopicPartition, int]) -> None:
    """An offset for each partition: `topic partition offset`."""
    write_checkpoint(disk, path, ((topic, partition, offset) for (topic, partition), offset in offsets.items()))


def read_offsets(disk: Disk, path: str) -> dict[TopicPartition, int]:
    """What `write_offsets` wrote; empty if there is no file. Raises CheckpointError."""
    try:
        return {(topic, int(p)): int(offset) for topic, p, offset in read_checkpoint(disk, path, _OFFSET_WORDS)}
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from None
