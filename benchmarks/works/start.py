"""Starting, and what a broker that has nothing to do keeps in memory."""

from __future__ import annotations

import time

from benchmarks.batches import KIB, check_produced, make_batch, produce_many
from benchmarks.brokers import Broker
from benchmarks.driver import Connection
from benchmarks.figure import cost
from benchmarks.trial import Trial, create, wait_until_served
from benchmarks.work import When, work

IDLE_S = 5.0
TOPICS = {"first": 1000, "second": 1000}
AT_A_TIME = 100


@work(
    "start-empty",
    "start to ready, no data; then memory after 5 s idle",
    cost("s", 1 / 10),
    cost("MB idle", 1 / 10),
    shows_peak=False,
)
def start_empty(trial: Trial) -> tuple[float, ...]:
    broker = trial.spawn()
    ready_s = broker.start()
    time.sleep(IDLE_S)
    resident_mb = broker.resident_mb()
    broker.stop()
    return ready_s, resident_mb


@work(
    "start-2000-partitions",
    "start to ready with 2,000 partitions of one batch each, after a clean stop",
    cost("s", 1 / 10),
    cost("CPU s"),
    when=When.FIRST,
    shows_peak=False,
)
def start_2000_partitions(trial: Trial) -> tuple[float, ...]:
    broker = trial.spawn()
    broker.start()
    _fill(broker, {name: trial.amount(many, AT_A_TIME) for name, many in TOPICS.items()})
    broker.stop()
    ready_s = broker.start()
    cpu_s = broker.cpu_s()
    broker.stop()
    return ready_s, cpu_s


def _fill(broker: Broker, partitions: dict[str, int]) -> None:
    connection = Connection(broker.address)
    batch, _ = make_batch(KIB, 100)
    topics = [create(connection, {name: many})[0] for name, many in partitions.items()]
    wait_until_served(connection, partitions)
    for topic in topics:
        for first in range(0, partitions[topic.name], AT_A_TIME):
            some = range(first, min(first + AT_A_TIME, partitions[topic.name]))
            connection.round_trip(produce_many(topic, some, batch), check_produced(topic, len(some)))
    connection.close()
