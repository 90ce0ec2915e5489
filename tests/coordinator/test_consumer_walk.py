"""Consumers of both protocols in one group, at random, on a broker that is killed and whose disk fills at random.

Whatever happens: nobody is given a partition that another member, as far as the broker has told it, still reads; a log
read from its start gives the group that lives; and once things calm down everything is read by somebody.
"""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID

import pytest

from kafkapy.coordinator.caller import Caller
from kafkapy.coordinator.consumer.settings import MigrationPolicy
from kafkapy.protocol.codec import decode, encode_bytes
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.records.consumer_protocol import (
    AssignedTopic,
    ConsumerProtocolAssignment,
    ConsumerProtocolSubscription,
)

ADMIN = Caller("admin", "/h", 6)
TOPICS = ("t1", "t2", "u1")
Partition = tuple[UUID, int]


class Consumer:
    """A member of the consumer protocol. It reads `owned`; what it is asked to give back it gives back later."""

    def __init__(self, world: World, instance: str | None) -> None:
        self.world, self.instance = world, instance
        self.member_id = world.new_id()
        self.epoch = 0
        self.owned: set[Partition] = set()
        self.told: set[Partition] = set()
        self.wishes = world.wish()

    def act(self) -> None:
        luck = self.world.rng.random()
        if self.epoch > 0 and luck < 0.04:
            self.answer(self.beat(-2 if self.instance and luck < 0.02 else -1))
            self.start_over()
            self.member_id = self.world.new_id()
            return
        if self.epoch > 0 and luck < 0.08:
            self.wishes = self.world.wish()
            self.answer(self.beat(self.epoch, **self.wishes))
            return
        if self.epoch == 0:
            self.start_over()
            self.answer(self.beat(0, **self.wishes))
            return
        # It gives back first, says so, and only then reads what is new: as KafkaConsumer does.
        is_done = self.owned <= self.told
        self.owned &= self.told
        if is_done:
            self.read(self.told)
        owned: dict[UUID, list[int]] = {}
        for topic_id, partition in self.owned:
            owned.setdefault(topic_id, []).append(partition)
        self.answer(self.beat(self.epoch, owned=owned if luck < 0.7 else None))

    def beat(self, epoch: int, **fields: Any) -> Any:
        return self.world.broker.beat(self.member_id, epoch, instance_id=self.instance, **fields)

    def answer(self, response: Any) -> None:
        code = ErrorCode(response.error_code)
        if code in (ErrorCode.FENCED_MEMBER_EPOCH, ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.GROUP_ID_NOT_FOUND):
            self.start_over()
        elif code is ErrorCode.FENCED_INSTANCE_ID:
            self.start_over()
            self.member_id = self.world.new_id()
        elif code is ErrorCode.NONE and response.member_epoch >= 0:
            self.epoch = response.member_epoch
            if response.assignment is not None:
                self.told = {(t.topic_id, p) for t in response.assignment.topic_partitions for p in t.partitions}
        else:
            assert response.member_epoch < 0 or code in (
                ErrorCode.NOT_COORDINATOR,
                ErrorCode.UNRELEASED_INSTANCE_ID,
            ), code

    def read(self, partitions: set[Partition]) -> None:
        for partition in partitions - self.owned:
            self.world.check_free(self, partition)
        self.owned = set(partitions)

    def start_over(self) -> None:
        self.epoch, self.owned, self.told = 0, set(), set()

    def lose_connection(self) -> None:
        """A heartbeat's answer is known at once here."""


class ClassicConsumer:
    """A member of the classic protocol, which stops reading before it joins again."""

    def __init__(self, world: World, instance: str | None) -> None:
        self.world, self.instance = world, instance
        self.member_id = ""
        self.owned: set[Partition] = set()
        self.lose_connection()

    def lose_connection(self) -> None:
        self.joining: Any = None
        self.syncing: Any = None
        self.joined: Any = None
        self.generation = -1

    def act(self) -> None:
        world = self.world
        if self.joining is not None:
            if self.joining.is_done:
                response, self.joining = self.joining.result(), None
                self.joined = None if self.is_refused(response) else response
                self.member_id = response.member_id if self.joined or response.error_code == 79 else self.member_id
        elif self.syncing is not None:
            if self.syncing.is_done:
                response, self.syncing, joined = self.syncing.result(), None, self.joined
                self.joined = None
                if not self.is_refused(response):
                    self.generation = joined.generation_id
                    self.read(response.assignment)
        elif self.joined is not None:
            parts = self.divide() if self.joined.leader == self.member_id else {}
            self.syncing = world.broker.sync(self.joined, parts, group_instance_id=self.instance)
        elif self.generation < 0:
            self.owned = set()
            said = b"\0\3" + encode_bytes(ConsumerProtocolSubscription(["t1", "t2"]), 3)
            protocols = [("range", said)]
            self.joining = world.broker.join(self.member_id, instance=self.instance, protocols=protocols, version=9)
        elif world.rng.random() < 0.05:
            world.broker.leave(self.member_id)
            self.member_id, self.owned = "", set()
            self.lose_connection()
        else:
            self.is_refused_code(world.broker.heartbeat(self.member_id, self.generation, instance=self.instance))

    def divide(self) -> dict[str, bytes]:
        members = sorted(one.member_id for one in self.joined.members)
        parts: dict[str, list[AssignedTopic]] = {member: [] for member in members}
        number = 0
        for name in ("t1", "t2"):
            for partition in range(self.world.broker.topics.by_name(name).partition_count):
                parts[members[number % len(members)]].append(AssignedTopic(name, [partition]))
                number += 1
        # A topic said twice is merged, as no real assignor would say it twice.
        return {member: b"\0\1" + encode_bytes(_merged(assigned), 1) for member, assigned in parts.items()}

    def read(self, assignment: bytes) -> None:
        if not assignment:
            return
        found, _ = decode(ConsumerProtocolAssignment, 1, assignment, 2)
        for topic in found.assigned_partitions:
            known = self.world.broker.topics.by_name(topic.topic)
            for partition in topic.partitions:
                self.world.check_free(self, (known.topic_id, partition))
                self.owned.add((known.topic_id, partition))

    def is_refused(self, response: Any) -> bool:
        return self.is_refused_code(ErrorCode(response.error_code))

    def is_refused_code(self, code: ErrorCode) -> bool:
        if code in (ErrorCode.NONE, ErrorCode.NOT_COORDINATOR):
            return code is not ErrorCode.NONE
        self.lose_connection()
        if code in (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID):
            self.member_id, self.owned = "", set()
        return True


def _merged(assigned: list[AssignedTopic]) -> ConsumerProtocolAssignment:
    by_topic: dict[str, list[int]] = {}
    for one in assigned:
        by_topic.setdefault(one.topic, []).extend(one.partitions)
    return ConsumerProtocolAssignment([AssignedTopic(topic, found) for topic, found in by_topic.items()])


class World:
    def __init__(self, broker: Any, rng: random.Random) -> None:
        self.broker, self.rng = broker, rng
        self.reads = 0
        self._made = 0
        for name in TOPICS:
            broker.topics.create(name, 3)
        self.clients: list[Any] = [Consumer(self, instance) for instance in (None, None, None, "s1", "s2")]
        self.clients += [ClassicConsumer(self, instance) for instance in (None, None, "s2")]
        self.consumer_share = 1.0

    def new_id(self) -> str:
        self._made += 1
        return f"m{self._made}"

    def wish(self) -> dict[str, Any]:
        luck = self.rng.random()
        if luck < 0.25:
            return {"subscribed_topic_regex": self.rng.choice(["t.", ".1", "none"]), "topics": []}
        topics = ["t1", "t2"] if luck < 0.7 else self.rng.sample([*TOPICS, "missing"], self.rng.randint(0, 3))
        return {"topics": topics, "subscribed_topic_regex": ""}

    def check_free(self, reader: Any, partition: Partition) -> None:
        """Nobody whom the broker counts as a member reads it too."""
        known = {one.member_id for one in self.broker.consumers().members}
        known |= {one.member_id for one in self.broker.shard.describe("g", ADMIN).members}
        if reader.member_id not in known:
            return  # its answer is an old one, and its next request tells it so
        others = [one for one in self.clients if one is not reader and one.member_id in known]
        assert not any(partition in one.owned for one in others), partition
        self.reads += 1

    def step(self) -> None:
        luck = self.rng.random()
        if self.broker.refuse is not None and luck < 0.2:
            self.broker.refuse = None
        elif luck < 0.9:
            is_consumers_turn = self.rng.random() < self.consumer_share
            self.rng.choice([one for one in self.clients if isinstance(one, Consumer) == is_consumers_turn]).act()
        elif luck < 0.97:
            self.broker.advance(self.rng.choice([0, 0, 10, 1_000, 3_000]))
        elif luck < 0.975:
            name = self.rng.choice(TOPICS)
            count = self.broker.topics.by_name(name).partition_count
            if count < 6:
                self.broker.topics.create(name, count + 1)
        elif luck < 0.98:
            self.consumer_share = self.rng.choice([0.0, 0.5, 0.9, 1.0])
        elif luck < 0.985:
            index = self.rng.randrange(len(self.clients))  # dies without a word, and another comes in its place
            self.clients[index] = type(self.clients[index])(self, self.clients[index].instance)
        elif luck < 0.99:
            self.broker.refuse = KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
        else:
            self.broker.kill_and_restart()
            for client in self.clients:
                client.lose_connection()

    def check_group(self) -> None:
        """No partition is two members'."""
        described = self.broker.consumers()
        owned = [
            (topic.topic_id, partition)
            for one in described.members
            for topic in one.assignment.topic_partitions
            for partition in topic.partitions
        ]
        assert len(owned) == len(set(owned)), described

    def check_log(self, fresh: Any) -> None:
        fresh.topics = self.broker.topics
        fresh.log = list(self.broker.log)
        fresh.now_ms = self.broker.now_ms
        fresh.kill_and_restart()
        assert shown(fresh) == shown(self.broker)

    def calm_down(self) -> None:
        """Let everybody go on undisturbed until all is divided, and see that it is."""
        self.broker.refuse = None
        consumer = Consumer(self, None)
        consumer.wishes = {"topics": list(TOPICS), "subscribed_topic_regex": ""}
        self.clients = [consumer, *(one for one in self.clients if isinstance(one, Consumer) and not one.instance)]
        for one in self.clients:
            one.start_over()
        # Who is not among them is fenced by its deadlines.
        for _ in range(150):
            for one in self.clients:
                one.world.rng = random.Random(5)  # of moderate luck: nobody leaves, or wants something else
                one.act()
            self.broker.advance(1_000)
        described = self.broker.consumers()
        assert described.group_state == "Stable", described
        sizes = {
            topic.topic_id: topic.partition_count for name in TOPICS if (topic := self.broker.topics.by_name(name))
        }
        everything = {(topic_id, partition) for topic_id, size in sizes.items() for partition in range(size)}
        read = [partition for one in self.clients for partition in one.owned]
        assert len(read) == len(set(read))
        assert set(read) == everything


def shown(broker: Any) -> Any:
    described = broker.consumers()
    for member in described.members:
        for assignment in (member.assignment, member.target_assignment):
            assignment.topic_partitions.sort(key=lambda topic: topic.topic_name)
    return described.group_state, described.group_epoch, sorted(described.members, key=lambda one: one.member_id)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens(seed: int, consumers_with: Any) -> None:
    policy = MigrationPolicy.BIDIRECTIONAL
    settings = {"session_timeout_ms": 20_000, "assignment_interval_ms": 0 if seed % 2 else 1_000}
    world = World(consumers_with(settings, migration_policy=policy), random.Random(seed))
    for number in range(2_000):
        world.step()
        if number % 10 == 0:
            world.check_group()
        if number % 250 == 0:
            world.check_log(consumers_with(settings, migration_policy=policy))
    assert world.reads > 50
    world.calm_down()
