"""The file system as the log sees it: everything storage does to files goes through a `Disk`.

`RealDisk` is the operating system's. The tests put a disk in its place that runs full, tears a write, or forgets what
was not synced. Nothing here knows what is in a file. A write either is whole or raises OSError, and then the file may
hold a part of it beyond `File.size`, which the caller cuts off with `truncate`. Nothing is durable before `sync`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable, Sequence
from typing import Protocol

from kafkapy.protocol.octets import Bytes
from kafkapy.storage import page_cache

# Room, descriptors and memory come back; a name that is taken says nothing of the disk.
_PASSING = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EEXIST, errno.ENOTEMPTY}
)
# What a disk says when it cannot give what is in a file, and a socket never says; not every system has all of them.
_FAULTS = frozenset(
    getattr(errno, name, errno.EIO) for name in ("EIO", "EUCLEAN", "EBADMSG", "ENODATA", "ESTALE", "ENXIO", "EREMOTEIO")
)
_NOWAIT = getattr(os, "RWF_NOWAIT", 0)  # Linux alone has it
_MOST_CHUNKS = 1024  # Linux refuses more in one writev
_MODE = 0o644


def is_passing(error: OSError) -> bool:
    """Whether the disk itself is well, and what it refused now it may do later."""
    return error.errno in _PASSING


def is_fault(error: OSError) -> bool:
    """Whether it is the disk that failed, where that may have been a disk or a socket."""
    return error.errno in _FAULTS


class ColdError(Exception):
    """What was asked for is not in memory. `warm` brings it there, which takes the disk its time."""

    def __init__(self, warm: Callable[[], object]) -> None:
        super().__init__("it is not in memory")
        self.warm = warm


class File(Protocol):
    """An open file; closing it twice, or dropping the last reference to it, closes it as well."""

    path: str
    size: int  # bytes that were there at opening or written since; appends go here

    def append(self, chunks: Sequence[Bytes]) -> None:
        """Write all chunks, in order, behind the last byte; on OSError `size` is unchanged."""

    def pread(self, size: int, position: int) -> bytes:
        """Up to `size` bytes from `position`; fewer only at the file's end."""

    def pread_cached(self, size: int, position: int) -> Bytes | None:
        """The same, if the disk need not be asked for it; None if it must. Where that cannot be known it is asked."""

    def is_cached(self, position: int, size: int) -> bool:
        """Whether the disk need not be asked for these bytes, as far as can be told. For one thread at a time."""

    def write_at(self, data: Bytes, position: int) -> None:
        """Overwrite, or write past the end, at `position`."""

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes."""

    def reserve(self, size: int) -> None:
        """Let the file be `size` bytes long, zeros behind what was written; appends go where they went before."""

    def sync(self) -> None:
        """Promise that what was written survives a power failure."""

    def fileno(self) -> int:
        """The descriptor, for sendfile; a disk without descriptors raises OSError."""

    def close(self) -> None:
        """Give the descriptor back."""


class Disk(Protocol):
    """The operations on names; each raises OSError as `os` does."""

    def open(self, path: str, *, create: bool = False) -> File:
        """The file for reading and writing; FileNotFoundError unless it exists or `create`."""

    def read(self, path: str) -> bytes:
        """The whole of a small file."""

    def write(self, path: str, data: bytes, *, sync: bool) -> None:
        """Make the file, or replace its content, in place (not atomically)."""

    def sync_dir(self, path: str) -> None:
        """Promise that names made, renamed and removed in the directory survive a power failure."""

    def rename(self, source: str, target: str) -> None:
        """Rename a file or directory, replacing a file of that name atomically."""

    def unlink(self, path: str) -> None:
        """Remove a file's name; who has it open can still read it."""

    def list(self, path: str) -> list[str]:
        """The names in the directory, in no order."""

    def mkdir(self, path: str) -> None:
        """Make the directory; FileExistsError if it is there."""

    def rmdir(self, path: str) -> None:
        """Remove the empty directory."""

    def exists(self, path: str) -> bool:
        """Whether there is a file or directory of that name."""

    def is_dir(self, path: str) -> bool:
        """Whether there is a directory of that name."""

    def size(self, path: str) -> int:
        """The file's size in bytes."""

    def modified_ms(self, path: str) -> int:
        """When the file was last written."""

    def set_modified_ms(self, path: str, modified_ms: int) -> None:
        """Let the file have been last written then."""

    def space(self, path: str) -> tuple[int, int]:
        """Bytes of the volume that holds the path: all of them, and those still free for us."""

    def lock(self, path: str) -> File | None:
        """Hold the (made if need be) file until the returned file is closed; None if someone else holds it."""


class RealFile:
    """A descriptor of the operating system's."""

    __slots__ = ("_fd", "path", "size")

    def __init__(self, fd: int, path: str) -> None:
        self._fd = fd
        self.path = path
        self.size = os.fstat(fd).st_size

    def append(self, chunks: Sequence[Bytes]) -> None:
        start = self.size
        end = start + sum(map(len, chunks))
        at_once = chunks if len(chunks) <= _MOST_CHUNKS else chunks[:_MOST_CHUNKS]
        written = os.pwritev(self._fd, at_once, start)
        if start + written < end:
            self._append_rest(chunks, written, end)
        self.size = end

    def _append_rest(self, chunks: Sequence[Bytes], written: int, end: int) -> None:
        # A disk that fills up takes a part first and reports the error at the next call.
        position = self.size + written
        left = memoryview(b"".join(chunks))[written:]
        while position < end:
            count = os.pwrite(self._fd, left, position)
            if count == 0:
                raise OSError(errno.EIO, "the disk took no byte of a write", self.path)
            position += count
            left = left[count:]

    def pread(self, size: int, position: int) -> bytes:
        data = os.pread(self._fd, size, position)
        if len(data) == size or not data:
            return data
        parts = [data]
        got = len(data)
        while got < size and (data := os.pread(self._fd, size - got, position + got)):
            parts.append(data)
            got += len(data)
        return b"".join(parts)

    def pread_cached(self, size: int, position: int) -> Bytes | None:
        if not _NOWAIT:
            return self.pread(size, position)
        buffer = bytearray(size)
        try:
            got = os.preadv(self._fd, [buffer], position, _NOWAIT)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:  # as some file systems say
                raise
            return self.pread(size, position)
        if got < size:
            if position + got < self.size:
                return None
            del buffer[got:]
        return buffer

    def is_cached(self, position: int, size: int) -> bool:
        found = page_cache.is_cached(self._fd, position, size)
        if found is None:
            return self.pread_cached(1, position + size - 1) is not None
        return found

    def write_at(self, data: Bytes, position: int) -> None:
        left = memoryview(data)
        at = position
        while left:
            count = os.pwrite(self._fd, left, at)
            if count == 0:
                raise OSError(errno.EIO, "the disk took no byte of a write", self.path)
            at += count
            left = left[count:]
        self.size = max(self.size, at)

    def truncate(self, size: int) -> None:
        os.ftruncate(self._fd, size)
        self.size = size

    def reserve(self, size: int) -> None:
        os.ftruncate(self._fd, size)

    def sync(self) -> None:
        os.fsync(self._fd)

    def fileno(self) -> int:
        return self._fd

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError, OSError):
            self.close()


class RealDisk:
    """The operating system's file systems."""

    def open(self, path: str, *, create: bool = False) -> RealFile:
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
        return RealFile(os.open(path, flags, _MODE), path)

    def read(self, path: str) -> bytes:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            parts = []
            while data := os.read(fd, 1 << 16):
                parts.append(data)
            return b"".join(parts)
        finally:
            os.close(fd)

    def write(self, path: str, data: bytes, *, sync: bool) -> None:
        file = RealFile(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _MODE), path)
        try:
            file.write_at(data, 0)
            if sync:
                file.sync()
        finally:
            file.close()

    def sync_dir(self, path: str) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def rename(self, source: str, target: str) -> None:
        os.replace(source, target)

    def unlink(self, path: str) -> None:
        os.unlink(path)

    def list(self, path: str) -> list[str]:
        return os.listdir(path)

    def mkdir(self, path: str) -> None:
        os.mkdir(path)

    def rmdir(self, path: str) -> None:
        os.rmdir(path)

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def is_dir(self, path: str) -> bool:
        return os.path.isdir(path)

    def size(self, path: str) -> int:
        return os.stat(path).st_size

    def modified_ms(self, path: str) -> int:
        return os.stat(path).st_mtime_ns // 1_000_000

    def set_modified_ms(self, path: str, modified_ms: int) -> None:
        os.utime(path, ns=(modified_ms * 1_000_000, modified_ms * 1_000_000))

    def space(self, path: str) -> tuple[int, int]:
        volume = os.statvfs(path)
        return volume.f_blocks * volume.f_frsize, volume.f_bavail * volume.f_frsize

    def lock(self, path: str) -> RealFile | None:
        file = self.open(path, create=True)
        try:
            # flock tells two openers in one process apart; lockf is what Java's FileLock takes, so that Apache Kafka
            # and kafkapy keep each other out.
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.lockf(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            if error.errno in (errno.EACCES, errno.EAGAIN):
                return None
            raise
        return file
