"""Several log directories on the real file system: one fails, and the broker serves on or ends."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from kafkapy.protocol.errors import ErrorCode

LIMIT_S = 20.0
OFTEN = ("--override", "replica.high.watermark.checkpoint.interval.ms=100")


@pytest.fixture
def dirs(broker: Any) -> list[Path]:
    """The directories of a broker that is not started yet."""
    paths = [broker.data / "a", broker.data / "b"]
    broker.options = ["--override", f"log.dirs={','.join(map(str, paths))}", *OFTEN]
    return paths


def spoil(path: Path) -> None:
    """Let nothing be found there any more."""
    path.rename(path.with_name("elsewhere"))
    path.write_text("in its place")


def mend(path: Path) -> None:
    path.unlink()
    path.with_name("elsewhere").rename(path)


def until_refused(client: Any, batch: Any, partition: int) -> None:
    end = time.monotonic() + LIMIT_S
    while client.produce(batch("x"), partition=partition).error_code != ErrorCode.KAFKA_STORAGE_ERROR:
        assert time.monotonic() < end


def test_one_fails_and_is_mended(broker: Any, dirs: list[Path], batch: Any) -> None:
    client = broker.start().client()
    client.create("t", 2)
    for partition in range(2):
        assert client.produce(batch("kept"), partition=partition).error_code == 0
    spoil(dirs[1])
    until_refused(client, batch, 1)
    assert client.produce(batch("more"), partition=0).error_code == 0
    assert [value for _, value in client.read()] == ["kept", "more"]
    assert broker.end() == 0
    client = broker.start().client()
    assert client.produce(batch("x"), partition=1).error_code == ErrorCode.KAFKA_STORAGE_ERROR
    assert f"{dirs[1]} cannot be used: it is not a directory" in broker.log()
    assert broker.end() == 0
    mend(dirs[1])
    client = broker.start().client()
    assert client.read(partition=1)[0] == (0, "kept")
    assert [value for _, value in client.read()] == ["kept", "more"]


def test_that_of_the_metadata_fails(broker: Any, dirs: list[Path], batch: Any) -> None:
    client = broker.start().client()
    client.create("t", 2)
    for partition in range(2):
        assert client.produce(batch("kept"), partition=partition).error_code == 0
    spoil(dirs[0])
    broker.process.wait(LIMIT_S)
    assert broker.end() == 1
    [said] = [line for line in broker.log().splitlines() if line.startswith("kafkapy: ")]
    assert said.startswith(f"kafkapy: the log directory {dirs[0]}, which has the cluster's metadata, has failed: ")
    mend(dirs[0])
    client = broker.start().client()
    assert [client.read(partition=partition) for partition in range(2)] == [[(0, "kept")]] * 2
