"""What a broker still has in memory after all the other works."""

from __future__ import annotations

from benchmarks.figure import cost
from benchmarks.trial import Trial
from benchmarks.work import When, work


@work("memory", "memory of the broker that did all of the above", cost("MB", 1 / 5), when=When.LAST, shows_peak=False)
def memory(trial: Trial) -> tuple[float, ...]:
    return (trial.broker.resident_mb(),)
