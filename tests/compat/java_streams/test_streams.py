"""A Streams application that counts words exactly once, through crashes of its own and of the broker."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of its own imports
    from kafka import KafkaConsumer, KafkaProducer
    from kafka.admin import KafkaAdminClient, NewTopic

LIMIT_MS = 60_000


def _told(bootstrap: str, topic: str, **expected: int) -> dict[str, list[int]]:
    """Every count of each word, in order, as a consumer of committed records sees them, once the last are as expected.

    It is there only while the broker is: what kafka-python opens to one that is down it does not close.
    """
    told: dict[str, list[int]] = {}
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        consumer_timeout_ms=LIMIT_MS,
    )
    with closing(consumer):
        while {word: counts[-1] for word, counts in told.items()} != expected:
            record = next(consumer, None)
            assert record is not None, f"{expected} were not told within {LIMIT_MS} ms, but {told}"
            assert record.key is not None
            told.setdefault(record.key.decode(), []).append(int(record.value))
    return told


@pytest.fixture
def topics(broker: Any) -> tuple[str, str]:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.create_topics([NewTopic("lines", 2, 1), NewTopic("counted", 2, 1)])
    admin.close()
    return "lines", "counted"


def _write(bootstrap: str, topic: str, *lines: str) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for line in lines:
        producer.send(topic, line.encode())
    producer.flush()
    producer.close()


@pytest.mark.parametrize("protocol", ["classic", "streams"])
def test_words_are_counted_exactly_once(
    broker: Any, start: Callable[..., Any], topics: tuple[str, str], tmp_path: Any, protocol: str
) -> None:
    lines, counted = topics
    state = tmp_path / "state"

    def begin() -> Any:
        application = start("WordCount", broker.bootstrap, "word-count", lines, counted, str(state), protocol)
        application.wait_for("state RUNNING")
        return application

    application = begin()
    _write(broker.bootstrap, lines, "to be or not to be")
    assert _told(broker.bootstrap, counted, to=2, be=2, **{"or": 1, "not": 1})["to"] == [1, 2]

    # It dies, and its state with it: what it knew comes back from the changelog.
    application.kill()
    shutil.rmtree(state)
    _write(broker.bootstrap, lines, "to be")
    application = begin()
    assert _told(broker.bootstrap, counted, to=3, be=3, **{"or": 1, "not": 1})["to"] == [1, 2, 3]
    assert any(int(line.split()[1]) > 0 for line in application.heard() if line.startswith("restored"))

    # Another one takes its part of the work, and gives it back.
    other = start("WordCount", broker.bootstrap, "word-count", lines, counted, str(tmp_path / "other"), protocol)
    other.wait_for("state RUNNING")
    _write(broker.bootstrap, lines, "question")
    assert _told(broker.bootstrap, counted, to=3, be=3, question=1, **{"or": 1, "not": 1})["question"] == [1]
    other.end()

    # The broker dies: the application goes on where its last transaction ended.
    broker.restart("killed")
    _write(broker.bootstrap, lines, "or not")
    told = _told(broker.bootstrap, counted, to=3, be=3, question=1, **{"or": 2, "not": 2})
    assert told == {"to": [1, 2, 3], "be": [1, 2, 3], "question": [1], "or": [1, 2], "not": [1, 2]}
    application.end()


def test_the_tool_of_streams_groups(
    broker: Any,
    start: Callable[..., Any],
    topics: tuple[str, str],
    streams_groups: Callable[..., str],
    tmp_path: Any,
) -> None:
    lines, counted = topics
    application = start("WordCount", broker.bootstrap, "app", lines, counted, str(tmp_path / "state"), "streams")
    application.wait_for("state RUNNING")
    _write(broker.bootstrap, lines, "to be")
    _told(broker.bootstrap, counted, to=1, be=1)
    of_it = ("--group", "app")
    assert streams_groups("--list", "--state").endswith("app Stable")
    assert streams_groups("--describe", *of_it, "--state", "--verbose").endswith(" Stable 3 3 1")
    members = streams_groups("--describe", *of_it, "--members", "--verbose")
    assert members.endswith("ACTIVE: 0:[0,1]; 1:[0,1]; TARGET-ACTIVE: 0:[0,1]; 1:[0,1];")
    offsets = streams_groups("--describe", *of_it, "--offsets").splitlines()
    sources = [f"{topic} {partition}" for topic in ("app-counts-repartition", "lines") for partition in (0, 1)]
    assert offsets[1:] == [f"app {source} 0" for source in sources]
    application.end()
    assert streams_groups("--list", "--state").endswith("app Empty")
    reset = streams_groups("--reset-offsets", *of_it, "--to-earliest", "--all-input-topics", "--execute")
    assert reset.splitlines()[1:] in (["app lines 0 0"], ["app lines 1 0"])
    deleted = streams_groups("--delete-offsets", *of_it, "--input-topic", lines)
    assert deleted.endswith("TOPIC PARTITION STATUS\nlines 0 Successful\nlines 1 Successful")
    streams_groups("--delete", *of_it)
    assert streams_groups("--list") == ""
