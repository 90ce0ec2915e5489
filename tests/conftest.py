"""Options of the whole suite, and what tests of several rooms share: the storage tests' disk in memory."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("simulation", "seeded runs of the whole broker on a disk that fails")
    group.addoption("--simulation-runs", type=int, default=12, help="how many seeds to run (12)")
    group.addoption("--simulation-seed", type=int, default=0, help="the first seed; with --simulation-runs 1, the only")
    group = parser.getgroup("torture", "a real broker killed again and again under real clients")
    group.addoption("--torture-kills", type=int, default=6, help="how often to kill it, for each client library (6)")
    group.addoption("--torture-seed", type=int, default=0, help="where the moments of the kills come from")


@pytest.fixture
def memory_disk() -> Any:
    """An empty disk; see tests/storage/memory_disk.py. With importlib as import mode its folder is on no path."""
    name = "memory_disk"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / "storage" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name].MemoryDisk()
