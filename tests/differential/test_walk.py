"""Streams of generated requests: both brokers must answer every one of them the same."""

from __future__ import annotations

import pytest
from sides import Connection, Sides
from telling import shortened
from walk import Generator, first_difference, shrunk

STEPS = 60
MOST_TOLD = 4


def test_walks(line: Connection, sides: Sides, pytestconfig: pytest.Config) -> None:
    """As many seeds as asked for; of the first that find something the shortest reproducers are told."""
    first = pytestconfig.getoption("--differential-seed")
    told: list[str] = []
    for seed in range(first, first + pytestconfig.getoption("--differential-walks")):
        steps = Generator(seed, sides.versions).steps(STEPS)
        at = first_difference(line, sides, steps)
        if at is not None:
            fewest = shrunk(line, sides, steps[: at + 1])
            requests = [f"    {step.api.name} v{step.version} {shortened(step.request)}" for step in fewest]
            told.append("\n".join([f"seed {seed}, step {at}; these are enough:", *requests, sides.told()]))
        if len(told) == MOST_TOLD:
            break
    sides.forget()
    assert not told, "\n\n".join(told)
