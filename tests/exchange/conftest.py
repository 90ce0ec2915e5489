"""Fixtures of the exchange: Apache's tools, one data directory, and brokers of both kinds that take turns on it."""

from __future__ import annotations

import importlib.util
import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from apache import LIMIT_S, STORAGE, ApacheNode, Missing, Tools, free_ports
from side_by_side import Both


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
def tools() -> Iterator[Tools]:
    """Apache's tools. Where Java or Maven is missing the test skips, but in CI it fails."""
    try:
        running = Tools()
    except Missing as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason))
        pytest.skip(str(reason))
    yield running
    running.close()


class Turns:
    """One data directory and one port, which kafkapy and Apache Kafka have in turns."""

    def __init__(self, folder: Path, tools: Tools) -> None:
        self.tools = tools
        self.data = folder / "data"
        (self.port,) = free_ports(1)
        self.bootstrap = f"localhost:{self.port}"
        self._folder = folder
        self._processes = _processes()
        self._kafkapy: Any = None
        self._apache: ApacheNode | None = None
        self._clients: list[Any] = []

    def node(self, **settings: Any) -> ApacheNode:
        """Apache's node on this directory, the first time with these properties (`_` for `.`); not started."""
        self._apache = self._apache or ApacheNode(self._folder, self.data, self.port, **settings)
        return self._apache

    def format(self, *options: str) -> None:
        """Let Apache format the directory."""
        properties = str(self.node().properties)
        self.tools.run(STORAGE, "format", "--config", properties, "--cluster-id", "cy8LMKOuSoCgkLHpHyWzcQ", *options)

    def apache(self) -> ApacheNode:
        """Apache's turn: the other one stops, it starts."""
        self.stop()
        return self.node().start()

    def kafkapy(self, *options: str) -> Any:
        """kafkapy's turn: the other one stops, it starts. The result makes clients and ends the process."""
        self.stop()
        self._kafkapy = self._processes.Broker(self._folder)
        self._kafkapy.port = self.port
        return self._kafkapy.start(*options)

    def kill_kafkapy(self, *options: str) -> None:
        """End kafkapy as a crash would, in its turn, and start it again."""
        self._kafkapy.kill()
        self._kafkapy.start(*options)

    def client(self) -> Any:
        """A client that speaks the protocol itself, to whoever's turn it is."""
        self._clients.append(self._processes.Client("localhost", self.port))
        return self._clients[-1]

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Until the directory is as it should be; bounded."""
        end = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < end, sorted(self.data.rglob("*"))
            select.select([], [], [], 0.05)  # nothing tells of a file that is written or goes

    def stop(self) -> None:
        """End the turn, cleanly."""
        self._hang_up()
        if self._apache is not None:
            self._apache.stop()
        if self._kafkapy is not None:
            broker, self._kafkapy = self._kafkapy, None
            assert broker.end() == 0, broker.log()

    def close(self) -> None:
        """End whatever runs."""
        self._hang_up()
        if self._apache is not None:
            self._apache.kill()
        if self._kafkapy is not None:
            self._kafkapy.close()

    def _hang_up(self) -> None:
        for client in self._clients:
            client.close()
        self._clients.clear()


@pytest.fixture
def new_turns(tmp_path: Path, tools: Tools) -> Iterator[Callable[[], Turns]]:
    made: list[Turns] = []

    def make() -> Turns:
        made.append(Turns(tmp_path, tools))
        return made[-1]

    yield make
    for turns in made:
        turns.close()


@pytest.fixture
def turns(new_turns: Callable[[], Turns]) -> Turns:
    """A directory that nobody has begun."""
    return new_turns()


# Answers must not depend on when they are asked for; a group is full with few members.
SETTINGS = {
    "group.consumer.assignment.interval.ms": 0,
    "group.consumer.max.size": 4,
    "group.share.assignment.interval.ms": 0,
    "group.share.max.size": 4,
    "group.streams.assignment.interval.ms": 0,
    "group.streams.initial.rebalance.delay.ms": 0,
    "group.streams.max.size": 6,
}


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Iterator[Both]:
    """Both brokers, each with a directory of its own, and the topics `two` and `six`, named by their partitions."""
    folder: Path = tmp_path_factory.mktemp("both")
    (port,) = free_ports(1)
    settings = {name.replace(".", "_"): value for name, value in SETTINGS.items()}
    apache = ApacheNode(folder, folder / "theirs", port, **settings)
    tools.run(
        STORAGE, "format", "--config", str(apache.properties), "--cluster-id", "cy8LMKOuSoCgkLHpHyWzcQ", "--standalone"
    )
    processes = _processes()
    kafkapy = processes.Broker(folder)
    options = [f"--override={name}={value}" for name, value in SETTINGS.items()]
    try:
        kafkapy.start("--override=offsets.topic.num.partitions=5", *options)
        apache.start()
        made = Both(kafkapy.client(), processes.Client("localhost", port))
        made.find_coordinators()
        made.create("two", 2)
        made.create("six", 6)
        yield made
        made.sides[1].client.close()
    finally:
        kafkapy.close()
        apache.kill()
