"""Two brokers side by side, one work after the other, round after round.

Both run all the time, so that a virtual machine has long compiled what it runs; a work is done by one of them at a
time, and which one goes first changes from round to round and from work to work: what the machine does besides hits
both alike.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.brokers import Broker, Kafkapy
from benchmarks.figure import Series, number
from benchmarks.trial import Trial
from benchmarks.work import Work

DIRTY_LIMIT_KB = 200_000
QUIET_LIMIT_S = 3.0

Say = Callable[[str], None]


@dataclass
class Column:
    """What one broker showed in one work: a series for each figure, and how much memory it took at most (MB)."""

    figures: list[Series]
    peak_mb: Series = field(default_factory=lambda: Series([]))
    failure: str = ""

    @property
    def is_measured(self) -> bool:
        return bool(self.peak_mb.values) and not self.failure


@dataclass
class Row:
    """One work's result."""

    work: Work
    ours: Column
    theirs: Column

    @property
    def is_measured(self) -> bool:
        return self.ours.is_measured and self.theirs.is_measured

    @property
    def verdicts(self) -> list[bool | None]:
        """For each figure whether its requirement is met; None where there is none."""
        pairs = zip(self.work.figures, self.ours.figures, self.theirs.figures, strict=True)
        if not self.is_measured:
            return [False if figure.required else None for figure in self.work.figures]
        return [figure.is_met(ours.median, theirs.median) for figure, ours, theirs in pairs]


class Contest:
    """kafkapy and one other broker, in a directory on the disk that is to be measured."""

    def __init__(self, other: type[Broker], folder: Path, rounds: int, scale: float, say: Say) -> None:
        self._kinds: tuple[type[Broker], type[Broker]] = (Kafkapy, other)
        self._folder = folder
        self._rounds = rounds
        self._scale = scale
        self._say = say

    def run(self, works: list[Work]) -> list[Row]:
        """Do all the works in all the rounds that they are due in."""
        rows = [Row(one, _empty(one), _empty(one)) for one in works]
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="bench-") as folder:
            brokers = [kind(Path(folder) / kind.__name__) for kind in self._kinds]
            try:
                for broker in brokers:
                    self._say(f"{broker.name} starts")
                    broker.start()
                for round_number in range(1, self._rounds + 1):
                    due = [row for row in rows if row.work.is_due(round_number, self._rounds)]
                    for at, row in enumerate(due):
                        self._say(f"round {round_number}/{self._rounds}, {at + 1}/{len(due)}: {row.work.name}")
                        pairs = list(zip(brokers, (row.ours, row.theirs), strict=True))
                        for broker, column in pairs if (at + round_number) % 2 else reversed(pairs):
                            self._measure(row.work, broker, column, Path(folder))
            finally:
                for broker in brokers:
                    broker.kill()
        return rows

    def _measure(self, work: Work, broker: Broker, column: Column, folder: Path) -> None:
        wait_until_disk_is_quiet()
        trial = Trial(broker, folder, self._scale)
        broker.forget_peak()
        try:
            try:
                values = work.do(trial)
                column.peak_mb.values.append(broker.peak_mb())
            finally:
                trial.close()
        except Exception as failure:  # one work's failure is told in its row, the others count all the same
            column.failure = f"{type(failure).__name__}: {failure}"
            self._say(f"    {broker.name}: {column.failure}")
            return
        for series, value in zip(column.figures, values, strict=True):
            series.values.append(value)
        told = ", ".join(f"{number(value)} {figure.name}" for figure, value in zip(work.figures, values, strict=True))
        self._say(f"    {broker.name}: {told}")


def _empty(work: Work) -> Column:
    return Column([Series([]) for _ in work.figures])


def wait_until_disk_is_quiet() -> None:
    """What the work before wrote is deleted soon, or else written now: it must not be written under the next one."""
    end = time.monotonic() + QUIET_LIMIT_S
    while _dirty_kb() > DIRTY_LIMIT_KB:
        if time.monotonic() > end:
            os.sync()
            return
        time.sleep(0.1)


def _dirty_kb() -> int:
    fields: Iterable[list[str]] = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    return sum(int(words[1]) for words in fields if words[0] in ("Dirty:", "Writeback:"))
