"""A directory that Apache Kafka formats and begins, kafkapy goes on with, and Apache takes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from apache import DUMP, FEATURES, GROUPS, TOPICS
from view import consume, lines, look, read, write

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def create(turns: Any, topic: str, *options: str) -> None:
    turns.tools.run(TOPICS, "--bootstrap-server", turns.bootstrap, "--create", "--topic", topic, *options)
    # Apache's broker learns of what its controller has done a moment later.
    turns.wait_until(lambda: topic in topics_of(turns))


def topics_of(turns: Any) -> list[str]:
    names: list[str] = turns.tools.run(TOPICS, "--bootstrap-server", turns.bootstrap, "--list").split()
    return names


def snapshots(data: Path) -> list[str]:
    return sorted(path.name for path in (data / "__cluster_metadata-0").glob("*.checkpoint"))


def features(turns: Any) -> list[str]:
    """Each feature with its finalized level; the epochs behind them move on with every start."""
    said = lines(turns.tools.run(FEATURES, "--bootstrap-server", turns.bootstrap, "describe"))
    return [line.partition(" Epoch:")[0] for line in said]


@pytest.mark.parametrize("voters", ["standalone", "static"])
def test_it_goes_there_and_back(turns: Any, voters: str) -> None:
    tools, server = turns.tools, turns.bootstrap
    turns.node(static_voters=voters == "static", metadata_log_max_record_bytes_between_snapshots=3000)
    turns.format(*(["--standalone"] if voters == "standalone" else []))
    turns.apache()
    create(turns, "many", "--partitions", "5", "--config", "retention.ms=777000000")
    create(turns, "transactions")
    create(turns, "gone", "--config", "retention.ms=1000000000")
    create(turns, "sequence")
    for codec in CODECS:
        write(tools, server, "many", [f"{codec}-{number}" for number in range(20)], f"compression.type={codec}")
    tools.run("producer", "open", "atomic", f"bootstrap.servers={server}", "transactional.id=atomic")
    for end in ("commit", "abort", "commit"):
        tools.run("producer", "begin", "atomic")
        tools.run("producer", "send", "atomic", "transactions", "0", f"{end}-1", f"{end}-2")
        tools.run("producer", end, "atomic")
    tools.run("producer", "close", "atomic")
    tools.run("producer", "open", "lasting", f"bootstrap.servers={server}", "linger.ms=0")
    assert tools.run("producer", "send", "lasting", "sequence", "0", "a", "b").split() == ["0", "1"]
    assert len(consume(tools, server, "many", 60, "classic")) == 60
    assert len(consume(tools, server, "many", 30, "modern", "group.protocol=consumer")) == 30
    assert len(consume(tools, server, "many", 25, "moved", "group.protocol=consumer")) == 25
    tools.run(TOPICS, "--bootstrap-server", server, "--delete", "--topic", "gone")
    turns.wait_until(lambda: "gone" not in topics_of(turns))
    create(turns, "gone")
    counts = {"many": 100, "transactions": 6, "sequence": 2}
    before = look(tools, server, counts, ["classic", "modern", "moved"])
    levels = features(turns)

    if voters == "static":
        turns.node().kill()
    turns.stop()
    assert snapshots(turns.data)[-1] > "00000000000000000001", "Apache wrote no snapshot of its own"
    turns.kafkapy()
    assert look(tools, server, counts, ["classic", "modern", "moved"]) == before
    assert tools.run("producer", "send", "lasting", "sequence", "0", "c", "d").split() == ["2", "3"]
    for codec in CODECS:
        write(tools, server, "many", [f"our-{codec}"], f"compression.type={codec}")
    create(turns, "ours", "--partitions", "2", "--config", "max.message.bytes=123456")
    write(tools, server, "ours", ["x", "y"])
    write(tools, server, "transactions", ["behind"])
    tools.run(TOPICS, "--bootstrap-server", server, "--delete", "--topic", "gone")
    assert len(consume(tools, server, "many", 20, "classic")) == 20
    assert len(consume(tools, server, "ours", 2, "our-readers")) == 2
    assert len(consume(tools, server, "many", 15, "moved")) == 15, "by the classic protocol"
    counts = {"many": 105, "transactions": 7, "sequence": 4, "ours": 2}
    before = look(tools, server, counts, ["classic", "modern", "moved", "our-readers"])

    turns.stop()
    transactions = turns.data.glob("__transaction_state-*/*.log")
    dumped = tools.run(DUMP, "--files", ",".join(map(str, transactions)), "--transaction-log-decoder")
    assert '"transactionalId":"atomic"' in dumped
    turns.apache()
    assert look(tools, server, counts, ["classic", "modern", "moved", "our-readers"]) == before
    assert features(turns) == levels
    committed = read(tools, server, "transactions", 5, "isolation.level=read_committed")
    assert [line.rsplit(" ", 1)[1] for line in committed] == ["commit-1", "commit-2", "commit-1", "commit-2", "behind"]
    listed = lines(tools.run(GROUPS, "--bootstrap-server", server, "--list", "--type", "consumer"))
    assert "modern Consumer" in listed
    assert tools.run("producer", "send", "lasting", "sequence", "0", "e").split() == ["4"]
    for group in ("modern", "moved"):
        assert len(consume(tools, server, "many", 10, group, "group.protocol=consumer")) == 10
    tools.run("producer", "close", "lasting")
    turns.stop()
