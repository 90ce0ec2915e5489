"""How soon one thing follows from another on a broker that has nothing else to do."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.batches import check_produced, make_batch, produce
from benchmarks.driver import WrongAnswerError, encoded
from benchmarks.figure import cost
from benchmarks.pipeline import WARM_UP_SHARE, percentiles
from benchmarks.trial import Trial
from benchmarks.work import work
from kafkapy.protocol.messages.fetch import FETCH, FetchPartition, FetchRequest, FetchTopic

NOT_ABOVE = (cost("p50 ms", 1), cost("p99 ms", 1))
ONE_RECORD_BYTES = 168
WAIT_MS = 10_000
PARKED_S = 0.002  # long enough for the fetch to wait in the broker before the produce is sent


@work("produce-one", "produce acks=all, one record of 100 B, one at a time", *NOT_ABOVE)
def produce_one(trial: Trial) -> tuple[float, ...]:
    topic = trial.topic()
    batch, records = make_batch(ONE_RECORD_BYTES, 1000)
    assert records == 1
    connection, request, check = trial.connect(), produce(topic, 0, batch, acks=-1), check_produced(topic)
    return _measure(trial.amount(5000, 200), lambda: connection.round_trip(request, check))


@work("fetch-woken", "a waiting fetch woken by a produce of one record, from the produce's sending on", *NOT_ABOVE)
def fetch_woken(trial: Trial) -> tuple[float, ...]:
    topic = trial.topic()
    batch, _ = make_batch(ONE_RECORD_BYTES, 1000)
    reader, writer = trial.connect(), trial.connect()
    request, check = produce(topic, 0, batch, acks=-1), check_produced(topic)
    end = 0

    def wake() -> float:
        nonlocal end
        wanted = FetchPartition(0, fetch_offset=end, partition_max_bytes=1 << 20)
        topics = [FetchTopic(topic.name, topic.id, [wanted])]
        reader.send(encoded(FETCH, FetchRequest(max_wait_ms=WAIT_MS, min_bytes=1, topics=topics)))
        time.sleep(PARKED_S)
        begun = time.perf_counter()
        writer.send(request)
        while not reader.receive(_has_records):
            pass
        seconds = time.perf_counter() - begun
        while not writer.receive(check):
            pass
        end += 1
        return seconds

    return _measure(trial.amount(1000, 100), wake)


def _has_records(head: memoryview, size: int) -> None:
    if size < ONE_RECORD_BYTES:
        raise WrongAnswerError(f"a fetch of {size} bytes was not woken by the record of {ONE_RECORD_BYTES}")


def _measure(count: int, once: Callable[[], float]) -> tuple[float, ...]:
    for _ in range(round(count * WARM_UP_SHARE)):
        once()
    return percentiles([once() for _ in range(count)])
