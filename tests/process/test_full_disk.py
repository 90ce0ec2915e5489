"""A disk that is full, and has room again: refused is what does not fit, nothing acknowledged is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clients import LIBRARIES, wait_for
from load import Load
from volume import Missing, Volumes

from kafkapy.protocol.errors import ErrorCode

ROOM = 12 << 20
BALLAST = 8 << 20


class SmallDisk:
    """A volume with a broker's data on it, and as much of something else."""

    def __init__(self, broker: Any, folder: Path) -> None:
        self._path = folder / "disk"
        self._path.mkdir()
        self._volumes = Volumes({self._path: ROOM})
        self._ballast = self._volumes.see(self._path / "ballast")
        self._ballast.write_bytes(bytes(BALLAST))
        broker.within = self._volumes.within
        broker.data = self._path / "data"

    @property
    def free_bytes(self) -> int:
        return self._volumes.free_bytes(self._path)

    def make_room(self) -> None:
        self._ballast.unlink()

    def close(self) -> None:
        self._volumes.close()


@pytest.fixture
def disk(broker: Any, tmp_path: Path) -> Iterator[SmallDisk]:
    try:
        disk = SmallDisk(broker, tmp_path)
    except Missing as reason:
        pytest.skip(str(reason))
    yield disk
    broker.close()
    disk.close()


class Writer:
    """Produces into t-0, and knows what was acknowledged."""

    def __init__(self, client: Any, batch: Callable[..., bytes]) -> None:
        self.client = client
        self._batch = batch
        self._number = 0
        self.acked: list[tuple[int, str]] = []

    def produce(self, size: int) -> ErrorCode:
        value = f"{self._number}".ljust(size)
        self._number += 1
        answer = self.client.produce(self._batch(value))
        if answer.error_code == ErrorCode.NONE:
            self.acked.append((answer.base_offset, value))
        return ErrorCode(answer.error_code)

    def fill(self) -> None:
        """Until not even a small batch fits."""
        for size in (100_000, 5000, 10):
            while (code := self.produce(size)) is ErrorCode.NONE:
                pass
            assert code is ErrorCode.KAFKA_STORAGE_ERROR, "which every client tries again"


@pytest.fixture
def writer(broker: Any, disk: SmallDisk, batch: Callable[..., bytes]) -> Writer:
    """Has filled the disk."""
    client = broker.start().client()
    client.create("t")
    writer = Writer(client, batch)
    writer.fill()
    assert len(writer.acked) > 20
    assert disk.free_bytes == 0
    return writer


def test_what_fits_is_served_and_the_rest_once_there_is_room(broker: Any, disk: SmallDisk, writer: Writer) -> None:
    client = writer.client
    assert client.read() == writer.acked
    assert client.topics() == {"t": 1}
    disk.make_room()
    assert writer.produce(100_000) is ErrorCode.NONE
    client.create("u", 3)
    assert client.topics() == {"t": 1, "u": 3}
    assert broker.end() == 0
    client = broker.start().client()
    assert client.read() == writer.acked
    assert client.topics() == {"t": 1, "u": 3}
    assert "Traceback" not in broker.log()


def test_killed_while_it_is_full(broker: Any, disk: SmallDisk, writer: Writer) -> None:
    for _ in range(2):
        broker.kill()
        broker.launch()
        assert broker.process.wait(20) == 1
    broker.kill()
    *_, said = broker.log().splitlines()
    assert said.startswith(f"kafkapy: {broker.data}: the cluster's metadata cannot be written: ")
    assert said.endswith(" failed: No space left on device; check the disk")
    disk.make_room()
    writer.client = broker.start().client()
    assert writer.client.read() == writer.acked
    assert writer.produce(10) is ErrorCode.NONE
    assert writer.client.read() == writer.acked
    assert "Traceback" not in broker.log()


def test_stopped_while_it_is_full(broker: Any, disk: SmallDisk, writer: Writer) -> None:
    assert broker.end() == 1
    *_, said = broker.log().splitlines()
    assert said.startswith(f"kafkapy: {broker.data} could not be closed cleanly, and is recovered at the next start: ")
    assert "No space left on device" in said
    disk.make_room()
    assert broker.start().client().read() == writer.acked
    assert "Traceback" not in broker.log()


@pytest.mark.parametrize("library", LIBRARIES)
def test_clients_wait_for_room(disk: SmallDisk, load: Callable[..., Load], library: str) -> None:
    suffering: Any = load(library)
    suffering.begin()
    suffering.after("committed", 5)
    wait_for(lambda: "No space left on device" in suffering.broker.log(), "a full disk")
    disk.make_room()
    suffering.after("acked", 500)
    suffering.after("committed", 5)
    suffering.end()
