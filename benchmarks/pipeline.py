"""Requests sent as fast as they are answered: a part of them to warm the broker up, the rest measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles

from benchmarks.driver import Check, Connection, Request, Stream, drive
from benchmarks.trial import Trial

WARM_UP_SHARE = 0.25


@dataclass(frozen=True)
class Load:
    """All that one connection sends in a work."""

    connection: Connection
    requests: Sequence[Request]
    check: Check


@dataclass(frozen=True)
class Pace:
    """What the measured part took."""

    requests: int
    received_bytes: int
    seconds: float
    cpu_s: float

    @property
    def requests_per_s(self) -> float:
        return self.requests / self.seconds

    @property
    def cpu_s_per_1000(self) -> float:
        """Processor seconds per 1,000 requests."""
        return self.cpu_s / self.requests * 1000

    def mb_per_s(self, size: int) -> float:
        """Megabytes a second, of so many bytes in all."""
        return size / 1e6 / self.seconds

    def cpu_s_per_gb(self, size: int) -> float:
        return self.cpu_s / size * 1e9


def run(trial: Trial, loads: list[Load], in_flight: int) -> Pace:
    """Send everything, with so many requests unanswered on each connection."""
    warm_ups = [round(len(load.requests) * WARM_UP_SHARE) for load in loads]
    drive(
        [Stream(load.connection, load.requests[:end], load.check) for load, end in _pairs(loads, warm_ups)], in_flight
    )
    rest = [Stream(load.connection, load.requests[start:], load.check) for load, start in _pairs(loads, warm_ups)]
    received = sum(load.connection.received_bytes for load in loads)
    with trial.watch() as span:
        drive(rest, in_flight)
    return Pace(
        sum(len(load.requests) for load in loads) - sum(warm_ups),
        sum(load.connection.received_bytes for load in loads) - received,
        span.seconds,
        span.cpu_s,
    )


def _pairs(loads: list[Load], numbers: list[int]) -> list[tuple[Load, int]]:
    return list(zip(loads, numbers, strict=True))


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """The 50th and the 99th, in milliseconds."""
    cuts = quantiles(seconds, n=100)
    return cuts[49] * 1000, cuts[98] * 1000
