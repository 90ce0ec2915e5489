"""What the storage tests share: a disk in memory, a directory on it, and batches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from memory_disk import CrashError, MemoryDisk

from kafkapy.protocol.batch import Record, build_batch
from kafkapy.storage.log import Log
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.log_dir import LogDir
from kafkapy.storage.producer_replay import recall_batches

NOW = 1_700_000_000_000
TOPIC_ID = UUID(int=77)


def make_batch(*values: str, timestamp: int = NOW, key: bytes | None = b"k", **options: Any) -> bytes:
    """A producer's batch: base offset 0, one record for each value, a millisecond apart."""
    records = [Record(i, timestamp + i, key, value.encode()) for i, value in enumerate(values)]
    return build_batch(records, **options)


@pytest.fixture
def batch() -> Callable[..., bytes]:
    return make_batch


@pytest.fixture
def disk() -> MemoryDisk:
    return MemoryDisk()


@pytest.fixture
def crash_error() -> type[BaseException]:
    return CrashError


class House:
    """A log directory on a disk that can be opened again after a stop or a crash."""

    def __init__(self, disk: Any, path: Path = Path("/data")) -> None:
        self.disk = disk
        self.path = path
        self.config = LogConfig()
        self.now = NOW
        self.log_dir: LogDir | None = None

    def open(self, **options: Any) -> LogDir:
        self.log_dir = LogDir.open(
            self.path,
            disk=self.disk,
            clock=lambda: self.now,
            config_of=lambda topic: self.config,
            **{"node_id": 1, **options},
        )
        self.log_dir.begin()
        return self.log_dir

    def log(self, **config: Any) -> Log:
        """The log t-0, made or opened, with this configuration."""
        if config:
            self.config = LogConfig(**config)
        log_dir = self.log_dir or self.open()
        found = log_dir.logs.get(("t", 0)) or log_dir.create("t", 0, TOPIC_ID, self.config)
        found.config = self.config
        return found

    def checkpoint(self, high_watermarks: dict[tuple[str, int], int]) -> None:
        """Sync the segments that were rolled, and write the checkpoints, as a broker does from time to time."""
        assert self.log_dir is not None
        for log in self.log_dir.logs.values():
            log.flush_rolled()
        self.log_dir.checkpoint(high_watermarks)()

    def restart(self) -> Log:
        """Stop cleanly and start again."""
        assert self.log_dir is not None
        self.log_dir.close({})
        self.log_dir = None
        return self.log()

    def kill(self, *, power: bool = False) -> Log:
        """Die without a word and start again."""
        assert self.log_dir is not None
        self.log_dir.release()
        self.disk.crash(power=power)
        self.log_dir = None
        return self.log()


@pytest.fixture
def house(disk: Any) -> House:
    return House(disk)


def producer_state(log: Log) -> dict[int, Any]:
    """All that a log knows of its producers, comparable; what it reads only when asked, too."""
    recall_batches(log.producers, log.segments)
    return {
        producer_id: SimpleNamespace(
            epoch=producer.epoch, batches=list(producer.batches), timestamp=producer.last_timestamp
        )
        for producer_id, producer in log.producers.by_id.items()
    }


@pytest.fixture
def producers_of() -> Callable[[Log], dict[int, Any]]:
    return producer_state
