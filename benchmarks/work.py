"""A work: what both brokers do, the figures it yields, and the table of all of them.

    @work("produce-1m", "produce, 1 MiB batches", rate("MB/s", 3), cost("CPU s per GB", 1 / 3))
    def produce_1m(trial: Trial) -> tuple[float, ...]:
        ...

A work returns one value for each of its figures, in their order.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from benchmarks.brokers import Apache, Broker
from benchmarks.figure import Figure
from benchmarks.trial import Trial

# In the order in which they run.
MODULES = (
    "produce",
    "fetch",
    "latency",
    "small_requests",
    "end_to_end",
    "groups",
    "topics",
    "limits",
    "growth",
    "start",
    "memory",
    "old_formats",
)


class When(Enum):
    """In which rounds a work is done."""

    EACH = "each"
    FIRST = "first"  # it takes long
    LAST = "last"


@dataclass(frozen=True)
class Work:
    """One row of the comparison."""

    name: str
    title: str
    figures: tuple[Figure, ...]
    do: Callable[[Trial], tuple[float, ...]]
    when: When = When.EACH
    against: type[Broker] = Apache
    shows_peak: bool = True  # False where the broker that runs all the time is not the one at work

    def is_due(self, round_number: int, rounds: int) -> bool:
        """Whether it is done in this round, which are counted from 1."""
        return {When.EACH: True, When.FIRST: round_number == 1, When.LAST: round_number == rounds}[self.when]


_works: dict[str, Work] = {}

Do = Callable[[Trial], tuple[float, ...]]


def work(
    name: str,
    title: str,
    *figures: Figure,
    when: When = When.EACH,
    against: type[Broker] = Apache,
    shows_peak: bool = True,
) -> Callable[[Do], Do]:
    """Declare a function as a work."""

    def declare(do: Do) -> Do:
        add(Work(name, title, figures, do, when, against, shows_peak))
        return do

    return declare


def add(one: Work) -> None:
    """Put a work into the table."""
    assert one.name not in _works
    _works[one.name] = one


def find_works() -> dict[str, Work]:
    """Every work by its name, in order."""
    for module in MODULES:
        importlib.import_module(f"benchmarks.works.{module}")
    return _works
