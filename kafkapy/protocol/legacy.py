"""Message sets, the formats v0 and v1 that older clients speak, converted to and from the record batch.

Only v2 batches are stored. What an old producer sends becomes one batch (`to_batch`), and what an old consumer fetches
is written as Apache's broker 3.9 would write it (`from_batches`), byte for byte where nothing is compressed: clients
show the CRC-32 to their users. Apache's classes: `LegacyRecord`, `AbstractLegacyRecordBatch`, `LogValidator`,
`RecordsUtil`, `MemoryRecordsBuilder`. KIP-31 (relative offsets), KIP-32 (timestamps).

    offset  size  field
         0     8  offset
         8     4  size of all that follows
        12     4  CRC-32 of everything from here on
        16     1  magic, 0 or 1
        17     1  attributes: compression 0-2, timestamp type 3 (v1)
        18     8  timestamp, ms (v1 only)
               4  key size, -1 for null; key
               4  value size, -1 for null; value

A compressed set is the value of one wrapper message, whose offset is that of its last inner message. In v1 the inner
offsets are relative (0, 1, 2 ...), in v0 they are absolute, and on their way from a producer they mean nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

from kafkapy.protocol.batch import (
    HEADER_SIZE,
    LOG_APPEND_TIME_BIT,
    NO_TIMESTAMP,
    Record,
    build_batch,
    compression_of,
    read_header,
    read_records,
)
from kafkapy.protocol.compression import Compression, compress, decompress
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.octets import Bytes

_OFFSET_AND_SIZE = struct.Struct(">qi")
_CRC = struct.Struct(">I")
_HEAD_V0 = struct.Struct(">bb")  # magic, attributes
_HEAD_V1 = struct.Struct(">bbq")  # and the timestamp
_FIELD_SIZE = struct.Struct(">i")
_CRC_SIZE = 4
_SMALLEST_MESSAGE = 14  # v0, without key and value

DEFAULT_LIMIT = 100 * 1024 * 1024  # what a request could carry uncompressed (socket.request.max.bytes)


class Message(NamedTuple):
    """One message as it stands in a set; a wrapper's value is a compressed set."""

    offset: int
    magic: int
    attributes: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    size: int

    @property
    def compression(self) -> Compression:
        """Raises KafkaError(CORRUPT_MESSAGE) for a codec that Kafka does not have."""
        return compression_of(self.attributes)

    @property
    def is_log_append_time(self) -> bool:
        return self.magic > 0 and bool(self.attributes & LOG_APPEND_TIME_BIT)


@dataclass(frozen=True, slots=True)
class MessageSet:
    """The records of a set from a producer, wrapper opened, offsets counted from 0."""

    records: list[Record]
    magic: int
    compression: Compression
    is_log_append_time: bool
    largest: int  # bytes of its largest message, a wrapper counting as one


def parse_message_set(data: Bytes, *, limit: int = DEFAULT_LIMIT) -> MessageSet | None:
    """What a Produce request of version 0 to 2 carries in format v0 or v1; None if not one message is whole.

    A message that is cut short at the end is ignored, as in Apache's broker. A wrapper is decompressed to at most
    `limit` bytes. Raises KafkaError: CORRUPT_MESSAGE for a wrong CRC or size; INVALID_RECORD for mixed formats, a
    wrapper beside other messages or inside another, or an empty one, or one in zstd; MESSAGE_TOO_LARGE beyond `limit`.
    """
    messages = list(_read_messages(data))
    if not messages:
        return None
    magic = messages[0].magic
    if any(message.magic != magic for message in messages):
        raise KafkaError(ErrorCode.INVALID_RECORD, f"a message set of format {magic} holds other formats too")
    compression = max(message.compression for message in messages)
    opened = messages
    if compression is not Compression.NONE:
        if len(messages) > 1:
            why = f"a compressed wrapper message among {len(messages)} messages; send one wrapper per message set"
            raise KafkaError(ErrorCode.INVALID_RECORD, why)
        opened = _open_wrapper(messages[0], limit)
    records = [Record(index, message.timestamp, message.key, message.value) for index, message in enumerate(opened)]
    stamped = any(message.is_log_append_time for message in messages)
    return MessageSet(records, magic, compression, stamped, max(message.size for message in messages))


def first_message_size(message_set: Bytes) -> int:
    """How many bytes the first message of a set has; 0 if the set is empty."""
    return _OFFSET_AND_SIZE.size + _OFFSET_AND_SIZE.unpack_from(message_set)[1] if message_set else 0


def to_batch(
    message_set: Bytes,
    *,
    max_message_bytes: int,
    topic_stamps: bool = False,
    compression: Compression | None = None,
    level: int | None = None,
    limit: int = DEFAULT_LIMIT,
) -> bytes:
    """One v2 batch of the records in a producer's message set, its base offset 0; empty if not one message is whole.

    `compression` is the topic's codec, None to keep the producer's. Timestamps stay, and records of
    format v0 have none (-1); `topic_stamps` tells that the log will give the batch its own. Raises KafkaError as
    `parse_message_set` does; MESSAGE_TOO_LARGE if a message, or the batch, exceeds `max_message_bytes`;
    INVALID_TIMESTAMP for a producer that claims log-append time. Apache: `LogValidator`.
    """
    parsed = parse_message_set(message_set, limit=limit)
    if parsed is None:
        return b""
    _check_size(parsed.largest, max_message_bytes)
    for record in parsed.records:
        _check_timestamp(record.timestamp, parsed.is_log_append_time, topic_stamps)
    batch = build_batch(
        parsed.records,
        compression=parsed.compression if compression is None else compression,
        level=level,
    )
    _check_size(len(batch), max_message_bytes)
    return batch


def from_batches(records: Bytes, magic: int, start_offset: int = 0, *, limit: int = DEFAULT_LIMIT) -> bytes:
    """The message set, in format `magic` (0 or 1), of the v2 batches in `records`, for a Fetch from `start_offset`.

    Control batches and headers have no place in the old formats and are left out, and so is a batch cut short at the
    end. A compressed batch becomes one wrapper message, whole even if it starts below `start_offset`; of an
    uncompressed one, the records below are left out (librdkafka relies on it). Raises
    KafkaError(UNSUPPORTED_COMPRESSION_TYPE) for zstd, KafkaError(CORRUPT_MESSAGE) for batches that cannot be read.
    Apache: `RecordsUtil.downConvert`.
    """
    out: list[bytes] = []
    position = 0
    while len(records) - position >= HEADER_SIZE:
        header = read_header(records, position)
        if position + header.size > len(records):
            break
        if not header.is_control:
            try:
                out += _convert_batch(records, position, magic, start_offset, limit)
            except struct.error as error:
                why = f"batch at offset {header.base_offset} does not fit message format {magic}: {error}"
                raise KafkaError(ErrorCode.CORRUPT_MESSAGE, why) from error
        position += header.size
    return b"".join(out)


# --- reading


def _read_messages(data: Bytes) -> Iterator[Message]:
    """Each whole message of the set. Raises KafkaError(CORRUPT_MESSAGE)."""
    view = memoryview(data)
    position, end = 0, len(view)
    while end - position >= _OFFSET_AND_SIZE.size:
        offset, size = _OFFSET_AND_SIZE.unpack_from(view, position)
        if size < _SMALLEST_MESSAGE:
            why = f"a message of {size} bytes at offset {offset}; the smallest has {_SMALLEST_MESSAGE}"
            raise KafkaError(ErrorCode.CORRUPT_MESSAGE, why)
        start = position + _OFFSET_AND_SIZE.size
        position = start + size
        if position > end:
            return
        yield _read_message(offset, view[start:position])


def _read_message(offset: int, content: memoryview) -> Message:
    (stated,) = _CRC.unpack_from(content)
    computed = crc32(content[_CRC_SIZE:])
    if computed != stated:
        why = f"message at offset {offset}: CRC-32 is {computed:#010x}, the message says {stated:#010x}"
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, why)
    try:
        magic, attributes = _HEAD_V0.unpack_from(content, _CRC_SIZE)
        timestamp = NO_TIMESTAMP
        at = _CRC_SIZE + _HEAD_V0.size
        if magic == 1:
            magic, attributes, timestamp = _HEAD_V1.unpack_from(content, _CRC_SIZE)
            at = _CRC_SIZE + _HEAD_V1.size
        elif magic != 0:
            why = f"message format {magic} in a message set, which is of format 0 or 1"
            raise KafkaError(ErrorCode.CORRUPT_MESSAGE, why)
        key, at = _read_field(content, at)
        value, at = _read_field(content, at)
    except struct.error as error:
        why = f"message at offset {offset}: its fields take more than its {len(content)} bytes"
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, why) from error
    if at != len(content):
        why = f"message at offset {offset}: {len(content) - at} bytes are left after its value"
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, why)
    return Message(offset, magic, attributes, timestamp, key, value, _OFFSET_AND_SIZE.size + len(content))


def _read_field(content: memoryview, at: int) -> tuple[bytes | None, int]:
    (size,) = _FIELD_SIZE.unpack_from(content, at)
    at += _FIELD_SIZE.size
    if size < 0:
        return None, at
    if at + size > len(content):
        raise struct.error(f"a field of {size} bytes")
    return bytes(content[at : at + size]), at + size


def _open_wrapper(wrapper: Message, limit: int) -> list[Message]:
    if wrapper.compression is Compression.ZSTD:
        why = f"zstd in message format {wrapper.magic}; it needs format 2, Produce version 7"
        raise KafkaError(ErrorCode.INVALID_RECORD, why)
    if wrapper.value is None:
        raise KafkaError(ErrorCode.INVALID_RECORD, "a compressed wrapper message without a value")
    inner = list(_read_messages(decompress(wrapper.compression, wrapper.value, limit, magic=wrapper.magic)))
    if not inner:
        raise KafkaError(ErrorCode.INVALID_RECORD, "a compressed wrapper message without messages in it")
    for message in inner:
        if message.magic != wrapper.magic:
            why = f"a message of format {message.magic} in a wrapper of format {wrapper.magic}"
            raise KafkaError(ErrorCode.INVALID_RECORD, why)
        if message.compression is not Compression.NONE:
            raise KafkaError(ErrorCode.INVALID_RECORD, "a compressed wrapper message inside another")
    # Some librdkafka versions leave the wrapper's offset 0.
    if wrapper.magic == 1 and wrapper.offset != 0 and wrapper.offset < inner[-1].offset:
        why = f"wrapper offset {wrapper.offset} lies below its last message's relative offset {inner[-1].offset}"
        raise KafkaError(ErrorCode.INVALID_RECORD, why)
    if wrapper.is_log_append_time:
        return [message._replace(timestamp=wrapper.timestamp) for message in inner]
    return inner


def _check_size(size: int, max_message_bytes: int) -> None:
    if size > max_message_bytes:
        why = f"a message or batch of {size} bytes; max.message.bytes allows {max_message_bytes}"
        raise KafkaError(ErrorCode.MESSAGE_TOO_LARGE, why)


def _check_timestamp(timestamp: int, claims_log_append_time: bool, topic_stamps: bool) -> None:
    # As Apache: the claim is overlooked where the topic keeps the producer's time and there is one.
    if claims_log_append_time and (topic_stamps or timestamp == NO_TIMESTAMP):
        why = "a producer's message claims log-append time; only the broker sets it"
        raise KafkaError(ErrorCode.INVALID_TIMESTAMP, why)
    if timestamp < NO_TIMESTAMP:
        raise KafkaError(ErrorCode.INVALID_TIMESTAMP, f"timestamp {timestamp} is negative")


# --- writing


def _convert_batch(records: Bytes, position: int, magic: int, start_offset: int, limit: int) -> list[bytes]:
    header = read_header(records, position)
    compression = header.compression
    if compression is Compression.ZSTD:
        why = f"batch at offset {header.base_offset} is compressed with zstd, which needs Fetch version 10 or later"
        raise KafkaError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, why)
    opened = read_records(records, position, limit=limit)
    stamp = LOG_APPEND_TIME_BIT if magic > 0 and header.is_log_append_time else 0
    if compression is Compression.NONE:
        return [
            _write_message(record.offset, magic, stamp, record) for record in opened if record.offset >= start_offset
        ]
    if not opened:
        return []
    base = opened[0].offset if magic > 0 else 0
    inner = b"".join(_write_message(record.offset - base, magic, stamp, record) for record in opened)
    last_offset = opened[-1].offset
    newest = max(record.timestamp for record in opened)
    wrapper = Record(last_offset, newest, None, compress(compression, inner, magic=magic))
    return [_write_message(last_offset, magic, compression | stamp, wrapper)]


def _write_message(offset: int, magic: int, attributes: int, record: Record) -> bytes:
    """The message of `record`, at `offset`, which in a wrapper is not the record's own."""
    head = _HEAD_V0.pack(0, attributes) if magic == 0 else _HEAD_V1.pack(1, attributes, record.timestamp)
    content = head + _write_field(record.key) + _write_field(record.value)
    return _OFFSET_AND_SIZE.pack(offset, _CRC_SIZE + len(content)) + _CRC.pack(crc32(content)) + content


def _write_field(field: bytes | None) -> bytes:
    return _FIELD_SIZE.pack(-1) if field is None else _FIELD_SIZE.pack(len(field)) + field
