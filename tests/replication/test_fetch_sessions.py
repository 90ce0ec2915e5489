"""How many sessions there are, and which one gives way."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.fetch import FetchPartition, FetchRequest, FetchTopic, PartitionData
from kafkapy.replication.fetch_sessions import FetchSessions

EVICTION_MS = 120_000


def full(partitions: int = 1) -> FetchRequest:
    topic = FetchTopic("t", partitions=[FetchPartition(at) for at in range(partitions)])
    return FetchRequest(session_epoch=0, topics=[topic])


def next_of(session_id: int, epoch: int) -> FetchRequest:
    return FetchRequest(session_id=session_id, session_epoch=epoch)


@pytest.fixture
def sessions() -> FetchSessions:
    ids = count(1)
    return FetchSessions(2, EVICTION_MS, lambda: next(ids))


def is_open(sessions: FetchSessions, session_id: int, now_ms: int = 0) -> bool:
    try:
        sessions.open(next_of(session_id, 99), 12, now_ms)
    except KafkaError as error:
        return error.code is not ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    return True


def test_who_comes_when_all_places_are_taken_has_no_session(sessions: Any) -> None:
    assert [sessions.open(full(), 12, 0).session_id for _ in range(3)] == [1, 2, 0]


def test_a_larger_session_takes_the_place_of_the_smallest(sessions: Any) -> None:
    sessions.open(full(3), 12, 0)
    sessions.open(full(2), 12, 0)
    assert sessions.open(full(2), 12, 0).session_id == 0, "no larger than the smallest"
    assert sessions.open(full(3), 12, 0).session_id > 0
    assert [is_open(sessions, session_id) for session_id in (1, 2)] == [True, False]


def test_an_idle_session_gives_way_to_anybody(sessions: Any) -> None:
    sessions.open(full(9), 12, 0)
    sessions.open(full(9), 12, 0)
    sessions.open(next_of(1, 1), 12, 100_000)
    assert sessions.open(full(1), 12, EVICTION_MS).session_id == 0
    assert sessions.open(full(1), 12, EVICTION_MS + 1).session_id > 0
    assert [is_open(sessions, session_id) for session_id in (1, 2)] == [True, False]


def test_without_places_nobody_has_a_session() -> None:
    assert FetchSessions(0, EVICTION_MS, lambda: 1).open(full(), 12, 0).session_id == 0


def test_ids_are_never_0_and_never_taken_twice() -> None:
    ids = iter([0, 7, 7, 0, 8])
    sessions = FetchSessions(9, EVICTION_MS, lambda: next(ids))
    assert [sessions.open(full(), 12, 0).session_id for _ in range(2)] == [7, 8]


def test_epochs_begin_again_after_the_largest(sessions: Any) -> None:
    session = sessions.open(full(), 12, 0).session
    session.epoch = 2**31 - 1
    assert sessions.open(next_of(1, 2**31 - 1), 12, 0).session_id == 1
    assert sessions.open(next_of(1, 1), 12, 0).session_id == 1


def test_a_refused_request_leaves_the_session_as_it_was(sessions: Any) -> None:
    sessions.open(full(2), 12, 0)
    wrong = FetchRequest(session_id=1, session_epoch=5, topics=[FetchTopic("u", partitions=[FetchPartition(0)])])
    with pytest.raises(KafkaError, match="INVALID_FETCH_SESSION_EPOCH"):
        sessions.open(wrong, 12, 0)
    assert len(sessions.open(next_of(1, 1), 12, 0).partitions()) == 2


@pytest.mark.parametrize(
    ("change", "is_news"),
    [
        ({}, False),
        ({"high_watermark": 6}, True),
        ({"log_start_offset": 1}, True),
        ({"records": b"x"}, True),
        ({"error_code": 1}, True),
        ({"last_stable_offset": 4}, False),
    ],
)
def test_what_is_news(sessions: Any, change: dict[str, Any], is_news: bool) -> None:
    same = {"high_watermark": 5, "log_start_offset": 0, "records": b""}
    first = sessions.open(full(), 12, 0)
    key = first.partitions()[0][0]
    assert list(first.answered([(key, PartitionData(0, **same), None)])), "a full fetch is answered in full"
    context = sessions.open(next_of(1, 1), 12, 0)
    assert bool(list(context.answered([(key, PartitionData(0, **{**same, **change}), None)]))) == is_news
