"""A broker with several log directories, as clients see it."""

from __future__ import annotations

import posixpath
from typing import Any

import pytest

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.describe_log_dirs import (
    DESCRIBE_LOG_DIRS,
    DescribableLogDirTopic,
    DescribeLogDirsRequest,
)

A, B = "/data/a", "/data/b"


@pytest.fixture
def client(client: Any) -> Any:
    client.configure(log_dirs=f"{A},{B}")
    return client


def described(client: Any, version: int = 4, **topics: list[int]) -> dict[str, dict[str, list[int]]]:
    """The partitions in each directory."""
    asked = [DescribableLogDirTopic(name, partitions) for name, partitions in topics.items()] or None
    results = client.send(DESCRIBE_LOG_DIRS, version, DescribeLogDirsRequest(asked)).results
    assert {one.error_code for one in results} == {ErrorCode.NONE}
    return {
        one.log_dir: {topic.name: [found.partition_index for found in topic.partitions] for topic in one.topics}
        for one in results
    }


def recorded(client: Any, topic: str = "t") -> list[str]:
    """The directory of each partition, as the cluster's metadata has it."""
    paths = {one.directory_id: one.path for one in client.node.replicas.log_dirs.online}
    return [
        paths[state.directory_of(client.node.config.node_id)]
        for state in client.node.cluster.image.topic(topic).partitions
    ]


async def test_partitions_are_spread_and_the_metadata_says_where(client: Any) -> None:
    client.create(partitions=4)
    assert described(client) == {A: {"t": [0, 2]}, B: {"t": [1, 3]}}
    assert recorded(client) == [A, B, A, B]
    broker = client.node.cluster.image.broker(client.node.config.node_id)
    assert sorted(broker.log_dirs) == sorted(one.directory_id for one in client.node.replicas.log_dirs.online)


@pytest.mark.parametrize("version", DESCRIBE_LOG_DIRS.versions)
async def test_only_what_is_asked_for_is_described(client: Any, version: int) -> None:
    client.create(partitions=4)
    assert described(client, version, t=[1, 2, 9], none=[0]) == {A: {"t": [2]}, B: {"t": [1]}}


async def test_all_is_there_after_a_restart(client: Any) -> None:
    client.create(partitions=4)
    for partition in range(4):
        client.produce(f"in {partition}", partition=partition)
    client.commit("g", "t", 0, 1)
    before = described(client)
    await client.restart()
    assert described(client) == before
    assert [client.read(partition=partition) for partition in range(4)] == [[f"in {at}"] for at in range(4)]
    assert recorded(client) == [A, B, A, B]


async def test_a_directory_that_is_added_gets_the_next_partitions(client: Any) -> None:
    client.properties[-1] = f"log.dirs={A}"
    await client.restart()
    client.create(partitions=3)
    client.produce("kept")
    assert recorded(client) == [A, A, A]
    client.configure(log_dirs=f"{A},{B}")
    await client.restart()
    client.create("u", partitions=2)
    assert recorded(client, "u") == [B, B]
    assert client.read() == ["kept"]


async def test_a_log_that_was_carried_to_another_directory_is_found_and_recorded(client: Any, memory_disk: Any) -> None:
    client.create(partitions=2)
    client.produce("carried")
    client._stop()
    memory_disk.mkdir(f"{B}/t-0")
    for name in memory_disk.list(f"{A}/t-0"):
        memory_disk.write(f"{B}/t-0/{name}", memory_disk.read(f"{A}/t-0/{name}"), sync=True)
        memory_disk.unlink(f"{A}/t-0/{name}")
    memory_disk.rmdir(f"{A}/t-0")
    await client._start()
    assert client.read() == ["carried"]
    assert recorded(client) == [B, B]
    assert posixpath.dirname(client.node.replicas.get("t", 0).log.directory) == B
