"""A directory that kafkapy begins, Apache Kafka goes on with, kafkapy takes back, and Apache once more."""

from __future__ import annotations

import time
from typing import Any

from apache import CONFIGS, TOPICS
from view import consume, look, write

from kafkapy.protocol.batch import Record, build_batch
from kafkapy.protocol.errors import ErrorCode

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def create(turns: Any, topic: str, *options: str) -> None:
    turns.tools.run(TOPICS, "--bootstrap-server", turns.bootstrap, "--create", "--topic", topic, *options)


def numbered(sequence: int, value: str) -> bytes:
    """A batch of one record from an idempotent producer that lives through everything."""
    record = Record(0, time.time_ns() // 1_000_000, b"key", value.encode())
    return build_batch([record], producer_id=7_000, producer_epoch=3, base_sequence=sequence)


def test_it_goes_there_and_back_and_there_again(turns: Any) -> None:
    tools, server = turns.tools, turns.bootstrap
    turns.kafkapy()
    create(turns, "many", "--partitions", "5", "--config", "retention.ms=777000000", "--config", "segment.ms=60000000")
    create(turns, "gone")
    create(turns, "grown", "--partitions", "1")
    create(turns, "compacted", "--config", "cleanup.policy=compact")
    create(turns, "sequence")
    for codec in CODECS:
        write(tools, server, "many", [f"{codec}-{number}" for number in range(20)], f"compression.type={codec}")
    write(tools, server, "compacted", [str(number % 3) for number in range(9)])
    write(tools, server, "gone", ["lost"])
    tools.run(TOPICS, "--bootstrap-server", server, "--alter", "--topic", "grown", "--partitions", "3")
    tools.run(TOPICS, "--bootstrap-server", server, "--delete", "--topic", "gone")
    assert len(consume(tools, server, "many", 60, "readers")) == 60
    tools.run("producer", "open", "lasting", f"bootstrap.servers={server}", "client.id=lasting", "linger.ms=0")
    assert tools.run("producer", "send", "lasting", "grown", "1", "a", "b").split() == ["0", "1"]
    client = turns.client()
    for sequence in range(3):
        assert client.produce(numbered(sequence, f"n{sequence}"), "sequence").error_code == ErrorCode.NONE
    counts = {"many": 100, "compacted": 9, "grown": 2, "sequence": 3}
    before = look(tools, server, counts, ["readers"])

    turns.apache()
    assert "DUPLICATE_BROKER_REGISTRATION" not in turns.node().log(), "it need not wait for the end of our session"
    assert look(tools, server, counts, ["readers"]) == before
    again = turns.client()
    assert again.produce(numbered(2, "n2"), "sequence").base_offset == 2, "what it repeats is known"
    assert again.produce(numbered(3, "n3"), "sequence").base_offset == 3
    assert again.produce(numbered(9, "gap"), "sequence").error_code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert tools.run("producer", "send", "lasting", "grown", "1", "c", "d").split() == ["2", "3"]
    create(turns, "theirs", "--partitions", "2", "--config", "max.message.bytes=123456")
    write(tools, server, "theirs", ["x", "y"])
    for codec in CODECS:
        write(tools, server, "many", [f"their-{codec}"], f"compression.type={codec}")
    changed = ("--entity-type", "topics", "--entity-name", "many", "--alter", "--add-config", "retention.ms=888000000")
    tools.run(CONFIGS, "--bootstrap-server", server, *changed)
    assert len(consume(tools, server, "many", 20, "readers")) == 20
    assert len(consume(tools, server, "theirs", 2, "their-readers")) == 2
    tools.run(TOPICS, "--bootstrap-server", server, "--alter", "--topic", "theirs", "--partitions", "4")
    counts |= {"many": 105, "theirs": 2, "sequence": 4, "grown": 4}
    before = look(tools, server, counts, ["readers", "their-readers"])

    turns.kafkapy()
    assert look(tools, server, counts, ["readers", "their-readers"]) == before
    client = turns.client()
    assert client.produce(numbered(3, "n3"), "sequence").base_offset == 3
    assert client.produce(numbered(4, "n4"), "sequence").base_offset == 4
    assert client.produce(numbered(9, "gap"), "sequence").error_code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert tools.run("producer", "send", "lasting", "grown", "1", "e").split() == ["4"]
    assert len(consume(tools, server, "many", 10, "readers")) == 10
    tools.run(TOPICS, "--bootstrap-server", server, "--delete", "--topic", "compacted")
    create(turns, "compacted", "--partitions", "2")
    counts |= {"sequence": 5, "grown": 5}
    del counts["compacted"]
    before = look(tools, server, counts, ["readers", "their-readers"])

    turns.apache()
    assert look(tools, server, counts, ["readers", "their-readers"]) == before
    assert turns.client().produce(numbered(5, "n5"), "sequence").base_offset == 5
    assert tools.run("producer", "send", "lasting", "grown", "1", "f").split() == ["5"]
    tools.run("producer", "close", "lasting")
    turns.stop()
