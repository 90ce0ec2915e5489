"""Writing a file of entries whose newest wait in memory: they go behind what is known to be there, and nothing else."""

from __future__ import annotations

from kafkapy.protocol.octets import Bytes
from kafkapy.storage.disk import Disk, File


def open_written(disk: Disk, path: str, size: int, waiting: Bytes) -> File:
    """The file, open, with `waiting` behind its first `size` bytes, for who syncs and closes it. Raises OSError."""
    file = disk.open(path, create=True)
    try:
        if file.size != size:
            file.truncate(size)  # what a failed write left, what was cut off, or the zeros Apache preallocates
        if waiting:
            file.append([waiting])
    except OSError:
        file.close()
        raise
    return file


def flush_file(file: File, *, sync: bool) -> None:
    """Sync the file, if `sync`, and close it. Raises OSError."""
    try:
        if sync:
            file.sync()
    finally:
        file.close()
