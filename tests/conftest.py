"""Options of the whole suite, and what tests of several rooms share: the storage tests' disk in memory."""

from __future__ import annotations

import pytest
from memory_disk import MemoryDisk


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("simulation", "seeded runs of storage, and of the whole broker, on a disk that fails")
    group.addoption("--simulation-runs", type=int, help="how many seeds each simulation runs (a bounded number)")
    group.addoption("--simulation-seed", type=int, default=0, help="the first seed; with --simulation-runs 1, the only")


@pytest.fixture
def memory_disk() -> MemoryDisk:
    """An empty disk; see tests/storage/memory_disk.py."""
    return MemoryDisk()
