"""A broker's start and its end, as the person sees them who types the command."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kafkapy.protocol.messages.fetch import FETCH, FetchPartition, FetchRequest, FetchTopic

ROOT = Path(__file__).parents[2]
SERVER_PROPERTIES_OF_0_10 = """
broker.id=0
#listeners=PLAINTEXT://:9092
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
num.partitions=3
num.recovery.threads.per.data.dir=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
zookeeper.connect=localhost:2181
zookeeper.connection.timeout.ms=6000
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_whatever_waits(broker: Any, how: signal.Signals) -> None:
    broker.start()
    broker.client()
    waiting = broker.client()
    waiting.create("t")
    long_poll = FetchRequest(
        max_wait_ms=600_000, min_bytes=1, max_bytes=1000, topics=[FetchTopic("t", partitions=[FetchPartition(0)])]
    )
    waiting.send(FETCH, 12, long_poll)
    assert broker.client().is_served()
    assert broker.end(how) == 0
    assert (broker.data / ".kafka_cleanshutdown").exists()
    assert "Traceback" not in broker.log()


def test_both_addresses_of_localhost_answer(broker: Any) -> None:
    broker.start()
    for address in {found[4][0] for found in socket.getaddrinfo("localhost", broker.port, type=socket.SOCK_STREAM)}:
        assert broker.client(address).is_served()


def test_topics_and_records_are_there_after_a_clean_stop(broker: Any, batch: Any) -> None:
    broker.start()
    client = broker.client()
    client.create("t", 2)
    client.produce(batch("a", "b"))
    assert broker.end() == 0
    client = broker.start().client()
    assert client.topics() == {"t": 2}
    assert client.read() == [(0, "a"), (1, "b")]
    assert client.produce(batch("c")).base_offset == 2


def test_a_configuration_of_2016_is_taken_with_notices(broker: Any, tmp_path: Path) -> None:
    properties = tmp_path / "server.properties"
    properties.write_text(SERVER_PROPERTIES_OF_0_10)
    broker.start("--config", str(properties), "--override", "auto.create.topics.enable=true")
    client = broker.client()
    client.create("t", -1)
    assert client.topics() == {"t": 3}
    assert "zookeeper.connect is ignored" in broker.log()
    assert broker.end() == 0


def test_a_new_directory_has_what_apache_kafka_needs_to_take_it_over(broker: Any) -> None:
    broker.start().end()
    names = {path.name for path in broker.data.iterdir()}
    assert {"meta.properties", "bootstrap.checkpoint", "__cluster_metadata-0"} <= names
    inside = {path.name for path in (broker.data / "__cluster_metadata-0").iterdir()}
    assert {"00000000000000000000-0000000000.checkpoint", "quorum-state", "00000000000000000000.log"} <= inside


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("seen", [".lock", "meta.properties", "__cluster_metadata-0/quorum-state"])
def test_a_signal_during_the_start_ends_it_quietly(tmp_path: Path, how: signal.Signals, seen: str) -> None:
    """However far it has come, which is told by the newest file that it has made."""
    command = [sys.executable, "-m", "kafkapy", "--port", "0", "--data", str(tmp_path / "data")]
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            while not (tmp_path / "data" / seen).exists() and process.poll() is None:
                os.sched_yield()
            process.send_signal(how)
            _, errors = process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_an_impatient_ctrl_c_changes_nothing(broker: Any) -> None:
    broker.start()
    broker.client().create("t", 50)
    for _ in range(3):
        broker.process.send_signal(signal.SIGINT)
    assert broker.end(signal.SIGINT) == 0
    assert (broker.data / ".kafka_cleanshutdown").exists()
    assert "Traceback" not in broker.log()
