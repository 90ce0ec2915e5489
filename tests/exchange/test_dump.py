"""Apache's own reader of log files has no complaint about anything that kafkapy wrote."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from apache import DUMP, TOPICS
from view import consume, write

COMPLAINTS = ("Exception", "Error", "ismatch", "isvalid: false", "Found", "corrupt", "Corrupt", "unable", "not found")


@pytest.fixture
def directory(turns: Any) -> Path:
    """A directory with every kind of file that kafkapy writes, closed segments and a deleted topic among them."""
    tools, server = turns.tools, turns.bootstrap
    settings = (
        "metadata.log.max.record.bytes.between.snapshots=1500",
        "metadata.max.retention.ms=-1",
        "offsets.topic.num.partitions=2",
    )
    turns.kafkapy(*(word for one in settings for word in ("--override", one)))
    for topic, more in (
        ("rolled", "segment.bytes=1048576"),
        ("gone", "retention.ms=99999"),
        ("plain", "segment.ms=9999"),
    ):
        options = ("--topic", topic, "--partitions", "2", "--config", more)
        tools.run(TOPICS, "--bootstrap-server", server, "--create", *options)
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        write(tools, server, "plain", [f"{codec}-{number}" for number in range(20)], f"compression.type={codec}")
    write(tools, server, "rolled", [f"{number:04}" * 500 for number in range(1500)])
    consume(tools, server, "plain", 50, "readers")
    tools.run(TOPICS, "--bootstrap-server", server, "--delete", "--topic", "gone")
    turns.wait_until(lambda: len(list(turns.data.glob("__cluster_metadata-0/*.checkpoint"))) > 1)
    turns.stop()
    return turns.data  # type: ignore[no-any-return]


def test_every_file_of_ours_is_read_without_complaint(turns: Any, directory: Path) -> None:
    files = [path for path in directory.rglob("*") if path.suffix in (".log", ".index", ".timeindex", ".snapshot")]
    metadata = [directory / "bootstrap.checkpoint"]
    for kind in ("checkpoint", "log"):
        metadata += (directory / "__cluster_metadata-0").glob(f"*.{kind}")
    offsets = [path for path in directory.glob("__consumer_offsets-*/*.log") if path.stat().st_size]
    assert len({path.parent for path in files}) > 6
    assert len(list((directory).glob("rolled-*/*.log"))) > 3, "nothing was rolled"
    assert len(metadata) > 3
    assert offsets

    def dumped(paths: list[Path], *options: str) -> str:
        said: str = turns.tools.run(DUMP, "--files", ",".join(map(str, paths)), *options)
        # 4.3's iteration expects offset 0 first in every file, also where the file's name says otherwise.
        assert (
            re.sub(r"Non-consecutive offsets in .*/0*(\d+)\.log\n  -1 is followed by \1\n", "", turns.tools.errors)
            == ""
        )
        wrong = [line for line in said.splitlines() if any(word in line for word in COMPLAINTS)]
        assert not wrong, wrong[:5]
        return said

    plain = dumped([path for path in files if path.suffix == ".log"], "--deep-iteration", "--print-data-log")
    assert "payload: zstd-19" in plain
    indexes = [path for path in files if path.suffix in (".index", ".timeindex")]
    dumped(indexes, "--verify-index-only")
    sane = dumped([path for path in indexes if path.stat().st_size], "--index-sanity-check")
    assert "passed sanity check" in sane
    assert "producerId" in dumped([path for path in files if path.suffix == ".snapshot"])
    records = dumped(metadata, "--cluster-metadata-decoder")
    for kind in (
        "FEATURE_LEVEL_RECORD",
        "REGISTER_BROKER_RECORD",
        "REMOVE_TOPIC_RECORD",
        "KRaftVoters",
        "SnapshotFooter",
    ):
        assert kind in records
    assert '"group":"readers"' in dumped(offsets, "--offsets-decoder")
