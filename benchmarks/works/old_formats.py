"""The message formats of clients before 2017, which Apache Kafka dropped with 4.0."""

from __future__ import annotations

import random
import time

from benchmarks.batches import KIB, check_produced
from benchmarks.brokers import OldApache
from benchmarks.driver import Request, Stream, drive, encoded
from benchmarks.figure import cost, rate
from benchmarks.pipeline import Load, run
from benchmarks.trial import Topic, Trial
from benchmarks.work import work
from benchmarks.works.fetch import at_least
from kafkapy.protocol.batch import Record, build_batch
from kafkapy.protocol.compression import Compression
from kafkapy.protocol.legacy import from_batches
from kafkapy.protocol.messages.fetch import FETCH, FetchPartition, FetchRequest, FetchTopic
from kafkapy.protocol.messages.produce import PRODUCE, PartitionProduceData, ProduceRequest, TopicProduceData

VERSION = 2  # of Produce and of Fetch: message format v1
CONNECTIONS, IN_FLIGHT = 4, 5
RECORDS, VALUE_BYTES = 100, 300
LOG_BATCHES = 200
FIGURES = (rate("requests/s"), cost("CPU s per 1,000 requests"))
SETS = "sets of 100 records of 300 B that halve when compressed"


@work("produce-v2-gzip", f"Produce v2, gzip, {SETS}, 4 connections × 5 in flight", *FIGURES, against=OldApache)
def produce_v2_gzip(trial: Trial) -> tuple[float, ...]:
    return _produce(trial, Compression.GZIP, 400)


@work("produce-v2-snappy", f"Produce v2, snappy, {SETS}, 4 connections × 5 in flight", *FIGURES, against=OldApache)
def produce_v2_snappy(trial: Trial) -> tuple[float, ...]:
    return _produce(trial, Compression.SNAPPY, 800)


@work("fetch-v2", f"Fetch v2 of one set at a time, {SETS}, stored as v2, 4 connections", *FIGURES, against=OldApache)
def fetch_v2(trial: Trial) -> tuple[float, ...]:
    topic = trial.topic(CONNECTIONS)
    message_set = make_message_set(Compression.NONE)
    loads = []
    for partition in range(CONNECTIONS):
        connection = trial.connect()
        filling = [_produced(topic, partition, message_set)] * LOG_BATCHES
        drive([Stream(connection, filling, check_produced(topic, version=VERSION))], IN_FLIGHT)
        in_turn = [_fetched(topic, partition, RECORDS * at, len(message_set) + KIB) for at in range(LOG_BATCHES)]
        loads.append(Load(connection, (in_turn * 4)[: trial.amount(4 * LOG_BATCHES)], at_least(len(message_set))))
    pace = run(trial, loads, 1)
    return pace.requests_per_s, pace.cpu_s_per_1000


def make_message_set(compression: Compression) -> bytes:
    """A message set in format v1, as a client of that time sends it."""
    noise = random.Random(1)
    now_ms = time.time_ns() // 1_000_000
    values = [noise.randbytes(VALUE_BYTES // 2).hex().encode() for _ in range(RECORDS)]
    records = [Record(at, now_ms, None, value) for at, value in enumerate(values)]
    return from_batches(build_batch(records, compression=compression), magic=1)


def _produce(trial: Trial, compression: Compression, count: int) -> tuple[float, ...]:
    topic = trial.topic(CONNECTIONS)
    message_set = make_message_set(compression)
    check = check_produced(topic, version=VERSION)
    loads = [
        Load(trial.connect(), [_produced(topic, partition, message_set)] * trial.amount(count), check)
        for partition in range(CONNECTIONS)
    ]
    pace = run(trial, loads, IN_FLIGHT)
    return pace.requests_per_s, pace.cpu_s_per_1000


def _produced(topic: Topic, partition: int, message_set: bytes) -> Request:
    data = [TopicProduceData(topic.name, partition_data=[PartitionProduceData(partition, message_set)])]
    return encoded(PRODUCE, ProduceRequest(None, 1, 30_000, data), VERSION)


def _fetched(topic: Topic, partition: int, offset: int, size: int) -> Request:
    wanted = FetchPartition(partition, fetch_offset=offset, partition_max_bytes=size)
    return encoded(
        FETCH, FetchRequest(max_wait_ms=0, min_bytes=1, topics=[FetchTopic(topic.name, partitions=[wanted])]), VERSION
    )
