"""kcat, as a person types it."""

import json
import os
import signal
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker_process import BrokerProcess, ForeignBroker
from environments import Missing

sys.path.insert(0, str(Path(__file__).parent))

from debian import Kcat, kcat

Line = dict[str, Any]
Typed = Callable[..., list[Line]]


@pytest.fixture
def tool() -> Kcat:
    try:
        return kcat()
    except Missing as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason))
        pytest.skip(str(reason))


@pytest.fixture
def typed(tool: Kcat, broker: BrokerProcess | ForeignBroker) -> Typed:
    """Runs kcat against the broker; the JSON that it prints, line by line."""

    def run(*arguments: str, given: str | None = None) -> list[Line]:
        printed = tool.run("-b", broker.bootstrap, "-q", "-J", *arguments, given=given)
        return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]

    return run


def test_metadata_are_listed(typed: Typed, make_topic: Callable[[int], str]) -> None:
    topic = make_topic(3)

    [metadata] = typed("-L", "-t", topic)

    [shown] = metadata["topics"]
    assert (shown["topic"], [one["partition"] for one in shown["partitions"]]) == (topic, [0, 1, 2])
    assert [one["leader"] for one in shown["partitions"]] == [metadata["brokers"][0]["id"]] * 3


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_records_are_written_and_read(typed: Typed, make_topic: Callable[[int], str], codec: str) -> None:
    topic = make_topic(1)
    lines = "".join(f"key-{number}:value {number}\n" for number in range(100))

    typed("-P", "-t", topic, "-p", "0", "-K", ":", "-H", "trace=me", "-z", codec, given=lines)

    read = typed("-C", "-t", topic, "-o", "beginning", "-e")
    assert [(one["offset"], one["key"], one["payload"]) for one in read] == [
        (number, f"key-{number}", f"value {number}") for number in range(100)
    ]
    assert read[0]["headers"] == ["trace", "me"]


def test_reading_starts_where_it_was_asked_to(typed: Typed, make_topic: Callable[[int], str]) -> None:
    topic = make_topic(1)
    typed("-P", "-t", topic, "-p", "0", given="a\nb\nc\nd\n")
    first = typed("-C", "-t", topic, "-o", "beginning", "-c", "1")[0]["ts"]

    assert [one["payload"] for one in typed("-C", "-t", topic, "-p", "0", "-o", "2", "-e")] == ["c", "d"]
    assert [one["payload"] for one in typed("-C", "-t", topic, "-p", "0", "-o", "-1", "-e")] == ["d"]
    assert len(typed("-C", "-t", topic, "-p", "0", "-o", f"s@{first}", "-e")) == 4
    assert typed("-C", "-t", topic, "-p", "0", "-o", f"s@{first + 3_600_000}", "-e") == []


def test_a_group_goes_on_where_it_was(typed: Typed, make_topic: Callable[[int], str], group: str) -> None:
    topic = make_topic(2)
    typed("-P", "-t", topic, "-p", "0", given="a\nb\n")
    typed("-P", "-t", topic, "-p", "1", given="c\n")
    earliest = ("-X", "auto.offset.reset=earliest")

    assert sorted(one["payload"] for one in typed(*earliest, "-e", "-G", group, topic)) == ["a", "b", "c"]
    typed("-P", "-t", topic, "-p", "1", given="d\n")
    assert [one["payload"] for one in typed(*earliest, "-e", "-G", group, topic)] == ["d"]


def test_what_is_typed_is_one_transaction(
    tool: Kcat, typed: Typed, broker: BrokerProcess | ForeignBroker, make_topic: Callable[[int], str]
) -> None:
    topic = make_topic(1)
    transactional = ("-P", "-t", topic, "-p", "0", "-X", f"transactional.id=tx-{uuid.uuid4().hex[:8]}")

    def read(isolation_level: str, *arguments: str) -> list[str]:
        level = ("-X", f"isolation.level={isolation_level}")
        return [one["payload"] for one in typed("-C", "-t", topic, "-o", "beginning", *level, *arguments)]

    typed(*transactional, given="a\nb\n")
    assert read("read_committed", "-e") == ["a", "b"]

    # A signal aborts the transaction, and so does the next kcat with that id.
    interrupted = tool.start("-b", broker.bootstrap, *transactional)
    assert interrupted.stdin is not None
    interrupted.stdin.write("c\n" * 100_000)  # it sends nothing before it has read so much
    interrupted.stdin.flush()
    assert read("read_uncommitted", "-c", "3") == ["a", "b", "c"]
    assert read("read_committed", "-e") == ["a", "b"]
    interrupted.send_signal(signal.SIGINT)
    interrupted.stdin.close()
    interrupted.wait(60)
    typed(*transactional, given="d\n")
    assert read("read_committed", "-e") == ["a", "b", "d"]
