"""AlterReplicaLogDirs: a replica moves to another directory while it is written and read."""

from __future__ import annotations

import errno
import posixpath
import sys
from typing import Any

import pytest
import trio

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.alter_replica_log_dirs import (
    ALTER_REPLICA_LOG_DIRS,
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirTopic,
)
from kafkapy.protocol.messages.create_topics import CREATE_TOPICS, CreatableTopic, CreateTopicsRequest
from kafkapy.protocol.messages.delete_topics import DELETE_TOPICS, DeleteTopicsRequest
from kafkapy.protocol.messages.describe_log_dirs import DESCRIBE_LOG_DIRS, DescribeLogDirsRequest
from kafkapy.protocol.messages.incremental_alter_configs import (
    INCREMENTAL_ALTER_CONFIGS,
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from kafkapy.storage.future_copy import FutureCopy

A, B, C = "/data/a", "/data/b", "/data/c"
BROKER = 4
EIO = OSError(errno.EIO, "Input/output error")


@pytest.fixture
def client(client: Any) -> Any:
    client.configure(log_dirs=f"{A},{B},{C}")
    return client


def ask(client: Any, *moves: tuple[str, str, int], version: int = 2) -> dict[tuple[str, int], ErrorCode]:
    """Ask for (directory, topic, partition)."""
    dirs = [AlterReplicaLogDir(path, [AlterReplicaLogDirTopic(topic, [index])]) for path, topic, index in moves]
    response = client.send(ALTER_REPLICA_LOG_DIRS, version, AlterReplicaLogDirsRequest(dirs))
    return {
        (topic.topic_name, one.partition_index): ErrorCode(one.error_code)
        for topic in response.results
        for one in topic.partitions
    }


def move(client: Any, path: str, topic: str = "t", index: int = 0) -> ErrorCode:
    [code] = ask(client, (path, topic, index)).values()
    return code


def where(client: Any, topic: str = "t", index: int = 0) -> list[tuple[str, int, bool]]:
    """The directories that have the partition: how far behind, and whether it is on its way there."""
    return [
        (one.log_dir, partition.offset_lag, partition.is_future_key)
        for one in client.send(DESCRIBE_LOG_DIRS, 4, DescribeLogDirsRequest(None)).results
        for found in one.topics
        for partition in found.partitions
        if (found.name, partition.partition_index) == (topic, index)
    ]


def recorded(client: Any, topic: str = "t", index: int = 0) -> str:
    """The directory, as the cluster's metadata has it."""
    state = client.node.cluster.image.partition(topic, index)
    [path] = [
        one.path
        for one in client.node.replicas.log_dirs.online
        if one.directory_id == state.directory_of(client.node.config.node_id)
    ]
    return path  # type: ignore[no-any-return]


def throttle(client: Any, rate: int | None) -> None:
    """Let moves have so many bytes a second."""
    name = "replica.alter.log.dirs.io.max.bytes.per.second"
    value, operation = ("", 1) if rate is None else (str(rate), 0)
    resource = AlterConfigsResource(BROKER, str(client.node.config.node_id), [AlterableConfig(name, operation, value)])
    response = client.send(INCREMENTAL_ALTER_CONFIGS, 1, IncrementalAlterConfigsRequest([resource]))
    assert response.responses[0].error_code == 0, response.responses[0].error_message


async def begin(client: Any) -> None:
    """A partition with three records in the first directory, and no move carried out yet."""
    client.create()
    for value in "abc":
        client.produce(value)
    throttle(client, 0)


async def test_a_replica_whose_log_is_not_in_memory_moves(client: Any) -> None:
    client.create()
    for value in "abc":
        client.produce(value)
    await client.restart()
    log = f"{A}/t-0/00000000000000000000.log"
    client.disk.cold.add(log)
    assert move(client, B) == ErrorCode.NONE
    await trio.sleep(1)
    assert where(client) == [(B, 0, False)]
    assert client.read() == ["a", "b", "c"]
    assert ("read", log) in client.disk.operations


@pytest.mark.parametrize("version", ALTER_REPLICA_LOG_DIRS.versions)
async def test_a_replica_moves(client: Any, version: int) -> None:
    client.create()
    for value in "abc":
        client.produce(value)
    assert where(client) == [(A, 0, False)]
    assert ask(client, (B, "t", 0), version=version) == {("t", 0): ErrorCode.NONE}
    assert where(client) == [(A, 0, False), (B, 3, True)]
    await trio.sleep(1)
    assert where(client) == [(B, 0, False)]
    assert recorded(client) == B
    assert client.read() == ["a", "b", "c"]
    assert client.produce("d") == 3
    await client.restart()
    assert where(client) == [(B, 0, False)]
    assert client.read() == ["a", "b", "c", "d"]


async def test_what_is_appended_meanwhile_comes_along(client: Any) -> None:
    await begin(client)
    assert move(client, B) == 0
    await trio.sleep(5)
    assert client.produce("d") == 3
    assert where(client) == [(A, 0, False), (B, 4, True)]
    throttle(client, 100)
    await trio.sleep(0.5)
    assert client.produce("e") == 4
    assert client.read() == ["a", "b", "c", "d", "e"]
    await trio.sleep(30)
    assert where(client) == [(B, 0, False)]
    assert client.read() == ["a", "b", "c", "d", "e"]


async def test_it_takes_its_time_if_told_to(client: Any) -> None:
    client.create()
    for _ in range(10):
        client.produce("x" * 1000)
    throttle(client, 2000)
    begun = trio.current_time()
    assert move(client, B) == 0
    while len(where(client)) == 2:
        await trio.sleep(0.1)
    assert 4 < trio.current_time() - begun < 7  # 10,700 bytes at 2,000 a second, the last of which are not waited for


async def test_an_idempotent_producer_goes_on(client: Any) -> None:
    client.create()
    options = {"producer_id": 7, "producer_epoch": 0}
    client.produce("a", **options, base_sequence=0)
    assert move(client, B) == 0
    await trio.sleep(1)
    assert where(client) == [(B, 0, False)]
    assert client.produce("a", **options, base_sequence=0) == 0, "a duplicate is known"
    assert client.produce("b", **options, base_sequence=1) == 1


async def test_the_log_start_and_its_segments_stay(client: Any) -> None:
    client.create(segment_bytes=1048576)
    for _ in range(7):
        client.produce("x" * 500_000)
    partition = client.node.replicas.get("t", 0)
    partition.delete_records(3)
    assert move(client, C) == 0
    await trio.sleep(1)
    assert where(client) == [(C, 0, False)]
    assert (partition.log.log_start_offset, partition.log.log_end_offset, partition.high_watermark) == (3, 7, 7)
    assert len(partition.log.segments) > 1
    assert client.read(offset=6) == ["x" * 500_000]
    assert partition.log.latest_epoch == partition.leader_epoch


async def test_asking_for_where_it_is_does_nothing(client: Any) -> None:
    await begin(client)
    assert move(client, A) == 0
    assert where(client) == [(A, 0, False)]


async def test_asking_for_where_it_is_ends_a_move(client: Any) -> None:
    await begin(client)
    assert move(client, B) == 0
    assert move(client, A) == 0
    assert where(client) == [(A, 0, False)]
    throttle(client, None)
    await trio.sleep(70)
    assert where(client) == [(A, 0, False)]
    assert [name for name in client.disk.list(B) if name.startswith("t-0")] == [], "what was copied is removed"
    assert recorded(client) == A


async def test_asking_for_another_one_changes_the_way(client: Any) -> None:
    await begin(client)
    assert move(client, B) == 0
    assert move(client, B) == 0
    assert move(client, C) == 0
    assert where(client) == [(A, 0, False), (C, 3, True)]
    throttle(client, None)
    await trio.sleep(5)
    assert where(client) == [(C, 0, False)]
    assert client.read() == ["a", "b", "c"]


async def test_the_last_of_two_directories_counts(client: Any) -> None:
    await begin(client)
    assert ask(client, (B, "t", 0), (C, "t", 0)) == {("t", 0): ErrorCode.NONE}
    assert where(client)[1][0] == C


async def test_what_is_refused(client: Any) -> None:
    client.create(partitions=2)
    assert ask(
        client, ("/nowhere", "t", 0), ("data/a", "t", 1), (B, "none", 0), (B, "t", 9), (B, "x" * 240, 0), (B, "b d!", 0)
    ) == {
        ("t", 0): ErrorCode.LOG_DIR_NOT_FOUND,
        ("t", 1): ErrorCode.LOG_DIR_NOT_FOUND,
        ("none", 0): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ("t", 9): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ("x" * 240, 0): ErrorCode.INVALID_TOPIC_EXCEPTION,
        ("b d!", 0): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    }
    assert move(client, B, "__cluster_metadata") == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


async def test_a_partition_that_comes_later_is_made_where_it_was_wanted(client: Any) -> None:
    for index in range(3):
        assert move(client, C, "later", index) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    client.send(CREATE_TOPICS, 5, CreateTopicsRequest(topics=[CreatableTopic("later", 4, 1)]))
    assert [where(client, "later", index)[0][0] for index in range(4)] == [C, C, C, A]
    assert [recorded(client, "later", index) for index in range(4)] == [C, C, C, A]


async def test_a_failed_directory_is_no_aim(client: Any) -> None:
    await begin(client)
    client.create("u", partitions=2)
    [home] = {one[0] for one in where(client, "u", 0)}
    client.disk.fail(1, EIO, lasting=True, under=home)
    await trio.sleep(6)
    assert move(client, home) == ErrorCode.KAFKA_STORAGE_ERROR
    assert move(client, A, "u", 0) == ErrorCode.KAFKA_STORAGE_ERROR
    [other] = {B, C} - {home}
    assert move(client, other) == ErrorCode.KAFKA_STORAGE_ERROR, "the failed one may have a copy"


async def test_a_move_ends_with_the_directory_it_goes_to(client: Any) -> None:
    await begin(client)
    assert move(client, B) == 0
    client.disk.fail(1, EIO, lasting=True, under=B)
    throttle(client, None)
    await trio.sleep(20)
    assert where(client) == [(A, 0, False)]
    assert client.produce("d") == 3
    assert recorded(client) == A


async def test_a_full_directory_is_waited_for(client: Any) -> None:
    await begin(client)
    assert move(client, B) == 0
    client.disk.fail(1, OSError(errno.ENOSPC, "No space left on device"), kinds=("write",), lasting=True, under=B)
    throttle(client, None)
    await trio.sleep(20)
    assert where(client) == [(A, 0, False), (B, 3, True)]
    client.disk.heal()
    await trio.sleep(20)
    assert where(client) == [(B, 0, False)]
    assert client.read() == ["a", "b", "c"]


async def test_a_topic_deleted_on_its_way_is_gone(client: Any) -> None:
    await begin(client)
    assert move(client, B) == 0
    client.send(DELETE_TOPICS, 1, DeleteTopicsRequest(topic_names=["t"]))
    throttle(client, None)
    await trio.sleep(70)
    assert where(client) == []
    for path in (A, B):
        assert [name for name in client.disk.list(path) if name.startswith("t-0")] == []


async def test_a_move_goes_on_after_a_stop(client: Any) -> None:
    await begin(client)
    throttle(client, 1)  # a byte a second: one batch is copied, and then there is a pause of minutes
    assert move(client, B) == 0
    await trio.sleep(1)
    assert where(client) == [(A, 0, False), (B, 2, True)]
    await client.restart()
    assert where(client) == [(A, 0, False), (B, 1, True)]
    throttle(client, None)
    await trio.sleep(200)
    assert where(client) == [(B, 0, False)]
    assert client.read() == ["a", "b", "c"]


async def test_a_copy_that_has_what_the_log_lost_is_cut(client: Any) -> None:
    client.create()
    for value in "abc":
        client.produce(value)
    throttle(client, 1)
    assert move(client, B) == 0
    await trio.sleep(100)  # two batches
    [(_, _, _), (_, lag, is_future)] = where(client)
    assert (lag, is_future) == (1, True)
    path = next(name for name in client.disk.files if name.startswith(f"{A}/t-0/") and name.endswith(".log"))
    inode = client.disk.files[path]
    del inode.data[len(inode.data) // 3 :]  # the log has lost two of its three batches
    await crash(client, power=False)
    assert client.read() == ["a"]
    assert [client.produce(value) for value in "xyz"] == [1, 2, 3]
    throttle(client, None)
    await trio.sleep(200)
    assert where(client) == [(B, 0, False)]
    assert client.read() == ["a", "x", "y", "z"]


@pytest.mark.parametrize("power", [False, True])
async def test_a_crash_at_any_change_loses_nothing(client: Any, power: bool) -> None:
    crash_error = sys.modules[type(client.disk).__module__].CrashError
    for at in range(1, 80):
        topic = f"t{at}"
        client.create(topic)
        client.produce("a", topic=topic), client.produce("b", topic=topic)
        partition = client.node.replicas.get(topic, 0)
        partition.log.flush()
        here = posixpath.dirname(partition.log.directory)
        there = {A: B, B: C, C: A}[here]
        client.disk.fail(at, crash_error(), lasting=True)
        died = False
        try:
            move(client, there, topic)
            copy = FutureCopy(partition.log, client.node.replicas.log_dirs.find_future(topic, 0))
            copy.begin()
            client.node.moves._swap(partition, copy, copy.next())
        except crash_error:
            died = True
        await crash(client, power=power)
        await trio.sleep(10)
        [(now, _, _)] = where(client, topic)
        assert now in (here, there)
        assert recorded(client, topic) == now
        assert client.read(topic) == ["a", "b"]
        if not died:
            assert now == there
            return
    raise AssertionError("a move takes more changes than that")


async def crash(client: Any, *, power: bool) -> None:
    """The process dies, or the machine, and the broker starts again."""
    client._alive.cancel()
    client.process.release()
    client.disk.crash(power=power)
    await client._start()
