"""The record batch, message format v2: its header, its checks, and its records.

A broker treats a batch as opaque bytes. It reads the 61-byte header, checks the CRC-32C, and patches the base offset
and the partition leader epoch in place, which both lie before what the CRC covers. Records are opened only where the
protocol demands it. Apache's classes: `DefaultRecordBatch`, `DefaultRecord`. KIP-98.

    offset  size  field
         0     8  base offset
         8     4  length of all that follows
        12     4  partition leader epoch
        16     1  magic, 2
        17     4  CRC-32C of everything from here on
        21     2  attributes: compression 0-2, timestamp type 3, transactional 4, control 5, delete horizon 6
        23     4  last offset delta
        27     8  base timestamp, ms (delete horizon if bit 6)
        35     8  max timestamp, ms
        43     8  producer id
        51     2  producer epoch
        53     4  base sequence
        57     4  record count
        61        records, compressed as one
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from crc32c import crc32c

from kafkapy.protocol.compression import Compression, compress, decompress
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.octets import Bytes

HEADER = struct.Struct(">qiibIhiqqqhii")
HEADER_SIZE = HEADER.size
LENGTH_OFFSET = 8
LENGTH_END = 12  # the length field counts what follows it
LEADER_EPOCH_OFFSET = 12
MAGIC_OFFSET = 16
CRC_OFFSET = 17
ATTRIBUTES_OFFSET = 21
MAGIC = 2
LEAST_RECORD_SIZE = 7  # its length, attributes, two deltas, no key, no value and no headers: a byte each
ASSIGNED = struct.Struct(">qii")  # base offset, length, leader epoch: what a leader rewrites, all at the front
ASSIGNED_SIZE = ASSIGNED.size
_BASE_OFFSET = struct.Struct(">q")
_LENGTH = struct.Struct(">i")
_LEADER_EPOCH = struct.Struct(">i")
_CRC = struct.Struct(">I")
_MAGIC_FIELD = 3  # the first of the header that a leader leaves as it is
_MAX_VARINT_SHIFT = 63
_SHORT = 64  # from here on a varint takes more than one byte

NO_PRODUCER_ID = -1
NO_SEQUENCE = -1
NO_TIMESTAMP = -1
NO_LEADER_EPOCH = -1

COMPRESSION_BITS = 0x07
_COMPRESSIONS = {int(codec): codec for codec in Compression}
LOG_APPEND_TIME_BIT = 0x08
TRANSACTIONAL_BIT = 0x10
_CONTROL_BIT = 0x20
DELETE_HORIZON_BIT = 0x40
KNOWN_ATTRIBUTES = 0x7F
_MAX_INT32 = 2**31 - 1
_INT64_SPAN = 2**63


class BatchHeader(NamedTuple):
    """The 61 bytes before the records, as they stand in the batch."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    def placed(self, base_offset: int, leader_epoch: int) -> BatchHeader:
        """The same header with what the leader assigns."""
        return tuple.__new__(BatchHeader, (base_offset, self.length, leader_epoch, *self[_MAGIC_FIELD:]))

    @property
    def size(self) -> int:
        """The whole batch in bytes, header included."""
        return self.length + LENGTH_END

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        return self.base_offset + self.last_offset_delta + 1

    @property
    def last_sequence(self) -> int:
        """The sequence of the last record; sequences wrap from 2**31 - 1 to 0."""
        if self.base_sequence == NO_SEQUENCE:
            return NO_SEQUENCE
        return add_sequence(self.base_sequence, self.last_offset_delta)

    @property
    def compression(self) -> Compression:
        """Raises KafkaError(CORRUPT_MESSAGE) for a codec that Kafka does not have."""
        return compression_of(self.attributes)

    @property
    def is_log_append_time(self) -> bool:
        return bool(self.attributes & LOG_APPEND_TIME_BIT)

    @property
    def is_transactional(self) -> bool:
        return bool(self.attributes & TRANSACTIONAL_BIT)

    @property
    def is_control(self) -> bool:
        return bool(self.attributes & _CONTROL_BIT)

    @property
    def has_delete_horizon(self) -> bool:
        return bool(self.attributes & DELETE_HORIZON_BIT)


@dataclass(slots=True)
class Record:
    """One record, with its offset and timestamp (ms) resolved; keys and values may be null, header values too."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)


def add_sequence(sequence: int, by: int) -> int:
    """`sequence + by`, wrapping after 2**31 - 1 to 0 as producers do."""
    return (sequence + by) & _MAX_INT32


def compression_of(attributes: int) -> Compression:
    found = _COMPRESSIONS.get(attributes & COMPRESSION_BITS)
    if found is None:
        why = f"unknown compression {attributes & COMPRESSION_BITS} in a batch's attributes"
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, why)
    return found


def read_header(data: Bytes, position: int = 0) -> BatchHeader:
    """The header of the batch at `position`. Raises KafkaError(CORRUPT_MESSAGE) if it is cut short or not format v2."""
    try:
        header = tuple.__new__(BatchHeader, HEADER.unpack_from(data, position))  # as `_make` does, in half the time
    except struct.error:
        why = f"a record batch of {len(data) - position} bytes is shorter than its {HEADER_SIZE}-byte header"
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, why) from None
    if header.magic != MAGIC:
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"message format {header.magic} where a v2 batch is expected")
    if header.length < HEADER_SIZE - LENGTH_END:
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"batch length {header.length} is shorter than the header")
    return header


def split_batches(records: Bytes, *, cut_is_end: bool = False) -> Iterator[tuple[int, BatchHeader]]:
    """Each batch's position and header.

    Raises KafkaError(CORRUPT_MESSAGE) where a batch is cut short, unless that counts as the end (`cut_is_end`).
    """
    position, end = 0, len(records)
    while position < end:
        if cut_is_end and _is_cut(records, position, end - position):
            return
        header = read_header(records, position)
        if position + header.size > end:
            why = f"a batch of {header.size} bytes where {end - position} are left"
            raise KafkaError(ErrorCode.CORRUPT_MESSAGE, why)
        yield position, header
        position += header.size


def _is_cut(records: Bytes, position: int, left: int) -> bool:
    """Whether fewer bytes are left than the batch at `position` says that it has."""
    return left < LENGTH_END or _LENGTH.unpack_from(records, position + LENGTH_OFFSET)[0] > left - LENGTH_END


def crc_of(data: Bytes, position: int, size: int) -> int:
    """The CRC-32C of the batch of `size` bytes at `position`, as its header should state it."""
    return crc32c(memoryview(data)[position + ATTRIBUTES_OFFSET : position + size])


def check_crc(data: Bytes, position: int, header: BatchHeader) -> None:
    """Raises KafkaError(CORRUPT_MESSAGE) if the batch is not what its writer made."""
    computed = crc_of(data, position, header.size)
    if computed != header.crc:
        why = f"batch at offset {header.base_offset}: CRC-32C is {computed:#010x}, header says {header.crc:#010x}"
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, why)


def patch_offset_and_epoch(data: bytearray | memoryview, position: int, base_offset: int, leader_epoch: int) -> None:
    """Write what the leader assigns. Both fields lie before the CRC's range, so the CRC stays true."""
    _BASE_OFFSET.pack_into(data, position, base_offset)
    _LEADER_EPOCH.pack_into(data, position + LEADER_EPOCH_OFFSET, leader_epoch)


def build_batch(
    records: Iterable[Record],
    *,
    base_offset: int | None = None,
    leader_epoch: int = NO_LEADER_EPOCH,
    compression: Compression = Compression.NONE,
    level: int | None = None,
    producer_id: int = NO_PRODUCER_ID,
    producer_epoch: int = -1,
    base_sequence: int = NO_SEQUENCE,
    log_append_time: int | None = None,
    transactional: bool = False,
    control: bool = False,
) -> bytes:
    """A v2 batch of `records` (at least one), whose offsets must ascend; the base offset is the first record's.

    With `log_append_time` (ms) every record carries that time, and the batch says so.
    """
    listed = list(records)
    base = listed[0].offset if base_offset is None else base_offset
    base_timestamp = listed[0].timestamp
    body = b"".join(_encode_record(record, base, base_timestamp) for record in listed)
    max_timestamp = max(record.timestamp for record in listed) if log_append_time is None else log_append_time
    attributes = (
        compression
        | (LOG_APPEND_TIME_BIT if log_append_time is not None else 0)
        | (TRANSACTIONAL_BIT if transactional else 0)
        | (_CONTROL_BIT if control else 0)
    )
    payload = compress(compression, body, level)
    batch = bytearray(HEADER_SIZE + len(payload))
    HEADER.pack_into(
        batch,
        0,
        base,
        len(batch) - LENGTH_END,
        leader_epoch,
        MAGIC,
        0,
        attributes,
        listed[-1].offset - base,
        base_timestamp,
        max_timestamp,
        producer_id,
        producer_epoch,
        base_sequence,
        len(listed),
    )
    batch[HEADER_SIZE:] = payload
    _CRC.pack_into(batch, CRC_OFFSET, crc_of(batch, 0, len(batch)))
    return bytes(batch)


def read_records(data: Bytes, position: int = 0, *, limit: int = 2**31 - 1) -> list[Record]:
    """The records of the batch at `position`, decompressed (to at most `limit` bytes).

    Raises KafkaError(CORRUPT_MESSAGE) if the records are not what the header promises.
    """
    header = read_header(data, position)
    if header.record_count < 0:
        why = f"the batch at offset {header.base_offset} says it has {header.record_count} records"
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, why)
    body: Bytes = memoryview(data)[position + HEADER_SIZE : position + header.size]
    if header.compression is not Compression.NONE:
        body = decompress(header.compression, body, limit)
    records = []
    try:
        at = 0
        for _ in range(header.record_count):
            record, at = _decode_record(body, at, header)
            records.append(record)
    except (IndexError, UnicodeDecodeError, _BadRecordError) as error:
        why = f"record {len(records)} of the batch at offset {header.base_offset} cannot be read: {error}"
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, why) from error
    if at != len(body):
        why = f"{len(body) - at} bytes are left after the {header.record_count} records of batch {header.base_offset}"
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, why)
    return records


def encode_varint(value: int) -> bytes:
    """Zigzag variable-length integer, up to 64 bits, as in records."""
    if -_SHORT <= value < _SHORT:
        return _SHORT_VARINTS[value]
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


# Those of one byte, each at the index of its value, be that below 0.
_SHORT_VARINTS = [
    bytes([value << 1 if value >= 0 else ~value << 1 | 1]) for value in (*range(_SHORT), *range(-_SHORT, 0))
]


def decode_varint(data: Bytes, at: int) -> tuple[int, int]:
    """The zigzag integer at `at`, and the position behind it. Raises IndexError past the end."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7
        if shift > _MAX_VARINT_SHIFT:
            raise _BadRecordError("an integer of more than ten bytes")


class _BadRecordError(Exception):
    """A record's field reaches past the record, or says what cannot be."""


def wrap_int64(value: int) -> int:
    """`value` as a 64-bit sum comes out in Java: extreme timestamps lie further apart than a delta can say."""
    return value if -_INT64_SPAN <= value < _INT64_SPAN else (value + _INT64_SPAN) % (2 * _INT64_SPAN) - _INT64_SPAN


def _take(data: Bytes, at: int, size: int) -> tuple[bytes | None, int]:
    if size < 0:
        return None, at
    if at + size > len(data):
        raise _BadRecordError(f"a field of {size} bytes where {len(data) - at} are left")
    return bytes(data[at : at + size]), at + size


def _decode_record(data: Bytes, at: int, header: BatchHeader) -> tuple[Record, int]:
    length, at = decode_varint(data, at)
    end = at + length
    if length < 0 or end > len(data):
        raise _BadRecordError(f"a record of {length} bytes where {len(data) - at} are left")
    at += 1  # attributes, unused
    timestamp_delta, at = decode_varint(data, at)
    offset_delta, at = decode_varint(data, at)
    size, at = decode_varint(data, at)
    key, at = _take(data, at, size)
    size, at = decode_varint(data, at)
    value, at = _take(data, at, size)
    count, at = decode_varint(data, at)
    if count < 0 or count > end - at:
        raise _BadRecordError(f"{count} headers in a record with {end - at} bytes left")
    headers: list[tuple[str, bytes | None]] = []
    for _ in range(count):
        size, at = decode_varint(data, at)
        name, at = _take(data, at, size)
        if name is None:
            raise _BadRecordError("a header without a name")
        size, at = decode_varint(data, at)
        content, at = _take(data, at, size)
        headers.append((name.decode(), content))
    if at != end:
        raise _BadRecordError(f"the record says {length} bytes, its fields take {length + at - end}")
    if not 0 <= offset_delta <= _MAX_INT32:
        raise _BadRecordError(f"offset delta {offset_delta}")
    timestamp = (
        header.max_timestamp if header.is_log_append_time else wrap_int64(header.base_timestamp + timestamp_delta)
    )
    return Record(header.base_offset + offset_delta, timestamp, key, value, headers), end


def _encode_record(record: Record, base_offset: int, base_timestamp: int) -> bytes:
    body = b"".join(
        (
            b"\0",
            encode_varint(wrap_int64(record.timestamp - base_timestamp)),
            encode_varint(record.offset - base_offset),
            _sized(record.key),
            _sized(record.value),
            _encode_headers(record.headers) if record.headers else b"\0",
        )
    )
    return encode_varint(len(body)) + body


def _encode_headers(headers: Sequence[tuple[str, bytes | None]]) -> bytes:
    return encode_varint(len(headers)) + b"".join(_sized(name.encode()) + _sized(content) for name, content in headers)


def _sized(data: bytes | None) -> bytes:
    return encode_varint(-1) if data is None else encode_varint(len(data)) + data
