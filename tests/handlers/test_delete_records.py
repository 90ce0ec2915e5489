"""DeleteRecords: where a partition begins, what its readers see, and what a restart finds."""

from __future__ import annotations

import copy
from typing import Any

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.delete_records import (
    DELETE_RECORDS,
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from kafkapy.protocol.messages.fetch import FETCH
from kafkapy.protocol.messages.list_offsets import (
    LIST_OFFSETS,
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)

OK = "NONE"


def delete(client: Any, *wanted: tuple[str, int, int]) -> list[tuple[str, int, int, str]]:
    """Delete before (topic, partition, offset); topic, partition, where it begins now, and the error's name."""
    topics = [DeleteRecordsTopic(topic, [DeleteRecordsPartition(index, offset)]) for topic, index, offset in wanted]
    answer = client.send(DELETE_RECORDS, 2, DeleteRecordsRequest(topics, 1000))
    return [
        (topic.name, one.partition_index, one.low_watermark, ErrorCode(one.error_code).name)
        for topic in answer.topics
        for one in topic.partitions
    ]


def offset_for(client: Any, timestamp: int) -> int:
    topic = ListOffsetsTopic("t", [ListOffsetsPartition(0, timestamp=timestamp)])
    answer = client.send(LIST_OFFSETS, 7, ListOffsetsRequest(-1, topics=[topic]))
    return answer.topics[0].partitions[0].offset  # type: ignore[no-any-return]


async def test_records_below_the_offset_are_gone_at_once(client: Any) -> None:
    client.create()
    start = client.now()
    client.produce("a", "b", "c", "d", timestamp=start)
    assert delete(client, ("t", 0, 2)) == [("t", 0, 2, OK)]
    answer = client.send(FETCH, 12, client.fetch_request(("t", 0, 1)))
    assert answer.responses[0].partitions[0].error_code == ErrorCode.OFFSET_OUT_OF_RANGE
    assert client.read(offset=2) == ["c", "d"]
    assert offset_for(client, -2) == 2
    assert offset_for(client, start) == 2


async def test_it_never_goes_back(client: Any) -> None:
    client.create()
    client.produce("a", "b", "c")
    assert delete(client, ("t", 0, 2)) == [("t", 0, 2, OK)]
    assert delete(client, ("t", 0, 1)) == [("t", 0, 2, OK)]


async def test_minus_one_is_everything(client: Any) -> None:
    client.create()
    client.produce("a", "b", "c")
    assert delete(client, ("t", 0, -1)) == [("t", 0, 3, OK)]
    assert client.read(offset=3) == []
    assert client.produce("d") == 3
    assert client.read(offset=3) == ["d"]


async def test_what_is_refused(client: Any) -> None:
    client.create()
    client.create("compacted", cleanup_policy="compact")
    client.create("both", cleanup_policy="compact,delete")
    client.produce("a")
    client.commit("g", "t", 0, 1)
    for topic, index, offset, error in (
        ("t", 0, 2, "OFFSET_OUT_OF_RANGE"),
        ("t", 0, -2, "OFFSET_OUT_OF_RANGE"),
        ("t", 1, 0, "UNKNOWN_TOPIC_OR_PARTITION"),
        ("none", 0, 0, "UNKNOWN_TOPIC_OR_PARTITION"),
        ("compacted", 0, 0, "POLICY_VIOLATION"),
        ("__consumer_offsets", 0, 0, "INVALID_TOPIC_EXCEPTION"),
    ):
        assert delete(client, (topic, index, offset)) == [(topic, index, -1, error)]
    assert delete(client, ("both", 0, 0), ("none", 0, 0)) == [
        ("both", 0, 0, OK),
        ("none", 0, -1, "UNKNOWN_TOPIC_OR_PARTITION"),
    ]


async def test_of_a_partition_named_twice_the_last_counts(client: Any) -> None:
    client.create()
    client.produce("a", "b", "c")
    assert delete(client, ("t", 0, 2), ("t", 0, 1)) == [("t", 0, 1, OK)]


async def test_segments_go_with_the_next_round_and_their_producers_stay_known(client: Any) -> None:
    client.create(segment_ms=1)
    batch = {"producer_id": 7, "producer_epoch": 0}
    client.produce("a", base_sequence=0, timestamp=client.now(), **batch)
    client.produce("b", base_sequence=1, timestamp=client.now() + 10, **batch)
    client.produce("c", base_sequence=2, timestamp=client.now() + 20, **batch)
    delete(client, ("t", 0, 2))
    await client.process._upkeep.retain()
    log = client.node.replicas.get("t", 0).log
    assert [segment.base_offset for segment in log.segments] == [2]
    assert client.produce("c", base_sequence=2, timestamp=client.now() + 20, **batch) == 2, "a repetition"
    assert client.produce("d", base_sequence=3, timestamp=client.now() + 20, **batch) == 3


async def test_a_clean_stop_keeps_the_start(client: Any) -> None:
    client.create()
    client.produce("a", "b", "c")
    delete(client, ("t", 0, 2))
    await client.restart()
    assert offset_for(client, -2) == 2
    assert client.read(offset=2) == ["c"]


async def test_a_crash_keeps_the_start_once_it_is_checkpointed(client: Any) -> None:
    client.create()
    client.produce("a", "b", "c")
    delete(client, ("t", 0, 2))
    await client.process._upkeep.checkpoint()
    disk = copy.deepcopy(client.disk)
    disk.crash(power=False)
    killed = type(client)(disk)
    async with killed.running():
        assert offset_for(killed, -2) == 2
        assert killed.read(offset=2) == ["c"]
