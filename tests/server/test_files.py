"""Slices of files that are not in memory, or that the disk cannot give."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from kafkapy.server import SENDFILE_FROM
from kafkapy.storage.disk import RealDisk


class ColdFile:
    """A file that is in memory up to `warm_to`; what reads it from the disk, and in which thread, is noted."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.path = file.path
        self.warm_to = 0
        self.reads: list[tuple[int, int]] = []
        self.threads: set[int] = set()
        self.error: OSError | None = None

    def pread(self, size: int, position: int) -> bytes:
        if self.error is not None:
            raise self.error
        self.reads.append((position, position + size))
        self.threads.add(threading.get_ident())
        self.warm_to = position + size
        return self._file.pread(size, position)  # type: ignore[no-any-return]

    def pread_cached(self, size: int, position: int) -> bytes | None:
        return None if position + size > self.warm_to else self._file.pread(size, position)

    def is_cached(self, position: int, size: int) -> bool:
        return position + size <= self.warm_to

    def fileno(self) -> int:
        return self._file.fileno()  # type: ignore[no-any-return]


@pytest.fixture
def cold(house: Any) -> ColdFile:
    house.commands.file = ColdFile(house.commands.file)
    return house.commands.file  # type: ignore[no-any-return]


@pytest.mark.parametrize("size", [SENDFILE_FROM - 1, SENDFILE_FROM, 3_000_000])
async def test_what_is_not_in_memory_is_read_in_another_thread(
    house: Any, cold: ColdFile, data_file: Path, size: int
) -> None:
    peer = await house.connect()
    assert await peer.ask(f"file 13 {size}") == b"<" + data_file.read_bytes()[13 : 13 + size] + b">"
    assert threading.get_ident() not in cold.threads
    assert cold.reads[0][0] == 13
    assert cold.reads[-1][1] == 13 + size
    assert [end for _, end in cold.reads[:-1]] == [start for start, _ in cold.reads[1:]]


async def test_what_is_in_memory_is_not_read_first(house: Any, cold: ColdFile, data_file: Path) -> None:
    cold.warm_to = 6_000_000
    peer = await house.connect()
    for size in (100, 3_000_000):
        assert await peer.ask(f"file 13 {size}") == b"<" + data_file.read_bytes()[13 : 13 + size] + b">"
    assert cold.reads == []


@pytest.mark.parametrize("size", [100, 100_000])
async def test_a_disk_that_fails_is_told_of_while_records_are_read(
    house: Any, cold: ColdFile, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    cold.error = OSError(errno.EIO, "Input/output error")
    peer = await house.connect()
    await peer.send(f"file 13 {size}")
    with pytest.raises(EOFError):
        await peer.receive()
    assert house.commands.disk_errors == [cold.error]
    [record] = caplog.records
    assert "Input/output error; check the disk" in record.getMessage()


@pytest.mark.parametrize(
    ("number", "is_the_disks"),
    [
        (errno.EIO, True),
        (errno.EUCLEAN, True),
        (errno.EPIPE, False),
        (errno.ECONNRESET, False),
        (errno.ETIMEDOUT, False),
        (errno.EHOSTUNREACH, False),
    ],
)
async def test_it_is_told_apart_from_a_client_that_is_gone(
    house: Any, number: int, monkeypatch: pytest.MonkeyPatch, *, is_the_disks: bool
) -> None:
    def sendfile(*arguments: object) -> int:
        raise OSError(number, os.strerror(number))

    peer = await house.connect()
    assert await peer.ask("echo before") == b"before"
    monkeypatch.setattr("os.sendfile", sendfile)
    await peer.send("file 13 100000")
    with pytest.raises(EOFError):
        await peer.receive()
    assert [error.errno for error in house.commands.disk_errors] == [number] * is_the_disks


async def test_a_real_file_says_what_is_in_memory(house: Any, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 4096)
    file = RealDisk().open(str(path))
    file.sync()
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    # Some file systems forget nothing, and some do not say what they remember.
    assert file.is_cached(0, file.size) in (True, False)
    assert file.pread_cached(300, 1_000_000) in (None, file.pread(300, 1_000_000))
    assert file.pread(300, 1_000_000) == file.pread_cached(300, 1_000_000)
    assert file.is_cached(1_000_000, 300)
    assert file.pread_cached(300, file.size - 100) in (None, file.pread(100, file.size - 100))
