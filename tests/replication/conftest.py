"""What the replication tests share: a partition whose log is on the storage tests' disk, in memory."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kafkapy.protocol.batch import Record, build_batch
from kafkapy.replication.partition import Partition
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.log_dir import LogDir

NOW = 1_700_000_000_000


@pytest.fixture
def partition(memory_disk: Any) -> Callable[..., Partition]:
    """Makes t-0 as broker 1 has it; each in a log directory of its own."""
    directories = count()

    def make(leader: int = 1, leader_epoch: int = 0, isr: tuple[int, ...] = (1,)) -> Partition:
        path = f"/data{next(directories)}"
        log_dir = LogDir.open(
            Path(path), disk=memory_disk, node_id=1, clock=lambda: NOW, config_of=lambda _: LogConfig()
        )
        return Partition(log_dir.create("t", 0, UUID(int=77), LogConfig()), 1, leader, leader_epoch, list(isr))

    return make


@pytest.fixture
def batch() -> Callable[..., bytes]:
    def make(*values: str) -> bytes:
        return build_batch([Record(at, NOW, None, value.encode()) for at, value in enumerate(values)])

    return make
