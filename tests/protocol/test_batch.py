"""The record batch: Java's batches are read, ours are the same bytes, and damage is found."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkapy.protocol.batch import (
    HEADER_SIZE,
    Record,
    add_sequence,
    build_batch,
    check_crc,
    crc_of,
    decode_varint,
    encode_varint,
    patch_offset_and_epoch,
    read_header,
    read_records,
    split_batches,
)
from kafkapy.protocol.compression import Compression
from kafkapy.protocol.errors import ErrorCode, KafkaError

# Written by kafka-clients 3.9.1 (MemoryRecordsBuilder).
JAVA_BATCHES = {
    Compression.NONE: (
        "000000000000000a00000075ffffffff0295b2a079000000000003000001602b4b3efe000001602b4b42fbffffffffffffff"
        "ffffffffffffff0000000320000000063132380631323802026802784a00fa0f04013c6e6f206b65792c206e6f206b65792c"
        "206e6f206b65792c206e6f206b6579001800cb0c06026b010202680278"
    ),
    Compression.GZIP: (
        "000000000000000a0000006fffffffff02bd285666000100000003000001602b4b3efe000001602b4b42fbffffffffffffff"
        "ffffffffffffff000000031f8b08000000000000ff53606060603334b2006126a60ca60a2f865ffc2c8c3679f90ad9a9953a"
        "0ad869060986d33c6c4cd98c602d00bd90475644000000"
    ),
    Compression.SNAPPY: (
        "000000000000000a00000078ffffffff026bca419f000200000003000001602b4b3efe000001602b4b42fbffffffffffffff"
        "ffffffffffffff0000000382534e4150505900000000010000000100000033441c200000000631323801044c02026802784a"
        "00fa0f04013c6e6f206b65792c2056080034001800cb0c06026b010202680278"
    ),
    Compression.LZ4: (
        "000000000000000a00000073ffffffff02194d6545000300000003000001602b4b3efe000001602b4b42fbffffffffffffff"
        "ffffffffffffff0000000304224d18604082330000008020000000063132380400ff0502026802784a00fa0f04013c6e6f20"
        "6b65792c20080003e0001800cb0c06026b01020268027800000000"
    ),
    Compression.ZSTD: (
        "000000000000000a00000072ffffffff023c9a4f90000400000003000001602b4b3efe000001602b4b42fbffffffffffffff"
        "ffffffffffffff0000000328b52ffd0058ac0100e40220000000063132380631323802026802784a00fa0f04013c6e6f206b"
        "65792c20001800cb0c06026b010202680278010098529e010000"
    ),
}
JAVA_LOG_APPEND_TIME = (
    "000000000000000a00000073ffffffff02abddba0a000b00000003000001602b4b3efe000001602b016580ffffffffffffff"
    "ffffffffffffff0000000304224d18604082330000008020000000063132380400ff0502026802784a00fa0f04013c6e6f20"
    "6b65792c20080003e0001800cb0c06026b01020268027800000000"
)
JAVA_RECORDS = [
    Record(10, 1512554839806, b"128", b"128", [("h", b"x")]),
    Record(12, 1512554840827, None, b"no key, no key, no key, no key"),
    Record(13, 1512554839000, b"k", None, [("h", b"x")]),
]


def corrupt(data: bytes | bytearray) -> bool:
    with pytest.raises(KafkaError) as refused:
        read_records(data)
    return refused.value.code is ErrorCode.CORRUPT_MESSAGE


def with_body(body: bytes, count: int, **fields: int) -> bytes:
    """A batch of `count` records said to be in `body`, its length and CRC true."""
    batch = bytearray(build_batch([Record(0, 0, None, None)]))
    batch[HEADER_SIZE:] = body
    struct.pack_into(">i", batch, 8, len(batch) - 12)
    struct.pack_into(">i", batch, 57, count)
    struct.pack_into(">H", batch, 21, fields.get("attributes", 0))
    return bytes(batch)


@pytest.mark.parametrize("codec", JAVA_BATCHES)
def test_javas_batches_are_read(codec: Compression) -> None:
    batch = bytes.fromhex(JAVA_BATCHES[codec])
    header = read_header(batch)
    check_crc(batch, 0, header)
    assert header.size == len(batch)
    assert header.compression is codec
    assert (header.base_offset, header.last_offset, header.next_offset, header.record_count) == (10, 13, 14, 3)
    assert (header.base_timestamp, header.max_timestamp) == (1512554839806, 1512554840827)
    assert (header.producer_id, header.producer_epoch, header.last_sequence) == (-1, -1, -1)
    assert not any((header.is_transactional, header.is_control, header.has_delete_horizon))
    assert read_records(batch) == JAVA_RECORDS


def test_a_batch_is_built_as_java_builds_it() -> None:
    assert build_batch(JAVA_RECORDS).hex() == JAVA_BATCHES[Compression.NONE]


def test_log_append_time_is_every_records_time() -> None:
    batch = bytes.fromhex(JAVA_LOG_APPEND_TIME)
    assert read_header(batch).is_log_append_time
    assert [record.timestamp for record in read_records(batch)] == [1512550000000] * 3
    ours = build_batch(JAVA_RECORDS, compression=Compression.LZ4, log_append_time=1512550000000)
    assert read_header(ours)._replace(crc=0, length=0) == read_header(batch)._replace(crc=0, length=0)
    assert read_records(ours) == read_records(batch)


def test_the_leaders_fields_do_not_touch_the_crc() -> None:
    batch = bytearray(build_batch(JAVA_RECORDS))
    patch_offset_and_epoch(batch, 0, 1000, 7)
    header = read_header(batch)
    check_crc(batch, 0, header)
    assert (header.base_offset, header.leader_epoch, header.last_offset) == (1000, 7, 1003)


def test_every_flipped_byte_under_the_crc_is_found() -> None:
    batch = build_batch(JAVA_RECORDS)
    for at in range(17, len(batch)):
        bad = bytearray(batch)
        bad[at] ^= 0x10
        with pytest.raises(KafkaError) as refused:
            check_crc(bad, 0, read_header(bad))
        assert refused.value.code is ErrorCode.CORRUPT_MESSAGE


def test_batches_are_split_where_they_end() -> None:
    one, two = build_batch([Record(0, 1, b"k", b"v")]), build_batch(JAVA_RECORDS)
    assert [(at, header.base_offset) for at, header in split_batches(one + two)] == [(0, 0), (len(one), 10)]
    assert list(split_batches(b"")) == []
    for cut in range(1, len(two)):
        with pytest.raises(KafkaError) as refused:
            list(split_batches(one + two[:cut]))
        assert refused.value.code is ErrorCode.CORRUPT_MESSAGE


@pytest.mark.parametrize(("at", "byte"), [(16, 1), (16, 3), (8, 0xFF), (11, 48)])
def test_another_format_or_an_impossible_length_is_corrupt(at: int, byte: int) -> None:
    bad = bytearray(build_batch([Record(0, 1, b"k", b"v")]))
    bad[at] = byte
    with pytest.raises(KafkaError) as refused:
        read_header(bad)
    assert refused.value.code is ErrorCode.CORRUPT_MESSAGE


def test_records_that_break_the_headers_promise_are_corrupt() -> None:
    record = build_batch([Record(0, 0, b"k", b"v")])[HEADER_SIZE:]
    assert len(read_records(with_body(record * 2, 2))) == 2
    assert corrupt(with_body(record, 2))
    assert corrupt(with_body(record, 0))
    assert corrupt(with_body(record, -1))
    assert corrupt(with_body(b"", -1))
    assert corrupt(with_body(record, 2**31 - 1))
    assert corrupt(with_body(record, 1, attributes=5))
    assert corrupt(with_body(record, 1, attributes=Compression.GZIP))
    assert corrupt(with_body(b"\xff" * 20, 1))
    huge_offset = b"\0\0" + encode_varint(2**40) + encode_varint(-1) * 2 + b"\0"
    assert corrupt(with_body(encode_varint(len(huge_offset)) + huge_offset, 1))


def test_a_bomb_is_held_to_the_limit() -> None:
    batch = build_batch([Record(0, 0, None, bytes(10_000_000))], compression=Compression.ZSTD)
    with pytest.raises(KafkaError) as refused:
        read_records(batch, limit=1_000_000)
    assert refused.value.code is ErrorCode.MESSAGE_TOO_LARGE


def test_sequences_wrap() -> None:
    assert add_sequence(2**31 - 1, 1) == 0
    batch = build_batch(JAVA_RECORDS, producer_id=5, producer_epoch=0, base_sequence=2**31 - 2)
    assert read_header(batch).last_sequence == 1


@given(st.integers(-(2**63), 2**63 - 1))
def test_varints_read_back(value: int) -> None:
    encoded = encode_varint(value)
    assert len(encoded) <= 10
    assert decode_varint(b"x" + encoded, 1) == (value, 1 + len(encoded))


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(0, "00"), (-1, "01"), (1, "02"), (63, "7e"), (-64, "7f"), (64, "8001"), (2**63 - 1, "fe" + "ff" * 8 + "01")],
)
def test_varints_are_zigzag(value: int, encoded: str) -> None:
    assert encode_varint(value).hex() == encoded


texts = st.text(max_size=5)
blobs = st.none() | st.binary(max_size=20)


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(-1, 2**63 - 1), blobs, blobs, st.lists(st.tuples(texts, blobs), max_size=3)),
        min_size=1,
        max_size=8,
    ),
    codec=st.sampled_from(Compression),
)
def test_whatever_is_built_reads_back(
    rows: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]], codec: Compression
) -> None:
    records = [Record(100 + 2 * index, *row) for index, row in enumerate(rows)]
    batch = build_batch(records, compression=codec)
    check_crc(batch, 0, read_header(batch))
    assert read_records(memoryview(batch)) == records
    assert read_header(batch).crc == crc_of(batch, 0, len(batch))


@settings(max_examples=400, deadline=None)
@given(
    codec=st.sampled_from(list(JAVA_BATCHES)),
    edits=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=5),
    cut=st.integers(0, 40),
)
def test_mangled_batches_raise_only_kafka_errors(codec: Compression, edits: list[tuple[int, int]], cut: int) -> None:
    mangled = bytearray.fromhex(JAVA_BATCHES[codec])
    for at, byte in edits:
        mangled[at % len(mangled)] = byte
    with suppress(KafkaError):
        for position, _ in split_batches(mangled[: len(mangled) - cut]):
            read_records(mangled, position, limit=100_000)
    with suppress(KafkaError):
        read_records(mangled[: len(mangled) - cut], limit=100_000)
