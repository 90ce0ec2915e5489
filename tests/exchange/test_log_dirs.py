"""Two log directories that kafkapy and Apache Kafka have in turns: partitions, moves, and moves that were cut short."""

from __future__ import annotations

import json
from typing import Any

import pytest
from apache import CONFIGS, LOG_DIRS, TOPICS
from view import look, write

from kafkapy.protocol.messages.alter_replica_log_dirs import (
    ALTER_REPLICA_LOG_DIRS,
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirTopic,
)

COUNTS = {"t": 40}
RATE = "replica.alter.log.dirs.io.max.bytes.per.second"


class Dirs:
    """The two directories."""

    def __init__(self, turns: Any) -> None:
        self.turns = turns
        self.paths = [str(turns.data / name) for name in ("a", "b")]
        turns.node(log_dirs=",".join(self.paths))

    def kafkapy(self) -> None:
        self.turns.kafkapy("--override", f"log.dirs={','.join(self.paths)}")

    def look(self) -> Any:
        return look(self.turns.tools, self.turns.bootstrap, COUNTS, [])

    def described(self) -> dict[str, dict[str, tuple[int, int, bool]]]:
        """What Apache's tool shows: of each directory each partition's size, lag, and whether it is on its way."""
        said = self.turns.tools.run(LOG_DIRS, "--bootstrap-server", self.turns.bootstrap, "--describe")
        [broker] = json.loads(said.splitlines()[-1])["brokers"]
        assert all(one["error"] is None for one in broker["logDirs"])
        return {
            one["logDir"]: {
                found["partition"]: (found["size"], found["offsetLag"], found["isFuture"])
                for found in one["partitions"]
                if not found["partition"].startswith("__")
            }
            for one in broker["logDirs"]
        }

    def home_of(self, partition: str) -> str:
        """The directory that has it, and no other does."""
        [path] = [path for path, found in self.described().items() if partition in found]
        return path

    def move(self, topic: str, index: int, path: str) -> None:
        dirs = [AlterReplicaLogDir(path, [AlterReplicaLogDirTopic(topic, [index])])]
        response = self.turns.client().ask(ALTER_REPLICA_LOG_DIRS, 2, AlterReplicaLogDirsRequest(dirs))
        assert response.results[0].partitions[0].error_code == 0

    def other(self, path: str) -> str:
        return self.paths[1 - self.paths.index(path)]

    def create(self, topic: str, partitions: int) -> None:
        command = ("--create", "--topic", topic, "--partitions", str(partitions))
        self.turns.tools.run(TOPICS, "--bootstrap-server", self.turns.bootstrap, *command)
        names = {f"{topic}-{index}" for index in range(partitions)}
        self.turns.wait_until(lambda: names <= {name for found in self.described().values() for name in found})

    def throttle(self, change: str) -> None:
        to = ("--bootstrap-server", self.turns.bootstrap, "--entity-type", "brokers", "--entity-name", "1", "--alter")
        self.turns.tools.run(CONFIGS, *to, *change.split())

    def begin(self) -> None:
        """A topic with records in both directories."""
        self.create("t", 4)
        write(self.turns.tools, self.turns.bootstrap, "t", [f"value-{number}" for number in range(40)])

    def cut_a_move_short(self) -> str:
        """Begin a move that will not come far; the directory that t-0 is to go to."""
        there = self.other(self.home_of("t-0"))
        self.throttle(f"--add-config {RATE}=1")
        self.move("t", 0, there)
        assert self.described()[there]["t-0"][2]
        return there

    def let_it_go_on(self, there: str) -> None:
        self.throttle(f"--delete-config {RATE}")
        self.turns.wait_until(lambda: "t-0" not in self.described()[self.other(there)])


@pytest.fixture
def dirs(turns: Any) -> Dirs:
    return Dirs(turns)


def test_begun_by_kafkapy(dirs: Dirs) -> None:
    dirs.kafkapy()
    dirs.begin()
    seen, described = dirs.look(), dirs.described()
    assert [sorted(described[path]) for path in dirs.paths] == [["t-0", "t-2"], ["t-1", "t-3"]]

    dirs.turns.apache()
    assert dirs.look() == seen
    assert dirs.described() == described
    dirs.move("t", 0, dirs.paths[1])
    dirs.turns.wait_until(lambda: "t-0" not in dirs.described()[dirs.paths[0]])
    dirs.create("u", 2)
    described = dirs.described()

    dirs.kafkapy()
    assert dirs.described() == described
    assert dirs.look().records == {"t": seen.records["t"]}
    there = dirs.cut_a_move_short()

    dirs.turns.apache()
    dirs.let_it_go_on(there)
    assert dirs.look().records == {"t": seen.records["t"]}
    assert dirs.home_of("t-0") == there


def test_begun_by_apache(dirs: Dirs) -> None:
    dirs.turns.format("--standalone")
    dirs.turns.apache()
    dirs.begin()
    seen, described = dirs.look(), dirs.described()

    dirs.kafkapy()
    assert dirs.described() == described
    assert dirs.look() == seen
    dirs.move("t", 1, dirs.other(dirs.home_of("t-1")))
    dirs.turns.wait_until(lambda: not any(one[2] for found in dirs.described().values() for one in found.values()))
    dirs.create("u", 2)
    described = dirs.described()

    dirs.turns.apache()
    assert dirs.described() == described
    there = dirs.cut_a_move_short()

    dirs.kafkapy()
    dirs.let_it_go_on(there)
    assert dirs.look().records == {"t": seen.records["t"]}
    assert dirs.home_of("t-0") == there

    dirs.turns.apache()
    assert dirs.look().records == {"t": seen.records["t"]}
    assert dirs.home_of("t-0") == there
