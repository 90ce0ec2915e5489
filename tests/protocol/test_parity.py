"""The emitted code and the interpreted schema are one codec: same values, same bytes, same refusals.

Every declared version of every message is tried with random values, with those bytes cut short, and with those bytes
mangled: flipped, overwritten by hostile lengths, or with something put between. Seeds are fixed, so a failure repeats.
"""

from __future__ import annotations

import inspect
import io
import random
import struct
import tracemalloc
from typing import Any
from uuid import UUID

import pytest
from construct import Construct, ConstructError

from kafkapy.protocol import DecodeError, decode, encode_bytes, find_apis
from kafkapy.protocol import message as m
from kafkapy.protocol import wire as w
from kafkapy.protocol.messages.header import RequestHeader, ResponseHeader
from kafkapy.protocol.records import (
    consumer_protocol,
    control,
    groups,
    metadata,
    share_groups,
    share_state,
    streams_groups,
    transactions,
)

RECORDS = [
    cls
    for module in (
        metadata,
        groups,
        consumer_protocol,
        share_groups,
        share_state,
        streams_groups,
        control,
        transactions,
    )
    for cls in vars(module).values()
    if inspect.isclass(cls) and cls.__module__ == module.__name__
]
MESSAGES = [cls for api in find_apis().values() for cls in (api.request, api.response)]
MESSAGES += [RequestHeader, ResponseHeader, *(cls for cls in RECORDS if m.versions_of(cls).last < 1000)]

HOSTILE = [
    b"\x7f\xff\xff\xff",  # the largest count
    b"\x80\x00\x00\x00",  # the smallest
    b"\xff\xff\xff\xff",  # null
    b"\xff\xff\xff\xff\x0f",  # the largest varint of five bytes
    b"\xff\xff\xff\xff\x1f",  # five bytes, more than 32 bits
    b"\xff\xff\xff\xff\xff\x01",  # six bytes
    b"\x80\x80\x80\x80\x00",  # zero in five bytes
    b"\xff\xff",
    b"\x7f\xff",
    b"\x00",
    b"\x01",
    b"\xc3\x28\xed\xa0\x80\xf8",  # not UTF-8
]
TEXTS = ["", "a", "topic-1", "größer", "日本", "\U0001f600", "x" * 130]
FIXED: dict[str, list[Any]] = {
    "b": [0, 1, -1, 127, -128],
    "h": [0, 1, -1, 32767, -32768],
    "H": [0, 9092, 65535],
    "l": [0, 1, -1, 2147483647, -2147483648],
    "L": [0, 4294967295],
    "q": [0, 1, -1, 2**63 - 1, -(2**63)],
    "d": [0.0, 1.5, -2.25e300],
}


class Chooser(random.Random):
    """Random values of a construct: defaults and limits often, everything sometimes."""

    def value(self, item: Construct, depth: int = 0) -> Any:
        nullable = getattr(item, "nullable", False) or isinstance(item, w.OptionalFields)
        if nullable and self.random() < 0.2:
            return None
        if isinstance(item, w.OptionalFields):
            return self.value(item.subcon, depth)
        if isinstance(item, w.Fields):
            return self.structure(item, depth)
        if isinstance(item, w.Counted):
            return [self.value(item.element, depth + 1) for _ in range(self.choice([0, 1, 1, 2, 3 - min(depth, 2)]))]
        if isinstance(item, w.Sized):
            text = self.choice(TEXTS)
            return text if item.kind == "text" else text.encode()
        if item is w.Boolean:
            return self.random() < 0.5
        if item is w.Uuid:
            return w.ZERO_UUID if self.random() < 0.3 else UUID(int=self.getrandbits(128))
        return self.choice(FIXED[item.fmtstr.lstrip(">")])

    def structure(self, item: w.Fields, depth: int) -> Any:
        values = {name: self.value(construct, depth) for name, construct in item.fields}
        for name, construct, _ in item.tagged.known.values() if item.tagged else ():
            if self.random() < 0.5:
                values[name] = self.value(construct, depth)
        return item.cls(**values)

    def mangled(self, data: bytes) -> bytes:
        mangled = bytearray(data)
        for _ in range(self.choice([1, 1, 1, 2, 4])):
            at = self.randrange(len(mangled) + 1)
            what = self.randrange(4)
            if what == 0 and at < len(mangled):
                mangled[at] = self.randrange(256)
            elif what == 1:
                hostile = self.choice(HOSTILE)
                mangled[at : at + len(hostile)] = hostile
            elif what == 2:
                mangled[at:at] = self.randbytes(self.randint(1, 5))
            else:
                del mangled[at : at + self.randint(1, 3)]
        return bytes(mangled)


REFUSED = "refused"


def interpreted(cls: type, version: int, data: bytes) -> Any:
    stream = io.BytesIO(data)
    try:
        return m.schema(cls, version).parse_stream(stream), stream.tell()
    except ConstructError:
        return REFUSED


def emitted(cls: type, version: int, data: Any) -> Any:
    try:
        return decode(cls, version, data)
    except DecodeError:
        return REFUSED


def assert_same(cls: type, version: int, data: bytes) -> Any:
    """Both decoders agree about the bytes; what they say, or REFUSED."""
    expected, found = interpreted(cls, version, data), emitted(cls, version, bytearray(data))
    if found != expected:  # they may: not-a-number differs from itself, its bytes do not
        assert REFUSED not in (found, expected), data.hex()
        assert found[1] == expected[1], data.hex()
        assert encode_bytes(found[0], version) == encode_bytes(expected[0], version), data.hex()
    return found


@pytest.mark.parametrize("cls", MESSAGES, ids=lambda cls: cls.__name__)
def test_emitted_and_interpreted_agree(cls: type) -> None:
    first, last = m.versions_of(cls)
    for version in range(first, last + 1):
        chooser = Chooser(f"{cls.__name__} {version}")
        schema = m.schema(cls, version)
        for _ in range(6):
            value = chooser.structure(schema, 0)
            data = schema.build(value)

            assert encode_bytes(value, version) == data
            assert assert_same(cls, version, data) == (value, len(data))

            for _ in range(4):
                assert_same(cls, version, data[: chooser.randrange(len(data) + 1)])
            for _ in range(20):
                assert_same(cls, version, chooser.mangled(data))


@m.message(versions="0-1", flexible="1+")
class Part:
    name: str = m.wire(m.String)
    extra: int = m.wire(m.Int32, "1+", default=7, tag=3)


@m.message(versions="0-1", flexible="1+")
class Everything:
    """Every type of the protocol guide, as a value, as null, in arrays and in tags."""

    boolean: bool = m.wire(m.Boolean)
    int8: int = m.wire(m.Int8)
    uint16: int = m.wire(m.UInt16)
    uint32: int = m.wire(m.UInt32)
    float64: float = m.wire(m.Float64)
    uuid: UUID = m.wire(m.Uuid)
    string: str = m.wire(m.String)
    string_or_null: str | None = m.wire(m.String, nullable="0+", default=None)
    data: bytes = m.wire(m.Bytes)
    data_or_null: bytes | None = m.wire(m.Bytes, nullable="0+", default=None)
    records: Any = m.wire(m.Records, nullable="0+")
    flags: list[bool] = m.wire(m.Array(m.Boolean))
    numbers: list[int] = m.wire(m.Array(m.Int64))
    uuids: list[UUID] = m.wire(m.Array(m.Uuid))
    texts: list[str] | None = m.wire(m.Array(m.String), nullable="0+", default=None)
    part: Part = m.wire(Part)
    part_or_null: Part | None = m.wire(Part, nullable="0+", default=None)
    parts: list[Part] = m.wire(m.Array(Part))
    tagged_part: Part | None = m.wire(Part, "1+", default=None, tag=0)
    tagged_texts: list[str] | None = m.wire(m.Array(m.String), "1+", nullable="1+", default=None, tag=1)
    tagged_number: int = m.wire(m.Int64, "1+", default=-1, tag=2)
    tagged_flag: bool = m.wire(m.Boolean, "1+", default=True, tag=200)
    tagged_uuid: UUID = m.wire(m.Uuid, "1+", tag=2**31)


@pytest.mark.parametrize("version", [0, 1])
def test_every_type_agrees(version: int) -> None:
    chooser = Chooser(version)
    schema = m.schema(Everything, version)
    refused = 0
    for _ in range(150):
        value = chooser.structure(schema, 0)
        data = schema.build(value)
        assert encode_bytes(value, version) == data
        assert assert_same(Everything, version, data) == (value, len(data))
        for end in range(0, len(data), 7):
            assert assert_same(Everything, version, data[:end]) == REFUSED
        for _ in range(10):
            refused += assert_same(Everything, version, chooser.mangled(data)) == REFUSED
    assert 100 < refused < 1500


@m.message(versions="0-1", flexible="1+")
class Lengths:
    text: str = m.wire(m.String)
    text_or_null: str | None = m.wire(m.String, nullable="0+", default=None)
    numbers: list[int] = m.wire(m.Array(m.Int32))


@pytest.mark.parametrize(
    ("version", "text", "expected"),
    [
        (0, "0000 ffff 00000000", ("", None, [])),
        (0, "0001 61 0000 00000001 00000005", ("a", "", [5])),
        (0, "0000 fffe 00000000", ("", None, [])),  # any negative length is null
        (0, "ffff ffff 00000000", REFUSED),
        (0, "0000 ffff ffffffff", REFUSED),
        (0, "0000 ffff 7fffffff", REFUSED),
        (1, "01 00 01 00", ("", None, [])),
        (1, "01 01 02 00000005 00", ("", "", [5])),
        (1, "00 00 01 00", REFUSED),
        (1, "01 00 00 00", REFUSED),
        (1, "8180808000 00 01 00", ("", None, [])),  # a varint may be longer than it need be
        (1, "818080808000 00 01 00", REFUSED),
        (1, "ffffffff1f 00 01 00", REFUSED),
        (1, "01 00 ffffffff0f 00", REFUSED),
        (1, "05 ff28c3fe 00 01 00", ("\ufffd(\ufffd\ufffd", None, [])),
        (1, "01 00 01 02 05 00 80 01 03 616263", ("", None, [])),  # unknown tags 5 and 128
        (1, "01 00 01 01 05 04 616263", REFUSED),  # an unknown tag that ends behind the message
        (1, "01 00 01 ffffffff0f", REFUSED),
        (1, "01 00 01 ffffffff0f 05 00", REFUSED),
    ],
)
def test_lengths_nulls_and_tags(version: int, text: str, expected: Any) -> None:
    data = bytes.fromhex(text)

    found = assert_same(Lengths, version, data)

    assert found == (REFUSED if expected == REFUSED else (Lengths(*expected), len(data)))


@pytest.mark.parametrize("size", ["00", "03", "05", "8080808008"])
def test_a_known_tag_has_the_size_of_its_value(size: str) -> None:
    data = bytes.fromhex(f"01 01 03 {size} 00000005")

    assert assert_same(Part, 1, data) == REFUSED
    assert assert_same(Part, 1, bytes.fromhex("01 01 03 04 00000005")) == (Part("", 5), 8)


@pytest.mark.parametrize("value", [Lengths(text=None), Lengths(numbers=None), Lengths(numbers=[2**31])])  # type: ignore[arg-type]
@pytest.mark.parametrize("version", [0, 1])
def test_what_has_no_bytes_is_not_encoded(value: Lengths, version: int) -> None:
    with pytest.raises((ConstructError, TypeError, struct.error)):
        m.schema(Lengths, version).build(value)
    with pytest.raises((TypeError, ValueError, struct.error)):
        encode_bytes(value, version)


def test_a_string_too_long_for_its_length_is_not_encoded() -> None:
    assert decode(Lengths, 0, encode_bytes(Lengths("x" * 32767), 0))[0].text == "x" * 32767
    with pytest.raises((ValueError, struct.error)):
        encode_bytes(Lengths("x" * 32768), 0)
    with pytest.raises(ConstructError):
        m.schema(Lengths, 0).build(Lengths("x" * 32768))


@pytest.mark.parametrize("cls", MESSAGES, ids=lambda cls: cls.__name__)
def test_a_hostile_count_allocates_nothing(cls: type) -> None:
    """A kilobyte of the largest counts and lengths there are is refused before memory is taken for them."""
    first, last = m.versions_of(cls)
    for hostile in (b"\x7f\xff\xff\xff" * 256, b"\xff\xff\xff\xff\x07" * 200, b"\x00\x00\x03\x00" * 256):
        for version in {first, last}:
            emitted(cls, version, b"")  # the code is emitted before memory is measured
            tracemalloc.start()
            try:
                emitted(cls, version, hostile)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert peak < 1_000_000


def test_the_error_names_message_version_and_field() -> None:
    with pytest.raises(DecodeError, match=r"Lengths v0: .*numbers.*null"):
        decode(Lengths, 0, bytes.fromhex("0000 ffff ffffffff"))


def test_a_large_message_is_refused_without_being_interpreted() -> None:
    data = bytes.fromhex("0000 ffff") + (10_000_000).to_bytes(4) + bytes(1_000_000)

    with pytest.raises(DecodeError, match=r"Lengths v0: .*does not fit \(1000008 bytes from 0\)"):
        decode(Lengths, 0, data)
