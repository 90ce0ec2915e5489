"""Record batches of a size, and requests that carry them."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Sequence

from crc32c import crc32c

from benchmarks.driver import Check, Request, WrongAnswerError, encoded, newest
from benchmarks.trial import Topic
from kafkapy.protocol.batch import ATTRIBUTES_OFFSET, CRC_OFFSET, HEADER_SIZE, Record, build_batch
from kafkapy.protocol.messages.produce import (
    PRODUCE,
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
    TopicProduceResponse,
)
from kafkapy.protocol.request import encode_response

KIB, MIB = 1024, 1024 * 1024
RECORD_BYTES = 1000  # of a value, where a work does not say otherwise
_PRODUCER = struct.Struct(">qhi")  # id, epoch, first sequence
_PRODUCER_AT = 43
_CRC = struct.Struct(">I")
_MAX_SEQUENCE = 2**31
_WAIT_MS = 30_000


def make_batch(size: int, value_bytes: int = RECORD_BYTES) -> tuple[bytes, int]:
    """A batch of exactly `size` bytes, of records with random values of about `value_bytes`; and how many they are."""
    noise = random.Random(size)
    now_ms = time.time_ns() // 1_000_000
    records: list[Record] = []
    while True:
        left = size - len(build_batch([*records, Record(len(records), now_ms, None, b"")]))
        if left < 2 * value_bytes + 32:
            break
        # Most of them at once: the batch is built again and again only for its end.
        fit = max(1, (left - 2 * value_bytes) // (value_bytes + 16))
        records += [Record(len(records) + at, now_ms, None, noise.randbytes(value_bytes)) for at in range(fit)]
    last = Record(len(records), now_ms, None, noise.randbytes(left))
    while (excess := len(build_batch([*records, last])) - size) > 0:
        last.value = noise.randbytes(len(last.value or b"") - excess)
    batch = build_batch([*records, last])
    assert len(batch) == size, "a length that grew by a byte cannot be made up for: choose another size"
    return batch, len(records) + 1


def produce(topic: Topic, partition: int, batch: bytes, acks: int = 1) -> Request:
    """A Produce request of one batch, in three buffers: what comes before the records, these, and the end."""
    frame = encoded(PRODUCE, _message({topic: [partition]}, batch, acks))[0]
    at = frame.index(batch) + HEADER_SIZE
    return [frame[:at], batch[HEADER_SIZE:], bytes(frame[at - HEADER_SIZE + len(batch) :])]


def produce_many(topic: Topic, partitions: Sequence[int], batch: bytes) -> Request:
    """A Produce request with the batch for each of the partitions."""
    return encoded(PRODUCE, _message({topic: partitions}, batch, acks=1))


def _message(partitions: dict[Topic, Sequence[int]], batch: bytes, acks: int) -> ProduceRequest:
    data = [
        TopicProduceData(topic.name, topic.id, [PartitionProduceData(index, batch) for index in indexes])
        for topic, indexes in partitions.items()
    ]
    return ProduceRequest(None, acks, _WAIT_MS, data)


def sequenced(request: Request, records: int, producer_id: int, count: int) -> list[Request]:
    """An idempotent producer's requests: each with the next sequence, and the CRC that goes with it."""
    template, body, end = request
    start = len(template) - HEADER_SIZE
    requests = []
    for number in range(count):
        head = bytearray(template)
        _PRODUCER.pack_into(head, start + _PRODUCER_AT, producer_id, 0, number * records % _MAX_SEQUENCE)
        crc = crc32c(body, crc32c(head[start + ATTRIBUTES_OFFSET :]))
        _CRC.pack_into(head, start + CRC_OFFSET, crc)
        requests.append([head, body, end])
    return requests


def check_produced(topic: Topic, partitions: int = 1, version: int | None = None) -> Check:
    """A check that no partition of a Produce response has an error."""

    def response(error_code: int) -> bytes:
        of_partitions = [PartitionProduceResponse(index, error_code, 0) for index in range(partitions)]
        answer = ProduceResponse([TopicProduceResponse(topic.name, topic.id, of_partitions)])
        return b"".join(encode_response(PRODUCE, newest(PRODUCE) if version is None else version, 0, answer))

    fine, failed = response(0), response(0x0101)
    places = [at for at in range(len(fine)) if fine[at] != failed[at]]

    def check(head: memoryview, size: int) -> None:
        for at in places:
            if head[at]:
                raise WrongAnswerError(f"a Produce request was refused with error {head[at]}")
        if size != len(fine):
            raise WrongAnswerError(f"a Produce response of {size} bytes where {len(fine)} were expected")

    return check
