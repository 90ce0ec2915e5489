"""One kafkapy and one Apache Kafka for the whole run, with the same properties, and connections to both of them."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "exchange"))
sys.path.insert(0, str(Path(__file__).parent))

from apache import STORAGE, ApacheNode, Missing, Tools, free_ports
from sides import Connection, Sides

from kafkapy.protocol.messages.api_versions import API_VERSIONS, ApiVersionsRequest
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest
from kafkapy.protocol.messages.heartbeat import HEARTBEAT, HeartbeatRequest
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest
from kafkapy.protocol.messages.metadata import METADATA, MetadataRequest

# What both brokers are told. Groups may be quick, so that a test may wait for a session to end.
PROPERTIES = {
    "offsets.topic.num.partitions": 1,
    "transaction.state.log.num.partitions": 1,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 50,
    "broker.rack": "r",
    "num.partitions": 2,
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 1,
    "node.id": 1,
    "log.retention.ms": -1,  # the records are old, so that both brokers can be sent the same
}


def _processes() -> Any:
    # kafkapy as a process, and the client that speaks the protocol itself, are those of the process tests.
    spec = importlib.util.spec_from_file_location(
        "process_conftest", Path(__file__).parents[1] / "process" / "conftest.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    """Both brokers, up and with nothing left to set up. Without Java or Maven the test skips, but in CI it fails."""
    folder = tmp_path_factory.mktemp("differential")
    processes = _processes()
    kafkapy = processes.Broker(folder)
    node = None
    try:
        options = [part for name, value in PROPERTIES.items() for part in ("--override", f"{name}={value}")]
        kafkapy.start(*options)
        node = _start_apache(folder, kafkapy.client())
        sides = Sides(*(_connect(processes.Client, port) for port in (kafkapy.port, node.port)))
        _warm_up(sides)
        with closing(sides.connection()) as line:
            line.ask(METADATA, 12, MetadataRequest(None))  # which topics' ids stand for each other
        yield sides
        print(*(f"{count:6} times: {reason}" for reason, count in sorted(sides.known.items())), sep="\n")
        assert kafkapy.end() == 0, kafkapy.log()
    except Missing as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason))
        pytest.skip(str(reason))
    finally:
        kafkapy.close()
        if node is not None:
            node.kill()


def _start_apache(folder: Path, kafkapy: Any) -> ApacheNode:
    """A new node, with the features at the levels that kafkapy has them at."""
    answer = kafkapy.ask(API_VERSIONS, 4, ApiVersionsRequest("me", "1"))
    levels = dict.fromkeys((one.name for one in answer.supported_features), 0)
    levels |= {one.name: one.max_version_level for one in answer.finalized_features}
    # How voters join is no promise to clients; the metadata's format is the release's own.
    chosen = [(name, level) for name, level in levels.items() if name not in ("kraft.version", "metadata.version")]
    features = [part for name, level in chosen for part in ("--feature", f"{name}={level}")]
    (port,) = free_ports(1)
    settings: dict[str, Any] = {name.replace(".", "_"): value for name, value in PROPERTIES.items()}
    node = ApacheNode(folder, folder / "apache", port, **settings)
    with closing(Tools()) as tools:
        to = ("--config", str(node.properties), "--cluster-id", "cy8LMKOuSoCgkLHpHyWzcQ")
        tools.run(STORAGE, "format", "--standalone", *to, *features)
    return node.start()


def _connect(client: Any, port: int) -> Any:
    def connect() -> Any:
        made = client("localhost", port)
        made.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    return connect


def _warm_up(sides: Sides) -> None:
    """Let both make what they make when it is first asked for: the topic of the groups, a range of producer ids."""
    sides.settle()
    for connect in sides.connect.values():
        with closing(connect()) as client:
            while (
                client.ask(FIND_COORDINATOR, 4, FindCoordinatorRequest(coordinator_keys=["g"]))
                .coordinators[0]
                .error_code
            ):
                pass
            while client.ask(HEARTBEAT, 0, HeartbeatRequest("g", 1, "nobody")).error_code != 25:
                pass
            while (
                client.ask(FIND_COORDINATOR, 4, FindCoordinatorRequest(key_type=1, coordinator_keys=["tx"]))
                .coordinators[0]
                .error_code
            ):
                pass
            while client.ask(INIT_PRODUCER_ID, 0, InitProducerIdRequest("tx", 1000)).error_code in (14, 15, 16):
                pass
            while client.ask(INIT_PRODUCER_ID, 0, InitProducerIdRequest(None, 1000)).error_code:
                pass


@pytest.fixture
def line(sides: Sides) -> Iterator[Connection]:
    """A connection to both; whatever the test finds to differ fails it at its end."""
    sides.forget()
    connection = sides.connection()
    yield connection
    connection.close()
    assert not sides.found, sides.told()
