"""The records of `__consumer_offsets` as this release writes and reads them.

A key is an int16, which says what the record is about, and the key's message; a value is an int16 version and the
value's message; no value is a tombstone. Every older version is read. Apache: GroupCoordinatorRecordHelpers,
GroupCoordinatorRecordSerde.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from kafkapy.protocol.batch import Record
from kafkapy.protocol.codec import DecodeError, decode, encode_bytes
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.records.groups import (
    GROUP_RECORDS,
    GroupMetadataKey,
    GroupMetadataValue,
    OffsetCommitKey,
    OffsetCommitValue,
)
from kafkapy.protocol.records.share_groups import SHARE_GROUP_RECORDS
from kafkapy.protocol.records.streams_groups import STREAMS_GROUP_RECORDS

M = TypeVar("M")

_PREFIX = struct.Struct(">h")
_LEGACY_OFFSET_COMMIT = 0  # the same key, written before 0.9
_OFFSET_COMMIT = 1
_GROUP_METADATA = 2
_CONSUMER_GROUP_KINDS = {key: kind for kind, (key, _) in GROUP_RECORDS.items() if kind > _GROUP_METADATA}
_SHARE_GROUP_KINDS = {key: kind for kind, (key, _) in SHARE_GROUP_RECORDS.items()}
_STREAMS_GROUP_KINDS = {key: kind for kind, (key, _) in STREAMS_GROUP_RECORDS.items()}
_KEPT_KEYS = 4096  # a consumer commits the same partitions again and again

_GROUP_METADATA_VERSION = 3
_PART_VERSION = 0  # of all that says a part of a consumer, share or streams group
_OFFSET_COMMIT_VERSION = 4
_OFFSET_COMMIT_VERSION_WITH_EXPIRY = 1  # the only version that can say when an offset expires
NO_EXPIRY = -1


class GroupChange(NamedTuple):
    """A group as it was written; no value: it is gone."""

    group_id: str
    value: GroupMetadataValue | None


class OffsetChange(NamedTuple):
    """A partition's offset as a group committed it; no value: it is forgotten."""

    group_id: str
    topic: str
    partition: int
    value: OffsetCommitValue | None


class ConsumerGroupChange(NamedTuple):
    """A part of a consumer group as it was written, by the record's key; no value: that part is gone."""

    key: Any
    value: Any | None


class ShareGroupChange(NamedTuple):
    """A part of a share group as it was written, by the record's key; no value: that part is gone."""

    key: Any
    value: Any | None


class StreamsGroupChange(NamedTuple):
    """A part of a streams group as it was written, by the record's key; no value: that part is gone."""

    key: Any
    value: Any | None


Change = GroupChange | OffsetChange | ConsumerGroupChange | ShareGroupChange | StreamsGroupChange


@dataclass(slots=True, kw_only=True)
class KnownRecord(Record):
    """A record that was made here, which need not be decoded to know what it says: all of the value is in it."""

    change: Change


def group_record(group_id: str, value: GroupMetadataValue | None, now_ms: int) -> Record:
    """The record that says what a group is, or with no value that it is gone."""
    key = _prefixed(_GROUP_METADATA, encode_bytes(GroupMetadataKey(group=group_id), 0))
    if value is None:
        return Record(0, now_ms, key, None)
    return Record(0, now_ms, key, _prefixed(_GROUP_METADATA_VERSION, encode_bytes(value, _GROUP_METADATA_VERSION)))


def offset_record(group_id: str, topic: str, partition: int, value: OffsetCommitValue | None, now_ms: int) -> Record:
    """The record that says what a group committed for a partition, or with no value that this is forgotten."""
    key = _offset_key(group_id, topic, partition)
    if value is None:
        return Record(0, now_ms, key, None)
    if value.expire_timestamp != NO_EXPIRY:
        version = _OFFSET_COMMIT_VERSION_WITH_EXPIRY
        return Record(0, now_ms, key, _prefixed(version, encode_bytes(value, version)))
    encoded = _prefixed(_OFFSET_COMMIT_VERSION, encode_bytes(value, _OFFSET_COMMIT_VERSION))
    return KnownRecord(0, now_ms, key, encoded, change=OffsetChange(group_id, topic, partition, value))


def consumer_group_record(key: Any, value: Any | None, now_ms: int) -> Record:
    """The record that says what a part of a consumer group is, or with no value that it is gone."""
    kind = _CONSUMER_GROUP_KINDS[type(key)]
    return KnownRecord(0, now_ms, *_part(kind, key, value), change=ConsumerGroupChange(key, value))


def share_group_record(key: Any, value: Any | None, now_ms: int) -> Record:
    """The record that says what a part of a share group is, or with no value that it is gone."""
    kind = _SHARE_GROUP_KINDS[type(key)]
    return KnownRecord(0, now_ms, *_part(kind, key, value), change=ShareGroupChange(key, value))


def streams_group_record(key: Any, value: Any | None, now_ms: int) -> Record:
    """The record that says what a part of a streams group is, or with no value that it is gone."""
    kind = _STREAMS_GROUP_KINDS[type(key)]
    return KnownRecord(0, now_ms, *_part(kind, key, value), change=StreamsGroupChange(key, value))


def _part(kind: int, key: Any, value: Any | None) -> tuple[bytes, bytes | None]:
    written = None if value is None else _prefixed(_PART_VERSION, encode_bytes(value, _PART_VERSION))
    return _prefixed(kind, encode_bytes(key, 0)), written


@lru_cache(_KEPT_KEYS)
def _offset_key(group_id: str, topic: str, partition: int) -> bytes:
    return _prefixed(_OFFSET_COMMIT, encode_bytes(OffsetCommitKey(group_id, topic, partition), 0))


def read_record(record: Record) -> Change | None:
    """What the record says, or None if it is about something that this release does not know.

    Raises KafkaError(CORRUPT_MESSAGE) if a key or value it should know cannot be read.
    """
    if isinstance(record, KnownRecord):
        return record.change
    try:
        if record.key is None:
            raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"the record at offset {record.offset} has no key")
        (kind,) = _PREFIX.unpack_from(record.key)
        if kind in (_LEGACY_OFFSET_COMMIT, _OFFSET_COMMIT):
            key, _ = decode(OffsetCommitKey, 0, record.key, _PREFIX.size)
            return OffsetChange(key.group, key.topic, key.partition, _read_value(OffsetCommitValue, record.value))
        if kind == _GROUP_METADATA:
            group_key, _ = decode(GroupMetadataKey, 0, record.key, _PREFIX.size)
            return GroupChange(group_key.group, _read_value(GroupMetadataValue, record.value))
        if kind in _CONSUMER_GROUP_KINDS.values():
            key_class, value_class = GROUP_RECORDS[kind]
            consumer_key, _ = decode(key_class, 0, record.key, _PREFIX.size)
            return ConsumerGroupChange(consumer_key, _read_value(value_class, record.value))
        if kind in SHARE_GROUP_RECORDS:
            key_class, value_class = SHARE_GROUP_RECORDS[kind]
            share_key, _ = decode(key_class, 0, record.key, _PREFIX.size)
            return ShareGroupChange(share_key, _read_value(value_class, record.value))
        if kind in STREAMS_GROUP_RECORDS:
            key_class, value_class = STREAMS_GROUP_RECORDS[kind]
            streams_key, _ = decode(key_class, 0, record.key, _PREFIX.size)
            return StreamsGroupChange(streams_key, _read_value(value_class, record.value))
    except (DecodeError, struct.error, ValueError) as error:
        why = f"the group record at offset {record.offset} cannot be read: {error}"
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, why) from error
    return None


def _read_value(cls: type[M], data: bytes | None) -> M | None:
    if data is None:
        return None
    (version,) = _PREFIX.unpack_from(data)
    value, _ = decode(cls, version, data, _PREFIX.size)
    return value


def _prefixed(number: int, encoded: bytes) -> bytes:
    return _PREFIX.pack(number) + encoded
