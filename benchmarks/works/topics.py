"""Making topics."""

from __future__ import annotations

import time

from benchmarks.figure import cost
from benchmarks.trial import Trial, create, delete, wait_until_served
from benchmarks.work import When, work

PARTITIONS = 1000
TOPICS, AT_A_TIME = 10_000, 100


@work("create-1000-partitions", "CreateTopics of a topic of 1,000 partitions, until all are served", cost("s", 1))
def create_1000_partitions(trial: Trial) -> tuple[float, ...]:
    trial.topic()  # a first one, not counted
    begun = time.perf_counter()
    trial.topic(PARTITIONS)
    return (time.perf_counter() - begun,)


@work(
    "create-10000-topics",
    "CreateTopics of 10,000 topics, 100 per request, until all are served",
    cost("s", 1),
    cost("CPU s"),
    when=When.FIRST,
)
def create_10000_topics(trial: Trial) -> tuple[float, ...]:
    connection = trial.connect()
    names = [f"many-{number}" for number in range(trial.amount(TOPICS, AT_A_TIME))]
    parts = [names[first : first + AT_A_TIME] for first in range(0, len(names), AT_A_TIME)]
    with trial.watch() as span:
        for part in parts:
            create(connection, dict.fromkeys(part, 1))
        wait_until_served(connection, dict.fromkeys(names, 1))
    for part in parts:
        delete(connection, part)
    return span.seconds, span.cpu_s
