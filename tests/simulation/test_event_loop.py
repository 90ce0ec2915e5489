"""What a broker does on its event loop: nothing that waits for the disk."""

from __future__ import annotations

from collections.abc import Callable
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
from kafkapy.protocol.messages.delete_records import (
    DELETE_RECORDS,
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from kafkapy.protocol.messages.delete_topics import DELETE_TOPICS, DeleteTopicsRequest
from kafkapy.protocol.messages.fetch import FETCH, FetchPartition, FetchRequest, FetchTopic
from kafkapy.protocol.messages.produce import PRODUCE, PartitionProduceData, ProduceRequest, TopicProduceData

PROPERTIES = (
    "log.retention.check.interval.ms=10000",
    "log.segment.delete.delay.ms=5000",
    "log.cleaner.backoff.ms=5000",
    "log.cleaner.min.cleanable.ratio=0",
    "log.index.interval.bytes=0",
)
MAY_WAIT = ("sync", "unlink", "rmdir", "read")


class Watched:
    """A machine, and what its disk did while the event loop waited for it."""

    def __init__(self, machine: Any, batch: Any) -> None:
        self.machine = machine
        self.batch = batch
        self.aside: list[tuple[str, str]] = []

    async def run_aside(self, action: Callable[..., Any], *arguments: Any) -> Any:
        await trio.lowlevel.checkpoint()
        before = len(self.machine.disk.operations)
        try:
            return action(*arguments)
        finally:
            self.aside += self.machine.disk.operations[before:]
            del self.machine.disk.operations[before:]

    def waits(self) -> list[tuple[str, str]]:
        """Those of the event loop."""
        found = [(kind, path) for kind, path in self.machine.disk.operations if kind in MAY_WAIT]
        self.machine.disk.operations.clear()
        return found

    def did_aside(self, kind: str, ending: str) -> bool:
        return any(done == kind and path.endswith(ending) for done, path in self.aside)

    async def create(self, name: str, **configs: object) -> None:
        texts = [CreatableTopicConfig(key.replace("_", "."), str(value)) for key, value in configs.items()]
        request = CreateTopicsRequest(topics=[CreatableTopic(name, 1, 1, configs=texts)])
        [topic] = (await self.machine.ask(CREATE_TOPICS, 5, request)).topics
        assert topic.error_code == ErrorCode.NONE, topic.error_message

    async def produce(self, name: str, *values: str) -> None:
        data = [TopicProduceData(name, partition_data=[PartitionProduceData(0, self.batch(*values))])]
        response = await self.machine.ask(PRODUCE, 9, ProduceRequest(None, -1, 1000, data))
        assert response.responses[0].partition_responses[0].error_code == ErrorCode.NONE


@pytest.fixture
def watched(machine_type: Any, batch: Any) -> Callable[[Any], None]:
    """Runs a test with a machine that is watched from when it has started."""

    def run(test: Any) -> None:
        async def main() -> None:
            async with trio.open_nursery() as nursery:
                machine = machine_type(nursery, *PROPERTIES)
                found = Watched(machine, batch)
                machine.run_aside = found.run_aside
                machine.start()
                machine.disk.operations.clear()
                await test(found)
                machine.stop()
                nursery.cancel_scope.cancel()

        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))

    return run


def test_rolls_retention_and_checkpoints_do_not_wait(watched: Any) -> None:
    async def test(found: Watched) -> None:
        await found.create("t", segment_ms=10_000, retention_ms=60_000, flush_ms=7000)
        for number in range(30):
            await found.produce("t", str(number))
            await trio.sleep(5)
        assert found.waits() == []
        assert found.did_aside("sync", ".log")
        assert found.did_aside("sync", ".timeindex")
        assert found.did_aside("sync", "leader-epoch-checkpoint.tmp")
        assert found.did_aside("sync", "recovery-point-offset-checkpoint.tmp")
        assert found.did_aside("unlink", ".log.deleted")

    watched(test)


def test_compaction_does_not_wait(watched: Any) -> None:
    async def test(found: Watched) -> None:
        await found.create("t", segment_ms=2000, cleanup_policy="compact")
        for number in range(30):
            await found.produce("t", str(number))
            await trio.sleep(3)
        await trio.sleep(30)
        assert found.waits() == []
        assert found.did_aside("unlink", ".log.deleted")
        assert found.did_aside("sync", ".log.cleaned")

    watched(test)


def test_deleted_records_and_topics_do_not_wait(watched: Any) -> None:
    async def test(found: Watched) -> None:
        await found.create("t", segment_ms=2000)
        for number in range(10):
            await found.produce("t", str(number))
            await trio.sleep(3)
        wanted = DeleteRecordsTopic("t", [DeleteRecordsPartition(0, 5)])
        await found.machine.ask(DELETE_RECORDS, 2, DeleteRecordsRequest([wanted], 1000))
        await trio.sleep(30)
        assert found.did_aside("unlink", ".log.deleted")
        await found.machine.ask(DELETE_TOPICS, 3, DeleteTopicsRequest(topic_names=["t"], timeout_ms=1000))
        await trio.sleep(30)
        assert found.waits() == []
        assert found.did_aside("unlink", ".log")

    watched(test)


def test_a_fetch_of_what_is_not_in_memory_does_not_wait(watched: Any) -> None:
    """Its index and its first header are read aside; the records are the connection's to read."""

    async def test(found: Watched) -> None:
        await found.create("t", segment_ms=2000)
        for number in range(10):
            await found.produce("t", *(f"{number}/{at}" for at in range(3)))
            await trio.sleep(3 if number % 3 == 2 else 0)
        found.machine.crash(power=False)
        found.machine.start()  # after which nothing was appended lately
        disk = found.machine.disk
        disk.operations.clear()
        for offset in (0, 4, 10, 29):
            disk.cold.update(path for path in disk.files if path.endswith((".log", ".index")))
            wanted = FetchPartition(0, fetch_offset=offset, partition_max_bytes=1 << 20)
            request = FetchRequest(
                max_wait_ms=0, min_bytes=1, max_bytes=1 << 20, topics=[FetchTopic("t", partitions=[wanted])]
            )
            reply = await found.machine.ask(FETCH, 12, request)
            assert reply.responses[0].partitions[0].records
        assert found.waits() == []
        assert found.did_aside("read", ".log")
        assert found.did_aside("read", ".index")

    watched(test)
