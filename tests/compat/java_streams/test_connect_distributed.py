"""Connect distributed: its connectors and their offsets are in topics, and a source writes exactly once."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from apache import free_ports

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of its own imports
    from kafka import KafkaConsumer, TopicPartition
    from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

CONNECT = "org.apache.kafka.connect.cli.ConnectDistributed"
INTERNAL_TOPICS = {"connect-configs": 1, "connect-offsets": 3, "connect-status": 2}
RUNNING = {"connector": "RUNNING", "tasks": ["RUNNING"]}
STOPPED: dict[str, Any] = {"connector": "STOPPED", "tasks": []}


class Rest:
    """A worker's REST interface."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """What it answers, None where that is nothing or an error that may pass: it starts, or a rebalance is on."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                said = response.read()
        except urllib.error.HTTPError as error:
            with error:
                said = error.read()
            if error.code not in (404, 409, 503):
                raise AssertionError(f"{method} {path} was answered with {error.code}: {said.decode()}") from None
            return None
        except (urllib.error.URLError, ConnectionError):
            return None
        return json.loads(said) if said else None

    def state(self, connector: str) -> dict[str, Any]:
        """The state of a connector and of each of its tasks; of none where it is not known."""
        status = self("GET", f"/connectors/{connector}/status")
        if status is None:
            return {}
        return {"connector": status["connector"]["state"], "tasks": [task["state"] for task in status["tasks"]]}


@pytest.fixture
def port() -> int:
    [port] = free_ports(1)
    return port


@pytest.fixture
def properties(broker: Any, tmp_path: Path, port: int) -> str:
    lines: dict[str, Any] = {
        "bootstrap.servers": broker.bootstrap,
        "group.id": "connect",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        "config.storage.topic": "connect-configs",
        "offset.storage.topic": "connect-offsets",
        "offset.storage.partitions": INTERNAL_TOPICS["connect-offsets"],
        "status.storage.topic": "connect-status",
        "status.storage.partitions": INTERNAL_TOPICS["connect-status"],
        "exactly.once.source.support": "enabled",
        "offset.flush.interval.ms": 200,
        "listeners": f"http://127.0.0.1:{port}",
        "plugin.discovery": "hybrid_warn",
        # A worker that died is missed soon, and so is a consumer of its sink.
        "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 500,
        "consumer.session.timeout.ms": 6000,
        "scheduled.rebalance.max.delay.ms": 0,
        "connector.client.config.override.policy": "All",
    }
    lines |= {f"{what}.storage.replication.factor": 1 for what in ("config", "offset", "status")}
    path = tmp_path / "worker.properties"
    path.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    return str(path)


def _internal_topics(bootstrap: str) -> dict[str, tuple[int, str]]:
    """The partitions and the cleanup policy of each topic that the worker made for itself."""
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        counts = {one["name"]: len(one["partitions"]) for one in admin.describe_topics([*INTERNAL_TOPICS])}
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in INTERNAL_TOPICS]
        configs = admin.describe_configs(resources)["topic"]
    return {name: (counts[name], configs[name]["cleanup.policy"]["value"]) for name in INTERNAL_TOPICS}


def _committed(bootstrap: str, topic: str, count: int) -> list[str]:
    """The first values of a topic's only partition, as a consumer of committed records reads them."""
    settings = {"auto_offset_reset": "earliest", "isolation_level": "read_committed", "consumer_timeout_ms": 30_000}
    values: list[str] = []
    with closing(KafkaConsumer(bootstrap_servers=bootstrap, group_id=None, **settings)) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        while len(values) < count:
            record = next(consumer, None)
            assert record is not None, f"{count} were to be read, but {values} were"
            assert record.value is not None
            values.append(record.value.decode())
    return values


def test_connectors_outlive_their_worker_and_the_broker(
    broker: Any,
    start: Callable[..., Any],
    wait_until: Callable[..., None],
    properties: str,
    port: int,
    tmp_path: Path,
) -> None:
    source, sink = tmp_path / "in.txt", tmp_path / "out.txt"
    rest = Rest(port)
    lines: list[str] = []

    def write(line: str) -> None:
        lines.append(line)
        with source.open("a") as more:
            more.write(f"{line}\n")

    def arrived() -> bool:
        # Some may be there twice: a sink that died had not committed all that it had written.
        return sink.exists() and sink.read_text().splitlines()[-1:] == lines[-1:]

    worker = start(CONNECT, properties)
    write("one")
    file_source = {"connector.class": "FileStreamSource", "file": str(source), "topic": "connected"}
    file_sink = {"connector.class": "FileStreamSink", "file": str(sink), "topics": "connected"}
    config = {**file_source, "exactly.once.support": "required", "producer.override.transaction.timeout.ms": "3000"}
    wait_until(lambda: rest("PUT", "/connectors/source/config", config) is not None, worker)
    wait_until(lambda: rest("PUT", "/connectors/sink/config", file_sink) is not None, worker)
    wait_until(arrived, worker)
    assert _internal_topics(broker.bootstrap) == {name: (count, "compact") for name, count in INTERNAL_TOPICS.items()}

    broker.restart("killed")
    write("two")
    wait_until(arrived, worker)

    # The next worker has its connectors from the topics, and fences what the one that died may still have written.
    worker.kill()
    write("three")
    worker = start(CONNECT, properties)
    wait_until(arrived, worker)
    wait_until(lambda: rest.state("source") == rest.state("sink") == RUNNING, worker)
    assert _committed(broker.bootstrap, "connected", 3) == ["one", "two", "three"]

    # Its offset is the broker's, and may be taken away from a connector that is stopped: then it reads all again.
    rest("PUT", "/connectors/source/stop")
    wait_until(lambda: rest.state("source") == STOPPED, worker)
    [offset] = rest("GET", "/connectors/source/offsets")["offsets"]
    assert offset == {"partition": {"filename": str(source)}, "offset": {"position": len("one\ntwo\nthree\n")}}
    wait_until(lambda: rest("DELETE", "/connectors/source/offsets") is not None, worker)
    rest("PUT", "/connectors/source/resume")
    assert _committed(broker.bootstrap, "connected", 6) == ["one", "two", "three"] * 2
    worker.terminate()
