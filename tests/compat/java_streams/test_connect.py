"""Kafka Connect, standalone: lines of a file become records, and records become lines of another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

CONNECT = "org.apache.kafka.connect.cli.ConnectStandalone"


def _properties(path: Path, **lines: object) -> str:
    path.write_text("".join(f"{name.replace('_', '.')}={value}\n" for name, value in lines.items()))
    return str(path)


def test_lines_go_from_file_to_file(
    broker: Any, start: Callable[..., Any], wait_until: Callable[..., None], tmp_path: Path
) -> None:
    source, sink = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("one\ntwo\n")
    arguments = [
        _properties(
            tmp_path / "worker.properties",
            bootstrap_servers=broker.bootstrap,
            key_converter="org.apache.kafka.connect.storage.StringConverter",
            value_converter="org.apache.kafka.connect.storage.StringConverter",
            offset_storage_file_filename=tmp_path / "offsets",
            offset_flush_interval_ms=200,
            listeners="http://127.0.0.1:0",
            plugin_discovery="hybrid_warn",
        ),
        _properties(
            tmp_path / "source.properties",
            name="source",
            connector_class="org.apache.kafka.connect.file.FileStreamSourceConnector",
            tasks_max=1,
            file=source,
            topic="connected",
        ),
        _properties(
            tmp_path / "sink.properties",
            name="sink",
            connector_class="org.apache.kafka.connect.file.FileStreamSinkConnector",
            tasks_max=1,
            file=sink,
            topics="connected",
        ),
    ]

    def written() -> str:
        return sink.read_text() if sink.exists() else ""

    worker = start(CONNECT, *arguments)
    wait_until(lambda: written() == "one\ntwo\n", worker)
    with source.open("a") as more:
        more.write("three\n")
    wait_until(lambda: written() == "one\ntwo\nthree\n", worker)
    worker.terminate()

    # Both connectors go on where they were: one by its file of offsets, the other by its group's at the broker.
    with source.open("a") as more:
        more.write("four\n")
    worker = start(CONNECT, *arguments)
    wait_until(lambda: written() == "one\ntwo\nthree\nfour\n", worker)
    worker.terminate()
