"""Clients that join, sync, beat, commit, leave, restart and die at random, on a broker that is killed at random.

Whatever happens: in one generation a partition has one owner; a log read from its start gives the groups and offsets
that live; nobody waits for ever.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from kafkapy.coordinator.caller import Caller
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.offset_fetch import OffsetFetchRequest

PARTITIONS = 7
ADMIN = Caller("admin", "/h", 6)


class Client:
    """A consumer, as well behaved as its luck lets it be."""

    def __init__(self, world: World, instance: str | None, version: int) -> None:
        self.world, self.instance, self.version = world, instance, version
        self.member_id = ""
        self.extra = b""
        self.start_over()

    def start_over(self) -> None:
        self.joining: Any = None
        self.syncing: Any = None
        self.joined: Any = None
        self.generation = -1

    def act(self) -> None:
        broker, rng = self.world.broker, self.world.rng
        if self.joining is not None:
            if self.joining.is_done:
                self.on_joined(self.joining.result())
        elif self.syncing is not None:
            if self.syncing.is_done:
                self.on_synced(self.syncing.result())
        elif self.joined is not None:
            self.sync()
        elif self.generation < 0:
            protocols = [("range", b"\0\1\0\0\0\1\0\1t" + self.extra)]
            self.joining = self.world.expect(
                broker.join(self.member_id, instance=self.instance, version=self.version, protocols=protocols)
            )
        else:
            self.work(rng.random())

    def on_joined(self, response: Any) -> None:
        self.joining = None
        if response.error_code == 0:
            self.joined, self.member_id = response, response.member_id
        else:
            self.refused(ErrorCode(response.error_code), response.member_id)

    def sync(self) -> None:
        assignments: dict[str, list[int]] = {}
        if self.joined.leader == self.member_id and not self.joined.skip_assignment:
            members = [m.member_id for m in self.joined.members]
            for partition in range(PARTITIONS):
                assignments.setdefault(members[partition % len(members)], []).append(partition)
        parts = {member: bytes(partitions) for member, partitions in assignments.items()}
        self.syncing = self.world.expect(self.world.broker.sync(self.joined, parts, group_instance_id=self.instance))

    def on_synced(self, response: Any) -> None:
        joined, self.syncing, self.joined = self.joined, None, None
        if response.error_code:
            self.refused(ErrorCode(response.error_code))
            return
        self.generation = joined.generation_id
        for partition in response.assignment:
            self.world.own(self.generation, partition, self.instance or self.member_id)

    def work(self, luck: float) -> None:
        broker = self.world.broker
        if luck < 0.6:
            self.refused(broker.heartbeat(self.member_id, self.generation, instance=self.instance))
        elif luck < 0.85:
            offset = {("t", self.world.rng.randrange(PARTITIONS)): self.world.rng.randrange(1000)}
            (error,) = broker.commit(offset, self.member_id, self.generation, instance=self.instance)
            self.refused(error)
        elif luck < 0.95:
            self.extra = bytes([self.world.rng.randrange(256)])  # other metadata: join again
            self.start_over()
        else:
            broker.leave(self.member_id)
            self.member_id = ""
            self.start_over()

    def refused(self, error: ErrorCode, member_id: str = "") -> None:
        if error in (ErrorCode.NONE, ErrorCode.NOT_COORDINATOR):
            return
        self.start_over()
        if error is ErrorCode.MEMBER_ID_REQUIRED:
            self.member_id = member_id
        elif error in (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID):
            self.member_id = ""


class World:
    def __init__(self, broker: Any, rng: random.Random) -> None:
        self.broker, self.rng = broker, rng
        self.owners: dict[tuple[int, int], str] = {}
        self.promises: list[Any] = []
        kinds = [(None, 3), (None, 5), (None, 9), ("s1", 5), ("s2", 9), (None, 9)]
        self.clients = [Client(self, instance, version) for instance, version in kinds]

    def expect(self, promise: Any) -> Any:
        self.promises.append(promise)
        return promise

    def own(self, generation: int, partition: int, owner: str) -> None:
        assert self.owners.setdefault((generation, partition), owner) == owner

    def step(self) -> None:
        luck = self.rng.random()
        if self.broker.refuse is not None and luck < 0.2:
            self.broker.refuse = None
        elif luck < 0.90:
            self.rng.choice(self.clients).act()
        elif luck < 0.97:
            self.broker.advance(self.rng.choice([0, 10, 1_000, 9_000]))
        elif luck < 0.98:
            index = self.rng.randrange(len(self.clients))  # dies without a word, and another comes in its place
            dead = self.clients[index]
            self.clients[index] = Client(self, dead.instance, dead.version)
        elif luck < 0.99:
            self.broker.refuse = KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
        else:
            self.broker.kill_and_restart()
            self.promises.clear()
            for client in self.clients:
                client.joining = client.syncing = None

    def check_log(self, fresh: Any) -> None:
        fresh.log = self.broker.log
        fresh.now_ms = self.broker.now_ms
        fresh.kill_and_restart()
        assert self.offsets(fresh) == self.offsets(self.broker)
        if self.broker.state() == "Stable":
            assert self.members(fresh) == self.members(self.broker)

    def offsets(self, broker: Any) -> Any:
        return broker.shard.fetch_offsets(OffsetFetchRequest("g", None), ADMIN).topics

    def members(self, broker: Any) -> Any:
        described = broker.shard.describe("g", ADMIN)
        return described.group_state, described.protocol_data, sorted(described.members, key=lambda m: m.member_id)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens(seed: int, broker: Any, broker_with: Any) -> None:
    world = World(broker, random.Random(seed))
    broker.commit({("t", 0): 0})  # so that the group is never forgotten while it is empty
    for number in range(4_000):
        world.step()
        if number % 50 == 0:
            world.check_log(broker_with())
    assert max(generation for generation, _ in world.owners) > 20
    # Everybody dies. Whoever waits is answered all the same.
    broker.refuse = None
    broker.advance(3_600_000)
    assert all(promise.is_done for promise in world.promises)
    assert broker.state() == "Empty"
    world.check_log(broker_with())
