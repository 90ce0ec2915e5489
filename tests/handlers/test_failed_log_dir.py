"""A log directory fails while the broker serves others."""

from __future__ import annotations

import errno
from typing import Any

import pytest
import trio
import trio.testing

from kafkapy.config.properties import load
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.delete_topics import DELETE_TOPICS, DeleteTopicsRequest
from kafkapy.protocol.messages.describe_log_dirs import DESCRIBE_LOG_DIRS, DescribeLogDirsRequest
from kafkapy.protocol.messages.describe_topic_partitions import (
    DESCRIBE_TOPIC_PARTITIONS,
    DescribeTopicPartitionsRequest,
    TopicRequest,
)
from kafkapy.protocol.messages.fetch import FETCH
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest
from kafkapy.protocol.messages.list_offsets import (
    LIST_OFFSETS,
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from kafkapy.protocol.messages.metadata import METADATA, MetadataRequest, MetadataRequestTopic
from kafkapy.protocol.messages.produce import PRODUCE
from kafkapy.run import Process, StartError, StopError

A, B = "/data/a", "/data/b"
GROUPS = [f"g{number}" for number in range(8)]
EIO = OSError(errno.EIO, "Input/output error")
STORAGE_ERROR = ErrorCode.KAFKA_STORAGE_ERROR


@pytest.fixture
def client(client: Any) -> Any:
    client.configure(log_dirs=f"{A},{B}")
    return client


async def begin(client: Any) -> None:
    """Partitions 0 and 2 in the first directory, 1 and 3 in the second, a record in each."""
    client.create(partitions=4)
    for partition in range(4):
        client.produce(f"in {partition}", partition=partition)


def spoil(client: Any, path: str = B, error: OSError = EIO, **options: Any) -> None:
    client.disk.fail(1, error, lasting=True, under=path, **options)


def produce(client: Any, partition: int) -> ErrorCode:
    request = client.produce_request(client.batch("x"), partition=partition)
    return ErrorCode(client.only_partition(client.send(PRODUCE, 9, request)).error_code)


async def failed(client: Any) -> None:
    """The second directory, as its disk failed at a write."""
    await begin(client)
    spoil(client)
    assert produce(client, 1) == STORAGE_ERROR
    await trio.testing.wait_all_tasks_blocked()


async def test_its_partitions_are_refused_and_the_others_served(client: Any) -> None:
    await failed(client)
    assert [produce(client, partition) for partition in range(4)] == [0, STORAGE_ERROR, 0, STORAGE_ERROR]
    for partition, code in enumerate([0, STORAGE_ERROR, 0, STORAGE_ERROR]):
        answer = client.send(FETCH, 12, client.fetch_request(("t", partition, 0)))
        assert answer.responses[0].partitions[0].error_code == code
        asked = ListOffsetsRequest(-1, 0, [ListOffsetsTopic("t", [ListOffsetsPartition(partition, -1, -1)])])
        assert client.send(LIST_OFFSETS, 5, asked).topics[0].partitions[0].error_code == code
    assert client.read(partition=2) == ["in 2", "x"]


async def test_the_metadata_shows_them_without_a_leader(client: Any) -> None:
    await failed(client)
    answer = client.send(METADATA, 12, MetadataRequest([MetadataRequestTopic(name="t")]))
    assert [
        (one.error_code, one.leader_id, one.leader_epoch, one.offline_replicas) for one in answer.topics[0].partitions
    ] == [(0, 1, 0, []), (ErrorCode.LEADER_NOT_AVAILABLE, -1, 1, [1])] * 2
    described = client.send(DESCRIBE_TOPIC_PARTITIONS, 0, DescribeTopicPartitionsRequest([TopicRequest("t")]))
    assert [one.offline_replicas for one in described.topics[0].partitions] == [[], [1]] * 2


async def test_it_is_described_as_failed(client: Any) -> None:
    await failed(client)
    first, second = client.send(DESCRIBE_LOG_DIRS, 4, DescribeLogDirsRequest(None)).results
    assert (first.error_code, first.log_dir, len(first.topics)) == (0, A, 1)
    assert (second.error_code, second.log_dir, second.topics) == (STORAGE_ERROR, B, [])


async def test_new_partitions_go_to_the_others(client: Any) -> None:
    await failed(client)
    client.create("u", partitions=3)
    assert [client.produce("x", topic="u", partition=partition) for partition in range(3)] == [0, 0, 0]


async def test_its_groups_are_given_up_and_the_others_kept(client: Any) -> None:
    client.create()
    before = {group: client.commit(group, "t", 0, 1) for group in GROUPS}
    assert set(before.values()) == {0}
    where = {group: client.node.groups.partition_of(group) for group in GROUPS}
    inside = {index for _, index in client.node.replicas.log_dirs.online[1].logs}
    spoil(client)
    await trio.sleep(6)  # a round of checkpoints finds out
    lost = {group for group in GROUPS if where[group] in inside}
    assert lost not in (set(), set(GROUPS))
    for group in GROUPS:
        found = client.send(FIND_COORDINATOR, 2, FindCoordinatorRequest(group, 0))
        assert found.error_code == (ErrorCode.COORDINATOR_NOT_AVAILABLE if group in lost else 0)
        assert client.commit(group, "t", 0, 2) == (ErrorCode.NOT_COORDINATOR if group in lost else 0)


@pytest.mark.parametrize("kind", ["write", "sync", "create", "rename"])
async def test_any_error_of_the_disk_is_found_out_by_those_who_use_it(client: Any, kind: str) -> None:
    await begin(client)
    spoil(client, kinds=(kind,))
    await trio.sleep(6)
    assert produce(client, 1) == STORAGE_ERROR
    assert produce(client, 0) == 0


async def test_a_read_that_fails_too(client: Any) -> None:
    await begin(client)

    def unreadable(path: str, position: int, data: bytes) -> bytes:
        if path.startswith(f"{B}/t-1"):
            raise EIO
        return data

    client.disk.on_read = unreadable
    for _ in range(2):
        answer = client.send(FETCH, 12, client.fetch_request(("t", 1, 0)))
        assert answer.responses[0].partitions[0].error_code == STORAGE_ERROR
        await trio.testing.wait_all_tasks_blocked()
    assert produce(client, 3) == STORAGE_ERROR
    assert client.read(partition=2) == ["in 2"]


async def test_a_full_disk_is_none_that_fails(client: Any) -> None:
    await begin(client)
    spoil(client, error=OSError(errno.ENOSPC, "No space left on device"), kinds=("write", "create"))
    assert produce(client, 1) == STORAGE_ERROR
    await trio.sleep(60)
    assert client.read(partition=1) == ["in 1"]
    client.disk.heal()
    assert produce(client, 1) == 0
    assert client.read(partition=1) == ["in 1", "x"]


async def test_a_fetch_that_waits_is_told(client: Any) -> None:
    await begin(client)
    answers: list[Any] = []

    async def wait() -> None:
        request = client.fetch_request(("t", 1, 1), min_bytes=1, max_wait_ms=60_000)
        answers.append(await client.ask(FETCH, 12, request))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        spoil(client)
        produce(client, 3)
    assert answers[0].responses[0].partitions[0].error_code == STORAGE_ERROR
    assert trio.current_time() < 60


async def test_its_partitions_are_back_after_a_start_with_the_directory_mended(client: Any) -> None:
    await failed(client)
    client.disk.heal()
    assert produce(client, 1) == STORAGE_ERROR
    await client.restart()
    assert produce(client, 1) == 0
    assert client.read(partition=1) == ["in 1", "x"]
    assert client.read(partition=3) == ["in 3"]
    assert client.node.cluster.image.partition("t", 1).leader_epoch == 2


async def test_a_start_without_it_serves_the_others(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    await begin(client)
    client._stop()
    client.disk.rename(B, "/data/elsewhere")
    client.disk.write(B, b"in its place", sync=True)
    await client._start()
    assert f"the data directory {B} cannot be used: it is not a directory" in caplog.text
    assert [produce(client, partition) for partition in range(4)] == [0, STORAGE_ERROR, 0, STORAGE_ERROR]
    client._stop()
    client.disk.unlink(B)
    client.disk.rename("/data/elsewhere", B)
    await client._start()
    assert [produce(client, partition) for partition in range(4)] == [0, 0, 0, 0]


async def test_a_start_with_a_directory_that_is_not_named_any_more_keeps_its_partitions_for_it(client: Any) -> None:
    await begin(client)
    client.configure(log_dirs=A)
    await client.restart()
    assert [produce(client, partition) for partition in range(4)] == [0, STORAGE_ERROR, 0, STORAGE_ERROR]
    client.configure(log_dirs=f"{A},{B}")
    await client.restart()
    assert client.read(partition=1) == ["in 1"]


async def test_topics_in_it_can_be_deleted(client: Any, memory_disk: Any) -> None:
    await failed(client)
    response = client.send(DELETE_TOPICS, 1, DeleteTopicsRequest(topic_names=["t"]))
    assert response.responses[0].error_code == 0
    assert produce(client, 1) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    client.disk.heal()
    await client.restart()
    assert not [name for name in memory_disk.list(B) if name in ("t-1", "t-3")]


def process(disk: Any, *settings: str) -> Any:
    return Process(load(None, [*settings, "listeners=PLAINTEXT://localhost:0"]), disk=disk)


@pytest.mark.parametrize("paths", [A, f"{A},{B}"], ids=["the only one", "that of the metadata"])
def test_a_broker_that_cannot_go_on_ends_with_one_line(memory_disk: Any, paths: str) -> None:
    one = process(memory_disk, f"log.dirs={paths}")

    def ready(addresses: Any) -> None:
        memory_disk.fail(1, EIO, lasting=True, under=A)

    with pytest.raises(StopError) as stopped:
        trio.run(one.serve, ready, clock=trio.testing.MockClock(autojump_threshold=0))
    said = str(stopped.value)
    assert said.startswith(f"the log directory {A}, which has the cluster's metadata, has failed: ")
    assert "\n" not in said
    assert not memory_disk.exists(f"{A}/.kafka_cleanshutdown")


def test_a_broker_ends_with_its_last_directory(memory_disk: Any) -> None:
    one = process(memory_disk, f"log.dirs={A},{B}", "metadata.log.dir=/data/m")

    def ready(addresses: Any) -> None:
        memory_disk.fail(1, EIO, lasting=True, kinds=("write",), under=A)
        one.replicas.log_dirs.online[1].disk_failed(EIO)

    with pytest.raises(StopError, match="all log directories have failed, /data/a as the last"):
        trio.run(one.serve, ready, clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_start_without_the_metadatas_directory_is_refused(memory_disk: Any) -> None:
    memory_disk.mkdir("/data")
    memory_disk.write(A, b"in its place", sync=True)
    with pytest.raises(StartError, match=f"the data directory {A} cannot be used: it is not a directory"):
        process(memory_disk, f"log.dirs={A},{B}")
