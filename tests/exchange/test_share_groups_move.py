"""A data directory with share groups goes from kafkapy to Apache Kafka and back: each record is where it was."""

from __future__ import annotations

from typing import Any

import pytest
from apache import CONFIGS, TOPICS
from test_java_share_consumers import QUICK, SHARE_GROUPS, Sharers, at, once, send


def begin(turns: Any) -> None:
    server = ("--bootstrap-server", turns.bootstrap)
    turns.tools.run(TOPICS, *server, "--create", "--topic", "t", "--partitions", "1")
    group = ("--entity-type", "groups", "--entity-name", "g", "--alter", "--add-config")
    turns.tools.run(CONFIGS, *server, *group, "share.auto.offset.reset=earliest")


def a_turn(turns: Any, *values: str, expected: list[tuple[str, int]], accepted: list[str]) -> None:
    """Send, take what there is, accept some of it and release the rest."""
    turns.tools.run("producer", "open", "sender", f"bootstrap.servers={turns.bootstrap}", "linger.ms=0")
    send(turns, *values)
    turns.tools.run("producer", "close", "sender")
    sharers = Sharers(turns.tools, turns.bootstrap)
    sharers.open("one")
    try:
        assert sharers.take("one", len(expected)) == expected
        sharers.say("one", "ACCEPT", *accepted)
        sharers.say("one", "RELEASE", *[place for place, _ in expected if place not in accepted])
        assert sharers.commit("one") == ["t-0 written"]
    finally:
        sharers.close_all()


@pytest.mark.parametrize("first", ["kafkapy", "apache"])
def test_each_goes_on_where_the_other_was(turns: Any, first: str) -> None:
    def kafkapy() -> None:
        turns.kafkapy(*QUICK)

    turns.node(group_share_heartbeat_interval_ms=300, group_share_min_heartbeat_interval_ms=300)
    if first == "apache":
        turns.format("--standalone")
    order = [kafkapy, turns.apache] if first == "kafkapy" else [turns.apache, kafkapy]
    order[0]()
    begin(turns)
    a_turn(turns, *"abcd", expected=once(0, 1, 2, 3), accepted=at(0, 2))
    order[1]()
    a_turn(turns, "e", expected=[*once(1, 3, deliveries=2), *once(4)], accepted=at(1))
    described = turns.tools.run(SHARE_GROUPS, "--bootstrap-server", turns.bootstrap, "--describe", "--group", "g")
    assert described.split()[-4:-2] == ["t", "0"]
    order[0]()
    a_turn(turns, "f", expected=[*once(3, deliveries=3), *once(4, deliveries=2), *once(5)], accepted=at(3, 4, 5))
    order[1]()
    a_turn(turns, "g", expected=once(6), accepted=at(6))
