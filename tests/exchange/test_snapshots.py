"""A metadata log of which only a snapshot and what lies behind it are left: Apache Kafka starts from ours."""

from __future__ import annotations

from typing import Any

from apache import TOPICS
from view import look, write

SETTINGS = (
    "metadata.log.max.record.bytes.between.snapshots=4000",
    "internal.metadata.log.segment.bytes=6000",
    "metadata.max.retention.ms=100",
)


def test_apache_goes_on_from_a_snapshot_of_ours(turns: Any) -> None:
    tools, server = turns.tools, turns.bootstrap
    options = [word for one in SETTINGS for word in ("--override", one)]
    turns.kafkapy(*options)

    def create(*topics: str) -> None:
        for topic in topics:
            more = ("--partitions", "3", "--config", "retention.ms=777000000")
            tools.run(TOPICS, "--bootstrap-server", server, "--create", "--topic", topic, *more)

    create("first", *(f"filler-{number}" for number in range(20)))
    write(tools, server, "first", ["a", "b", "c"])
    metadata = turns.data / "__cluster_metadata-0"
    turns.wait_until(lambda: not (metadata / f"{0:020d}.log").exists())
    assert not (metadata / f"{0:020d}-{0:010d}.checkpoint").exists()
    before = look(tools, server, {"first": 3}, [])

    turns.apache()
    assert look(tools, server, {"first": 3}, []) == before
    create("second")
    write(tools, server, "second", ["d"])
    before = look(tools, server, {"first": 3, "second": 1}, [])

    turns.kafkapy(*options)
    assert look(tools, server, {"first": 3, "second": 1}, []) == before
    turns.stop()
