"""Message sets: what old producers send becomes one batch, and old consumers get what Apache's broker would send."""

from __future__ import annotations

import struct
from contextlib import suppress
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkapy.protocol.batch import Record, build_batch, check_crc, read_header, read_records
from kafkapy.protocol.compression import Compression, compress, decompress
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.legacy import from_batches, parse_message_set, to_batch

MAX = 1_000_000

# Written by kafka-clients 3.9.1 (MemoryRecordsBuilder): three records at offsets 10, 12 and 13.
JAVA_RECORDS = [
    (10, 1512554839806, b"128", b"128"),
    (12, 1512554840827, None, b"no key, no key, no key, no key"),
    (13, 1512554839000, b"k", None),
]
JAVA_SETS = {
    (0, Compression.NONE, False): (
        "000000000000000a0000001456e9a86800000000000331323800000003313238000000000000000c0000002c771381e00000"
        "ffffffff0000001e6e6f206b65792c206e6f206b65792c206e6f206b65792c206e6f206b6579000000000000000d0000000f"
        "908204f60000000000016bffffffff"
    ),
    (0, Compression.GZIP, False): (
        "000000000000000d0000005e0219e8950001ffffffff000000501f8b08000000000000ff636000032e2016097bb92203cc63"
        "3634b2405020c003c43ae5c28d0f1818fe030190279797af909d5aa9a3809d86eae30562fe094d2cdfc03cc66c906600c745"
        "5e5973000000"
    ),
    (0, Compression.SNAPPY, False): (
        "000000000000000d00000077b83443200002ffffffff0000006982534e415050590000000001000000010000005573000009"
        "01240a0000001456e9a8680001011403313238000011070101680c0000002c771381e00000ffffffff0000001e6e6f206b65"
        "792c20560800000009014c0d0000000f908204f60000000000016bffffffff"
    ),
    (0, Compression.LZ4, False): (
        "000000000000000d00000073ca2eff5e0003ffffffff0000006504224d1860401a5600000012000100910a0000001456e9a8"
        "680f0046033132380700000200ff0c0c0000002c771381e00000ffffffff0000001e6e6f206b65792c20080003003500f008"
        "0000000d0000000f908204f60000000000016bffffffff00000000"
    ),
    (1, Compression.NONE, False): (
        "000000000000000a0000001caa32d6da0100000001602b4b3efe0000000331323800000003313238000000000000000c0000"
        "0034ae10328d0100000001602b4b42fbffffffff0000001e6e6f206b65792c206e6f206b65792c206e6f206b65792c206e6f"
        "206b6579000000000000000d0000001791024ca10100000001602b4b3bd8000000016bffffffff"
    ),
    (1, Compression.GZIP, False): (
        "000000000000000d000000725edfc7fc0101000001602b4b42fbffffffff0000005c1f8b08000000000000ff636080039955"
        "46d76e3102198c09dade76ff800c6643230b0405024c406cb24ec0a817a6cee9f77f200072e4f2f215b2532b7514b0d350fd"
        "cc402c3e91c967214cbff50d10231b6408002408d25a8b000000"
    ),
    (1, Compression.SNAPPY, False): (
        "000000000000000d0000008a09106b600102000001602b4b42fbffffffff0000007482534e41505059000000000100000001"
        "000000608b0100001901541caa32d6da0100000001602b4b3efe0000000331323819070101240200000034ae10328d010d28"
        "4442fbffffffff0000001e6e6f206b65792c205608000000090120030000001791024ca11140283bd8000000016bffffffff"
    ),
    (1, Compression.LZ4, True): (
        "000000000000000d000000826f4d9218010b000001602b016580ffffffff0000006c04224d186040825d00000016000100f6"
        "071cbc4c0e510108000001602b0165800000000331323807000002009602000000345d6accf12800ff01ffffffff0000001e"
        "6e6f206b65792c20080003003d00004b008600000017dc0c8da2400090000000016bffffffff00000000"
    ),
}
# Also its own: those records as v2 batches, and what its down-conversion makes of them.
JAVA_DOWN_CONVERSIONS = {
    ("none-0", 0, 0): (
        "000000000000000a0000001456e9a86800000000000331323800000003313238000000000000000c0000002c771381e00000"
        "ffffffff0000001e6e6f206b65792c206e6f206b65792c206e6f206b65792c206e6f206b6579000000000000000d0000000f"
        "908204f60000000000016bffffffff"
    ),
    ("none-0", 1, 12): (
        "000000000000000c00000034ae10328d0100000001602b4b42fbffffffff0000001e6e6f206b65792c206e6f206b65792c20"
        "6e6f206b65792c206e6f206b6579000000000000000d0000001791024ca10100000001602b4b3bd8000000016bffffffff"
    ),
    ("none-1", 1, 0): (
        "000000000000000a0000001cbc4c0e510108000001602b0165800000000331323800000003313238000000000000000c0000"
        "00345d6accf10108000001602b016580ffffffff0000001e6e6f206b65792c206e6f206b65792c206e6f206b65792c206e6f"
        "206b6579000000000000000d00000017dc0c8da20108000001602b016580000000016bffffffff"
    ),
    ("lz4-1", 0, 0): (
        "000000000000000d00000073ca2eff5e0003ffffffff0000006504224d1860401a5600000012000100910a0000001456e9a8"
        "680f0046033132380700000200ff0c0c0000002c771381e00000ffffffff0000001e6e6f206b65792c20080003003500f008"
        "0000000d0000000f908204f60000000000016bffffffff00000000"
    ),
    ("lz4-0", 1, 12): (
        "000000000000000d00000086755184be0103000001602b4b42fbffffffff0000007004224d186040826100000016000100f6"
        "071caa32d6da0100000001602b4b3efe000000033132380700000200940200000034ae10328d2800ff0342fbffffffff0000"
        "001e6e6f206b65792c20080003003d00004b00840000001791024ca14000b03bd8000000016bffffffff00000000"
    ),
    ("lz4-1", 1, 12): (
        "000000000000000d000000826f4d9218010b000001602b016580ffffffff0000006c04224d186040825d00000016000100f6"
        "071cbc4c0e510108000001602b0165800000000331323807000002009602000000345d6accf12800ff01ffffffff0000001e"
        "6e6f206b65792c20080003003d00004b008600000017dc0c8da2400090000000016bffffffff00000000"
    ),
    ("gzip-0", 1, 0): (
        "000000000000000d000000725edfc7fc0101000001602b4b42fbffffffff0000005c1f8b08000000000000ff636080039955"
        "46d76e3102198c09dade76ff800c6643230b0405024c406cb24ec0a817a6cee9f77f200072e4f2f215b2532b7514b0d350fd"
        "cc402c3e91c967214cbff50d10231b6408002408d25a8b000000"
    ),
    ("snappy-0", 0, 0): (
        "000000000000000d00000077b83443200002ffffffff0000006982534e415050590000000001000000010000005573000009"
        "01240a0000001456e9a8680001011403313238000011070101680c0000002c771381e00000ffffffff0000001e6e6f206b65"
        "792c20560800000009014c0d0000000f908204f60000000000016bffffffff"
    ),
}
JAVA_BATCHES = {
    "none-0": (
        "000000000000000a00000075ffffffff0295b2a079000000000003000001602b4b3efe000001602b4b42fbffffffffffffff"
        "ffffffffffffff0000000320000000063132380631323802026802784a00fa0f04013c6e6f206b65792c206e6f206b65792c"
        "206e6f206b65792c206e6f206b6579001800cb0c06026b010202680278"
    ),
    "none-1": (
        "000000000000000a00000075ffffffff02001c039f000800000003000001602b4b3efe000001602b016580ffffffffffffff"
        "ffffffffffffff0000000320000000063132380631323802026802784a00fa0f04013c6e6f206b65792c206e6f206b65792c"
        "206e6f206b65792c206e6f206b6579001800cb0c06026b010202680278"
    ),
    "gzip-0": (
        "000000000000000a0000006fffffffff02bd285666000100000003000001602b4b3efe000001602b4b42fbffffffffffffff"
        "ffffffffffffff000000031f8b08000000000000ff53606060603334b2006126a60ca60a2f865ffc2c8c3679f90ad9a9953a"
        "0ad869060986d33c6c4cd98c602d00bd90475644000000"
    ),
    "snappy-0": (
        "000000000000000a00000078ffffffff026bca419f000200000003000001602b4b3efe000001602b4b42fbffffffffffffff"
        "ffffffffffffff0000000382534e4150505900000000010000000100000033441c200000000631323801044c02026802784a"
        "00fa0f04013c6e6f206b65792c2056080034001800cb0c06026b010202680278"
    ),
    "lz4-0": (
        "000000000000000a00000073ffffffff02194d6545000300000003000001602b4b3efe000001602b4b42fbffffffffffffff"
        "ffffffffffffff0000000304224d18604082330000008020000000063132380400ff0502026802784a00fa0f04013c6e6f20"
        "6b65792c20080003e0001800cb0c06026b01020268027800000000"
    ),
    "lz4-1": (
        "000000000000000a00000073ffffffff02abddba0a000b00000003000001602b4b3efe000001602b016580ffffffffffffff"
        "ffffffffffffff0000000304224d18604082330000008020000000063132380400ff0502026802784a00fa0f04013c6e6f20"
        "6b65792c20080003e0001800cb0c06026b01020268027800000000"
    ),
    "zstd-0": (
        "000000000000000a00000072ffffffff023c9a4f90000400000003000001602b4b3efe000001602b4b42fbffffffffffffff"
        "ffffffffffffff0000000328b52ffd0058ac0100e40220000000063132380631323802026802784a00fa0f04013c6e6f206b"
        "65792c20001800cb0c06026b010202680278010098529e010000"
    ),
}


def contents(records: list[Record]) -> list[tuple[int, bytes | None, bytes | None]]:
    return [(record.timestamp, record.key, record.value) for record in records]


def message(
    offset: int = 0,
    magic: int = 1,
    attributes: int = 0,
    timestamp: int = 7,
    key: bytes | None = b"k",
    value: bytes | None = b"v",
) -> bytes:
    content = struct.pack(">bb", magic, attributes) + (struct.pack(">q", timestamp) if magic else b"")
    for field in (key, value):
        content += struct.pack(">i", -1) if field is None else struct.pack(">i", len(field)) + field
    return struct.pack(">qiI", offset, 4 + len(content), crc32(content)) + content


def wrapper(inner: bytes, codec: Compression = Compression.GZIP, *, magic: int = 1, offset: int = 0) -> bytes:
    return message(offset, magic, codec, 7, None, compress(codec, inner, magic=magic))


def refusal(message_set: bytes, *, max_message_bytes: int = MAX, topic_stamps: bool = False) -> ErrorCode:
    with pytest.raises(KafkaError) as refused:
        to_batch(message_set, max_message_bytes=max_message_bytes, topic_stamps=topic_stamps)
    return refused.value.code


# --- from producers


@pytest.mark.parametrize(("magic", "codec", "stamped"), JAVA_SETS)
def test_javas_message_sets_become_one_batch(magic: int, codec: Compression, stamped: bool) -> None:
    batch = to_batch(bytes.fromhex(JAVA_SETS[magic, codec, stamped]), max_message_bytes=MAX)
    header = read_header(batch)
    check_crc(batch, 0, header)
    assert (header.base_offset, header.last_offset_delta, header.record_count) == (0, 2, 3)
    assert header.compression is codec
    assert not header.is_log_append_time
    times = [-1] * 3 if magic == 0 else [1512550000000] * 3 if stamped else [time for _, time, _, _ in JAVA_RECORDS]
    expected = [(time, key, value) for time, (_, _, key, value) in zip(times, JAVA_RECORDS, strict=True)]
    records = read_records(batch)
    assert contents(records) == expected
    assert [record.offset for record in records] == [0, 1, 2]
    assert header.max_timestamp == max(times)


def test_the_topics_codec_wins() -> None:
    batch = to_batch(message() + message(1), max_message_bytes=MAX, compression=Compression.ZSTD, level=1)
    assert read_header(batch).compression is Compression.ZSTD
    assert [(key, value) for _, key, value in contents(read_records(batch))] == [(b"k", b"v")] * 2


def test_a_message_cut_short_at_the_end_is_ignored() -> None:
    whole, next_one = message(), message(1, value=b"w")
    for cut in range(len(next_one)):
        batch = to_batch(whole + next_one[:cut], max_message_bytes=MAX)
        assert contents(read_records(batch)) == [(7, b"k", b"v")]


def test_no_whole_message_is_no_batch() -> None:
    assert to_batch(b"", max_message_bytes=MAX) == b""
    assert to_batch(message()[:-1], max_message_bytes=MAX) == b""
    assert parse_message_set(b"") is None


def test_a_wrong_crc_is_corrupt() -> None:
    good = message()
    for at in range(12, len(good)):
        bad = bytearray(good)
        bad[at] ^= 1
        assert refusal(bytes(bad)) is ErrorCode.CORRUPT_MESSAGE
        assert refusal(wrapper(bytes(bad))) is ErrorCode.CORRUPT_MESSAGE


def test_sizes_that_lie_are_corrupt() -> None:
    assert refusal(struct.pack(">qi", 0, 13) + bytes(13)) is ErrorCode.CORRUPT_MESSAGE
    assert refusal(struct.pack(">qi", 0, -1) + bytes(13)) is ErrorCode.CORRUPT_MESSAGE
    for field in (struct.pack(">ii", 2**31 - 1, 0), struct.pack(">ii", 0, 9), struct.pack(">iii", 0, 0, 0)):
        content = struct.pack(">bbq", 1, 0, 0) + field
        lying = struct.pack(">qiI", 0, 4 + len(content), crc32(content)) + content
        assert refusal(lying) is ErrorCode.CORRUPT_MESSAGE


def test_what_apache_calls_an_invalid_record() -> None:
    assert refusal(message(magic=0) + message(magic=1)) is ErrorCode.INVALID_RECORD
    assert refusal(wrapper(message()) + message(1)) is ErrorCode.INVALID_RECORD
    assert refusal(wrapper(wrapper(message()))) is ErrorCode.INVALID_RECORD
    assert refusal(wrapper(b"")) is ErrorCode.INVALID_RECORD
    assert refusal(message(attributes=1, value=None)) is ErrorCode.INVALID_RECORD
    assert refusal(wrapper(message(magic=0), magic=1)) is ErrorCode.INVALID_RECORD
    assert refusal(wrapper(message(), Compression.ZSTD)) is ErrorCode.INVALID_RECORD
    assert refusal(wrapper(message(9), offset=3)) is ErrorCode.INVALID_RECORD


def test_a_codec_or_format_kafka_does_not_have_is_corrupt() -> None:
    assert refusal(message(attributes=6)) is ErrorCode.CORRUPT_MESSAGE
    assert refusal(message(magic=3)) is ErrorCode.CORRUPT_MESSAGE


def test_inner_offsets_of_producers_mean_nothing() -> None:
    inner = b"".join(message(offset, value=b"%d" % offset) for offset in (5, 5, 2))
    for offset in (0, 2, 700):
        records = read_records(to_batch(wrapper(inner, offset=offset), max_message_bytes=MAX))
        assert [(record.offset, record.value) for record in records] == [(0, b"5"), (1, b"5"), (2, b"2")]


def test_the_lz4_header_checksum_of_old_clients_is_read_in_format_0_only() -> None:
    inner = message(magic=0)
    for frame_of in (0, 1):
        packed = compress(Compression.LZ4, inner, magic=frame_of)
        sent = message(0, 0, Compression.LZ4, 0, None, packed)
        assert contents(read_records(to_batch(sent, max_message_bytes=MAX))) == [(-1, b"k", b"v")]
    wrong = compress(Compression.LZ4, message(), magic=0)
    assert refusal(message(0, 1, Compression.LZ4, 7, None, wrong)) is ErrorCode.CORRUPT_MESSAGE


def test_messages_larger_than_the_topic_allows_are_refused() -> None:
    one = message(value=bytes(1000))
    assert refusal(one, max_message_bytes=len(one) - 1) is ErrorCode.MESSAGE_TOO_LARGE
    many = b"".join(message(value=bytes(1000)) for _ in range(10))
    assert refusal(many, max_message_bytes=len(one) + 100) is ErrorCode.MESSAGE_TOO_LARGE
    with pytest.raises(KafkaError) as refused:
        parse_message_set(wrapper(many), limit=5000)
    assert refused.value.code is ErrorCode.MESSAGE_TOO_LARGE


def test_producers_may_not_claim_log_append_time() -> None:
    assert refusal(message(attributes=8), topic_stamps=True) is ErrorCode.INVALID_TIMESTAMP
    assert refusal(message(attributes=8, timestamp=-1)) is ErrorCode.INVALID_TIMESTAMP
    assert refusal(message(timestamp=-2)) is ErrorCode.INVALID_TIMESTAMP


# --- to consumers


@pytest.mark.parametrize(("source", "magic", "start"), JAVA_DOWN_CONVERSIONS)
def test_down_conversion_is_javas_byte_for_byte(source: str, magic: int, start: int) -> None:
    ours = from_batches(bytes.fromhex(JAVA_BATCHES[source]), magic, start)
    javas = bytes.fromhex(JAVA_DOWN_CONVERSIONS[source, magic, start])
    codec = Compression[source.split("-", maxsplit=1)[0].upper()]
    if codec is Compression.NONE:
        assert ours == javas
    else:  # compressors may choose other bytes for the same content
        value = 26 if magic == 0 else 34
        assert ours[:8] == javas[:8]  # the wrapper's offset
        assert ours[16 : value - 4] == javas[16 : value - 4]  # its attributes, timestamp and null key
        opened = [decompress(codec, message_set[value:], MAX, magic=magic) for message_set in (ours, javas)]
        assert opened[0] == opened[1]


@pytest.mark.parametrize("codec", [Compression.NONE, Compression.GZIP, Compression.SNAPPY, Compression.LZ4])
@pytest.mark.parametrize("magic", [0, 1])
def test_records_survive_both_conversions(codec: Compression, magic: int) -> None:
    records = [Record(3, 5, b"a", b"b" * 100_000), Record(4, 4, None, b""), Record(9, 6, b"", None)]
    batch = build_batch(records, compression=codec)
    again = read_records(to_batch(from_batches(batch, magic), max_message_bytes=MAX))
    assert contents(again) == [(record.timestamp if magic else -1, record.key, record.value) for record in records]


@pytest.mark.parametrize(
    ("offset", "timestamp", "text", "checksum"),
    [
        (128, 1512554839806, b"128", -1439508774),
        (129, 1512554840827, b"129", 1515993224),
        (11, 1512556619298, b"15", -1492440752),
        (6, 1512556617287, b"13", -1494513008),
        (7, 1512556618293, b"14", -1499251221),
        (98, 1512558902904, b"98", -588818519),
        (830, 1512559638177, b"830", 1003305652),
    ],
)
def test_the_checksums_that_kafka_python_prints(offset: int, timestamp: int, text: bytes, checksum: int) -> None:
    """What kafka-python 1.3 showed as `ConsumerRecord.checksum` against Kafka 0.10.0, signed."""
    batch = build_batch([Record(offset, timestamp, text, text)])
    shown_offset, _, shown_checksum = struct.unpack_from(">qii", from_batches(batch, 1, offset))
    assert (shown_offset, shown_checksum) == (offset, checksum)


def test_control_batches_and_headers_are_left_out() -> None:
    plain = build_batch([Record(0, 5, b"k", b"v")])
    with_header = build_batch([Record(0, 5, b"k", b"v", [("name", b"content")])])
    marker = build_batch([Record(1, 5, bytes(4), bytes(6))], control=True, transactional=True, producer_id=1)
    assert from_batches(with_header + marker, 1) == from_batches(plain, 1)
    assert from_batches(marker, 1) == b""


def test_a_batch_cut_short_at_the_end_is_left_out() -> None:
    first, second = build_batch([Record(0, 5, b"k", b"v")]), build_batch([Record(1, 5, b"k", b"v")])
    for cut in range(len(second)):
        assert from_batches(first + second[:cut], 1) == from_batches(first, 1)


def test_zstd_is_refused_by_its_own_error() -> None:
    with pytest.raises(KafkaError) as refused:
        from_batches(bytes.fromhex(JAVA_BATCHES["zstd-0"]), 1)
    assert refused.value.code is ErrorCode.UNSUPPORTED_COMPRESSION_TYPE


# --- hostile


@pytest.mark.parametrize(("magic", "codec", "stamped"), JAVA_SETS)
def test_truncated_sets_raise_only_kafka_errors(magic: int, codec: Compression, stamped: bool) -> None:
    whole = bytes.fromhex(JAVA_SETS[magic, codec, stamped])
    for end in range(len(whole)):
        with suppress(KafkaError):
            to_batch(whole[:end], max_message_bytes=MAX)


def with_true_crc(mangled: bytearray) -> bytes:
    """As an attacker would: the first message's CRC made right again."""
    size = int.from_bytes(mangled[8:12], "big", signed=True)
    struct.pack_into(">I", mangled, 12, crc32(mangled[16 : 12 + max(4, size)]))
    return bytes(mangled)


@settings(max_examples=400, deadline=None)
@given(
    key=st.sampled_from(list(JAVA_SETS)),
    edits=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=5),
    repair=st.booleans(),
)
def test_mangled_sets_raise_only_kafka_errors(
    key: tuple[int, Compression, bool], edits: list[tuple[int, int]], repair: bool
) -> None:
    mangled = bytearray.fromhex(JAVA_SETS[key])
    for at, byte in edits:
        mangled[at % len(mangled)] = byte
    with suppress(KafkaError):
        batch = to_batch(with_true_crc(mangled) if repair else mangled, max_message_bytes=MAX, limit=MAX)
        if batch:
            check_crc(batch, 0, read_header(batch))
            read_records(batch)


@settings(max_examples=400, deadline=None)
@given(
    key=st.sampled_from(list(JAVA_BATCHES)),
    edits=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=5),
    magic=st.integers(0, 1),
)
def test_mangled_batches_raise_only_kafka_errors(key: str, edits: list[tuple[int, int]], magic: int) -> None:
    mangled = bytearray.fromhex(JAVA_BATCHES[key])
    for at, byte in edits:
        mangled[at % len(mangled)] = byte
    with suppress(KafkaError):
        from_batches(mangled, magic, limit=MAX)


@settings(max_examples=200, deadline=None)
@given(
    times=st.lists(st.integers(-1, 2**63 - 1), min_size=1, max_size=5),
    codec=st.sampled_from([Compression.NONE, Compression.LZ4]),
)
def test_any_timestamps_survive(times: list[int], codec: Compression) -> None:
    inner = b"".join(message(index, timestamp=time) for index, time in enumerate(times))
    sent = inner if codec is Compression.NONE else wrapper(inner, codec)
    batch = to_batch(sent, max_message_bytes=MAX)
    assert [record.timestamp for record in read_records(batch)] == times
    assert parse_message_set(from_batches(batch, 1)) == parse_message_set(sent)
