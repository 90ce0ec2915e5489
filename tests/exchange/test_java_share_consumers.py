"""Apache's own KafkaShareConsumer (KIP-932), and its tools for share groups, against kafkapy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from apache import CONFIGS, LIMIT_S, TOPICS, Tools

SHARE_GROUPS = "org.apache.kafka.tools.consumer.group.ShareGroupCommand"
CONSOLE = "org.apache.kafka.tools.consumer.ConsoleShareConsumer"
QUICK = (
    "--override=group.share.min.heartbeat.interval.ms=300",
    "--override=group.share.heartbeat.interval.ms=300",
    "--override=group.share.assignment.interval.ms=0",
    "--override=group.share.min.record.lock.duration.ms=1000",
    "--override=group.share.record.lock.duration.ms=30000",
    "--override=share.coordinator.state.topic.num.partitions=4",
)
RECORDS = 10


class Sharers:
    """Share consumers of one group, each with what it was given: place, how often it was delivered, value."""

    def __init__(self, tools: Tools, server: str) -> None:
        self.tools, self._server = tools, server
        self._open: set[str] = set()
        self.got: dict[str, list[tuple[str, int]]] = {}

    def open(self, name: str, *settings: str, explicit: bool = True, topic: str = "t") -> None:
        mode = f"share.acknowledgement.mode={'explicit' if explicit else 'implicit'}"
        common = [f"bootstrap.servers={self._server}", "group.id=g", f"client.id={name}", mode]
        self.tools.run("sharer", "open", name, topic, *common, *settings)
        self._open.add(name)
        self.got[name] = []

    def poll(self, name: str) -> list[tuple[str, int]]:
        lines = [line.split(" ", 2) for line in self.tools.run("sharer", "poll", name).splitlines()]
        found = [(where, int(count)) for where, count, _ in lines]
        self.got[name] += found
        return found

    def poll_until(self, condition: Callable[[], bool], *names: str) -> None:
        end = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < end, self.got
            for name in names:
                self.poll(name)

    def take(self, name: str, count: int) -> list[tuple[str, int]]:
        """What it was given, once it is so much."""
        self.poll_until(lambda: len(self.got[name]) >= count, name)
        found, self.got[name] = self.got[name], []
        return sorted(found)

    def say(self, name: str, kind: str, *places: str) -> None:
        for place in places:
            self.tools.run("sharer", "say", name, place, kind)

    def commit(self, name: str) -> list[str]:
        return self.tools.run("sharer", "commit", name).splitlines()

    def close(self, name: str) -> None:
        self._open.discard(name)
        self.tools.run("sharer", "close", name)

    def close_all(self) -> None:
        for name in list(self._open):
            self.close(name)


def at(*offsets: int) -> list[str]:
    return [f"t-0@{offset}" for offset in offsets]


def once(*offsets: int, deliveries: int = 1) -> list[tuple[str, int]]:
    return [(place, deliveries) for place in at(*offsets)]


@pytest.fixture
def sharers(turns: Any) -> Iterator[Sharers]:
    turns.kafkapy(*QUICK)
    server = ("--bootstrap-server", turns.bootstrap)
    turns.tools.run(TOPICS, *server, "--create", "--topic", "t", "--partitions", "1")
    group = ("--entity-type", "groups", "--entity-name", "g", "--alter", "--add-config")
    turns.tools.run(CONFIGS, *server, *group, "share.auto.offset.reset=earliest")
    turns.tools.run("producer", "open", "sender", f"bootstrap.servers={turns.bootstrap}", "linger.ms=0")
    made = Sharers(turns.tools, turns.bootstrap)
    yield made
    made.close_all()
    turns.tools.run("producer", "close", "sender")


def send(turns: Any, *values: str) -> None:
    turns.tools.run("producer", "send", "sender", "t", "0", *values)


def test_accepted_released_and_rejected(turns: Any, sharers: Sharers) -> None:
    send(turns, *map(str, range(RECORDS)))
    sharers.open("one")
    assert sharers.take("one", RECORDS) == once(*range(RECORDS))

    sharers.say("one", "ACCEPT", *at(0, 1, 2, 3))
    sharers.say("one", "RELEASE", *at(4, 5))
    sharers.say("one", "REJECT", *at(6, 7, 8, 9))
    assert sharers.commit("one") == ["t-0 written"]

    assert sharers.take("one", 2) == once(4, 5, deliveries=2)
    sharers.say("one", "ACCEPT", *at(4, 5))
    assert sharers.commit("one") == ["t-0 written"]
    described = turns.tools.run(SHARE_GROUPS, "--bootstrap-server", turns.bootstrap, "--describe", "--group", "g")
    # The start is the one that was written along with the last change, and what is done beyond it counts.
    assert described.split()[-4:] == ["t", "0", "4", "0"]


def test_two_consumers_share_a_partition(turns: Any, sharers: Sharers) -> None:
    sharers.open("one", "max.poll.records=2", "share.acquire.mode=record_limit", explicit=False)
    sharers.open("two", "max.poll.records=2", "share.acquire.mode=record_limit", explicit=False)
    for number in range(40):
        send(turns, str(number))

    def all_are_delivered() -> bool:
        return len(sharers.got["one"]) + len(sharers.got["two"]) >= 40

    sharers.poll_until(all_are_delivered, "one", "two")

    assert sorted(sharers.got["one"] + sharers.got["two"]) == sorted(once(*range(40)))
    assert sharers.got["one"]
    assert sharers.got["two"]


def test_what_is_not_acknowledged_in_time_goes_to_another(turns: Any, sharers: Sharers) -> None:
    group = ("--entity-type", "groups", "--entity-name", "g", "--alter", "--add-config")
    turns.tools.run(CONFIGS, "--bootstrap-server", turns.bootstrap, *group, "share.record.lock.duration.ms=1500")
    send(turns, "a", "b")
    sharers.open("slow")
    assert sharers.take("slow", 2) == once(0, 1)
    sharers.open("quick")

    assert sharers.take("quick", 2) == once(0, 1, deliveries=2)
    sharers.say("slow", "ACCEPT", *at(0, 1))
    assert sharers.commit("slow") == ["t-0 InvalidRecordStateException"]


def test_what_a_killed_consumer_had_goes_to_another(turns: Any, sharers: Sharers) -> None:
    send(turns, "a", "b", "c")
    doomed = Tools()
    victim = Sharers(doomed, turns.bootstrap)
    victim.open("victim")
    assert victim.take("victim", 3) == once(0, 1, 2)
    victim.say("victim", "ACCEPT", *at(0))
    assert victim.commit("victim") == ["t-0 written"]

    doomed.kill()
    sharers.open("heir")

    assert sharers.take("heir", 2) == once(1, 2, deliveries=2)


def test_what_became_of_records_outlives_the_broker(turns: Any, sharers: Sharers) -> None:
    send(turns, *map(str, range(6)))
    sharers.open("one")
    assert len(sharers.take("one", 6)) == 6
    sharers.say("one", "ACCEPT", *at(0, 1, 3))
    sharers.say("one", "REJECT", *at(4))
    sharers.say("one", "RELEASE", *at(2, 5))
    assert sharers.commit("one") == ["t-0 written"]

    turns.kill_kafkapy(*QUICK)
    send(turns, "6")

    assert sharers.take("one", 3) == [*once(2, 5, deliveries=2), *once(6)]
    sharers.say("one", "ACCEPT", *at(2, 5, 6))
    assert sharers.commit("one") == ["t-0 written"]


def test_a_hold_is_renewed(turns: Any, sharers: Sharers) -> None:
    group = ("--entity-type", "groups", "--entity-name", "g", "--alter", "--add-config")
    turns.tools.run(CONFIGS, "--bootstrap-server", turns.bootstrap, *group, "share.record.lock.duration.ms=3000")
    send(turns, "a")
    sharers.open("one")
    assert sharers.take("one", 1) == once(0)
    sharers.open("two")
    end = time.monotonic() + 6
    while time.monotonic() < end:
        sharers.say("one", "RENEW", *at(0))
        assert sharers.commit("one") == ["t-0 written"]
        assert sharers.poll("two") == []
        sharers.poll("one")
    sharers.say("one", "ACCEPT", *at(0))
    assert sharers.commit("one") == ["t-0 written"]


def test_the_tools_for_share_groups(turns: Any, sharers: Sharers) -> None:
    server = ("--bootstrap-server", turns.bootstrap)
    send(turns, "a", "b", "c")
    said = turns.tools.run(
        CONSOLE, *server, "--topic", "t", "--group", "g", "--max-messages", "3", "--timeout-ms", "20000"
    )
    assert said.split() == ["a", "b", "c"]
    assert turns.tools.run(SHARE_GROUPS, *server, "--list").split() == ["g"]
    assert turns.tools.run(SHARE_GROUPS, *server, "--list", "--state").split()[-2:] == ["g", "Empty"]

    sharers.open("one")
    describe = (SHARE_GROUPS, *server, "--describe", "--group", "g")
    sharers.poll_until(lambda: "t:0" in turns.tools.run(*describe, "--members", "--verbose"), "one")
    assert "Stable" in turns.tools.run(*describe, "--state")
    sharers.close("one")

    turns.tools.run(
        SHARE_GROUPS, *server, "--reset-offsets", "--group", "g", "--topic", "t", "--to-earliest", "--execute"
    )
    sharers.open("again", explicit=False)
    assert sharers.take("again", 3) == once(0, 1, 2)
    sharers.close("again")
    turns.tools.run(SHARE_GROUPS, *server, "--delete-offsets", "--group", "g", "--topic", "t")
    turns.tools.run(SHARE_GROUPS, *server, "--delete", "--group", "g")
    assert turns.tools.run(SHARE_GROUPS, *server, "--list").split() == []


def test_only_committed_records_are_delivered(turns: Any, sharers: Sharers) -> None:
    group = ("--entity-type", "groups", "--entity-name", "g", "--alter", "--add-config")
    turns.tools.run(CONFIGS, "--bootstrap-server", turns.bootstrap, *group, "share.isolation.level=read_committed")
    producer = ("producer", "open", "careful", f"bootstrap.servers={turns.bootstrap}", "transactional.id=careful")
    turns.tools.run(*producer)
    sharers.open("one")
    for end, values in (("abort", ("a", "b")), ("commit", ("c",)), ("abort", ("d",)), ("commit", ("e", "f"))):
        turns.tools.run("producer", "begin", "careful")
        turns.tools.run("producer", "send", "careful", "t", "0", *values)
        turns.tools.run("producer", end, "careful")
    turns.tools.run("producer", "close", "careful")
    assert sharers.take("one", 3) == once(3, 7, 8)
    sharers.say("one", "ACCEPT", *at(3, 7, 8))
    assert sharers.commit("one") == ["t-0 written"]
    send(turns, "g")
    assert sharers.take("one", 1) == once(10)
