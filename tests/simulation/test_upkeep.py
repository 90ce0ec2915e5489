"""What a broker does by itself, as time goes by: retention, flushes, removals; and what cannot keep it from that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
import trio.testing

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.create_topics import (
    CREATE_TOPICS,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from kafkapy.protocol.messages.delete_topics import DELETE_TOPICS, DeleteTopicsRequest
from kafkapy.protocol.messages.list_offsets import (
    LIST_OFFSETS,
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from kafkapy.protocol.messages.produce import PRODUCE, PartitionProduceData, ProduceRequest, TopicProduceData

EARLIEST, LATEST = -2, -1


def run(machine_type: Any, test: Callable[[Any], Awaitable[None]]) -> None:
    """Run the test with a started machine."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            machine = machine_type(nursery, "log.retention.check.interval.ms=10000", "log.retention.ms=60000")
            machine.start()
            await test(machine)
            machine.stop()
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


async def create(machine: Any, **configs: object) -> None:
    texts = [CreatableTopicConfig(name.replace("_", "."), str(value)) for name, value in configs.items()]
    request = CreateTopicsRequest(topics=[CreatableTopic("t", 1, 1, configs=texts)])
    assert (await machine.ask(CREATE_TOPICS, 5, request)).topics[0].error_code == ErrorCode.NONE


async def produce(machine: Any, records: bytes) -> None:
    data = [TopicProduceData("t", partition_data=[PartitionProduceData(0, records)])]
    response = await machine.ask(PRODUCE, 9, ProduceRequest(None, -1, 1000, data))
    assert response.responses[0].partition_responses[0].error_code == ErrorCode.NONE


async def offset(machine: Any, timestamp: int) -> int:
    request = ListOffsetsRequest(-1, 0, [ListOffsetsTopic("t", [ListOffsetsPartition(0, timestamp=timestamp)])])
    return (await machine.ask(LIST_OFFSETS, 5, request)).topics[0].partitions[0].offset  # type: ignore[no-any-return]


def directories(machine: Any) -> list[str]:
    return sorted(name for name in machine.disk.list("/data") if name.startswith("t-") or name.endswith("-delete"))


def test_old_segments_go(machine_type: Any, batch: Any) -> None:
    async def test(machine: Any) -> None:
        await create(machine, retention_ms=60_000, segment_ms=20_000)
        for number in range(10):
            await produce(machine, batch(str(number)))
            await trio.sleep(15)
        earliest = await offset(machine, EARLIEST)
        assert 3 <= earliest <= 7
        await trio.sleep(120)
        assert await offset(machine, EARLIEST) == await offset(machine, LATEST) == 10
        machine.crash(power=False)
        machine.start()
        assert (await offset(machine, EARLIEST), await offset(machine, LATEST)) == (10, 10)

    run(machine_type, test)


def test_the_metadata_is_never_shortened(machine_type: Any) -> None:
    async def test(machine: Any) -> None:
        await create(machine)
        await trio.sleep(600)
        machine.crash(power=True)
        machine.start()
        assert await offset(machine, LATEST) == 0

    run(machine_type, test)


@pytest.mark.parametrize(("waited_s", "kept"), [(0.1, []), (10, ["a"])])
def test_flush_ms_is_kept_to(machine_type: Any, batch: Any, waited_s: float, kept: list[str]) -> None:
    async def test(machine: Any) -> None:
        await create(machine, flush_ms=5000)
        await produce(machine, batch("a"))
        await trio.sleep(waited_s)
        machine.crash(power=True)
        machine.start()
        assert await machine.read("t") == kept

    run(machine_type, test)


def test_deleted_topics_leave_no_files(machine_type: Any, batch: Any) -> None:
    async def test(machine: Any) -> None:
        await create(machine, file_delete_delay_ms=30_000)
        await produce(machine, batch("a"))
        await machine.ask(DELETE_TOPICS, 3, DeleteTopicsRequest(topic_names=["t"], timeout_ms=1000))
        [renamed] = directories(machine)
        assert renamed.startswith("t-0.")
        assert renamed.endswith("-delete")
        await trio.sleep(29)
        assert directories(machine) == [renamed]
        await trio.sleep(3)
        assert directories(machine) == []

    run(machine_type, test)


def test_what_a_dead_broker_had_not_removed_goes_at_the_next_start(machine_type: Any, batch: Any) -> None:
    async def test(machine: Any) -> None:
        await create(machine)
        await produce(machine, batch("a"))
        await machine.ask(DELETE_TOPICS, 3, DeleteTopicsRequest(topic_names=["t"], timeout_ms=1000))
        machine.crash(power=False)
        machine.start()
        await trio.sleep(2)
        assert directories(machine) == []

    run(machine_type, test)


def test_a_round_that_fails_comes_again(machine_type: Any, batch: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def test(machine: Any) -> None:
        await create(machine, retention_ms=60_000, segment_ms=1000, file_delete_delay_ms=0)
        for _ in range(3):
            await produce(machine, batch("a"))
            await trio.sleep(2)
        machine.disk.fail(1, lasting=True, kinds=("write", "create", "rename", "unlink", "sync", "rmdir"))
        await trio.sleep(200)
        machine.disk.heal()
        await trio.sleep(60)
        assert await offset(machine, EARLIEST) == 3

    run(machine_type, test)
    assert "No space left on device" in caplog.text
    assert not [record for record in caplog.records if record.exc_info]
