"""A metadata record as the value of a log record, and back: KRaft's framing.

    frame version   unsigned varint, 1
    record type     unsigned varint, the number Kafka gives each record
    record version  unsigned varint
    record          flexible encoding

Keys are null. Every record is written in the version that Apache Kafka 4.3 writes at metadata.version 4.3-IV0, and any
version up to it is read. A type or version that is not known is refused, never skipped: a broker that ignored a record
would hold another cluster than the one the log describes. Apache's class: `MetadataRecordSerde`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kafkapy.protocol import codec
from kafkapy.protocol.batch import Record
from kafkapy.protocol.emit import TruncatedError, read_varint
from kafkapy.protocol.message import versions_of
from kafkapy.protocol.records import metadata as m

FRAME_VERSION = 1

_NUMBERS = {record_type: number for number, record_type in m.METADATA_RECORDS.items()}


class FramingError(Exception):
    """A value that is no metadata record this broker knows; the text says which type or version it claims to be."""


def encode(message: Any) -> bytes:
    """The framed record, a log record's value."""
    version = _version_to_write(message)
    head = bytes((FRAME_VERSION, _NUMBERS[type(message)], version))  # all below 128: each is its own varint
    return head + codec.encode_bytes(message, version)


def decode(value: bytes | memoryview) -> Any:
    """The record that was framed. Raises FramingError for a frame, type or version that is not known."""
    try:
        frame_version, at = read_varint(value, 0)
        number, at = read_varint(value, at)
        version, at = read_varint(value, at)
    except (IndexError, TruncatedError):
        raise FramingError(f"a metadata record of {len(value)} bytes ends inside its frame") from None
    if frame_version != FRAME_VERSION:
        raise FramingError(f"a metadata record has frame version {frame_version}; this broker reads {FRAME_VERSION}")
    record_type = m.METADATA_RECORDS.get(number)
    if record_type is None:
        raise FramingError(
            f"metadata record type {number} is not known to this broker: the log was written by a newer Kafka"
        )
    if version not in versions_of(record_type):
        raise FramingError(f"{record_type.__name__} version {version} is not known to this broker")
    try:
        message, end = codec.decode(record_type, version, value, at)
    except codec.DecodeError as error:
        raise FramingError(str(error)) from None
    if end != len(value):
        raise FramingError(f"{len(value) - end} bytes are left after a {record_type.__name__} version {version}")
    return message


def to_records(messages: Iterable[Any], now_ms: int) -> list[Record]:
    """Messages as log records with null keys, in order; offsets count from 0 until the log assigns them."""
    return [Record(offset, now_ms, None, encode(message)) for offset, message in enumerate(messages)]


def _version_to_write(message: Any) -> int:
    if isinstance(message, m.BrokerRegistrationChangeRecord):
        # Apache writes this one in the lowest version that holds what is said.
        if message.cordoned_log_dirs is not None:
            return 3
        if message.log_dirs:
            return 2
        return 1 if message.in_controlled_shutdown else 0
    return versions_of(type(message)).last
