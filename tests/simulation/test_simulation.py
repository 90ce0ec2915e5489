"""Seeded runs of the whole broker on a disk that fails: whatever was acknowledged stays, whenever it dies.

Producers, with transactions and without, group members and somebody who makes and deletes topics work through crashes
in the midst of any write, deaths of the process, losses of power and full disks, and repeat what was not answered, as
clients do. At every start, and at the end, what they were told must be true. A seed is one run, exactly:
`--simulation-seed N --simulation-runs 1`.
"""

from __future__ import annotations

import errno
import random
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
import trio.testing
from simulated_transactions import PRODUCERS, Transactions
from simulated_transactions import TOPIC as TRANSACTIONS

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.create_topics import CREATE_TOPICS, CreatableTopic, CreateTopicsRequest
from kafkapy.protocol.messages.delete_topics import DELETE_TOPICS, DeleteTopicsRequest
from kafkapy.protocol.messages.heartbeat import HEARTBEAT, HeartbeatRequest
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest
from kafkapy.protocol.messages.join_group import JOIN_GROUP, JoinGroupRequest, JoinGroupRequestProtocol
from kafkapy.protocol.messages.metadata import METADATA, MetadataRequest
from kafkapy.protocol.messages.offset_commit import (
    OFFSET_COMMIT,
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from kafkapy.protocol.messages.offset_fetch import OFFSET_FETCH, OffsetFetchRequest, OffsetFetchRequestTopic
from kafkapy.protocol.messages.produce import PRODUCE, PartitionProduceData, ProduceRequest, TopicProduceData
from kafkapy.protocol.messages.sync_group import SYNC_GROUP, SyncGroupRequest, SyncGroupRequestAssignment

PARTITIONS = 2
LIVES = 5
LONGEST_LIFE_S = 20.0
PROPERTIES = (
    "offsets.topic.num.partitions=2",
    "transaction.state.log.num.partitions=2",
    "log.segment.bytes=1048576",
    "log.index.interval.bytes=300",
    "log.roll.ms=4000",  # many small segments
    "log.retention.ms=-1",
    "log.segment.delete.delay.ms=1000",
)
FLUSH_ALL = ("log.flush.interval.messages=1",)  # then even a loss of power loses nothing that was acknowledged
IN_THE_WAY = {  # what a client may be told while the disk is full or the broker is young
    ErrorCode.KAFKA_STORAGE_ERROR,
    ErrorCode.NOT_COORDINATOR,
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.LEADER_NOT_AVAILABLE,
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
}


class Run:
    """One seed's world: the machine, its clients, and what they were told."""

    def __init__(self, seed: int, machine: Any, broker_down: type[Exception], batch: Any) -> None:
        self.random = random.Random(seed)
        self.machine = machine
        self.batch = batch
        self.broker_down = broker_down
        self.acknowledged: dict[int, list[str]] = {partition: [] for partition in range(PARTITIONS)}
        self.in_flight: dict[int, list[str]] = {partition: [] for partition in range(PARTITIONS)}
        self.topics: set[str] = set()
        self.unsure_topics: set[str] = set()
        self.transactions = Transactions(self, IN_THE_WAY)
        self.committed: dict[str, tuple[int, int]] = {}  # group: what was acknowledged, what was last asked for

    async def pause(self, longest_s: float = 0.5) -> None:
        await trio.sleep(self.random.uniform(0, longest_s))

    async def until_done(self, attempt: Callable[[], Awaitable[Any]]) -> Any:
        """Repeat what is not answered, or refused for a while."""
        while True:
            try:
                result = await attempt()
            except self.broker_down:
                result = None
            if result is not None:
                return result
            await self.pause()

    # --- clients

    async def create(self, name: str, partitions: int) -> None:
        async def attempt() -> bool | None:
            request = CreateTopicsRequest(topics=[CreatableTopic(name, partitions, 1)])
            [topic] = (await self.machine.ask(CREATE_TOPICS, 5, request)).topics
            assert topic.error_code in {ErrorCode.NONE, ErrorCode.TOPIC_ALREADY_EXISTS, *IN_THE_WAY}, topic
            return True if topic.error_code in (ErrorCode.NONE, ErrorCode.TOPIC_ALREADY_EXISTS) else None

        self.unsure_topics.add(name)
        await self.until_done(attempt)
        self.unsure_topics.discard(name)
        self.topics.add(name)

    async def delete(self, name: str) -> None:
        async def attempt() -> bool | None:
            request = DeleteTopicsRequest(topic_names=[name], timeout_ms=1000)
            [topic] = (await self.machine.ask(DELETE_TOPICS, 3, request)).responses
            assert topic.error_code in {ErrorCode.NONE, *IN_THE_WAY}, topic
            gone = topic.error_code in (ErrorCode.NONE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            return True if gone else None

        self.topics.discard(name)
        self.unsure_topics.add(name)
        await self.until_done(attempt)
        self.unsure_topics.discard(name)

    async def change_topics(self) -> None:
        """Make topics and delete them again."""
        while True:
            name = f"topic-{self.random.randrange(5)}"
            if name in self.topics:
                await self.delete(name)
            else:
                await self.create(name, self.random.randrange(1, 4))
            await self.pause(2)

    async def produce(self, partition: int) -> None:
        """An idempotent producer: each batch is repeated until it is acknowledged."""

        async def identify() -> Any:
            found = await self.machine.ask(INIT_PRODUCER_ID, 2, InitProducerIdRequest(None, 1000))
            return found if found.error_code == ErrorCode.NONE else None

        identity = await self.until_done(identify)
        sequence = 0
        while True:
            values = [f"{partition}/{sequence + at}" for at in range(self.random.randrange(1, 5))]
            records = self.batch(
                *values,
                producer_id=identity.producer_id,
                producer_epoch=identity.producer_epoch,
                base_sequence=sequence,
            )
            self.in_flight[partition] = values
            await self.until_done(lambda records=records: self._append(partition, records))
            self.in_flight[partition] = []
            self.acknowledged[partition] += values
            sequence += len(values)
            await self.pause()

    async def _append(self, partition: int, records: bytes) -> bool | None:
        data = [TopicProduceData("load", partition_data=[PartitionProduceData(partition, records)])]
        response = await self.machine.ask(PRODUCE, 9, ProduceRequest(None, -1, 1000, data))
        error = response.responses[0].partition_responses[0].error_code
        assert error in {ErrorCode.NONE, *IN_THE_WAY}, ErrorCode(error)
        return True if error == ErrorCode.NONE else None

    async def consume(self, group: str) -> None:
        """The only member of a group: what it is in stays, and so does what it committed, through every crash."""
        protocols = [JoinGroupRequestProtocol("p", b"s")]

        async def join() -> Any:
            if (error := await self.machine.find_coordinator()) != ErrorCode.NONE:
                assert error in IN_THE_WAY, ErrorCode(error)
                return None
            joined = await self.machine.ask(
                JOIN_GROUP, 2, JoinGroupRequest(group, 120_000, 5_000, "", None, "consumer", protocols)
            )
            assert joined.error_code in {ErrorCode.NONE, *IN_THE_WAY}, joined
            if joined.error_code != ErrorCode.NONE or joined.leader != joined.member_id:
                return None
            mine = [SyncGroupRequestAssignment(joined.member_id, b"mine")]
            request = SyncGroupRequest(group, joined.generation_id, joined.member_id, assignments=mine)
            synced = await self.machine.ask(SYNC_GROUP, 2, request)
            return joined if synced.error_code == ErrorCode.NONE else None

        joined = await self.until_done(join)
        offset = 0
        while True:
            offset += 1
            request = HeartbeatRequest(group, joined.generation_id, joined.member_id)
            beaten = await self.until_done(lambda request=request: self.machine.ask(HEARTBEAT, 3, request))
            if beaten.error_code == ErrorCode.REBALANCE_IN_PROGRESS:  # a member that nobody heard of again had joined
                joined = await self.until_done(join)
                continue
            assert beaten.error_code in {ErrorCode.NONE, *IN_THE_WAY}, ErrorCode(beaten.error_code)
            acknowledged, _ = self.committed.get(group, (-1, -1))
            self.committed[group] = acknowledged, offset
            commit = OffsetCommitRequest(group, joined.generation_id, joined.member_id, topics=_commit(offset))
            if await self.until_done(lambda commit=commit: self._commit(commit)) is True:
                self.committed[group] = offset, offset
            await self.pause(1)

    async def _commit(self, request: OffsetCommitRequest) -> bool | str | None:
        error = (await self.machine.ask(OFFSET_COMMIT, 3, request)).topics[0].partitions[0].error_code
        if error == ErrorCode.REBALANCE_IN_PROGRESS:
            return "later"
        assert error in {ErrorCode.NONE, *IN_THE_WAY}, ErrorCode(error)
        return True if error == ErrorCode.NONE else None

    # --- what must be true

    async def check(self, *, in_the_end: bool = False) -> None:
        """Hold the broker to what its clients were told; nobody else may be at work meanwhile."""
        listed = {topic.name for topic in (await self.machine.ask(METADATA, 4, MetadataRequest(None))).topics}
        assert self.topics <= listed
        assert listed <= self.topics | self.unsure_topics | {"__consumer_offsets", "__transaction_state"}
        for partition, acknowledged in self.acknowledged.items():
            in_flight = self.in_flight[partition]
            if "load" in self.topics:
                found = await self.machine.read("load", partition)
                assert found in (acknowledged, acknowledged + in_flight), (found[-5:], acknowledged[-5:], in_flight)
        if TRANSACTIONS in self.topics:
            await self.transactions.check(in_the_end=in_the_end)
        for group, (acknowledged, asked) in self.committed.items():
            request = OffsetFetchRequest(group, [OffsetFetchRequestTopic("load", [0])])
            [found] = (await self.machine.ask(OFFSET_FETCH, 3, request)).topics[0].partitions
            assert found.error_code == ErrorCode.NONE
            assert found.committed_offset in (acknowledged, asked)


def _commit(offset: int) -> list[OffsetCommitRequestTopic]:
    return [
        OffsetCommitRequestTopic("load", partitions=[OffsetCommitRequestPartition(0, offset, committed_metadata="")])
    ]


class Fate:
    """What befalls the machine."""

    def __init__(self, run: Run, crash_error: type[BaseException], *, power: bool) -> None:
        self._run = run
        self._random = run.random
        self._crash_error = crash_error
        self._power = power

    async def live(self) -> None:
        """One life, from a start to an end of any kind."""
        machine = self._run.machine
        self._start()
        await self._run.check()
        kind = self._random.choice(["kill", "crash in a write", "full disk", "stop", *["power"] * self._power])
        await self._run.pause(LONGEST_LIFE_S)
        if kind == "crash in a write":
            machine.disk.fail(self._random.randrange(1, 30), self._crash_error(), torn=self._random.random())
            await self._run.pause(LONGEST_LIFE_S)
        elif kind == "full disk":
            full = OSError(errno.ENOSPC, "No space left on device")
            kinds = ("write", "create", "mkdir", "rename")
            machine.disk.fail(self._random.randrange(1, 5), full, torn=self._random.random(), kinds=kinds, lasting=True)
            await self._run.pause(LONGEST_LIFE_S)
            machine.disk.heal()
            await self._run.pause(LONGEST_LIFE_S)
        if machine.process is None:
            pass  # it died of its own
        elif kind == "stop":
            machine.stop()
        else:
            machine.disk.heal()
            machine.crash(power=kind == "power" or (self._power and self._random.random() < 0.3))
        await self._run.pause(1)

    def _start(self) -> None:
        """Starts may be cut short too."""
        machine = self._run.machine
        while machine.process is None:
            if self._random.random() < 0.3:
                error = self._crash_error()
                machine.disk.fail(self._random.randrange(1, 40), error, torn=self._random.random())
            try:
                machine.start()
            except self._crash_error:
                machine.crash(power=self._power and self._random.random() < 0.5)
        machine.disk.heal()


@pytest.mark.runs(12)
def test_what_was_acknowledged_stays(
    seed: int,
    machine_type: Any,
    broker_down: type[Exception],
    crash_error: type[BaseException],
    batch: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    power = seed % 2 == 1
    make_repeatable(seed, monkeypatch)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            machine = machine_type(nursery, *PROPERTIES, *(FLUSH_ALL if power else ()))
            run = Run(seed, machine, broker_down, batch)
            fate = Fate(run, crash_error, power=power)
            await trio.sleep(0)
            async with trio.open_nursery() as clients:
                clients.start_soon(_work, run)
                for _ in range(LIVES):
                    await fate.live()
                clients.cancel_scope.cancel()
            machine.start()
            await run.check(in_the_end=True)
            assert any(run.transactions.committed.values())
            assert sum(map(len, run.acknowledged.values())) > 0
            machine.stop()
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    surprises = [record.getMessage() for record in caplog.records if record.exc_info]
    assert surprises == []


async def _work(run: Run) -> None:
    await run.create("load", PARTITIONS)
    await run.create(TRANSACTIONS, PRODUCERS)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.change_topics)
        for partition in range(PARTITIONS):
            nursery.start_soon(run.produce, partition)
        for number in range(PRODUCERS):
            nursery.start_soon(run.transactions.produce, number)
        for group in ("g", "h"):
            nursery.start_soon(run.consume, group)


def make_repeatable(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take chance out of what chance is in: ids, and the order in which trio runs what could run at once."""
    ids = random.Random(seed)

    def next_id() -> uuid.UUID:
        return uuid.UUID(int=ids.getrandbits(128), version=4)

    monkeypatch.setattr("uuid.uuid4", next_id)
    monkeypatch.setattr("kafkapy.storage.ids.uuid4", next_id)
    monkeypatch.setattr("kafkapy.storage.log_dir.uuid4", next_id)
    monkeypatch.setattr("trio._core._run._ALLOW_DETERMINISTIC_SCHEDULING", True)
    trio._core._run._r.seed(seed)  # type: ignore[attr-defined]  # the only way to it
    random.seed(seed)
