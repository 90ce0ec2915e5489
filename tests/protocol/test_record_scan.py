"""A scan finds the records that `read_records` finds, and what is rebuilt of them reads as they did."""

from __future__ import annotations

import random

import pytest

from kafkapy.protocol.batch import Record, build_batch, check_crc, read_header, read_records
from kafkapy.protocol.compression import Compression
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.record_scan import batch_body, empty_batch, rebuild_batch, scan_records

NOW = 1_700_000_000_000


def some_records(choice: random.Random) -> list[Record]:
    offsets = sorted(choice.sample(range(400), choice.randint(1, 30)))
    return [
        Record(
            offset,
            NOW + choice.randrange(-(10**9), 10**9),
            choice.choice([None, b"", b"k", choice.randbytes(200)]),
            choice.choice([None, b"", b"v" * choice.choice([1, 63, 64, 9000])]),
            [("h", b"1"), ("i", None)] if choice.random() < 0.3 else [],
        )
        for offset in offsets
    ]


@pytest.mark.parametrize("seed", range(30))
def test_a_scan_sees_what_reading_sees(seed: int) -> None:
    choice = random.Random(seed)
    records = some_records(choice)
    base = records[0].offset
    batch = build_batch(records, compression=choice.choice(list(Compression)))
    header = read_header(batch)
    found = scan_records(batch_body(batch, header), header)
    assert [(key, base + delta, empty) for key, delta, empty, _, _ in found] == [
        (record.key, record.offset, record.value is None) for record in records
    ]


@pytest.mark.parametrize("horizon", [None, NOW + 5])
@pytest.mark.parametrize("seed", range(20))
def test_a_rebuilt_batch_reads_as_before(seed: int, horizon: int | None) -> None:
    choice = random.Random(seed)
    records = some_records(choice)
    log_append_time = NOW + 9 if seed % 5 == 0 else None
    batch = build_batch(
        records,
        compression=choice.choice(list(Compression)),
        producer_id=7,
        producer_epoch=2,
        base_sequence=40,
        transactional=True,
        log_append_time=log_append_time,
    )
    header = read_header(batch)
    before = read_records(batch)
    body = batch_body(batch, header)
    kept = sorted(choice.sample(range(len(records)), choice.randint(1, len(records))))
    scanned = scan_records(body, header)
    made, data = rebuild_batch(header, body, [scanned[index] for index in kept], horizon)
    assert read_header(data) == made
    check_crc(data, 0, made)
    assert read_records(data) == [before[index] for index in kept]
    assert made.max_timestamp == max(before[index].timestamp for index in kept)
    assert made.has_delete_horizon is (horizon is not None)
    if horizon is not None:
        assert made.base_timestamp == horizon
    assert (made.base_offset, made.last_offset, made.last_sequence) == (
        header.base_offset,
        header.last_offset,
        header.last_sequence,
    )


def test_an_empty_batch_keeps_its_place() -> None:
    batch = build_batch(
        [Record(5, NOW, b"k", b"v"), Record(9, NOW, b"l", b"v")],
        compression=Compression.GZIP,
        producer_id=7,
        producer_epoch=2,
        base_sequence=40,
    )
    header = read_header(batch)
    made, data = empty_batch(header)
    check_crc(data, 0, made)
    assert read_records(data) == []
    assert (made.base_offset, made.last_offset, made.producer_id, made.last_sequence) == (5, 9, 7, 44)
    assert made.compression is Compression.NONE
    assert made.max_timestamp == NOW


def test_damage_is_told_and_never_taken_for_records() -> None:
    batch = build_batch([Record(i, NOW + i, b"key", b"value" * i) for i in range(20)])
    header = read_header(batch)
    body = batch_body(batch, header)
    whole = scan_records(body, header)
    for size in range(len(body)):
        with pytest.raises(KafkaError) as raised:
            scan_records(body[:size], header)
        assert raised.value.code is ErrorCode.CORRUPT_MESSAGE
    for count in (19, 21):
        with pytest.raises(KafkaError, match="cannot be read"):
            scan_records(body, header._replace(record_count=count))
    for at in range(len(body)):
        mangled = bytearray(body)
        mangled[at] ^= 0xFF
        try:
            found = scan_records(bytes(mangled), header)
        except KafkaError as error:
            assert error.code is ErrorCode.CORRUPT_MESSAGE  # noqa: PT017  # it may also read as something else
        else:
            assert len(found) == len(whole)
