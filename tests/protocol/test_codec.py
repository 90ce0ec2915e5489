"""The codec as its users see it: what it takes, what it hands back, and that its code can be read."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from kafkapy.protocol import decode, encode, encode_bytes
from kafkapy.protocol.codec import decoder, encode_element, encoder
from kafkapy.protocol.message import Array, String, Versions, message, schema, wire
from kafkapy.protocol.messages.heartbeat import HeartbeatRequest
from kafkapy.protocol.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData

HEARTBEAT = HeartbeatRequest("readers", 3, "one")
PRODUCE = ProduceRequest(topic_data=[TopicProduceData("t", partition_data=[PartitionProduceData(0, b"a batch")])])


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_bytes_are_decoded_from_any_position(kind: type) -> None:
    data = encode_bytes(HEARTBEAT, 4)

    assert decode(HeartbeatRequest, 4, kind(data)) == (HEARTBEAT, len(data))
    assert decode(HeartbeatRequest, 4, kind(b"before" + data + b"behind"), 6) == (HEARTBEAT, len(data) + 6)


def test_records_are_a_view_that_can_be_patched_in_place() -> None:
    frame = bytearray(encode_bytes(PRODUCE, 9))

    request, _ = decode(ProduceRequest, 9, frame)
    records = request.topic_data[0].partition_data[0].records
    records[0:1] = b"A"

    assert b"A batch" in frame


def test_records_are_not_copied_into_the_chunks() -> None:
    records = PRODUCE.topic_data[0].partition_data[0].records

    assert any(chunk is records for chunk in encode(PRODUCE, 9))


def test_a_field_that_a_version_lacks_takes_its_default() -> None:
    static = HeartbeatRequest("readers", 3, "one", "instance")

    assert decode(HeartbeatRequest, 2, encode_bytes(static, 2))[0] == HEARTBEAT


def test_defaults_are_not_shared() -> None:
    first, _ = decode(ProduceRequest, 9, encode_bytes(ProduceRequest(), 9))
    first.topic_data.append(TopicProduceData("mine"))

    assert decode(ProduceRequest, 9, encode_bytes(ProduceRequest(), 9))[0].topic_data == []


@pytest.mark.parametrize("version", [-1, 5])
def test_a_version_that_is_not_declared_is_refused(version: int) -> None:
    with pytest.raises(ValueError, match=f"HeartbeatRequest has no version {version}"):
        encode(HEARTBEAT, version)


def test_the_emitted_code_can_be_read() -> None:
    assert "message.generation_id" in inspect.getsource(encoder(HeartbeatRequest, 4))
    assert "read_unsigned_varint" in inspect.getsource(decoder(HeartbeatRequest, 4))


@message()
class Empty:
    later: str = wire(String, "1+")


@message(versions="0-1")
class Holder:
    empties: list[Empty] = wire(Array(Empty))


def test_a_structure_without_fields_takes_no_bytes() -> None:
    assert encode_bytes(Holder([Empty()]), 0) == b"\0\0\0\x01"
    assert encode_bytes(Holder([Empty("x")]), 1) == b"\0\0\0\x01\0\x01x"


@message(versions="0-2", flexible="2+")
class Shelf:
    books: list[Empty | bytes] = wire(Array(Empty, kept=True))


@pytest.mark.parametrize("version", [1, 2])
def test_bytes_that_were_made_before_stand_for_an_element(version: int) -> None:
    books = [Empty("one"), Empty("two"), Empty("three")]
    kept = encode_element(Shelf, "books", version, books[1])
    mixed = Shelf([books[0], kept, books[2]])

    assert encode_bytes(mixed, version) == encode_bytes(Shelf([*books]), version)
    assert schema(Shelf, version).build(mixed) == encode_bytes(mixed, version)


@pytest.mark.parametrize(
    ("text", "expected"), [("3+", (3, 32767)), ("1-4", (1, 4)), ("2", (2, 2)), ("none", (0, -1)), ("", (0, -1))]
)
def test_versions_are_in_kafkas_notation(text: str, expected: tuple[int, int]) -> None:
    versions = Versions.parse(text)

    assert versions == expected
    assert [version for version in (0, 1, 2, 3, 4, 5) if version in versions] == [
        version for version in (0, 1, 2, 3, 4, 5) if expected[0] <= version <= expected[1]
    ]


def test_the_protocol_stands_on_its_own() -> None:
    """As a library, it brings in no broker, no event loop and no socket."""
    code = "import sys, kafkapy.protocol as p; p.find_apis(); print(*sorted(sys.modules))"
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=root)
    loaded = run.stdout.split()

    assert not {"trio", "socket", "kafkapy.broker", "kafkapy.server", "kafkapy.storage"} & set(loaded)
