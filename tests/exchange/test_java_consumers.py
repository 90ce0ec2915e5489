"""Apache's own KafkaConsumer with `group.protocol=consumer` (KIP-848), against kafkapy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from apache import CONFIGS, GROUPS, LIMIT_S, TOPICS, Tools

from kafkapy.protocol.messages.consumer_group_heartbeat import CONSUMER_GROUP_HEARTBEAT, ConsumerGroupHeartbeatRequest

QUICK = (
    "--override=group.consumer.min.session.timeout.ms=6000",
    "--override=group.consumer.session.timeout.ms=6000",
    "--override=group.consumer.min.heartbeat.interval.ms=500",
    "--override=group.consumer.heartbeat.interval.ms=500",
)


class Consumers:
    """Consumers of one group in Apache's JVM, each with what it has read and what it has."""

    def __init__(self, tools: Tools, server: str) -> None:
        self._tools, self._server = tools, server
        self.read: dict[str, list[str]] = {}
        self.has: dict[str, list[str]] = {}

    def open(self, name: str, topics: str, *settings: str, protocol: str = "consumer") -> None:
        common = [f"bootstrap.servers={self._server}", "group.id=g", "auto.offset.reset=earliest", f"client.id={name}"]
        chosen = [*common, f"group.protocol={protocol}", "enable.auto.commit=false", *settings]
        self._tools.run("consumer", "open", name, topics, *chosen)
        self.read[name], self.has[name] = [], []

    def poll_until(self, condition: Callable[[], bool]) -> None:
        """Let all of them poll in turn until the condition holds; bounded."""
        end = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < end, (self.has, self.read)
            for line in self._tools.run("consumer", "poll").splitlines():
                name, what, *rest = line.split(" ")
                if what == "has":
                    self.has[name] = [one for one in rest if one]
                else:
                    self.read[name].append(f"{what}@{rest[0]}")

    def share(self, *sizes: int) -> None:
        """Wait until the consumers have so many partitions, all different."""

        def is_so() -> bool:
            everything = [partition for found in self.has.values() for partition in found]
            return [len(found) for found in self.has.values()] == list(sizes) and len(set(everything)) == sum(sizes)

        self.poll_until(is_so)

    def all_read(self, count: int) -> list[str]:
        """What all of them read, once it is so much."""
        self.poll_until(lambda: sum(map(len, self.read.values())) >= count)
        found = sorted(one for read in self.read.values() for one in read)
        for read in self.read.values():
            read.clear()
        return found

    def commit(self, name: str) -> None:
        self._tools.run("consumer", "commit", name)

    def close(self, name: str) -> None:
        self._tools.run("consumer", "close", name)
        del self.read[name], self.has[name]


@pytest.fixture
def consumers(turns: Any) -> Iterator[Consumers]:
    turns.kafkapy(*QUICK)
    made = Consumers(turns.tools, turns.bootstrap)
    yield made
    for name in list(made.read):
        made.close(name)


def create(turns: Any, topic: str, partitions: int) -> None:
    options = ("--create", "--topic", topic, "--partitions", str(partitions))
    turns.tools.run(TOPICS, "--bootstrap-server", turns.bootstrap, *options)


def send(turns: Any, topic: str, partition: int, *values: str) -> None:
    turns.tools.run("producer", "send", "sender", topic, str(partition), *values)


def listed(turns: Any) -> list[list[str]]:
    """Every group and its type."""
    lines = turns.tools.run(GROUPS, "--bootstrap-server", turns.bootstrap, "--list", "--type").splitlines()
    return [line.split()[:2] for line in lines]


@pytest.fixture
def sender(turns: Any, consumers: Consumers) -> Iterator[None]:
    turns.tools.run("producer", "open", "sender", f"bootstrap.servers={turns.bootstrap}", "linger.ms=0")
    yield
    turns.tools.run("producer", "close", "sender")


def test_members_come_and_go_and_the_broker_dies(turns: Any, consumers: Consumers, sender: None) -> None:
    create(turns, "t", 3)
    for partition in range(3):
        send(turns, "t", partition, "a", "b")
    consumers.open("one", "t")
    consumers.share(3)
    assert consumers.all_read(6) == [f"t-{partition}@{offset}" for partition in range(3) for offset in range(2)]
    consumers.commit("one")
    consumers.open("two", "t")
    consumers.share(2, 1)
    consumers.open("three", "t", "group.instance.id=i", "client.rack=r")
    consumers.share(1, 1, 1)
    described = turns.tools.run(GROUPS, "--bootstrap-server", turns.bootstrap, "--describe", "--group", "g", "--state")
    assert "uniform" in described
    assert "Stable" in described

    turns.kill_kafkapy(*QUICK)
    for partition in range(3):
        send(turns, "t", partition, "c")
    assert consumers.all_read(3) == [f"t-{partition}@2" for partition in range(3)]
    consumers.share(1, 1, 1)
    for name in ("one", "two", "three"):
        consumers.commit(name)
    consumers.close("two")
    consumers.poll_until(lambda: len([p for found in consumers.has.values() for p in found]) == 3)
    consumers.close("one")
    consumers.close("three")

    consumers.open("four", "t")
    for partition in range(3):
        send(turns, "t", partition, "d")
    assert consumers.all_read(3) == [f"t-{partition}@3" for partition in range(3)], "it resumes where they committed"


def test_a_pattern_is_matched_by_the_broker(turns: Any, consumers: Consumers, sender: None) -> None:
    for topic in ("in-1", "in-2", "out"):
        create(turns, topic, 1)
        send(turns, topic, 0, "x")
    consumers.open("one", "/in-[0-9]")
    consumers.share(2)
    assert consumers.all_read(2) == ["in-1@0", "in-2@0"] or consumers.has["one"] == ["in-1-0", "in-2-0"]
    consumers.open("two", "/in-[0-9]")
    consumers.share(1, 1)


def test_classic_and_new_members_share_a_group(turns: Any, consumers: Consumers, sender: None) -> None:
    create(turns, "t", 4)
    for partition in range(4):
        send(turns, "t", partition, "a")
    quick = ("session.timeout.ms=6000", "heartbeat.interval.ms=300")
    consumers.open("old", "t", *quick, protocol="classic")
    consumers.share(4)
    assert len(consumers.all_read(4)) == 4
    consumers.commit("old")
    consumers.open("new", "t")
    consumers.share(2, 2)
    consumers.open("older", "t", *quick, protocol="classic")
    consumers.poll_until(lambda: sorted(map(len, consumers.has.values())) == [1, 1, 2])
    for partition in range(4):
        send(turns, "t", partition, "b")
    assert consumers.all_read(4) == [f"t-{partition}@1" for partition in range(4)]
    for name in ("old", "new", "older"):
        consumers.commit(name)
    assert ["g", "Consumer"] in listed(turns)
    consumers.close("new")
    consumers.share(2, 2)
    assert ["g", "Classic"] in listed(turns)
    for partition in range(4):
        send(turns, "t", partition, "c")
    assert consumers.all_read(4) == [f"t-{partition}@2" for partition in range(4)]


def test_a_groups_settings(turns: Any, consumers: Consumers) -> None:
    create(turns, "t", 1)
    group = ("--bootstrap-server", turns.bootstrap, "--entity-type", "groups", "--entity-name", "g", "--alter")
    turns.tools.run(CONFIGS, *group, "--add-config", "consumer.heartbeat.interval.ms=700")
    consumers.open("one", "t")
    consumers.share(1)
    client = turns.client()
    request = ConsumerGroupHeartbeatRequest("g", "m", 0, None, None, 1_000, ["t"], topic_partitions=[])
    assert client.ask(CONSUMER_GROUP_HEARTBEAT, 1, request).heartbeat_interval_ms == 700
    turns.tools.run(CONFIGS, *group, "--delete-config", "consumer.heartbeat.interval.ms")
    assert client.ask(CONSUMER_GROUP_HEARTBEAT, 1, request).heartbeat_interval_ms == 500
