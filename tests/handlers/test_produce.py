"""Produce: what is appended, what is refused and how the producer learns it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kafkapy.protocol.batch import read_records
from kafkapy.protocol.compression import Compression
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.delete_topics import DELETE_TOPICS, DeleteTopicsRequest
from kafkapy.protocol.messages.fetch import FETCH
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest
from kafkapy.protocol.messages.produce import PRODUCE, PartitionProduceData, TopicProduceData
from kafkapy.server import HangUpError

UNKNOWN = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
LAST = PRODUCE.versions.last
WITH_BATCHES = range(3, LAST + 1)


def send(client: Any, version: int, records: bytes | None, topic: str | UUID = "t", **options: Any) -> Any:
    if version >= 13 and isinstance(topic, str):
        found = client.node.cluster.image.topic(topic)
        topic = UUID(int=4000) if found is None else found.topic_id
    return client.only_partition(client.send(PRODUCE, version, client.produce_request(records, topic, **options)))


@pytest.mark.parametrize("version", WITH_BATCHES)
async def test_batches_get_the_next_offsets(client: Any, version: int) -> None:
    client.create("t")
    first = send(client, version, client.batch("a", "b"))
    second = send(client, version, client.batch("c"), acks=1)
    assert (first.error_code, first.base_offset, second.base_offset) == (ErrorCode.NONE, 0, 2)
    assert first.log_append_time_ms == -1
    if version >= 5:
        assert second.log_start_offset == 0
    assert client.read() == ["a", "b", "c"]


@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("codec", [Compression.NONE, Compression.GZIP])
async def test_message_sets_of_old_producers(client: Any, version: int, magic: int, codec: Compression) -> None:
    client.create("t")
    client.produce("before")
    answer = send(client, version, client.message_set("a", "b", magic=magic, compression=codec))
    assert (answer.error_code, answer.base_offset) == (ErrorCode.NONE, 1)
    assert client.read() == ["before", "a", "b"]


@pytest.mark.parametrize("version", [0, 1, 2])
async def test_a_message_set_without_one_whole_message_appends_nothing(client: Any, version: int) -> None:
    client.create("t")
    answer = send(client, version, client.message_set("a")[:-1])
    assert (answer.error_code, answer.base_offset) == (ErrorCode.NONE, 0)
    assert client.read() == []


@pytest.mark.parametrize("version", [2, 3, LAST])
async def test_the_time_of_the_append_is_told_where_the_topic_keeps_that(client: Any, version: int) -> None:
    client.create("t", message_timestamp_type="LogAppendTime")
    records = client.batch("a", timestamp=5) if version >= 3 else client.message_set("a", timestamp=5)
    assert send(client, version, records).log_append_time_ms == client.now()
    data = client.send(FETCH, 4, client.fetch_request(("t", 0, 0))).responses[0].partitions[0]
    assert read_records(data.records)[0].timestamp == client.now()


@pytest.mark.parametrize("acks", [2, -2, 100])
async def test_other_acks_are_refused_for_every_partition(client: Any, acks: int) -> None:
    client.create("t")
    for version in (0, 3, LAST):
        assert send(client, version, client.batch("a"), acks=acks).error_code == ErrorCode.INVALID_REQUIRED_ACKS
    assert client.read() == []


async def test_acks_0_has_no_reply(client: Any) -> None:
    client.create("t")
    assert client.send(PRODUCE, 9, client.produce_request(client.batch("a"), acks=0)) is None
    assert client.read() == ["a"]


async def test_acks_0_closes_the_connection_where_nothing_could_be_appended(client: Any) -> None:
    with pytest.raises(HangUpError, match="acks=0"):
        client.send(PRODUCE, 9, client.produce_request(client.batch("a"), "nowhere", acks=0))


def mangled(batch: bytes, at: int, value: int) -> bytes:
    return batch[:at] + bytes([value]) + batch[at + 1 :]


REFUSED = {
    "wrong CRC": (lambda batch: mangled(batch, -1 % len(batch), batch[-1] ^ 1), ErrorCode.CORRUPT_MESSAGE),
    "cut short": (lambda batch: batch[:-3], ErrorCode.INVALID_RECORD),
    "less than a header": (lambda batch: batch[:30], ErrorCode.INVALID_RECORD),
    "no bytes": (lambda batch: b"", ErrorCode.INVALID_RECORD),
    "null": (lambda batch: None, ErrorCode.INVALID_RECORD),
    "format v1": (lambda batch: mangled(batch, 16, 1), ErrorCode.INVALID_RECORD),
    "format v3": (lambda batch: mangled(batch, 16, 3), ErrorCode.CORRUPT_MESSAGE),
    "noise": (lambda batch: b"\xff" * 80, ErrorCode.CORRUPT_MESSAGE),
    "two batches": (lambda batch: batch + batch, ErrorCode.INVALID_RECORD),
}


@pytest.mark.parametrize("version", [3, 8, LAST])
@pytest.mark.parametrize("what", REFUSED)
async def test_bad_records(client: Any, version: int, what: str) -> None:
    client.create("t")
    spoil, code = REFUSED[what]
    answer = send(client, version, spoil(client.batch("a")))
    assert (answer.error_code, answer.base_offset) == (code, -1)
    if version >= 8:
        assert answer.error_message
    assert client.read() == []


@pytest.mark.parametrize("what", ["control", "base_offset"])
async def test_what_only_brokers_write(client: Any, what: str) -> None:
    client.create("t")
    assert send(client, 9, client.batch("a", **{what: 1})).error_code == ErrorCode.INVALID_RECORD


@pytest.mark.parametrize("version", [2, 3, LAST])
async def test_a_batch_above_the_topics_limit(client: Any, version: int) -> None:
    client.create("t", max_message_bytes=100)
    large = client.batch("x" * 200) if version >= 3 else client.message_set("x" * 200)
    assert send(client, version, large).error_code == ErrorCode.MESSAGE_TOO_LARGE


@pytest.mark.parametrize("version", WITH_BATCHES)
async def test_zstd_is_for_version_7_and_later(client: Any, version: int) -> None:
    client.create("t")
    expected = ErrorCode.UNSUPPORTED_COMPRESSION_TYPE if version < 7 else ErrorCode.NONE
    assert send(client, version, client.batch("a", compression=Compression.ZSTD)).error_code == expected


@pytest.mark.parametrize("version", range(LAST + 1))
async def test_unknown_topics_and_partitions_harm_no_neighbour(client: Any, version: int) -> None:
    client.create("t")
    batch = client.batch("a") if version >= 3 else client.message_set("a")
    missing = ErrorCode.UNKNOWN_TOPIC_ID if version >= 13 else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert send(client, version, batch, "nowhere").error_code == missing
    request = client.produce_request(batch, client.node.cluster.image.topic("t").topic_id if version >= 13 else "t")
    request.topic_data[0].partition_data.insert(0, PartitionProduceData(9, batch))
    answers = client.send(PRODUCE, version, request).responses[0].partition_responses
    assert [answer.error_code for answer in answers] == [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.NONE]


async def test_a_deleted_topics_id_is_unknown(client: Any) -> None:
    topic_id = client.create("t")
    client.send(DELETE_TOPICS, 5, DeleteTopicsRequest(topic_names=["t"]))
    client.create("t")
    assert send(client, 13, client.batch("a"), topic_id).error_code == ErrorCode.UNKNOWN_TOPIC_ID


async def test_the_brokers_own_topics_are_not_for_clients(client: Any) -> None:
    assert send(client, 9, client.batch("a"), "__consumer_offsets").error_code == UNKNOWN
    client.create("t")
    client.commit("g", "t", 0, 0)  # makes the brokers' topic
    answer = send(client, 9, client.batch("a"), "__consumer_offsets")
    assert answer.error_code == ErrorCode.INVALID_TOPIC_EXCEPTION


@pytest.mark.parametrize("version", [3, 8, LAST])
async def test_a_compacted_topic_names_every_record_without_a_key(client: Any, version: int) -> None:
    client.create("t", cleanup_policy="compact")
    answer = send(client, version, client.batch("a", "b", key=None))
    assert answer.error_code == ErrorCode.INVALID_RECORD
    if version >= 8:
        assert [refused.batch_index for refused in answer.record_errors] == [0, 1]
        assert all(refused.batch_index_error_message for refused in answer.record_errors)
        assert answer.error_message.startswith("2 of the batch's records")
    assert client.read() == []


async def test_records_out_of_time_are_named(client: Any) -> None:
    client.create("t")
    future = client.now() + 3_600_000  # the topic's message.timestamp.after.max.ms: the first is at its limit
    answer = send(client, 9, client.batch("ok", "late", "later", timestamp=future))
    assert answer.error_code == ErrorCode.INVALID_TIMESTAMP
    assert [refused.batch_index for refused in answer.record_errors] == [1, 2]


async def test_a_topic_need_not_have_more_replicas_in_sync_than_it_has(client: Any) -> None:
    client.create("t", min_insync_replicas=2)
    assert client.produce("a") == 0


class TestIdempotence:
    def batch(self, client: Any, sequence: int, epoch: int = 0) -> bytes:
        options = {"producer_id": self.producer_id, "producer_epoch": epoch, "base_sequence": sequence}
        return client.batch("a", "b", **options)  # type: ignore[no-any-return]

    @pytest.mark.parametrize("version", [3, LAST])
    async def test_sequences(self, client: Any, version: int) -> None:
        client.create("t")
        client.produce("before")
        self.producer_id = client.send(INIT_PRODUCER_ID, 4, InitProducerIdRequest(None, 0)).producer_id
        story = [
            (0, 0, ErrorCode.NONE, 1),
            (2, 0, ErrorCode.NONE, 3),
            (0, 0, ErrorCode.NONE, 1),  # a duplicate has the offset of the original
            (2, 0, ErrorCode.NONE, 3),
            (9, 0, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1),
            (4, 1, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1),  # a new epoch begins with 0
            (0, 1, ErrorCode.NONE, 5),
            (4, 0, ErrorCode.INVALID_PRODUCER_EPOCH, -1),
        ]
        for sequence, epoch, code, offset in story:
            answer = send(client, version, self.batch(client, sequence, epoch))
            assert (answer.error_code, answer.base_offset) == (code, offset)
        assert client.read() == ["before", "a", "b", "a", "b", "a", "b"]


async def test_a_transactional_batch_needs_a_transactional_id(client: Any) -> None:
    client.create("t")
    batch = client.batch("a", producer_id=1, producer_epoch=0, base_sequence=0, transactional=True)
    assert send(client, 9, batch).error_code == ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED


async def test_of_two_batches_for_one_partition_the_last_is_kept(client: Any) -> None:
    client.create("t", 2)
    request = client.produce_request(client.batch("dropped"))
    first = request.topic_data[0]
    first.partition_data += [
        PartitionProduceData(1, client.batch("other")),
        PartitionProduceData(0, client.batch("no")),
    ]
    request.topic_data.append(TopicProduceData("t", partition_data=[PartitionProduceData(0, client.batch("last"))]))
    [answer] = (await client.ask(PRODUCE, 9, request)).responses
    told = {one.index: (one.error_code, one.base_offset) for one in answer.partition_responses}
    assert told == {0: (ErrorCode.NONE, 0), 1: (ErrorCode.NONE, 0)}
    assert client.read() == ["last"]
