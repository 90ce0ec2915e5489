"""The records of a batch as spans of its bytes: what the log cleaner must know of each, and no object made of it.

A scan reads of every record its length, offset, key, and whether it has a value, and steps over the rest. A record that
is kept is copied as it stands; only its timestamp delta is written anew when the batch gets another base timestamp.
The whole of a record is looked at by `read_records`. Apache's class: `DefaultRecord.readPartiallyFrom`.
"""

from __future__ import annotations

from collections.abc import Sequence

from crc32c import crc32c

from kafkapy.protocol.batch import (
    ATTRIBUTES_OFFSET,
    DELETE_HORIZON_BIT,
    HEADER,
    HEADER_SIZE,
    LENGTH_END,
    NO_TIMESTAMP,
    BatchHeader,
    decode_varint,
    encode_varint,
    wrap_int64,
)
from kafkapy.protocol.compression import Compression, compress, decompress
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.octets import Bytes

ScannedRecord = tuple[bytes | None, int, bool, int, int]
"""Key, offset delta, whether there is no value, and where in the body the record begins and ends."""

_MOST_BYTES = 2**31 - 1
_NULL = 1  # the length -1 as a zigzag integer
_KEPT_ATTRIBUTES = 0x38  # of an emptied batch: timestamp type, transactional, control


def batch_body(data: Bytes, header: BatchHeader) -> bytes:
    """The records of the batch, decompressed. Raises KafkaError(CORRUPT_MESSAGE)."""
    body = memoryview(data)[HEADER_SIZE : header.size]
    codec = header.compression
    return bytes(body) if codec is Compression.NONE else decompress(codec, body, _MOST_BYTES)


def scan_records(body: bytes, header: BatchHeader) -> list[ScannedRecord]:
    """Every record of the decompressed body. Raises KafkaError(CORRUPT_MESSAGE)."""
    found: list[ScannedRecord] = []
    take = found.append
    size = len(body)
    start = 0
    try:
        for _ in range(header.record_count):
            # One-byte integers, which nearly all are, are read in place: this loop is what compaction costs.
            at = start + 1
            length = body[start]
            if length < 0x80:
                if length & 1:
                    raise _corrupt(header, len(found), "its length is negative")
                end = at + (length >> 1)
            else:
                length, at = decode_varint(body, start)
                end = at + length
            if not at < end <= size:
                raise _corrupt(header, len(found), f"it ends at byte {end} of {size}")
            at += 1  # attributes
            while body[at] >= 0x80:  # timestamp delta
                at += 1
            at += 1
            delta = body[at]
            at += 1
            if delta < 0x80:
                delta >>= 1
            else:
                delta, at = decode_varint(body, at - 1)
            length = body[at]
            at += 1
            if length < 0x80:
                length = (length >> 1) ^ -(length & 1)
            else:
                length, at = decode_varint(body, at - 1)
            if length < 0:
                key = None
            else:
                key = body[at : at + length]
                at += length
            if at >= end:
                raise _corrupt(header, len(found), "its key reaches past its end")
            take((key, delta, body[at] == _NULL, start, end))
            start = end
    except IndexError:
        raise _corrupt(header, len(found), "the batch ends within it") from None
    if start != size:
        raise _corrupt(header, len(found), f"{size - start} bytes are left behind the last one")
    return found


def _corrupt(header: BatchHeader, index: int, why: str) -> KafkaError:
    return KafkaError(
        ErrorCode.CORRUPT_MESSAGE, f"record {index} of the batch at offset {header.base_offset} cannot be read: {why}"
    )


def rebuild_batch(
    header: BatchHeader, body: bytes, kept: Sequence[ScannedRecord], delete_horizon_ms: int | None
) -> tuple[BatchHeader, bytes]:
    """The batch with only the `kept` records (at least one); offsets, producer and sequences stay what they were.

    A `delete_horizon_ms` takes the place of the base timestamp, and the batch says so; with None the base timestamp
    stays, a delete horizon too. The records are compressed as they were.
    """
    base = header.base_timestamp
    deltas = [decode_varint(body, decode_varint(body, start)[1] + 1) for _, _, _, start, _ in kept]
    stamps = [header.max_timestamp if header.is_log_append_time else wrap_int64(base + delta) for delta, _ in deltas]
    attributes = header.attributes
    if delete_horizon_ms is None:
        parts = [body[start:end] for _, _, _, start, end in kept]
    else:
        attributes |= DELETE_HORIZON_BIT
        base = delete_horizon_ms
        parts = []
        for (_, _, _, start, end), stamp, (_, behind) in zip(kept, stamps, deltas, strict=True):
            begin = decode_varint(body, start)[1]
            record = body[begin : begin + 1] + encode_varint(wrap_int64(stamp - base)) + body[behind:end]
            parts += (encode_varint(len(record)), record)
    payload = compress(header.compression, b"".join(parts))
    return _seal(
        header._replace(attributes=attributes, base_timestamp=base, max_timestamp=max(stamps), record_count=len(kept)),
        payload,
    )


def empty_batch(header: BatchHeader) -> tuple[BatchHeader, bytes]:
    """The batch without its records: its offsets, its producer and its sequences remain."""
    return _seal(
        header._replace(attributes=header.attributes & _KEPT_ATTRIBUTES, base_timestamp=NO_TIMESTAMP, record_count=0),
        b"",
    )


def _seal(header: BatchHeader, payload: bytes) -> tuple[BatchHeader, bytes]:
    """Length and checksum as the payload makes them."""
    header = header._replace(length=HEADER_SIZE - LENGTH_END + len(payload))
    crc = crc32c(payload, crc32c(HEADER.pack(*header)[ATTRIBUTES_OFFSET:]))
    header = header._replace(crc=crc)
    return header, HEADER.pack(*header) + payload
