"""What the benchmark sends is what a producer would: whole batches, of the size said, with a true CRC."""

from __future__ import annotations

from uuid import UUID

import pytest

from benchmarks.batches import KIB, MIB, check_produced, make_batch, produce, sequenced
from benchmarks.driver import Request, WrongAnswerError, newest
from benchmarks.trial import Topic
from kafkapy.protocol.batch import check_crc, read_header, read_records
from kafkapy.protocol.messages.produce import (
    PRODUCE,
    PartitionProduceResponse,
    ProduceResponse,
    TopicProduceResponse,
)
from kafkapy.protocol.request import encode_response, read_request, read_request_head

TOPIC = Topic("t", UUID(int=7))


@pytest.mark.parametrize(
    ("size", "value_bytes"), [(168, 1000), (KIB, 100), (16 * KIB, 1000), (64 * KIB, 10), (MIB, 1000)]
)
def test_a_batch_has_the_size_asked_for(size: int, value_bytes: int) -> None:
    batch, records = make_batch(size, value_bytes)

    assert len(batch) == size
    assert len(read_records(batch)) == records


def sent_records(request: Request) -> bytes:
    frame = b"".join(request)[4:]
    head = read_request_head({PRODUCE.key: PRODUCE}, frame)
    data = read_request(head, frame).topic_data[0]
    assert data.topic_id == TOPIC.id
    return bytes(data.partition_data[0].records)


def test_a_produce_request_carries_the_batch_through_its_three_buffers() -> None:
    batch, _ = make_batch(KIB, 100)

    assert sent_records(produce(TOPIC, 0, batch)) == batch


def test_an_idempotent_producers_batches_follow_each_other_and_are_not_damaged() -> None:
    batch, records = make_batch(KIB, 100)

    sent = [sent_records(request) for request in sequenced(produce(TOPIC, 0, batch), records, 4711, 3)]

    headers = [read_header(one) for one in sent]
    assert [(one.producer_id, one.producer_epoch, one.base_sequence) for one in headers] == [
        (4711, 0, 0),
        (4711, 0, records),
        (4711, 0, 2 * records),
    ]
    for one, header in zip(sent, headers, strict=True):
        check_crc(one, 0, header)


def answer(*error_codes: int) -> memoryview:
    partitions = [PartitionProduceResponse(index, code, 4) for index, code in enumerate(error_codes)]
    message = ProduceResponse([TopicProduceResponse(TOPIC.name, TOPIC.id, partitions)])
    return memoryview(b"".join(encode_response(PRODUCE, newest(PRODUCE), 9, message)))


def test_a_refusal_of_any_partition_is_noticed() -> None:
    check = check_produced(TOPIC, 3)

    fine, refused = answer(0, 0, 0), answer(0, 0, 45)

    check(fine, len(fine))
    with pytest.raises(WrongAnswerError, match="45"):
        check(refused, len(refused))
