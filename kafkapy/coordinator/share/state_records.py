"""The records of `__share_group_state` as this release writes and reads them. Apache: ShareCoordinatorRecordHelpers."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar
from uuid import UUID

from kafkapy.coordinator.share.state_batches import StateBatch
from kafkapy.protocol import batch
from kafkapy.protocol.codec import DecodeError, decode, encode_bytes
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.id_text import id_text
from kafkapy.protocol.records import share_state as s

M = TypeVar("M")

_PREFIX = struct.Struct(">h")
_SNAPSHOT = 0
_UPDATE = 1
_VERSION = 0


class SharePartitionKey(NamedTuple):
    """One partition as one share group reads it."""

    group_id: str
    topic_id: UUID
    partition: int

    def __str__(self) -> str:
        """As the share coordinator is asked for, and as what is hashed to find its partition."""
        return f"{self.group_id}:{id_text(self.topic_id)}:{self.partition}"


@dataclass(frozen=True, slots=True)
class ShareState:
    """Where a share partition is; times are in ms since the epoch, -1 an offset or count that is not known yet."""

    snapshot_epoch: int
    state_epoch: int
    leader_epoch: int
    start_offset: int
    delivery_complete_count: int
    batches: tuple[StateBatch, ...] = ()
    create_timestamp: int = 0
    write_timestamp: int = 0


Snapshot = tuple[SharePartitionKey, ShareState | None]


class Update(NamedTuple):
    """What has changed of a share partition."""

    key: SharePartitionKey
    value: s.ShareUpdateValue


def snapshot_record(key: SharePartitionKey, state: ShareState | None, now_ms: int) -> batch.Record:
    """All of a share partition's state, or with None that it is forgotten."""
    encoded_key = _prefixed(_SNAPSHOT, encode_bytes(s.ShareSnapshotKey(*key), 0))
    if state is None:
        return batch.Record(0, now_ms, encoded_key, None)
    value = s.ShareSnapshotValue(
        snapshot_epoch=state.snapshot_epoch,
        state_epoch=state.state_epoch,
        leader_epoch=state.leader_epoch,
        start_offset=state.start_offset,
        delivery_complete_count=state.delivery_complete_count,
        create_timestamp=state.create_timestamp,
        write_timestamp=state.write_timestamp,
        state_batches=_written(state.batches),
    )
    return batch.Record(0, now_ms, encoded_key, _prefixed(_VERSION, encode_bytes(value, _VERSION)))


def update_record(key: SharePartitionKey, changed: ShareState, now_ms: int) -> batch.Record:
    """What has changed of a share partition's state since its snapshot and the updates after that."""
    value = s.ShareUpdateValue(
        snapshot_epoch=changed.snapshot_epoch,
        leader_epoch=changed.leader_epoch,
        start_offset=changed.start_offset,
        delivery_complete_count=changed.delivery_complete_count,
        state_batches=_written(changed.batches),
    )
    encoded_key = _prefixed(_UPDATE, encode_bytes(s.ShareUpdateKey(*key), 0))
    return batch.Record(0, now_ms, encoded_key, _prefixed(_VERSION, encode_bytes(value, _VERSION)))


def read_record(record: batch.Record) -> Snapshot | Update | None:
    """What the record says, or None if this release does not know its kind. Raises KafkaError(CORRUPT_MESSAGE)."""
    try:
        if record.key is None:
            raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"the record at offset {record.offset} has no key")
        (kind,) = _PREFIX.unpack_from(record.key)
        if kind == _SNAPSHOT:
            key, _ = decode(s.ShareSnapshotKey, 0, record.key, _PREFIX.size)
            return SharePartitionKey(key.group_id, key.topic_id, key.partition), _read_snapshot(record.value)
        if kind == _UPDATE and record.value is not None:
            changed, _ = decode(s.ShareUpdateKey, 0, record.key, _PREFIX.size)
            value = _read_value(s.ShareUpdateValue, record.value)
            return Update(SharePartitionKey(changed.group_id, changed.topic_id, changed.partition), value)
    except (DecodeError, struct.error, ValueError) as error:
        why = f"the record of a share group's state at offset {record.offset} cannot be read: {error}"
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, why) from error
    return None


def _read_snapshot(data: bytes | None) -> ShareState | None:
    if data is None:
        return None
    value = _read_value(s.ShareSnapshotValue, data)
    return ShareState(
        snapshot_epoch=value.snapshot_epoch,
        state_epoch=value.state_epoch,
        leader_epoch=value.leader_epoch,
        start_offset=value.start_offset,
        delivery_complete_count=value.delivery_complete_count,
        batches=tuple(map(StateBatch.of, value.state_batches)),
        create_timestamp=value.create_timestamp,
        write_timestamp=value.write_timestamp,
    )


def _read_value(cls: type[M], data: bytes) -> M:
    (version,) = _PREFIX.unpack_from(data)
    value, _ = decode(cls, version, data, _PREFIX.size)
    return value


def _written(batches: Iterable[StateBatch]) -> list[s.StateBatch]:
    return [s.StateBatch(*one) for one in batches]


def _prefixed(number: int, encoded: bytes) -> bytes:
    return _PREFIX.pack(number) + encoded
