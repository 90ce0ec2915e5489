"""Fetch sessions as consumers live them: open one, hear only news, close it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import trio

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.delete_records import (
    DELETE_RECORDS,
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from kafkapy.protocol.messages.delete_topics import DELETE_TOPICS, DeleteTopicsRequest
from kafkapy.protocol.messages.fetch import FETCH, ForgottenTopic

VERSIONS = [7, 12, 13, FETCH.versions.last]


class Session:
    """A consumer's side of a session; each fetch is in the next epoch."""

    def __init__(self, client: Any, version: int, ids: dict[str, UUID]) -> None:
        self.client = client
        self.version = version
        self.ids = ids
        self.id = 0
        self.epoch = 0

    def request(self, *wanted: tuple[str, int, int], forget: Any = (), **options: Any) -> Any:
        by_id = self.version >= 13
        named = [(self.ids[name] if by_id else name, *at) for name, *at in wanted]
        forgotten = [
            ForgottenTopic(topic_id=self.ids[name], partitions=[at]) if by_id else ForgottenTopic(name, partitions=[at])
            for name, at in forget
        ]
        options = {"session_id": self.id, "session_epoch": self.epoch, **options}
        return self.client.fetch_request(*named, forgotten_topics_data=forgotten, **options)

    def took(self, response: Any) -> Any:
        if response.error_code == ErrorCode.NONE:
            self.id, self.epoch = response.session_id, self.epoch + 1
        return response

    def fetch(self, *wanted: tuple[str, int, int], **options: Any) -> Any:
        return self.took(self.client.send(FETCH, self.version, self.request(*wanted, **options)))

    def news(self, *wanted: tuple[str, int, int], **options: Any) -> list[tuple[str, int, int]]:
        """Topic, partition and error code of all that is in the answer."""
        response = self.fetch(*wanted, **options)
        assert response.error_code == ErrorCode.NONE
        names = {topic_id: name for name, topic_id in self.ids.items()}
        return [
            (topic.topic or names[topic.topic_id], data.partition_index, data.error_code)
            for topic in response.responses
            for data in topic.partitions
        ]


@pytest.fixture
def begin(client: Any) -> Any:
    """Makes topics a and b, and a session that has nothing yet."""

    def session(version: int) -> Session:
        ids = {name: client.create(name, 2) for name in "ab"}
        client.produce("1", topic="a")
        return Session(client, version, ids)

    return session


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_consumers_life(client: Any, begin: Any, version: int) -> None:
    session = begin(version)
    assert session.news(("a", 0, 0), ("a", 1, 0), ("b", 0, 0)) == [("a", 0, 0), ("a", 1, 0), ("b", 0, 0)]
    assert session.id > 0
    assert session.news() == [("a", 0, 0)], "what was not read is sent again"
    assert session.news(("a", 0, 1)) == []
    assert session.news() == [], "nothing new is an empty success"
    client.produce("2", topic="b")
    client.produce("3", topic="a", partition=1)
    assert session.news() == [("a", 1, 0), ("b", 0, 0)]
    assert session.news(("a", 1, 1), ("b", 0, 1), ("b", 1, 0)) == [("b", 1, 0)], "a new partition is told of at once"
    client.produce("4", topic="a")
    assert session.news(forget=[("a", 0)]) == []
    assert session.news(("b", 1, 99)) == [("b", 1, ErrorCode.OFFSET_OUT_OF_RANGE)]
    assert session.news() == [("b", 1, ErrorCode.OFFSET_OUT_OF_RANGE)], "an error is told until it is gone"
    assert session.news(("b", 1, 0)) == [("b", 1, 0)]
    assert session.news() == []


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_partition_that_was_quiet_is_told_of_when_it_changes(client: Any, begin: Any, version: int) -> None:
    session = begin(version)
    session.fetch(("a", 0, 1), ("b", 0, 0))
    assert session.news() == []

    emptied = DeleteRecordsTopic("a", [DeleteRecordsPartition(0, 1)])
    client.send(DELETE_RECORDS, 2, DeleteRecordsRequest([emptied], 1000))
    assert session.news() == [("a", 0, 0)], "its first offset is another one"
    assert session.news() == []
    assert session.news(("a", 0, 0)) == [("a", 0, ErrorCode.OFFSET_OUT_OF_RANGE)]
    assert session.news(("a", 0, 1)) == [("a", 0, 0)]
    assert session.news() == []
    client.produce("2", topic="a")
    assert session.news() == [("a", 0, 0)]


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_incremental_fetch_waits_for_news(client: Any, begin: Any, version: int) -> None:
    session = begin(version)
    session.fetch(("a", 0, 1))
    start = trio.current_time()
    wait = {"max_wait_ms": 5000, "min_bytes": 1}

    async def produce() -> None:
        await trio.sleep(2)
        client.produce("new", topic="a")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(produce)
        response = await client.ask(FETCH, version, session.request(**wait))
    assert len(response.responses[0].partitions[0].records) > 0
    assert trio.current_time() - start == pytest.approx(2)


@pytest.mark.parametrize("version", VERSIONS)
async def test_epochs(client: Any, begin: Any, version: int) -> None:
    session = begin(version)
    session.fetch(("a", 0, 1))
    for wrong in (2, 5):
        response = session.fetch(session_epoch=wrong)
        assert (response.error_code, response.session_id, response.responses) == (
            *(ErrorCode.INVALID_FETCH_SESSION_EPOCH, 0),
            [],
        )
    assert session.fetch().error_code == ErrorCode.NONE, "a wrong epoch ends no session"
    assert session.fetch(session_id=0, session_epoch=1).error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_session_ends(client: Any, begin: Any, version: int) -> None:
    session = begin(version)
    session.fetch(("a", 0, 0))
    response = session.fetch(("a", 0, 0), session_epoch=-1)
    assert response.session_id == 0
    assert len(response.responses[0].partitions[0].records) > 0, "the last fetch is a fetch"
    assert len(client.node.fetch_sessions) == 0
    assert session.fetch(session_id=1234, session_epoch=1).error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_session_that_forgot_all_is_over(client: Any, begin: Any, version: int) -> None:
    session = begin(version)
    session.fetch(("a", 0, 1))
    response = session.fetch(forget=[("a", 0)])
    assert (response.error_code, response.session_id) == (ErrorCode.NONE, 0)
    assert len(client.node.fetch_sessions) == 0


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_full_fetch_takes_the_place_of_the_session_it_names(client: Any, begin: Any, version: int) -> None:
    session = begin(version)
    session.fetch(("a", 0, 1))
    before = session.id
    session.epoch = 0
    assert session.news(("b", 0, 0)) == [("b", 0, 0)]
    assert session.id != before
    assert len(client.node.fetch_sessions) == 1


async def test_a_session_keeps_to_names_or_to_ids(client: Any, begin: Any) -> None:
    session = begin(12)
    session.fetch(("a", 0, 1))
    session.version = 13
    assert session.fetch().error_code == ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR
    session.version = 12
    assert session.fetch().error_code == ErrorCode.NONE


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_deleted_topic_is_told_of(client: Any, begin: Any, version: int) -> None:
    session = begin(version)
    session.fetch(("a", 0, 1), ("b", 0, 0))
    client.send(DELETE_TOPICS, 5, DeleteTopicsRequest(topic_names=["a"]))
    code = ErrorCode.UNKNOWN_TOPIC_ID if version >= 13 else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert session.news() == [("a", 0, code)]
    assert session.news() == [("a", 0, code)]
    client.create("a", 2)
    assert session.news() == ([("a", 0, code)] if version >= 13 else [("a", 0, ErrorCode.OFFSET_OUT_OF_RANGE)])


@pytest.mark.parametrize("version", [4, 6])
async def test_older_clients_have_no_session(client: Any, version: int) -> None:
    client.create("t")
    client.send(FETCH, version, client.fetch_request(("t", 0, 0)))
    assert len(client.node.fetch_sessions) == 0


async def test_partitions_with_data_take_turns(client: Any, begin: Any) -> None:
    session = begin(12)
    client.produce("2", topic="a", partition=1)
    session.fetch(("a", 0, 0), ("a", 1, 0))
    # Room for one of them only: the one that was served goes to the end of the line.
    served = []
    for _ in range(4):
        response = session.fetch(max_bytes=1)
        served += [data.partition_index for topic in response.responses for data in topic.partitions if data.records]
    assert served == [0, 1, 0, 1]
