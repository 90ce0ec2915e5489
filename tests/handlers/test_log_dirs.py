"""A broker with several log directories, as clients see it."""

from __future__ import annotations

import posixpath
from typing import Any

import pytest

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.alter_replica_log_dirs import (
    ALTER_REPLICA_LOG_DIRS,
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirTopic,
)
from kafkapy.protocol.messages.create_topics import CREATE_TOPICS, CreatableTopic, CreateTopicsRequest
from kafkapy.protocol.messages.describe_log_dirs import (
    DESCRIBE_LOG_DIRS,
    DescribableLogDirTopic,
    DescribeLogDirsRequest,
)
from kafkapy.protocol.messages.incremental_alter_configs import (
    INCREMENTAL_ALTER_CONFIGS,
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
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


class TestCordoned:
    """Directories that new partitions keep out of (KIP-1066)."""

    def cordon(self, client: Any, paths: str | None) -> tuple[int, str | None]:
        value, operation = (None, 1) if paths is None else (paths, 0)
        entry = AlterableConfig("cordoned.log.dirs", operation, value)
        resource = AlterConfigsResource(4, str(client.node.config.node_id), [entry])
        result = client.send(INCREMENTAL_ALTER_CONFIGS, 1, IncrementalAlterConfigsRequest([resource])).responses[0]
        return result.error_code, result.error_message

    def shown(self, client: Any) -> list[bool]:
        results = client.send(DESCRIBE_LOG_DIRS, 5, DescribeLogDirsRequest(None)).results
        return [one.is_cordoned for one in results]

    def known(self, client: Any) -> set[str]:
        """As the cluster's metadata has it."""
        broker = client.node.cluster.image.broker(client.node.config.node_id)
        paths = {one.directory_id: one.path for one in client.node.replicas.log_dirs.online}
        return {paths[directory_id] for directory_id in broker.cordoned_log_dirs or ()}

    async def test_new_partitions_keep_out(self, client: Any) -> None:
        client.create(partitions=2)
        assert self.cordon(client, A) == (0, None)
        assert self.shown(client) == [True, False]
        assert self.known(client) == {A}
        client.create("u", partitions=3)
        assert recorded(client, "u") == [B, B, B]
        client.produce("what is there is served", partition=0)
        await client.restart()
        assert (self.shown(client), self.known(client)) == ([True, False], {A})
        assert self.cordon(client, None) == (0, None)
        assert (self.shown(client), self.known(client)) == ([False, False], set())
        client.create("v", partitions=2)
        assert recorded(client, "v") == [A, A]

    async def test_a_broker_without_any_other_takes_none(self, client: Any) -> None:
        assert self.cordon(client, "*") == (0, None)
        assert self.known(client) == {A, B}
        topic = CreatableTopic("u", 1, 1)
        result = client.send(CREATE_TOPICS, 5, CreateTopicsRequest(topics=[topic])).topics[0]
        assert result.error_code == ErrorCode.INVALID_REPLICATION_FACTOR
        assert "0 broker(s) have room for it" in result.error_message

    async def test_nothing_is_moved_there(self, client: Any) -> None:
        client.create(partitions=1)
        self.cordon(client, B)
        asked = [AlterReplicaLogDir(B, [AlterReplicaLogDirTopic("t", [0])])]
        response = client.send(ALTER_REPLICA_LOG_DIRS, 2, AlterReplicaLogDirsRequest(asked))
        assert response.results[0].partitions[0].error_code == ErrorCode.INVALID_REPLICA_ASSIGNMENT

    async def test_only_directories_of_the_broker_can_be(self, client: Any) -> None:
        code, why = self.cordon(client, "/nowhere")
        assert code == ErrorCode.INVALID_REQUEST
        assert "Missing entries : /nowhere" in str(why)
