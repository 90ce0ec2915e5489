"""Changes of the metadata: on disk before anybody sees them, one after the other, and carried out once begun."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
import trio.testing

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.create_topics import CREATE_TOPICS, CreatableTopic, CreateTopicsRequest
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest
from kafkapy.protocol.messages.metadata import METADATA, MetadataRequest, MetadataRequestTopic


class SlowDisk:
    """What takes the disk its time begins when a test says so."""

    def __init__(self) -> None:
        self.waiting: list[trio.Event] = []

    async def aside(self, action: Callable[..., Any], *arguments: Any) -> Any:
        self.waiting.append(trio.Event())
        await self.waiting[-1].wait()
        return action(*arguments)

    async def do_one(self) -> None:
        self.waiting.pop(0).set()
        await trio.testing.wait_all_tasks_blocked()


@pytest.fixture
def slow_disk(client: Any) -> SlowDisk:
    disk = SlowDisk()
    client.aside = disk.aside
    return disk


def creation(name: str) -> CreateTopicsRequest:
    return CreateTopicsRequest(topics=[CreatableTopic(name, 1, 1)])


def topics(client: Any) -> set[str]:
    return {topic.name for topic in client.send(METADATA, 12, MetadataRequest(None)).topics}


async def test_a_change_is_seen_once_it_is_on_disk(client: Any, slow_disk: SlowDisk) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.ask, CREATE_TOPICS, 5, creation("t"))
        await trio.testing.wait_all_tasks_blocked()
        assert topics(client) == set()
        await slow_disk.do_one()
        assert topics(client) == {"t"}


async def test_the_next_change_knows_of_the_one_before(client: Any, slow_disk: SlowDisk) -> None:
    answers = []

    async def create() -> None:
        answer = await client.ask(CREATE_TOPICS, 5, creation("t"))
        answers.append(answer.topics[0].error_code)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(create)
        await trio.testing.wait_all_tasks_blocked()
        assert len(slow_disk.waiting) == 1
        await slow_disk.do_one()
    assert answers == [ErrorCode.NONE, ErrorCode.TOPIC_ALREADY_EXISTS, ErrorCode.TOPIC_ALREADY_EXISTS]


async def test_first_uses_at_once_make_a_topic_once(client: Any, slow_disk: SlowDisk) -> None:
    answers = []

    async def use() -> None:
        answer = await client.ask(METADATA, 4, MetadataRequest([MetadataRequestTopic(name="t")], True))
        answers.append(answer.topics[0].error_code)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(use)
        await trio.testing.wait_all_tasks_blocked()
        await slow_disk.do_one()
    assert answers == [ErrorCode.NONE] * 3


async def test_a_client_that_goes_does_not_stop_its_change(client: Any, slow_disk: SlowDisk) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.ask, CREATE_TOPICS, 5, creation("t"))
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        slow_disk.waiting.pop().set()
    assert topics(client) == {"t"}


async def test_one_who_goes_before_its_turn_has_no_change(client: Any, slow_disk: SlowDisk) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.ask, CREATE_TOPICS, 5, creation("first"))
        await trio.testing.wait_all_tasks_blocked()
        async with trio.open_nursery() as waiting:
            waiting.start_soon(client.ask, CREATE_TOPICS, 5, creation("second"))
            await trio.testing.wait_all_tasks_blocked()
            waiting.cancel_scope.cancel()
        await slow_disk.do_one()
    assert topics(client) == {"first"}


async def test_one_who_cannot_wait_ends_the_change_before(client: Any, slow_disk: SlowDisk) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.ask, CREATE_TOPICS, 5, creation("first"))
        await trio.testing.wait_all_tasks_blocked()
        client.node.cluster.change(lambda controller: controller.create_topics(creation("second")))
        assert topics(client) == {"first", "second"}
        await slow_disk.do_one()
    assert topics(client) == {"first", "second"}
    await client.restart()
    assert topics(client) == {"first", "second"}


async def test_producers_at_once_have_ids_of_their_own(client: Any, slow_disk: SlowDisk) -> None:
    ids = set()

    async def begin() -> None:
        answer = await client.ask(INIT_PRODUCER_ID, 4, InitProducerIdRequest(None, 0))
        assert answer.error_code == ErrorCode.NONE
        ids.add(answer.producer_id)

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(begin)
        await trio.testing.wait_all_tasks_blocked()
        while slow_disk.waiting:
            await slow_disk.do_one()
    assert len(ids) == 5
