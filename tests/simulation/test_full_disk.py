"""A disk without room: producers are refused, nobody loses what was acknowledged, and with room all goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
import trio.testing

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.create_topics import CREATE_TOPICS, CreatableTopic, CreateTopicsRequest
from kafkapy.protocol.messages.metadata import METADATA, MetadataRequest
from kafkapy.protocol.messages.offset_commit import (
    OFFSET_COMMIT,
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from kafkapy.protocol.messages.offset_fetch import OFFSET_FETCH, OffsetFetchRequest, OffsetFetchRequestTopic
from kafkapy.protocol.messages.produce import PRODUCE, PartitionProduceData, ProduceRequest, TopicProduceData
from kafkapy.run import StopError


def run(machine_type: Any, test: Callable[[Any], Awaitable[None]]) -> None:
    """Run the test with a started machine, whose disk is not yet full."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            machine = machine_type(nursery, "offsets.topic.num.partitions=1")
            machine.start()
            await test(machine)
            machine.disk.heal()
            machine.stop()
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


async def create(machine: Any, name: str = "t") -> int:
    response = await machine.ask(CREATE_TOPICS, 5, CreateTopicsRequest(topics=[CreatableTopic(name, 1, 1)]))
    return response.topics[0].error_code  # type: ignore[no-any-return]


async def produce(machine: Any, records: bytes, topic: str = "t") -> int:
    data = [TopicProduceData(topic, partition_data=[PartitionProduceData(0, records)])]
    response = await machine.ask(PRODUCE, 9, ProduceRequest(None, -1, 1000, data))
    return response.responses[0].partition_responses[0].error_code  # type: ignore[no-any-return]


async def commit(machine: Any, offset: int) -> int:
    topics = [
        OffsetCommitRequestTopic("t", partitions=[OffsetCommitRequestPartition(0, offset, committed_metadata="")])
    ]
    response = await machine.ask(OFFSET_COMMIT, 3, OffsetCommitRequest("g", topics=topics))
    return response.topics[0].partitions[0].error_code  # type: ignore[no-any-return]


async def committed(machine: Any) -> int:
    response = await machine.ask(OFFSET_FETCH, 3, OffsetFetchRequest("g", [OffsetFetchRequestTopic("t", [0])]))
    return response.topics[0].partitions[0].committed_offset  # type: ignore[no-any-return]


def test_producers_are_refused_until_there_is_room(machine_type: Any, batch: Any) -> None:
    async def test(machine: Any) -> None:
        await create(machine)
        assert await produce(machine, batch("a")) == ErrorCode.NONE
        for torn in (0.0, 0.5):
            machine.disk.fail(1, kinds=("write", "create"), torn=torn, lasting=True)
            assert await produce(machine, batch("refused")) == ErrorCode.KAFKA_STORAGE_ERROR
            assert await machine.read("t") == ["a"]
            await trio.sleep(60)  # rounds of checkpoints fail meanwhile
            machine.disk.heal()
        assert await produce(machine, batch("b")) == ErrorCode.NONE
        assert await machine.read("t") == ["a", "b"]
        machine.crash(power=False)
        machine.start()
        assert await machine.read("t") == ["a", "b"]

    run(machine_type, test)


def test_a_torn_write_that_cannot_be_taken_back_stops_the_partition_until_a_restart(
    machine_type: Any, batch: Any
) -> None:
    async def test(machine: Any) -> None:
        await create(machine)
        assert await produce(machine, batch("a")) == ErrorCode.NONE
        machine.disk.fail(1, kinds=("write", "truncate"), torn=0.5, lasting=True)
        assert await produce(machine, batch("refused")) == ErrorCode.KAFKA_STORAGE_ERROR
        machine.disk.heal()
        assert await produce(machine, batch("refused too")) == ErrorCode.KAFKA_STORAGE_ERROR
        assert await machine.read("t") == ["a"]
        machine.crash(power=False)
        machine.start()
        assert await machine.read("t") == ["a"]
        assert await produce(machine, batch("b")) == ErrorCode.NONE

    run(machine_type, test)


def test_commits_are_refused_and_the_last_one_stays(machine_type: Any) -> None:
    async def test(machine: Any) -> None:
        await create(machine)
        await machine.find_coordinator()
        assert await commit(machine, 3) == ErrorCode.NONE
        machine.disk.fail(1, kinds=("write", "create"), lasting=True)
        assert await commit(machine, 4) == ErrorCode.NOT_COORDINATOR
        assert await committed(machine) == 3
        machine.disk.heal()
        assert await commit(machine, 5) == ErrorCode.NONE
        assert await committed(machine) == 5

    run(machine_type, test)


def test_topics_are_not_made_and_can_be_later(machine_type: Any, batch: Any) -> None:
    async def test(machine: Any) -> None:
        machine.disk.fail(1, kinds=("write", "create"), lasting=True)
        assert await create(machine) == ErrorCode.KAFKA_STORAGE_ERROR
        machine.disk.heal()
        assert await create(machine) == ErrorCode.NONE
        assert await produce(machine, batch("a")) == ErrorCode.NONE

    run(machine_type, test)


def test_a_partition_whose_directory_could_not_be_made_comes_when_there_is_room(machine_type: Any, batch: Any) -> None:
    async def test(machine: Any) -> None:
        machine.disk.fail(1, kinds=("mkdir",))
        assert await create(machine) == ErrorCode.NONE
        assert await produce(machine, batch("a")) != ErrorCode.NONE
        listed = (await machine.ask(METADATA, 4, MetadataRequest(None))).topics
        assert [topic.name for topic in listed] == ["t"]
        machine.disk.heal()
        await trio.sleep(6)
        assert await produce(machine, batch("a")) == ErrorCode.NONE
        assert await machine.read("t") == ["a"]

    run(machine_type, test)


def test_a_partition_half_made_is_made_again(machine_type: Any, batch: Any) -> None:
    async def test(machine: Any) -> None:
        for failure in range(1, 8):
            name = f"t{failure}"
            before = len(machine.disk.operations)
            machine.disk.fail(failure, kinds=("create", "rename", "mkdir"))
            created = await create(machine, name)
            machine.disk.heal()
            assert len(machine.disk.operations) > before
            if created != ErrorCode.NONE:
                assert await create(machine, name) == ErrorCode.NONE
            await trio.sleep(6)
            assert await produce(machine, batch("a"), name) == ErrorCode.NONE

    run(machine_type, test)


def test_a_stop_that_cannot_write_says_so_and_loses_nothing(machine_type: Any, batch: Any) -> None:
    async def test(machine: Any) -> None:
        await create(machine)
        assert await produce(machine, batch("a")) == ErrorCode.NONE
        machine.disk.fail(1, kinds=("write", "create"), lasting=True)
        with pytest.raises(StopError, match="/data could not be closed cleanly, and is recovered at the next start"):
            machine.stop()
        machine.disk.crash(power=False)
        machine.start()
        assert await machine.read("t") == ["a"]

    run(machine_type, test)


def test_a_group_without_a_coordinator_is_told_so(machine_type: Any) -> None:
    async def test(machine: Any) -> None:
        await create(machine)
        machine.disk.fail(1, kinds=("write", "create"), lasting=True)  # the offsets topic cannot be made
        assert await machine.find_coordinator() == ErrorCode.COORDINATOR_NOT_AVAILABLE
        assert await commit(machine, 1) == ErrorCode.NOT_COORDINATOR
        for version in (1, 3):
            asked = OffsetFetchRequest("g", [OffsetFetchRequestTopic("t", [0])])
            response = await machine.ask(OFFSET_FETCH, version, asked)
            assert response.topics[0].partitions[0].error_code == ErrorCode.NOT_COORDINATOR
        machine.disk.heal()
        assert await machine.find_coordinator() == ErrorCode.NONE
        assert await commit(machine, 1) == ErrorCode.NONE

    run(machine_type, test)
