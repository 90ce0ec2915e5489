"""Bytes that are no request that a broker knows: what becomes of the connection must be the same."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest
from on_purpose import ANSWERED, SILENT
from sides import Connection, Sides

from kafkapy.protocol.api import Api, find_apis
from kafkapy.protocol.messages.add_partitions_to_txn import AddPartitionsToTxnTransaction
from kafkapy.protocol.request import encode_request

APIS = find_apis()
SHORT_LIMIT_S = 0.5  # for who expects no answer


def header(key: int, version: int, *, client: bytes | None = b"me", tagged: bool = False) -> bytes:
    name = b"\xff\xff" if client is None else len(client).to_bytes(2) + client
    return struct.pack(">hhi", key, version, 7) + name + (b"\0" if tagged else b"")


def outcome(answer: Any) -> str:
    """What became of a frame, without what an answer says: that other tests compare."""
    return answer if isinstance(answer, str) else ANSWERED


def send(line: Connection, sides: Sides, what: str, data: bytes) -> None:
    answers = line.send_bytes(data, SHORT_LIMIT_S)
    sides.compare("Frame", f"{what}: {data[:60]!r}", answers.map(outcome))
    if SILENT in answers.both():
        line.renew()


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data


def test_sizes(line: Connection, sides: Sides) -> None:
    for size in (-1, -(2**31), 2**31 - 1, 104_857_601, 0, 1, 3, 7):
        send(line, sides, f"size {size}", struct.pack(">i", size) + bytes(max(0, min(size, 8))))


def test_headers(line: Connection, sides: Sides) -> None:
    good = header(18, 0)
    for end in range(len(good)):
        send(line, sides, f"header of {end} bytes", framed(good[:end]))
    for key in (-1, 4, 5, 6, 7, 52, 53, 54, 56, 58, 59, 62, 63, 64, 67, 70, 73, 92, 93, 1000, 32767):
        for version in (0, 1, 99):
            send(line, sides, f"key {key} v{version}", framed(header(key, version)))
            send(line, sides, f"key {key} v{version}", framed(header(key, version, tagged=True)))
    send(line, sides, "no client id", framed(header(18, 0, client=None)))
    send(line, sides, "client id no text", framed(header(18, 0, client=b"\xff\xfe")))
    send(line, sides, "client id longer than the frame", framed(header(18, 0)[:8] + b"\x7f\xff"))
    send(line, sides, "client id of negative size", framed(header(18, 0)[:8] + b"\x80\0"))
    tags = header(18, 3)
    body = b"\x03me\x02\x31\0"
    for name, tagged in (
        ("one tag", b"\x01\x07\x01x"),
        ("tags out of order", b"\x02\x07\x01x\x05\x01x"),
        ("a tag twice", b"\x02\x07\x01x\x07\x01x"),
        ("tag beyond the frame", b"\x01\x07\x7fx"),
        ("endless varint", b"\xff\xff\xff\xff\xff\xff"),
    ):
        send(line, sides, name, framed(tags + tagged + body))
    for end in range(len(body)):
        send(line, sides, f"ApiVersions body of {end} bytes", framed(tags + b"\0" + body[:end]))
    for version in (5, 100, -1, 32767):
        send(line, sides, f"ApiVersions v{version}", framed(header(18, version, tagged=True) + body))
        send(line, sides, f"ApiVersions v{version}, no body", framed(header(18, version)))


@pytest.mark.parametrize("api", list(APIS.values()), ids=lambda api: api.name)
def test_versions_and_bodies(line: Connection, sides: Sides, api: Api) -> None:
    versions = sides.versions(api)
    if not versions:
        pytest.skip("not served by both")
    if api.key != 18:
        for version in (-1, versions[-1] + 1, 32767):
            flexible = api.request_header_version(versions[-1]) > 1
            send(line, sides, f"v{version}", framed(header(api.key, version, tagged=flexible)))
    for version in versions:
        if api.name == "Produce" and version < 3:
            continue
        whole = encode_request(api, version, 7, "me", _filled(api))
        body = len(header(api.key, version, tagged=api.request_header_version(version) > 1))
        for end in {body, body + 1, body + 2, len(whole) - 1} - {len(whole)}:
            if end < len(whole):
                send(line, sides, f"v{version} cut to {end} of {len(whole)}", framed(whole[:end]))
        for more in (b"\0", b"\0" * 9, b"trailing"):
            if api.name not in ("JoinGroup", "SyncGroup", "DeleteTopics"):
                send(line, sides, f"v{version} and {more!r}", framed(whole + more))
        for name, mangled in _mangled(whole, body):
            send(line, sides, f"v{version} {name}", framed(mangled))


def _filled(api: Api) -> Any:
    request = api.request()
    if api.name == "Produce":
        request.acks = 1  # what is sent with 0 is not answered
    if api.name == "AddPartitionsToTxn":
        # From v4 on Apache never answers one without a transaction.
        request.transactions = [AddPartitionsToTxnTransaction("tx", 1, 0)]
    return request


def _mangled(whole: bytes, body: int) -> Iterator[tuple[str, bytes]]:
    """With a count or a length at the body's start that cannot be, whichever it is."""
    for size in (b"\x7f\xff\xff\xff", b"\xff\xff\xff\xfe", b"\xff\xff\xff\xff\x0f", b"\x80\0\0\0"):
        yield f"beginning with {size!r}", whole[:body] + size + whole[body + len(size) :]


def test_requests_in_one_write(line: Connection, sides: Sides) -> None:
    one = framed(header(18, 0))
    answers = line.send_bytes(one * 3, SHORT_LIMIT_S)
    sides.compare("Frame", "three in one write", answers.map(outcome))
    send(line, sides, "good and then bad", one + framed(header(18, 0)[:5]))
