"""What clients see of a topic that is compacted: fewer records, at their old offsets; groups see nothing at all."""

from __future__ import annotations

import math
from typing import Any

import pytest
import trio

from kafkapy.cleaning import CleanerSettings, Cleaning
from kafkapy.protocol.messages.offset_fetch import (
    OFFSET_FETCH,
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
)
from kafkapy.storage.cleaner import Cleaner

SETTINGS = CleanerSettings(backoff_ms=10)
COMPACTED = {"cleanup_policy": "compact", "min_cleanable_dirty_ratio": 0.01}


def cleaner_of(client: Any) -> Cleaner:
    return Cleaner("/data", client.disk, client.node.replicas.log_dirs.online[0].logs)


@pytest.fixture
def compacting(client: Any) -> Any:
    """A broker that looks every 15 s for what to compact."""
    client.properties.remove("log.cleaner.enable=false")
    return client


@pytest.fixture
def client(client: Any) -> Any:
    """A broker that compacts nothing by itself."""
    client.configure(log_cleaner_enable="false")
    return client


def compact(client: Any) -> int:
    """Compact all that is dirty, once it is durable; how many logs that were."""
    for log in client.node.replicas.log_dirs.logs():
        log.flush_rolled()
    cleaner = cleaner_of(client)
    count = 0
    while cleanable := cleaner.pick(client.node.replicas.last_stable_offsets(), client.now()):
        count += 1
        for job in cleaner.clean(cleanable, client.now()):
            job()
    return count


def committed(client: Any, group: str, partitions: list[int]) -> list[int]:
    topics = [OffsetFetchRequestTopics("t", partition_indexes=partitions)]
    request = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group, topics=topics)])
    answer = client.send(OFFSET_FETCH, 9, request)
    return [partition.committed_offset for partition in answer.groups[0].topics[0].partitions]


async def test_a_consumer_finds_what_is_left_from_any_offset(client: Any) -> None:
    client.create(**COMPACTED)
    for i in range(20):
        client.produce(f"{i}")
    log = client.node.replicas.get("t", 0).log
    log.roll()
    client.produce("last")
    assert compact(client) == 1
    for offset in range(20):
        assert client.read(offset=offset) == ["19"]
    assert client.read(offset=20) == ["last"]
    await client.restart()
    assert client.read() == ["19"]
    assert client.produce("more") == 21


async def test_offsets_survive_the_compaction_of_their_topic(client: Any) -> None:
    client.create(partitions=3)
    for offset in range(60):
        for partition in range(3):
            assert client.commit(f"group {offset % 4}", "t", partition, offset + partition) == 0
    for partition in client.node.replicas:
        if partition.topic == "__consumer_offsets":
            partition.log.roll()
    before = sum(partition.log.size for partition in client.node.replicas)
    assert client.commit("another", "t", 0, 1) == 0
    assert compact(client) > 0
    assert sum(partition.log.size for partition in client.node.replicas) < before / 5
    expected = {f"group {i}": [56 + i, 57 + i, 58 + i] for i in range(4)}
    assert {group: committed(client, group, [0, 1, 2]) for group in expected} == expected
    await client.restart()
    assert {group: committed(client, group, [0, 1, 2]) for group in expected} == expected
    assert committed(client, "another", [0]) == [1]


class Clock:
    """Tells the time, and whether it was asked once there was nothing left to clean."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.done = trio.Event()

    def __call__(self) -> int:
        if self._client.read() == ["19"]:
            self.done.set()
        return self._client.now()  # type: ignore[no-any-return]


def write_dirt(client: Any) -> None:
    # The threads are real, so time must be: no hour passes while one is at work.
    trio.lowlevel.current_clock().autojump_threshold = math.inf  # type: ignore[attr-defined]
    client.create(**COMPACTED)
    for i in range(20):
        client.produce(f"{i}")
    log = client.node.replicas.get("t", 0).log
    log.roll()
    log.flush_rolled()


async def test_the_task_compacts_in_another_thread(client: Any) -> None:
    write_dirt(client)
    clock = Clock(client)
    async with trio.open_nursery() as nursery:

        async def keep() -> None:
            offsets = client.node.replicas.last_stable_offsets
            await Cleaning([cleaner_of(client)], offsets, clock, lambda: SETTINGS).run()

        nursery.start_soon(keep)
        await clock.done.wait()
        nursery.cancel_scope.cancel()
    assert client.read() == ["19"]


async def test_a_broker_that_stops_does_not_wait_for_the_compaction(client: Any, monkeypatch: Any) -> None:
    write_dirt(client)
    scope = trio.CancelScope()
    write = type(client.disk.open("/data/t-0/00000000000000000000.log")).pread
    reads = 0

    def pread(file: Any, size: int, position: int) -> bytes:
        nonlocal reads
        reads += 1
        trio.from_thread.run_sync(scope.cancel)
        return write(file, size, position)  # type: ignore[no-any-return]

    cleaner = cleaner_of(client)
    assert cleaner.pick({("t", 0): 20}, client.now()) is not None
    monkeypatch.setattr(type(client.disk.open("/data/t-0/00000000000000000000.log")), "pread", pread)
    with scope:
        offsets = client.node.replicas.last_stable_offsets
        await Cleaning([cleaner], offsets, client.now, lambda: SETTINGS).run()
    monkeypatch.undo()
    assert scope.cancelled_caught
    assert reads < 4
    assert len(client.read()) == 20
    assert not [name for name in client.disk.list("/data/t-0") if name.endswith(".cleaned")]


async def test_the_broker_compacts_by_itself_when_its_time_comes(compacting: Any) -> None:
    client = compacting
    client.create(**COMPACTED)
    for i in range(20):
        client.produce(f"{i}")
    client.node.replicas.get("t", 0).log.roll()
    await trio.sleep(14)
    assert len(client.read()) == 20
    await trio.sleep(2)
    assert client.read() == ["19"]
    client.node.replicas.get("t", 0).log.roll()
    assert "t 0 20" in client.disk.read("/data/cleaner-offset-checkpoint").decode()
