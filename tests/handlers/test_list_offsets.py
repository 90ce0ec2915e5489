"""ListOffsets: every name of an offset and every time, in every version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from transactional_producer import Producer

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.list_offsets import (
    LIST_OFFSETS,
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)

LAST = LIST_OFFSETS.versions.last
FROM_1 = range(1, LAST + 1)
LATEST, EARLIEST, MAX_TIMESTAMP, LOCAL, TIERED, PENDING = -1, -2, -3, -4, -5, -6
FIRST_VERSION = {LATEST: 1, EARLIEST: 1, MAX_TIMESTAMP: 7, LOCAL: 8, TIERED: 9, PENDING: 11}
START = 1_700_000_000_000


def ask(client: Any, version: int, timestamp: int, topic: str = "t", partition: int = 0, **options: Any) -> Any:
    wanted = ListOffsetsPartition(partition, timestamp=timestamp, **options)
    request = ListOffsetsRequest(-1, topics=[ListOffsetsTopic(topic, [wanted])])
    return client.send(LIST_OFFSETS, version, request).topics[0].partitions[0]


def fill(client: Any) -> None:
    """Offsets 0 and 1 are of START and a millisecond later, 2 and 3 of 100 ms later, 4 of 50."""
    client.create("t")
    client.produce("a", "b", timestamp=START)
    client.produce("c", "d", timestamp=START + 100)
    client.produce("e", timestamp=START + 50)


@pytest.mark.parametrize("version", FROM_1)
@pytest.mark.parametrize(
    ("name", "timestamp", "offset"),
    [
        (LATEST, -1, 5),
        (EARLIEST, -1, 0),
        (MAX_TIMESTAMP, START + 101, 3),
        (LOCAL, -1, 0),
        (TIERED, -1, -1),
        (PENDING, -1, -1),
    ],
)
async def test_names(client: Any, version: int, name: int, timestamp: int, offset: int) -> None:
    fill(client)
    found = ask(client, version, name)
    if version < FIRST_VERSION[name]:
        assert (found.error_code, found.offset) == (ErrorCode.UNSUPPORTED_VERSION, -1)
        return
    assert (found.error_code, found.timestamp, found.offset) == (ErrorCode.NONE, timestamp, offset)
    if version >= 4:
        assert found.leader_epoch == (0 if offset >= 0 else -1)


@pytest.mark.parametrize("version", range(7, LAST + 1))
async def test_the_newest_record_of_an_open_transaction_is_not_told_to_readers_of_committed_ones(
    client: Any, version: int
) -> None:
    client.create("t")
    client.produce("a", timestamp=client.now() - 10)
    producer = Producer(client)
    await producer.send("b")

    def newest(isolation: int) -> tuple[int, int]:
        topics = [ListOffsetsTopic("t", [ListOffsetsPartition(0, timestamp=MAX_TIMESTAMP)])]
        found = client.send(LIST_OFFSETS, version, ListOffsetsRequest(-1, isolation, topics)).topics[0].partitions[0]
        return found.error_code, found.offset

    assert (newest(0), newest(1)) == ((ErrorCode.NONE, 1), (ErrorCode.NONE, -1))
    producer.end(commit=True)
    assert newest(1) == newest(0)


@pytest.mark.parametrize("version", FROM_1)
@pytest.mark.parametrize(("name", "offset"), [(LATEST, 0), (EARLIEST, 0), (MAX_TIMESTAMP, -1), (LOCAL, 0), (0, -1)])
async def test_an_empty_log(client: Any, version: int, name: int, offset: int) -> None:
    client.create("t")
    if version >= FIRST_VERSION.get(name, 1):
        found = ask(client, version, name)
        assert (found.error_code, found.timestamp, found.offset) == (ErrorCode.NONE, -1, offset)


@pytest.mark.parametrize("version", FROM_1)
@pytest.mark.parametrize(
    ("time", "timestamp", "offset"),
    [
        (0, START, 0),
        (START, START, 0),
        (START + 1, START + 1, 1),
        (START + 2, START + 100, 2),  # the first in the log that is not earlier, not the nearest in time
        (START + 101, START + 101, 3),
        (START + 102, -1, -1),
    ],
)
async def test_times(client: Any, version: int, time: int, timestamp: int, offset: int) -> None:
    fill(client)
    found = ask(client, version, time)
    assert (found.error_code, found.timestamp, found.offset) == (ErrorCode.NONE, timestamp, offset)


@pytest.mark.parametrize("version", FROM_1)
async def test_numbers_that_name_nothing(client: Any, version: int) -> None:
    fill(client)
    assert ask(client, version, -7).error_code == ErrorCode.UNSUPPORTED_VERSION


@pytest.mark.parametrize("version", range(LAST + 1))
async def test_what_does_not_exist(client: Any, version: int) -> None:
    client.create("t")
    for topic, partition in (("nowhere", 0), ("t", 9)):
        found = ask(client, version, LATEST, topic, partition)
        assert found.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@pytest.mark.parametrize("version", range(4, LAST + 1))
async def test_leader_epochs(client: Any, version: int) -> None:
    fill(client)
    client.node.replicas.get("t", 0).become(leader=1, leader_epoch=5, isr=[1])
    codes = [ask(client, version, LATEST, current_leader_epoch=epoch).error_code for epoch in (4, 5, 6)]
    assert codes == [ErrorCode.FENCED_LEADER_EPOCH, ErrorCode.NONE, ErrorCode.UNKNOWN_LEADER_EPOCH]
    assert ask(client, version, LATEST).leader_epoch == 5
    assert ask(client, version, EARLIEST).leader_epoch == 0


@pytest.mark.parametrize("version", FROM_1)
async def test_a_partition_is_asked_for_once(client: Any, version: int) -> None:
    client.create("t")
    twice = [ListOffsetsPartition(0, timestamp=LATEST)] * 2
    request = ListOffsetsRequest(-1, topics=[ListOffsetsTopic("t", twice)])
    answers = client.send(LIST_OFFSETS, version, request).topics[0].partitions
    assert {answer.error_code for answer in answers} == {ErrorCode.INVALID_REQUEST}


class TestVersion0:
    """It lists the offsets where segments begin, newest first, and before them the end of the log."""

    def segments(self, client: Any) -> None:
        client.create("t", segment_bytes=1024 * 1024)
        for hour in range(3):
            client.produce("x" * 700_000, timestamp=START + hour * 1000)

    @pytest.mark.parametrize(
        ("time", "at_most", "offsets"),
        [
            (LATEST, 1, [3]),
            (LATEST, 9, [3, 2, 1, 0]),
            (LATEST, 2, [3, 2]),
            (EARLIEST, 1, [0]),
            (EARLIEST, 9, [0]),
            (START + 1500, 9, [1, 0]),
            (START - 1, 9, []),
        ],
    )
    async def test_offsets(self, client: Any, time: int, at_most: int, offsets: list[int]) -> None:
        self.segments(client)
        assert ask(client, 0, time, max_num_offsets=at_most).old_style_offsets == offsets

    async def test_an_empty_log_begins_and_ends_at_0(self, client: Any) -> None:
        client.create("t")
        assert ask(client, 0, LATEST, max_num_offsets=5).old_style_offsets == [0]
        assert ask(client, 0, EARLIEST, max_num_offsets=5).old_style_offsets == [0]


@pytest.mark.parametrize("timestamp", [START + 50, MAX_TIMESTAMP])
@pytest.mark.parametrize("cold", [".log", ".index", ".timeindex"])
async def test_what_is_not_in_memory_is_waited_for(client: Any, timestamp: int, cold: str) -> None:
    client.create("t", index_interval_bytes=0)
    for number in range(5):
        client.produce(str(number), timestamp=START + 30 * number)
    await client.restart()
    warm = ask(client, LAST, timestamp)
    assert warm.offset == (2 if timestamp > 0 else 4)
    path = f"/data/t-0/00000000000000000000{cold}"
    client.disk.cold.add(path)
    client.disk.operations.clear()
    done_aside: list[tuple[str, str]] = []

    async def aside(action: Callable[..., Any], *arguments: Any) -> Any:
        result = action(*arguments)
        done_aside.extend(client.disk.operations)
        client.disk.operations.clear()
        return result

    client.aside = aside
    assert ask(client, LAST, timestamp) == warm
    assert ("read", path) not in client.disk.operations
    assert cold != ".log" or ("read", path) in done_aside
