"""Options of the whole suite, and what tests of several rooms share: the storage tests' disk in memory."""

from __future__ import annotations

import os

import pytest
from memory_disk import MemoryDisk
from xdist.scheduler import LoadScopeScheduling

LONGEST = {"compat": 0, "exchange": 1, "process": 2, "differential": 3}  # folders, the longest first


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("simulation", "seeded runs of storage, and of the whole broker, on a disk that fails")
    group.addoption("--simulation-runs", type=int, help="how many seeds each simulation runs (a bounded number)")
    group.addoption("--simulation-seed", type=int, default=0, help="the first seed; with --simulation-runs 1, the only")
    group = parser.getgroup("torture", "a real broker killed again and again under real clients")
    group.addoption("--torture-kills", type=int, default=6, help="how often to kill it, for each client library (6)")
    group.addoption("--torture-seed", type=int, default=0, help="where the moments of the kills come from")
    group = parser.getgroup("differential", "streams of requests that kafkapy and Apache Kafka must answer the same")
    group.addoption("--differential-walks", type=int, default=12, help="how many streams are generated (12)")
    group.addoption("--differential-seed", type=int, default=0, help="the first stream's seed (0)")


class ByFolder(LoadScopeScheduling):  # type: ignore[misc]
    """Where several run at once, those of one folder stay together: they share what is dear to start."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.split("/")[1]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFolder:
    return ByFolder(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several run at once, those that take longest begin."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: LONGEST.get(item.nodeid.split("/")[1], len(LONGEST)))


@pytest.fixture
def memory_disk() -> MemoryDisk:
    """An empty disk; see tests/storage/memory_disk.py."""
    return MemoryDisk()
