"""Record batches out of a log that is in memory, over the raw driver."""

from __future__ import annotations

from benchmarks.batches import KIB, MIB, check_produced, make_batch, produce
from benchmarks.driver import Check, Connection, Request, Stream, WrongAnswerError, drive, encoded
from benchmarks.figure import cost, rate
from benchmarks.pipeline import Load, Pace, run
from benchmarks.trial import Topic, Trial
from benchmarks.work import work
from kafkapy.protocol.messages.fetch import FETCH, FetchPartition, FetchRequest, FetchTopic

CONNECTIONS = 4
SESSION_PARTITIONS = 100
SMALL = 16 * KIB
LARGE = 8 * MIB
LARGE_LOG, SMALL_LOG = 512 * MIB, 16 * MIB
TWICE = (rate("requests/s", 2), cost("CPU s per 1,000 requests", 1 / 2))


@work("fetch-8m", "fetch, 8 MiB at a time, warm, 1 connection", rate("MB/s", 1), cost("CPU s per GB", 1))
def fetch_8m(trial: Trial) -> tuple[float, ...]:
    topic = trial.topic()
    offsets = fill(trial, topic, 0, MIB, LARGE_LOG // MIB)
    in_turn = [fetch(topic, 0, offset, LARGE) for offset in offsets[:: LARGE // MIB]]
    load = Load(trial.connect(), in_turn * trial.amount(12, 2), at_least(LARGE))
    pace = run(trial, [load], 1)
    return pace.mb_per_s(pace.received_bytes), pace.cpu_s_per_gb(pace.received_bytes)


@work("fetch-16k", "fetch, 16 KiB at a time, warm, 4 connections", *TWICE)
def fetch_16k(trial: Trial) -> tuple[float, ...]:
    topic = trial.topic(CONNECTIONS)
    loads = []
    for partition in range(CONNECTIONS):
        offsets = fill(trial, topic, partition, SMALL, SMALL_LOG // SMALL)
        in_turn = [fetch(topic, partition, offset, SMALL) for offset in offsets]
        loads.append(Load(trial.connect(), (in_turn * 8)[: trial.amount(8 * len(in_turn))], at_least(SMALL)))
    return _requests(run(trial, loads, 1))


@work(
    "fetch-16k-sessions",
    "fetch, 16 KiB at a time, warm, 4 connections, each with a session over 100 partitions of which one has records",
    *TWICE,
)
def fetch_16k_sessions(trial: Trial) -> tuple[float, ...]:
    topic = trial.topic(SESSION_PARTITIONS)
    logs = [fill(trial, topic, partition, SMALL, SMALL_LOG // SMALL) for partition in range(CONNECTIONS)]
    loads = []
    for mine, log in enumerate(logs):
        ends = [log[-1] + log[1] for log in logs] + [0] * (SESSION_PARTITIONS - CONNECTIONS)
        connection = trial.connect()
        session_id = _begin_session(connection, topic, ends)
        in_turn = (log * 8)[: trial.amount(8 * len(log))]
        requests = [
            fetch(topic, mine, offset, SMALL, session_id=session_id, session_epoch=epoch)
            for epoch, offset in enumerate(in_turn, 1)
        ]
        loads.append(Load(connection, requests, at_least(SMALL)))
    return _requests(run(trial, loads, 1))


def fill(trial: Trial, topic: Topic, partition: int, batch_size: int, batches: int) -> list[int]:
    """Write so many batches of that size; the offset of each."""
    batch, records = make_batch(batch_size)
    request = produce(topic, partition, batch)
    drive([Stream(trial.connect(), [request] * batches, check_produced(topic))], 5)
    return [records * number for number in range(batches)]


def fetch(
    topic: Topic, partition: int, offset: int, size: int, *, session_id: int = 0, session_epoch: int = -1
) -> Request:
    """A Fetch request for at most `size` bytes of one partition, without waiting."""
    wanted = FetchPartition(partition, fetch_offset=offset, partition_max_bytes=size)
    return encoded(
        FETCH,
        FetchRequest(
            max_wait_ms=0,
            min_bytes=1,
            max_bytes=size,
            session_id=session_id,
            session_epoch=session_epoch,
            topics=[FetchTopic(topic.name, topic.id, [wanted])],
        ),
    )


def at_least(size: int) -> Check:
    """A check that a response is long enough to hold the records wanted: an error has none."""

    def check(head: memoryview, got: int) -> None:
        if got < size:
            raise WrongAnswerError(f"a Fetch response of {got} bytes where {size} of records were wanted")

    return check


def _begin_session(connection: Connection, topic: Topic, offsets: list[int]) -> int:
    wanted = [
        FetchPartition(partition, fetch_offset=offset, partition_max_bytes=SMALL)
        for partition, offset in enumerate(offsets)
    ]
    topics = [FetchTopic(topic.name, topic.id, wanted)]
    answer = connection.ask(FETCH, FetchRequest(max_wait_ms=0, min_bytes=1, session_epoch=0, topics=topics))
    if answer.error_code or not answer.session_id:
        raise WrongAnswerError(f"no fetch session was begun: error {answer.error_code}")
    return int(answer.session_id)


def _requests(pace: Pace) -> tuple[float, ...]:
    return pace.requests_per_s, pace.cpu_s_per_1000
