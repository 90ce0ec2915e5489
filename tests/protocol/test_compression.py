"""Compression: what clients send is read, what we send they read, and hostile input stays within its limit."""

from __future__ import annotations

import gzip
import random
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkapy.protocol.compression import Compression, compress, decompress
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.octets import Bytes

CODECS = [codec for codec in Compression if codec is not Compression.NONE]
TEXT = b"the quick brown fox jumps over the lazy dog, " * 4000  # more than one block of any framing


@pytest.mark.parametrize("codec", list(Compression))
@pytest.mark.parametrize("data", [b"", b"x", TEXT, random.Random(1).randbytes(200_000)])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_what_is_compressed_reads_back(codec: Compression, data: bytes, kind: type[Bytes]) -> None:
    packed = compress(codec, kind(data))
    assert type(packed) is bytes
    assert decompress(codec, kind(packed), len(data)) == data


@pytest.mark.parametrize(
    ("codec", "levels"),
    [
        (Compression.GZIP, [-1, 1, 9]),
        (Compression.LZ4, [1, 9, 17]),
        (Compression.ZSTD, [-131072, 1, 22]),
    ],
)
def test_levels_have_kafkas_ranges(codec: Compression, levels: list[int]) -> None:
    for level in levels:
        assert decompress(codec, compress(codec, TEXT, level), len(TEXT)) == TEXT


@pytest.mark.parametrize("codec", list(Compression))
def test_one_byte_over_the_limit_is_too_large(codec: Compression) -> None:
    packed = compress(codec, TEXT)
    with pytest.raises(KafkaError) as refused:
        decompress(codec, packed, len(TEXT) - 1)
    assert refused.value.code is ErrorCode.MESSAGE_TOO_LARGE


@pytest.mark.parametrize("codec", CODECS)
def test_a_bomb_costs_no_more_than_the_limit(codec: Compression) -> None:
    bomb = compress(codec, bytes(50_000_000))
    limit = 1_000_000
    tracemalloc.start()
    with pytest.raises(KafkaError) as refused:
        decompress(codec, bomb, limit)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.code is ErrorCode.MESSAGE_TOO_LARGE
    assert peak < 3 * limit


def test_a_snappy_block_that_promises_gigabytes_is_corrupt() -> None:
    promise = b"\xff\xff\xff\xff\x07" + b"\0" * 20
    with pytest.raises(KafkaError) as refused:
        decompress(Compression.SNAPPY, promise, 2**31 - 1)
    assert refused.value.code is ErrorCode.CORRUPT_MESSAGE


def test_concatenated_gzip_members_are_one() -> None:
    assert decompress(Compression.GZIP, gzip.compress(b"one, ") + gzip.compress(b"two"), 100) == b"one, two"


def test_bare_snappy_blocks_are_read() -> None:
    bare = b"\x05\x10hello"
    assert decompress(Compression.SNAPPY, bare, 100) == b"hello"


def test_snappy_is_framed_as_java_frames_it() -> None:
    packed = compress(Compression.SNAPPY, b"hello")
    assert packed == b"\x82SNAPPY\0" + b"\0\0\0\1" + b"\0\0\0\1" + b"\0\0\0\7" + b"\x05\x10hello"
    assert decompress(Compression.SNAPPY, packed + packed, 100) == b"hellohello"


def test_snappy_framing_of_a_later_version_is_refused() -> None:
    packed = bytearray(compress(Compression.SNAPPY, b"hello"))
    packed[15] = 2
    with pytest.raises(KafkaError) as refused:
        decompress(Compression.SNAPPY, packed, 100)
    assert refused.value.code is ErrorCode.CORRUPT_MESSAGE


def test_the_lz4_header_checksum_is_wrong_in_format_0_and_right_elsewhere() -> None:
    """KAFKA-3160: the checksum covered the frame's magic number as well."""
    old, new = (compress(Compression.LZ4, b"hello", magic=magic) for magic in (0, 1))
    assert old == bytes.fromhex("04224d1860401a0500008068656c6c6f00000000")
    assert new == bytes.fromhex("04224d186040820500008068656c6c6f00000000")
    for frame in (old, new):
        assert decompress(Compression.LZ4, frame, 100, magic=0) == b"hello"
    with pytest.raises(KafkaError) as refused:
        decompress(Compression.LZ4, old, 100, magic=1)
    assert refused.value.code is ErrorCode.CORRUPT_MESSAGE


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("magic", [0, 2])
def test_every_truncation_is_refused(codec: Compression, magic: int) -> None:
    packed = compress(codec, b"hello, hello, hello, hello", magic=magic)
    for end in range(len(packed)):
        if codec is Compression.SNAPPY and end == 16:
            continue  # Java's framing has no end mark: a stream cut between blocks is a shorter stream
        with pytest.raises(KafkaError) as refused:
            decompress(codec, packed[:end], 100, magic=magic)
        assert refused.value.code is ErrorCode.CORRUPT_MESSAGE


@pytest.mark.parametrize("codec", CODECS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_mangled_input_raises_only_kafka_errors(codec: Compression, data: st.DataObject) -> None:
    packed = bytearray(compress(codec, b"hello, hello, hello, hello" * data.draw(st.integers(0, 50))))
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    packed += data.draw(st.binary(max_size=8))
    with suppress(KafkaError):
        assert len(decompress(codec, packed, 5000, magic=data.draw(st.integers(0, 2)))) <= 5000


@pytest.mark.parametrize("codec", CODECS)
@settings(max_examples=100, deadline=None)
@given(junk=st.binary(max_size=200))
def test_junk_raises_only_kafka_errors(codec: Compression, junk: bytes) -> None:
    with suppress(KafkaError):
        decompress(codec, junk, 5000)
