"""Options of the whole suite."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("simulation", "seeded runs of the whole broker on a disk that fails")
    group.addoption("--simulation-runs", type=int, default=12, help="how many seeds to run (12)")
    group.addoption("--simulation-seed", type=int, default=0, help="the first seed; with --simulation-runs 1, the only")
