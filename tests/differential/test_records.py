"""Records are produced, fetched, asked for by time and deleted, rightly and wrongly, in every version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from records import TIME, batch, changed, wrong_batches
from sides import Connection, Sides
from topic_of_both import Topic

from kafkapy.protocol.messages.delete_records import (
    DELETE_RECORDS,
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from kafkapy.protocol.messages.fetch import FETCH, FetchRequest, FetchTopic, ForgottenTopic
from kafkapy.protocol.messages.list_offsets import (
    LIST_OFFSETS,
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from kafkapy.protocol.messages.offset_for_leader_epoch import (
    OFFSET_FOR_LEADER_EPOCH,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from kafkapy.protocol.messages.produce import PRODUCE, PartitionProduceData, ProduceRequest, TopicProduceData

NOWHERE = UUID(int=77)
FIRST_BY_ID = 13


def fetch(line: Connection, version: int, *topics: FetchTopic, **options: Any) -> Any:
    given = {"max_wait_ms": 0, "min_bytes": 0, "topics": list(topics)} | options
    return line.ask(FETCH, version, FetchRequest(**given))


def data_versions(sides: Sides) -> Iterator[int]:
    """Apache says that it serves Produce from version 0 on, for librdkafka's sake, but refuses those before 3."""
    return (version for version in sides.versions(PRODUCE) if version >= 3)


def send_wrong_batches(line: Connection, version: int, topic: Topic, *, is_stamped: bool = False) -> None:
    """Each to a partition of its own, and read what was taken."""
    for partition, (name, data) in enumerate(wrong_batches().items()):
        line.note = f"of a batch: {name}"
        answers = topic.produce(version, (partition, data))
        codes = {one.responses[0].partition_responses[0].error_code for one in answers.both()}
        if len(codes) > 1:
            continue  # only one broker has it
        fetch(line, 12, topic.wanted(partition))
        if is_stamped:
            continue  # when it came there is no time that both have
        wanted = [ListOffsetsPartition(partition, timestamp=when) for when in (-1, -3, TIME + 2)]
        for one in wanted:
            line.ask(LIST_OFFSETS, 7, ListOffsetsRequest(-1, 0, [ListOffsetsTopic(topic.name, [one])]))
    line.note = ""


def test_wrong_batches(line: Connection, sides: Sides) -> None:
    for version in (3, 13):
        send_wrong_batches(line, version, Topic(line, sides, len(wrong_batches())))


@pytest.mark.parametrize(
    "configs",
    [
        {"cleanup_policy": "compact"},
        {"message_timestamp_type": "LogAppendTime"},
        {"compression_type": "gzip"},
        {"compression_type": "uncompressed"},
        {"compression_type": "zstd"},
        {"message_timestamp_after_max_ms": "1000", "message_timestamp_before_max_ms": "1000"},
        {"max_message_bytes": "100"},
        {"min_insync_replicas": "2"},
    ],
    ids=lambda configs: next(iter(configs)),
)
def test_wrong_batches_where(line: Connection, sides: Sides, configs: dict[str, str]) -> None:
    topic = Topic(line, sides, len(wrong_batches()), **configs)
    send_wrong_batches(line, 9, topic, is_stamped="message_timestamp_type" in configs)


def test_produce(line: Connection, sides: Sides) -> None:
    good = batch("a", "b")
    for version in data_versions(sides):
        topic = Topic(line, sides, 2)
        line.ask(PRODUCE, version, ProduceRequest(None, -1, 5000, []))
        topic.produce(version)
        topic.produce(version, (0, good), (1, good))
        for partition in (2, -1, 2**31 - 1):
            topic.produce(version, (partition, good), (0, good))
        for acks in (1, -1, 2, -2, 5):
            topic.produce(version, (0, good), acks=acks)
            topic.produce(version, (7, good), acks=acks)
            topic.produce(version, (0, b"x"), acks=acks)
        topic.produce(version, (0, good), transactional_id="tx")
        topic.produce(version, (0, good), transactional_id="")
        for name in ("no-such", "", "a b", "__consumer_offsets", "__cluster_metadata"):
            if version < FIRST_BY_ID:
                data = TopicProduceData(name, NOWHERE, [PartitionProduceData(0, good)])
                line.ask(PRODUCE, version, ProduceRequest(None, -1, 5000, [data]))
        if version >= FIRST_BY_ID:
            for unknown in (NOWHERE, UUID(int=0)):
                data = TopicProduceData("", unknown, [PartitionProduceData(0, good)])
                line.ask(PRODUCE, version, ProduceRequest(None, -1, 5000, [data]))
        line.tell(PRODUCE, version, topic.produce_request(version, (0, good), acks=0))
        for wrong in ((5, good), (0, b"x"), (0, changed(good, crc=1))):
            line.tell(PRODUCE, version, topic.produce_request(version, wrong, acks=0))
        fetch(line, 12, topic.wanted(), topic.wanted(1))


def test_one_partition_twice(line: Connection, sides: Sides) -> None:
    good = batch("a", "b")
    for version in data_versions(sides):
        line.note = "twice in one request"
        topic = Topic(line, sides)
        topic.produce(version, (0, good), (0, good))
        request = topic.produce_request(version, (0, good))
        request.topic_data *= 2
        line.ask(PRODUCE, version, request)
        topic.produce(version, (7, good), (7, good))
        topic.produce(version, (0, good), (0, batch("last")))
        fetch(line, 12, topic.wanted())
        line.note = ""


def test_idempotence(line: Connection, sides: Sides) -> None:
    for version in (3, 9, 13):
        topic = Topic(line, sides)
        producer = 5_000_000 + version  # no broker has given it out, and none asks for that

        def send(sequence: int, count: int = 1, epoch: int = 0, producer: int = producer, **more: Any) -> None:
            data = batch(*map(str, range(count)), producer_id=producer, producer_epoch=epoch, base_sequence=sequence)
            topic.produce(version, (0, changed(data, **more) if more else data))  # noqa: B023

        for sequence, count in ((0, 1), (1, 2), (1, 2), (1, 1), (0, 1), (3, 3), (4, 1), (5, 1), (5, 2), (7, 1), (9, 1)):
            send(sequence, count)
        for sequence in range(6, 14):
            send(sequence)
        for sequence in range(5, 16):
            send(sequence)
        send(0, epoch=1)
        send(0, epoch=0)
        send(1, epoch=3)
        send(0, epoch=3)
        send(1, epoch=2)
        send(1, epoch=32767)
        send(0, epoch=32767)
        send(7, producer=producer + 1000)
        send(8, producer=producer + 1000)
        send(2**31 - 1, producer=producer + 2000)
        send(0, producer=producer + 2000)
        send(2**31 - 2, 4, producer=producer + 3000)
        send(2, producer=producer + 3000)
        send(1, producer=producer + 4000, epoch=5)
        send(2, producer=producer + 4000, epoch=6)
        fetch(line, 12, topic.wanted())


def test_fetch(line: Connection, sides: Sides) -> None:
    topic = Topic(line, sides, 2)
    for at in range(3):
        topic.produce(9, (0, batch("a", "b", "c", at=TIME + 100 * at)))
    for version in sides.versions(FETCH):
        for offset in (0, 1, 3, 8, 9, 10, 100, -1, -2, 2**62):
            fetch(line, version, topic.wanted(offset=offset))
        for partition in (1, 2, -1):
            fetch(line, version, topic.wanted(partition), topic.wanted())
        for size in (0, 1, 80, 100, 200, -1):
            fetch(line, version, topic.wanted(partition_max_bytes=size))
            fetch(line, version, topic.wanted(), max_bytes=size)
        for epoch in (-1, 0, 1, 5, -2):
            fetch(line, version, topic.wanted(current_leader_epoch=epoch))
        for epoch in (0, 1, 5, -2):
            for offset in (0, 3, 9, 12):
                fetch(line, version, topic.wanted(offset=offset, last_fetched_epoch=epoch))
        for level in (1, 2, -1):
            fetch(line, version, topic.wanted(), isolation_level=level)
        fetch(line, version)
        fetch(line, version, topic.wanted(), topic.wanted())
        fetch(line, version, topic.wanted(), topic.wanted(1), topic.wanted(offset=3))
        fetch(line, version, topic.wanted(1), max_wait_ms=20, min_bytes=1)
        fetch(line, version, topic.wanted(1), max_wait_ms=-1, min_bytes=1)
        fetch(line, version, topic.wanted(1), max_wait_ms=20, min_bytes=-1)
        fetch(line, version, topic.wanted(7), max_wait_ms=5000, min_bytes=1)
        if version < FIRST_BY_ID:
            for name in ("no-such", "", "a b", "__cluster_metadata"):
                other = FetchTopic(name, partitions=topic.wanted().partitions)
                fetch(line, version, other, topic.wanted())
        else:
            for unknown in (NOWHERE, UUID(int=0)):
                other = FetchTopic("", unknown, topic.wanted().partitions)
                fetch(line, version, other, topic.wanted())
        for replica in (0, 1, 5, -2, -3):
            if version < 15:
                fetch(line, version, topic.wanted(), replica_id=replica)
        if version >= 11:
            fetch(line, version, topic.wanted(), rack_id="r")
            fetch(line, version, topic.wanted(), rack_id="elsewhere")
        if version >= 12:
            fetch(line, version, topic.wanted(), cluster_id="other")


def test_fetch_sessions(line: Connection, sides: Sides) -> None:
    topic = Topic(line, sides, 3)
    topic.produce(9, (0, batch("a")))
    for version in sides.versions(FETCH):
        if version < 7:
            continue
        for session, epoch in ((12345, 0), (12345, 1), (12345, -1), (0, 1), (0, 5), (-1, 0), (-5, 1), (0, -2), (7, -3)):
            fetch(line, version, topic.wanted(), session_id=session, session_epoch=epoch)
        made = fetch(line, version, topic.wanted(), topic.wanted(1), session_epoch=0)
        if not made.session_id.kafkapy:
            continue
        mine = made.session_id

        def go_on(epoch: int, *topics: FetchTopic, version: int = version, mine: Any = mine, **more: Any) -> Any:
            return fetch(line, version, *topics, session_id=mine, session_epoch=epoch, **more)

        go_on(1)
        topic.produce(9, (1, batch("b")))
        go_on(2)
        go_on(2)
        go_on(4)
        go_on(3)
        go_on(4, topic.wanted(1, 1 if version == 7 else 100))
        go_on(5)
        go_on(6, topic.wanted(2))
        go_on(7, forgotten_topics_data=[ForgottenTopic(topic.name, topic.id, [0])])
        go_on(8, topic.wanted(9))
        go_on(9)
        go_on(10, forgotten_topics_data=[ForgottenTopic(topic.name, topic.id, [9, 77])])
        go_on(11, topic.wanted(0))
        if version >= FIRST_BY_ID:
            go_on(12, FetchTopic("", NOWHERE, topic.wanted().partitions))
            go_on(13)
            go_on(14, forgotten_topics_data=[ForgottenTopic("", NOWHERE, [0])])
            fetch(line, 12, session_id=mine, session_epoch=15)
            go_on(15)
        else:
            go_on(12, FetchTopic("no-such", partitions=topic.wanted().partitions))
            go_on(13)
            go_on(14, forgotten_topics_data=[ForgottenTopic("no-such", partitions=[0])])
            fetch(line, 13, session_id=mine, session_epoch=15)
            go_on(15)
        go_on(0, topic.wanted())
        go_on(1)
        made = fetch(line, version, topic.wanted(), session_epoch=0)
        fetch(line, version, topic.wanted(), session_id=made.session_id, session_epoch=-1)
        fetch(line, version, session_id=made.session_id, session_epoch=1)


def test_list_offsets(line: Connection, sides: Sides) -> None:
    topic = Topic(line, sides, 2)
    for at in (0, 5000, 1000):
        topic.produce(9, (0, batch("a", "b", "c", at=TIME + at)))
    stamped = Topic(line, sides, 1)
    stamped.produce(9, (0, batch("a", at=-1)))
    for version in sides.versions(LIST_OFFSETS):

        def ask(*wanted: ListOffsetsPartition, version: int = version, topic: Any = topic, **options: Any) -> None:
            asked = [ListOffsetsTopic(getattr(topic, "name", topic), list(wanted))]
            given = {"replica_id": -1, "topics": asked} | options
            line.ask(LIST_OFFSETS, version, ListOffsetsRequest(**given))

        for when in (
            *range(-8, 2),
            TIME,
            *(TIME + ms for ms in (-1, 1, 2, 3, 1000, 1002, 1003, 4999, 5000, 5002, 5003)),
            2**63 - 1,
            -(2**63),
        ):
            for level in (0, 1):
                ask(ListOffsetsPartition(0, timestamp=when), isolation_level=level)
            ask(ListOffsetsPartition(1, timestamp=when))
            ask(ListOffsetsPartition(0, timestamp=when), topic=stamped)
        for partition in (2, -1, 2**31 - 1):
            ask(ListOffsetsPartition(partition, timestamp=-1), ListOffsetsPartition(0, timestamp=-1))
        for epoch in (0, 1, -2, 100):
            for when in (-1, -2, TIME):
                ask(ListOffsetsPartition(0, epoch, when))
        ask(ListOffsetsPartition(0, timestamp=-1), ListOffsetsPartition(0, timestamp=-2))
        ask(
            ListOffsetsPartition(0, timestamp=-1),
            ListOffsetsPartition(1, timestamp=-1),
            ListOffsetsPartition(0, timestamp=-1),
        )
        for name in ("no-such", "", "a b", "__cluster_metadata"):
            ask(ListOffsetsPartition(0, timestamp=-1), topic=name)
        for replica in (-2, -3, 0, 1, 7):
            ask(ListOffsetsPartition(0, timestamp=-1), replica_id=replica)
        for level in (2, -1):
            ask(ListOffsetsPartition(0, timestamp=-1), isolation_level=level)
        ask()
        line.ask(LIST_OFFSETS, version, ListOffsetsRequest(-1))
        twice = [ListOffsetsTopic(topic.name, [ListOffsetsPartition(index, timestamp=-1)]) for index in (0, 1)]
        line.ask(LIST_OFFSETS, version, ListOffsetsRequest(-1, 0, twice))


def test_offset_for_leader_epoch(line: Connection, sides: Sides) -> None:
    topic = Topic(line, sides, 2)
    topic.produce(9, (0, batch("a", "b", "c")))
    for version in sides.versions(OFFSET_FOR_LEADER_EPOCH):

        def ask(*wanted: Any, name: str = topic.name, replica: int = -1, version: int = version) -> None:
            partitions = [OffsetForLeaderPartition(*one) for one in wanted]
            request = OffsetForLeaderEpochRequest(replica, [OffsetForLeaderTopic(name, partitions)])
            line.ask(OFFSET_FOR_LEADER_EPOCH, version, request)

        for epoch in (-2, -1, 0, 1, 2**31 - 1):
            for current in (-2, -1, 0, 1, 5):
                ask((0, current, epoch), (1, current, epoch))
        ask((2, -1, 0), (-1, -1, 0), (0, -1, 0))
        ask((0, -1, 0), (0, -1, 1))
        ask()
        for name in ("no-such", "", "a b"):
            ask((0, -1, 0), name=name)
        for replica in (-2, -3, 0, 1, 9):
            ask((0, -1, 0), replica=replica)
        line.ask(OFFSET_FOR_LEADER_EPOCH, version, OffsetForLeaderEpochRequest(-1))


def test_delete_records(line: Connection, sides: Sides) -> None:
    for version in sides.versions(DELETE_RECORDS):
        topic = Topic(line, sides, 2)
        compacted = Topic(line, sides, 1, cleanup_policy="compact")
        both = Topic(line, sides, 1, cleanup_policy="compact,delete")
        for one in (topic, compacted, both):
            one.produce(9, (0, batch("a", "b", "c", "d")))

        def ask(name: Any, *wanted: Any, version: int = version, timeout_ms: int = 5000) -> None:
            partitions = [DeleteRecordsPartition(*one) for one in wanted]
            request = DeleteRecordsRequest([DeleteRecordsTopic(getattr(name, "name", name), partitions)], timeout_ms)
            line.ask(DELETE_RECORDS, version, request)

        for offset in (0, 1, 0, 1, 2, 4, 5, -1, -2, 2**62):
            ask(topic, (0, offset))
        for one in (compacted, both):
            ask(one, (0, 1))
        ask(topic, (1, 0), (1, -1), (2, 0), (-1, 0))
        ask(topic, (1, 1))
        for name in ("no-such", "", "a b", "__consumer_offsets", "__cluster_metadata"):
            ask(name, (0, 0))
        ask(topic)
        ask(topic, (0, 4), timeout_ms=0)
        ask(topic, (0, 4), timeout_ms=-1)
        line.ask(DELETE_RECORDS, version, DeleteRecordsRequest([], 5000))
        topic.produce(9, (0, batch("e")))
        for offset in (0, 3, 4, 5):
            fetch(line, 12, topic.wanted(offset=offset))
        for when in (-1, -2, TIME):
            wanted = [ListOffsetsPartition(0, timestamp=when)]
            line.ask(LIST_OFFSETS, 7, ListOffsetsRequest(-1, 0, [ListOffsetsTopic(topic.name, wanted)]))
