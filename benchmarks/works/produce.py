"""Record batches into a log, over the raw driver."""

from __future__ import annotations

from benchmarks.batches import KIB, MIB, check_produced, make_batch, produce, produce_many, sequenced
from benchmarks.driver import Connection
from benchmarks.figure import cost, rate
from benchmarks.pipeline import Load, Pace, run
from benchmarks.trial import Trial, ask_until_ready
from benchmarks.work import work
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest

IN_FLIGHT = 5
CONNECTIONS = 4
PARTITIONS, AT_A_TIME = 1000, 10
PRODUCER_TIMEOUT_MS = 60_000

THRICE_MB = (rate("MB/s", 3), cost("CPU s per GB", 1 / 3))
THRICE_REQUESTS = (rate("requests/s", 3), cost("CPU s per 1,000 requests", 1 / 3))


@work("produce-1m", "produce, 1 MiB batches of 1 kB records, 1 connection × 5 in flight", *THRICE_MB)
def produce_1m(trial: Trial) -> tuple[float, ...]:
    return _bytes(_produce(trial, 1, MIB, trial.amount(1200, 40)))


@work("produce-16k", "produce, 16 KiB batches of 1 kB records, 4 connections × 5 in flight", *THRICE_REQUESTS)
def produce_16k(trial: Trial) -> tuple[float, ...]:
    return _requests(_produce(trial, CONNECTIONS, 16 * KIB, trial.amount(6000)))


@work("produce-1m-idempotent", "the same, idempotent, 1 MiB batches", *THRICE_MB)
def produce_1m_idempotent(trial: Trial) -> tuple[float, ...]:
    return _bytes(_produce(trial, 1, MIB, trial.amount(1200, 40), idempotent=True))


@work("produce-16k-idempotent", "the same, idempotent, 16 KiB batches", *THRICE_REQUESTS)
def produce_16k_idempotent(trial: Trial) -> tuple[float, ...]:
    return _requests(_produce(trial, CONNECTIONS, 16 * KIB, trial.amount(6000), idempotent=True))


@work(
    "produce-1000-partitions",
    "produce to 1,000 partitions in turn, 10 per request, 1 KiB batches, 1 connection × 5 in flight",
    rate("requests/s", 2),
    cost("CPU s per 1,000 requests"),
)
def produce_1000_partitions(trial: Trial) -> tuple[float, ...]:
    partitions = trial.amount(PARTITIONS, 10 * AT_A_TIME)
    topic = trial.topic(partitions)
    batch, _ = make_batch(KIB, 100)
    turn = [produce_many(topic, range(first, first + AT_A_TIME), batch) for first in range(0, partitions, AT_A_TIME)]
    # A partition's first index entry, after 4 KiB, can cost many times what an append does (Apache Kafka's touches a
    # file of 10 MiB): the turns that warm up must be beyond it.
    load = Load(trial.connect(), turn * trial.amount(100, 32), check_produced(topic, AT_A_TIME))
    return _requests(run(trial, [load], IN_FLIGHT))


def _produce(trial: Trial, connections: int, size: int, count: int, *, idempotent: bool = False) -> Pace:
    """Each connection sends `count` batches to a partition of its own."""
    topic = trial.topic(connections)
    batch, records = make_batch(size)
    loads = []
    for partition in range(connections):
        connection = trial.connect()
        request = produce(topic, partition, batch, acks=-1 if idempotent else 1)
        requests = [request] * count
        if idempotent:
            requests = sequenced(request, records, new_producer_id(connection), count)
        loads.append(Load(connection, requests, check_produced(topic)))
    return run(trial, loads, IN_FLIGHT)


def new_producer_id(connection: Connection) -> int:
    request = InitProducerIdRequest(None, PRODUCER_TIMEOUT_MS)
    answer = ask_until_ready(connection, INIT_PRODUCER_ID, request, lambda answer: answer.error_code)
    return int(answer.producer_id)


def _bytes(pace: Pace) -> tuple[float, ...]:
    return pace.mb_per_s(pace.requests * MIB), pace.cpu_s_per_gb(pace.requests * MIB)


def _requests(pace: Pace) -> tuple[float, ...]:
    return pace.requests_per_s, pace.cpu_s_per_1000
