"""Record batches as producers send them, and as none should."""

from __future__ import annotations

import struct
from typing import Any

from kafkapy.protocol.batch import CRC_OFFSET, HEADER_SIZE, Record, build_batch, crc_of
from kafkapy.protocol.compression import Compression
from kafkapy.protocol.legacy import from_batches

TIME = 1_700_000_000_000  # when the records were written; both brokers keep it
_FIELDS = {  # of a batch's header: where it stands, and its form
    "base_offset": (0, ">q"),
    "length": (8, ">i"),
    "leader_epoch": (12, ">i"),
    "magic": (16, ">b"),
    "crc": (17, ">I"),
    "attributes": (21, ">h"),
    "last_offset_delta": (23, ">i"),
    "base_timestamp": (27, ">q"),
    "max_timestamp": (35, ">q"),
    "producer_id": (43, ">q"),
    "producer_epoch": (51, ">h"),
    "base_sequence": (53, ">i"),
    "record_count": (57, ">i"),
}


def batch(*values: str, at: int = TIME, key: bytes | None = b"k", **options: Any) -> bytes:
    """A batch of these values, one ms apart."""
    records = [Record(index, at + index, key, value.encode(), []) for index, value in enumerate(values)]
    return build_batch(records, **options)


def changed(data: bytes, *, true_crc: bool = True, **fields: int) -> bytes:
    """The batch with other numbers in its header; with a CRC that fits, unless told otherwise."""
    made = bytearray(data)
    for name, value in fields.items():
        at, form = _FIELDS[name]
        struct.pack_into(form, made, at, value)
    if true_crc and "crc" not in fields:
        struct.pack_into(">I", made, CRC_OFFSET, crc_of(made, 0, len(made)))
    return bytes(made)


def with_body(data: bytes, body: bytes, **fields: int) -> bytes:
    """The batch with other bytes for records, and a length and CRC that fit."""
    return changed(data[:HEADER_SIZE] + body, length=HEADER_SIZE - 12 + len(body), **fields)


def wrong_batches() -> dict[str, bytes | None]:
    """What is no batch that a producer may send, or is at the edge of it."""
    good = batch("a", "b", "c")
    return {
        "empty": b"",
        "one byte": b"\0",
        "16 bytes": good[:16],
        "17 bytes": good[:17],
        "header only": good[:61],
        "cut short": good[:-1],
        "trailing byte": good + b"\0",
        "trailing bytes": good + bytes(20),
        "two batches": good + good,
        "two batches, the second cut": good + good[:-5],
        "crc": changed(good, crc=1),
        "base offset": changed(good, base_offset=7),
        "negative base offset": changed(good, base_offset=-7),
        "leader epoch": changed(good, leader_epoch=9),
        "length 0": changed(good, length=0),
        "length negative": changed(good, length=-5),
        "length too small": changed(good, length=48),
        "length one more": changed(good, length=len(good) - 11),
        "length huge": changed(good, length=2**31 - 1),
        "magic 0": changed(good, magic=0),
        "magic 1": changed(good, magic=1),
        "magic 3": changed(good, magic=3),
        "magic negative": changed(good, magic=-1),
        "message set 0": from_batches(good, 0, 0),
        "message set 1": from_batches(good, 1, 0),
        "codec 5": changed(good, attributes=5),
        "codec 7": changed(good, attributes=7),
        "gzip that is none": changed(good, attributes=1),
        "snappy that is none": changed(good, attributes=2),
        "lz4 that is none": changed(good, attributes=3),
        "zstd that is none": changed(good, attributes=4),
        "log append time": changed(good, attributes=8),
        "transactional": changed(good, attributes=0x10),
        "control": changed(good, attributes=0x20),
        "transactional control": changed(good, attributes=0x30),
        "delete horizon": changed(good, attributes=0x40),
        "unknown attributes": changed(good, attributes=0x1F80),
        "last offset delta small": changed(good, last_offset_delta=1),
        "last offset delta large": changed(good, last_offset_delta=5),
        "last offset delta negative": changed(good, last_offset_delta=-1),
        "count 0": changed(good, record_count=0, last_offset_delta=-1),
        "count 0, no records": with_body(good, b"", record_count=0, last_offset_delta=-1),
        "count 0, no records, delta 0": with_body(good, b"", record_count=0, last_offset_delta=0),
        "count negative": changed(good, record_count=-1, last_offset_delta=-2),
        "count small": changed(good, record_count=2, last_offset_delta=1),
        "count large": changed(good, record_count=4, last_offset_delta=3),
        "count huge": changed(good, record_count=2**31 - 1, last_offset_delta=2**31 - 2),
        "max timestamp": changed(good, max_timestamp=TIME + 99),
        "max timestamp small": changed(good, max_timestamp=TIME - 99),
        "base timestamp negative": changed(good, base_timestamp=-1),
        "records that are none": with_body(good, b"\x7f" * 30),
        "record bytes missing": with_body(good, good[61:-3]),
        "record bytes more": with_body(good, good[61:] + b"\0\0"),
        "no producer, sequence": changed(good, base_sequence=5),
        "no producer, epoch": changed(good, producer_epoch=5),
        "producer without sequence": changed(good, producer_id=7000, producer_epoch=0),
        "producer without epoch": changed(good, producer_id=7000, base_sequence=0),
        "producer negative": changed(good, producer_id=-7, producer_epoch=0, base_sequence=0),
        "producer epoch negative": changed(good, producer_id=7001, producer_epoch=-3, base_sequence=0),
        "sequence negative": changed(good, producer_id=7002, producer_epoch=0, base_sequence=-3),
        "unknown producer": changed(good, producer_id=7003, producer_epoch=0, base_sequence=0),
        "unknown producer, late sequence": changed(good, producer_id=7004, producer_epoch=0, base_sequence=9),
        "unknown producer, late epoch": changed(good, producer_id=7005, producer_epoch=9, base_sequence=0),
        "sequence at the end": changed(good, producer_id=7006, producer_epoch=0, base_sequence=2**31 - 2),
        "gzip": batch("a", "b", compression=Compression.GZIP),
        "snappy": batch("a", "b", compression=Compression.SNAPPY),
        "lz4": batch("a", "b", compression=Compression.LZ4),
        "zstd": batch("a", "b", compression=Compression.ZSTD),
        "too large": batch("x" * 1_100_000),
        "no key": batch("a", key=None),
        "old": batch("a", at=1000),
        "at 0": batch("a", at=0),
        "before the epoch": batch("a", at=-5),
        "no timestamp": batch("a", at=-1),
        "least timestamp": batch("a", at=-(2**63)),
        "largest timestamp": batch("a", at=2**63 - 1),
        "in two hours": batch("a", at=4_000_000_000_000),
        "good": good,
    }
