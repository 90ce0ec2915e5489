"""`kill -9`: whatever was acknowledged is there again, once, and what was torn is not. See also test_torture.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.delete_topics import DELETE_TOPICS, DeleteTopicsRequest
from kafkapy.protocol.messages.heartbeat import HEARTBEAT, HeartbeatRequest
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest
from kafkapy.protocol.messages.join_group import JOIN_GROUP, JoinGroupRequest, JoinGroupRequestProtocol
from kafkapy.protocol.messages.offset_commit import (
    OFFSET_COMMIT,
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from kafkapy.protocol.messages.offset_fetch import OFFSET_FETCH, OffsetFetchRequest, OffsetFetchRequestTopic
from kafkapy.protocol.messages.sync_group import SYNC_GROUP, SyncGroupRequest, SyncGroupRequestAssignment


def test_groups_go_on_where_they_were(broker: Any) -> None:
    client = broker.start().client()
    client.create("t")
    client.find_coordinator()
    joined = client.ask(
        JOIN_GROUP,
        2,
        JoinGroupRequest("g", 30_000, 30_000, "", None, "consumer", [JoinGroupRequestProtocol("p", b"s")]),
    )
    mine = [SyncGroupRequestAssignment(joined.member_id, b"all of it")]
    client.ask(SYNC_GROUP, 2, SyncGroupRequest("g", joined.generation_id, joined.member_id, assignments=mine))
    partitions = [OffsetCommitRequestPartition(0, 42, committed_metadata="here")]
    commit = OffsetCommitRequest(
        "g", joined.generation_id, joined.member_id, topics=[OffsetCommitRequestTopic("t", partitions=partitions)]
    )
    assert client.ask(OFFSET_COMMIT, 3, commit).topics[0].partitions[0].error_code == ErrorCode.NONE
    for _ in range(2):
        broker.kill()
        client = broker.start().client()
        alive = client.ask(HEARTBEAT, 1, HeartbeatRequest("g", joined.generation_id, joined.member_id))
        assert alive.error_code == ErrorCode.NONE
        again = client.ask(SYNC_GROUP, 2, SyncGroupRequest("g", joined.generation_id, joined.member_id))
        assert bytes(again.assignment) == b"all of it"
        asked = OffsetFetchRequest("g", [OffsetFetchRequestTopic("t", [0])])
        [found] = client.ask(OFFSET_FETCH, 3, asked).topics[0].partitions
        assert (found.committed_offset, found.metadata) == (42, "here")


def test_a_producer_may_repeat_what_it_had_in_flight(broker: Any, batch: Any) -> None:
    client = broker.start().client()
    client.create("t")
    found = client.ask(INIT_PRODUCER_ID, 2, InitProducerIdRequest(None, 1000))
    batches = [
        batch(str(number), producer_id=found.producer_id, producer_epoch=0, base_sequence=number)
        for number in range(7)
    ]  # fmt: skip
    assert [client.produce(one).base_offset for one in batches[:6]] == list(range(6))
    broker.kill()
    client = broker.start().client()
    for number in range(1, 6):
        answer = client.produce(batches[number])
        assert (answer.error_code, answer.base_offset) == (ErrorCode.NONE, number)
    gap = batch("gap", producer_id=found.producer_id, producer_epoch=0, base_sequence=9)
    assert client.produce(gap).error_code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert client.produce(batches[6]).base_offset == 6
    other = client.ask(INIT_PRODUCER_ID, 2, InitProducerIdRequest(None, 1000))
    assert other.producer_id > found.producer_id
    assert [value for _, value in client.read()] == [str(number) for number in range(7)]


def log_of(broker: Any, directory: str) -> Path:
    return broker.data / directory / "00000000000000000000.log"  # type: ignore[no-any-return]


@pytest.mark.parametrize("torn", ["garbage", "half a batch", "zeros"])
def test_a_torn_tail_is_cut(broker: Any, batch: Any, torn: str) -> None:
    client = broker.start().client()
    client.create("t")
    client.produce(batch("a", "b"))
    broker.kill()
    tail = {"garbage": b"\xa5" * 100, "half a batch": batch("c")[:-5], "zeros": bytes(4096)}[torn]
    log = log_of(broker, "t-0")
    size = log.stat().st_size
    with log.open("ab") as file:
        file.write(tail)
    client = broker.start().client()
    assert client.read() == [(0, "a"), (1, "b")]
    assert client.produce(batch("c")).base_offset == 2
    assert log.stat().st_size == size + len(batch("c"))


def test_a_torn_tail_of_the_metadata_is_cut(broker: Any) -> None:
    client = broker.start().client()
    client.create("before")
    broker.kill()
    with log_of(broker, "__cluster_metadata-0").open("ab") as file:
        file.write(b"\0" * 70)
    client = broker.start().client()
    client.create("after")
    assert set(client.topics()) == {"before", "after"}
    broker.kill()
    assert set(broker.start().client().topics()) == {"before", "after"}


def test_deleted_topics_stay_deleted(broker: Any, batch: Any) -> None:
    client = broker.start().client()
    client.create("gone", 3)
    client.create("stays")
    client.produce(batch("a"), "gone", 1)
    result = client.ask(DELETE_TOPICS, 3, DeleteTopicsRequest(topic_names=["gone"], timeout_ms=1000))
    assert result.responses[0].error_code == ErrorCode.NONE
    broker.kill()
    client = broker.start().client()
    assert client.topics() == {"stays": 1}
    client.create("gone")
    assert client.read("gone") == []
    assert client.produce(batch("new"), "gone").base_offset == 0
    broker.kill()
    assert broker.start().client().read("gone") == [(0, "new")]


def test_a_crash_between_the_metadata_and_the_directories_is_made_good(broker: Any, batch: Any) -> None:
    client = broker.start().client()
    client.create("t", 2)
    client.produce(batch("a"), "t", 1)
    broker.kill()
    # As if it had died before it made the first directory, and before it removed that of a deleted topic.
    for path in (broker.data / "t-0").iterdir():
        path.unlink()
    (broker.data / "t-0").rmdir()
    stray = broker.data / "stray-0"
    stray.mkdir()
    (stray / "00000000000000000000.log").write_bytes(batch("old"))
    (stray / "partition.metadata").write_text("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAZg\n")
    client = broker.start().client()
    assert client.topics() == {"t": 2}
    assert client.read("t", 1) == [(0, "a")]
    assert client.produce(batch("b"), "t", 0).base_offset == 0
    assert not stray.exists()
    client.create("stray")
    assert client.read("stray") == []


def test_a_lost_topic_id_is_found_again_by_the_topics_name(broker: Any, batch: Any) -> None:
    client = broker.start().client()
    client.create("t")
    client.produce(batch("a"))
    broker.kill()
    (broker.data / "t-0" / "partition.metadata").write_text("")
    client = broker.start().client()
    assert client.read() == [(0, "a")]
    assert "topic_id" in (broker.data / "t-0" / "partition.metadata").read_text()


def test_unfinished_files_of_a_dead_broker_are_no_obstacle(broker: Any) -> None:
    broker.start().client().create("t")
    broker.kill()
    (broker.data / "recovery-point-offset-checkpoint.tmp").write_text("0\n5")
    (broker.data / "meta.properties.tmp").write_text("")
    (broker.data / "__cluster_metadata-0" / "quorum-state.tmp").write_text("{")
    (broker.data / f"old-0.{uuid4().hex}-delete").mkdir()
    assert broker.start().client().topics() == {"t": 1}


def test_one_damaged_partition_of_the_groups_does_not_take_the_others_along(broker: Any) -> None:
    def commit(group: str) -> int:
        partitions = [OffsetCommitRequestPartition(0, 42, committed_metadata="")]
        request = OffsetCommitRequest(group, topics=[OffsetCommitRequestTopic("t", partitions=partitions)])
        return client.ask(OFFSET_COMMIT, 3, request).topics[0].partitions[0].error_code  # type: ignore[no-any-return]

    broker.options = ["--override", "offsets.topic.num.partitions=2"]
    client = broker.start().client()
    client.create("t")
    client.find_coordinator()
    assert [commit("a"), commit("b")] == [ErrorCode.NONE, ErrorCode.NONE]
    assert broker.end() == 0
    log = log_of(broker, "__consumer_offsets-0")
    content = bytearray(log.read_bytes())
    content[-1] ^= 1
    log.write_bytes(content)
    client = broker.start().client()
    assert sorted([commit("a"), commit("b")]) == [ErrorCode.NONE, ErrorCode.COORDINATOR_NOT_AVAILABLE]
    assert "what __consumer_offsets-0 holds cannot be served" in broker.log()
    assert "Traceback" not in broker.log()
