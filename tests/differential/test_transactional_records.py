"""Records and offsets in transactions, the markers at their ends, and who may read what, in both protocols."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from records import batch
from sides import Connection, Sides
from transactional import NEW, OLD, Transactional, new_topic, wait_until

from kafkapy.protocol.messages.delete_records import (
    DELETE_RECORDS,
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from kafkapy.protocol.messages.describe_producers import DESCRIBE_PRODUCERS, DescribeProducersRequest, TopicRequest
from kafkapy.protocol.messages.fetch import FETCH, FetchPartition, FetchRequest, FetchTopic
from kafkapy.protocol.messages.list_offsets import (
    LIST_OFFSETS,
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from kafkapy.protocol.messages.offset_commit import (
    OFFSET_COMMIT,
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from kafkapy.protocol.messages.offset_fetch import (
    OFFSET_FETCH,
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
)
from kafkapy.protocol.messages.produce import PRODUCE, PartitionProduceData, ProduceRequest, TopicProduceData
from kafkapy.protocol.messages.txn_offset_commit import (
    TXN_OFFSET_COMMIT,
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from kafkapy.protocol.messages.write_txn_markers import (
    WRITE_TXN_MARKERS,
    WritableTxnMarker,
    WritableTxnMarkerTopic,
    WriteTxnMarkersRequest,
)

PROTOCOLS = pytest.mark.parametrize("protocol", [OLD, NEW])
OTHER = 1_000_000_007
WHO: tuple[dict[str, Any], ...] = (
    {},
    {"by": -1},
    {"by": 1},
    {"producer_id": OTHER},
    {"producer_id": -1, "epoch": -1, "sequence": -1},
    {"epoch": -1},
    {"name": None},
    {"name": "other"},
    {"name": "no such"},
    {"sequence": 5},
    {"transactional": False},
    {"transactional": False, "name": None},
    {"transactional": False, "producer_id": OTHER},
)


def read(line: Connection, topic: Any, partitions: int = 1, *, has_markers: bool = True) -> None:
    """What readers get of it, committed or not, and what the leader knows of its producers.

    Where the largest timestamp is, is not asked once it may be of a marker: two of them may be of one millisecond.
    """
    name, topic_id = topic
    for partition in range(partitions):
        for level in (0, 1):
            for version in (4, 12):
                wanted = FetchTopic(
                    name, topic_id, [FetchPartition(partition, fetch_offset=0, partition_max_bytes=1 << 20)]
                )
                line.ask(FETCH, version, FetchRequest(max_wait_ms=0, isolation_level=level, topics=[wanted]))
            for timestamp in (-1, -2, 0) if has_markers else (-1, -2, -3, 0):
                asked = ListOffsetsTopic(name, [ListOffsetsPartition(partition, timestamp=timestamp)])
                line.ask(LIST_OFFSETS, 7, ListOffsetsRequest(-1, level, [asked]))
    describe_producers(line, (name, *range(partitions)))


def describe_producers(line: Connection, *topics: tuple[str, *tuple[int, ...]]) -> None:
    asked = [TopicRequest(name, list(indexes)) for name, *indexes in topics]
    line.ask(DESCRIBE_PRODUCERS, 0, DescribeProducersRequest(asked))


@PROTOCOLS
@pytest.mark.parametrize("state", ["not added", "ongoing", "committed", "aborted", "added"])
def test_produce(line: Connection, sides: Sides, protocol: int, state: str) -> None:
    topic = new_topic(line, sides, 1)
    nobody = itertools.count(OTHER)  # each time another one
    for version in (9, 11) if protocol == OLD else (12,):
        for who in WHO:
            line.note = f"{state}, v{version}, {who}"
            tx = Transactional(line, sides, topic[0], protocol).init()
            given = dict(who)
            if who.get("producer_id") == OTHER:
                given["producer_id"] = next(nobody)
            if state == "added":
                tx.add()
            elif state != "not added":
                tx.begun()
            if state in ("committed", "aborted"):
                tx.ended(commit=state == "committed")
            for _ in range(2):
                tx.produce("b", version=version, **given)
            tx.describe()
            tx.end(commit=True)
            tx.wait_ended()
        describe_producers(line, (topic[0], 0))
    line.note = ""


def test_produce_to_several(line: Connection, sides: Sides) -> None:
    """Of which some are added, do not exist, or have batches of others or of nobody."""
    topic = new_topic(line, sides, 3)
    for version in (9, 11, 12):
        tx, other = (Transactional(line, sides, topic[0], OLD if version < 12 else NEW).init() for _ in range(2))
        tx.add(3, 0)
        for who in (tx, other):

            def made(values: str, one: int) -> bytes:
                return batch(*values, producer_id=one, producer_epoch=0, base_sequence=0, transactional=True)

            data = [
                PartitionProduceData(0, tx.producer_id.map(lambda one: made("a", one))),  # type: ignore[arg-type]
                PartitionProduceData(1, who.producer_id.map(lambda one: made("b", one))),  # type: ignore[arg-type]
                PartitionProduceData(2, batch("c")),
                PartitionProduceData(7, batch("c")),
            ]
            request = ProduceRequest(tx.name, -1, 5000, [TopicProduceData(topic[0], partition_data=data)])
            line.ask(PRODUCE, version, request)
        tx.describe()
        for one in (tx, other):
            one.ended(commit=False)
    read(line, topic, 3)


@PROTOCOLS
def test_read(line: Connection, sides: Sides, protocol: int) -> None:
    topic = new_topic(line, sides, 1)
    first, second, third = (Transactional(line, sides, topic[0], protocol).init() for _ in range(3))
    read(line, topic, has_markers=False)
    for tx, values in ((first, "ab"), (second, "c"), (first, "d"), (third, "e")):
        if protocol == OLD:
            tx.add()
        tx.produce(*values)
        read(line, topic, has_markers=False)
    line.ask(
        PRODUCE,
        9,
        ProduceRequest(
            None, -1, 5000, [TopicProduceData(topic[0], partition_data=[PartitionProduceData(0, batch("f"))])]
        ),
    )
    second.ended(commit=False)
    read(line, topic)
    first.ended(commit=False)
    read(line, topic)
    first.begun()
    third.ended(commit=True)
    first.ended(commit=False)
    second.begun()
    for version in sides.versions(FETCH):
        for offset in (*range(14), 2**62):
            for size in (1 << 20, 100) if version in (4, 11, 16) else (1 << 20,):
                wanted = FetchPartition(0, fetch_offset=offset, partition_max_bytes=size)
                topics = [FetchTopic(*topic, [wanted])]
                for level in (0, 1) if version >= 4 else (0,):
                    line.ask(FETCH, version, FetchRequest(max_wait_ms=0, isolation_level=level, topics=topics))
    for version in sides.versions(LIST_OFFSETS):
        for level in (0, 1) if version >= 2 else (0,):
            for timestamp in (-1, -2, -4, -5, 0, 2**62):
                asked = ListOffsetsTopic(topic[0], [ListOffsetsPartition(0, timestamp=timestamp)])
                line.ask(LIST_OFFSETS, version, ListOffsetsRequest(-1, level, [asked]))
    cut = DeleteRecordsTopic(topic[0], [DeleteRecordsPartition(0, 4)])
    line.ask(DELETE_RECORDS, 2, DeleteRecordsRequest([cut], 5000))
    read(line, topic)


def test_describe_producers(line: Connection, sides: Sides) -> None:
    topic = new_topic(line, sides, 2)
    Transactional(line, sides, topic[0]).init().begun()
    for topics in (
        [],
        [(topic[0],)],
        [(topic[0], 0, 1, 7, -1)],
        [("no-such", 0), ("", 0), ("a b", 0)],
        [(topic[0], 0, 0)],
        [(topic[0], 0), (topic[0], 1)],
        [("__consumer_offsets", 5)],
    ):
        describe_producers(line, *topics)


def markers(
    producer_id: Any, epoch: int, *topics: Any, commit: bool = True, coordinator: int = 0, level: int = 0
) -> Any:
    asked = [WritableTxnMarkerTopic(name, list(indexes)) for name, *indexes in topics]
    return WritableTxnMarker(producer_id, epoch, commit, asked, coordinator, level)


def test_write_markers(line: Connection, sides: Sides) -> None:
    topic = new_topic(line, sides, 2)
    for version in sides.versions(WRITE_TXN_MARKERS):
        for level in (0, 1, 2, 3, -1) if version >= 2 else (0,):
            for by in (0, 1, 2, -1):
                for commit in (True, False):
                    line.note = f"v{version}, level {level}, epoch by {by}, commit={commit}"
                    tx = Transactional(line, sides, topic[0], OLD).init().begun()
                    for coordinator in (5, 5, 4, 6, -1):
                        one = markers(
                            tx.producer_id, by, (topic[0], 0), commit=commit, coordinator=coordinator, level=level
                        )
                        line.ask(WRITE_TXN_MARKERS, version, WriteTxnMarkersRequest([one]))
                    tx.produce(version=9)
                    tx.end(commit=True)  # what comes of it depends on whose marker was first
        line.note = ""
        for level in (0, 2) if version >= 2 else (0,):
            for wanted in (
                [],
                [(topic[0],)],
                [(topic[0], 0, 7, -1)],
                [("no-such", 0), ("", 0)],
                [(topic[0], 0), (topic[0], 1)],
                [("__consumer_offsets", 0), (topic[0], 0)],
                [("__transaction_state", 0)],
            ):
                line.ask(WRITE_TXN_MARKERS, version, WriteTxnMarkersRequest([markers(OTHER, 0, *wanted, level=level)]))
            twice = [markers(OTHER, 0, (topic[0], 0), level=level), markers(OTHER + 1, 0, (topic[0], 0), level=level)]
            line.ask(WRITE_TXN_MARKERS, version, WriteTxnMarkersRequest(twice))
        line.ask(WRITE_TXN_MARKERS, version, WriteTxnMarkersRequest([]))
    read(line, topic, 2)


def offsets(line: Connection, group: str, topic: Any, *, stable: bool = False) -> None:
    for version in (7, 9):
        wanted = OffsetFetchRequestGroup(group, topics=[OffsetFetchRequestTopics(topic[0], partition_indexes=[0, 1])])
        old = OffsetFetchRequest(group, None, [wanted], require_stable=stable)
        line.ask(OFFSET_FETCH, version, old)


def wait_stable(line: Connection, group: str) -> None:
    """Until no transaction may change an offset of the group's any more."""
    wanted = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group, topics=None)], require_stable=True)
    wait_until(
        lambda: line.ask_unseen(OFFSET_FETCH, 9, wanted),
        lambda answer: not any(one.error_code for found in answer.groups[0].topics for one in found.partitions),
    )


@PROTOCOLS
def test_offsets(line: Connection, sides: Sides, protocol: int) -> None:
    topic = new_topic(line, sides, 2)
    for commit in (True, False):
        tx, group = Transactional(line, sides, topic[0], protocol).init(), sides.new_name("g")
        tx.commit_offset(group)  # which the old protocol has to add first
        tx.add_offsets(group)
        tx.commit_offset(group, 5)
        for stable in (False, True):
            offsets(line, group, topic, stable=stable)
        partitions = [OffsetCommitRequestPartition(index, 3) for index in (0, 1)]
        topics = [OffsetCommitRequestTopic(topic[0], partitions=partitions)]
        line.ask(OFFSET_COMMIT, 8, OffsetCommitRequest(group, topics=topics))
        offsets(line, group, topic, stable=True)
        tx.ended(commit=commit)
        wait_stable(line, group)
        for stable in (False, True):
            offsets(line, group, topic, stable=stable)
        describe_producers(line, (topic[0], 0))


@PROTOCOLS
@pytest.mark.parametrize("state", ["not added", "added"])
def test_commit_offsets_wrongly(line: Connection, sides: Sides, protocol: int, state: str) -> None:
    topic = new_topic(line, sides, 1)
    for version in (1, 3, 4) if protocol == OLD else (5,):
        identities: tuple[dict[str, Any], ...] = (
            *(who for who in WHO if not {"sequence", "transactional"} & who.keys()),
        )
        members: tuple[dict[str, Any], ...] = (
            {"generation_id": 1},
            {"member_id": "nobody"},
            {"generation_id": 1, "member_id": "nobody"},
            {"generation_id": 0},
            {"generation_id": -2, "member_id": ""},
            {"generation_id": 1, "member_id": "nobody", "group_instance_id": "i"},
        )
        for who in (*identities, *(members if version >= 3 else ())):
            if who.get("name", "") is None:
                continue  # not nullable
            line.note = f"{state}, v{version}, {who}"
            tx, group = Transactional(line, sides, topic[0], protocol).init(), sides.new_name("g")
            if state == "added":
                tx.add_offsets(group)
            tx.commit_offset(group, version=version, **who)
            tx.describe()
            tx.ended(commit=False)
        line.note = ""
        tx, group = Transactional(line, sides, topic[0], protocol).init(), sides.new_name("g")
        if state == "added":
            tx.add_offsets(group)
        for topics in (
            [],
            [(topic[0],)],
            [(topic[0], 0, 7, -1)],
            [("no-such", 0), (topic[0], 0)],
            [("", 0)],
            [(topic[0], 0, 0)],
            [(topic[0], 0), (topic[0], 0)],
        ):
            asked = [
                TxnOffsetCommitRequestTopic(
                    name, [TxnOffsetCommitRequestPartition(index, 4, 0, "x" * 10) for index in indexes]
                )
                for name, *indexes in topics
            ]
            request = TxnOffsetCommitRequest(tx.name, group, tx.producer_id, tx.epoch, topics=asked)  # type: ignore[arg-type]
            line.ask(TXN_OFFSET_COMMIT, version, request)
        for offset, metadata in ((-1, ""), (-2, None), (1, "x" * 4096), (1, "x" * 4097)):
            asked = [TxnOffsetCommitRequestTopic(topic[0], [TxnOffsetCommitRequestPartition(0, offset, -1, metadata)])]
            request = TxnOffsetCommitRequest(tx.name, group, tx.producer_id, tx.epoch, topics=asked)  # type: ignore[arg-type]
            line.ask(TXN_OFFSET_COMMIT, version, request)
            request = TxnOffsetCommitRequest(tx.name, "", tx.producer_id, tx.epoch, topics=asked)  # type: ignore[arg-type]
            line.ask(TXN_OFFSET_COMMIT, version, request)
        tx.ended(commit=True)
