"""The records of `__share_group_state`: where share partitions are, and what is in flight beyond that (KIP-932).

A key is an int16, its kind in `SHARE_STATE_RECORDS`, and the key's message in version 0; a value is an int16, its
version, and the value's message; a snapshot without a value says that the share partition is forgotten. Snapshots say
all there is, updates what has changed since.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from kafkapy.protocol.message import Array, Int8, Int16, Int32, Int64, String, Uuid, message, wire


@message(versions="0")
class ShareSnapshotKey:
    group_id: str = wire(String, "0")
    topic_id: UUID = wire(Uuid, "0")
    partition: int = wire(Int32, "0")


@message()
class StateBatch:
    """Records of one state, of those beyond the start."""

    first_offset: int = wire(Int64)
    last_offset: int = wire(Int64)
    delivery_state: int = wire(Int8)  # 0 available, 2 acknowledged, 4 archived
    delivery_count: int = wire(Int16)


@message(versions="0", flexible="0+")
class ShareSnapshotValue:
    snapshot_epoch: int = wire(Int32)
    state_epoch: int = wire(Int32)
    leader_epoch: int = wire(Int32)
    start_offset: int = wire(Int64)
    delivery_complete_count: int = wire(Int32, default=-1, tag=0)  # done beyond the start; -1: not known
    create_timestamp: int = wire(Int64)
    write_timestamp: int = wire(Int64)
    state_batches: list[StateBatch] = wire(Array(StateBatch))


@message(versions="0")
class ShareUpdateKey:
    group_id: str = wire(String, "0")
    topic_id: UUID = wire(Uuid, "0")
    partition: int = wire(Int32, "0")


@message(versions="0", flexible="0+")
class ShareUpdateValue:
    snapshot_epoch: int = wire(Int32)
    leader_epoch: int = wire(Int32)
    start_offset: int = wire(Int64)  # -1: as before
    delivery_complete_count: int = wire(Int32, default=-1, tag=0)  # done beyond the start; -1: not known
    state_batches: list[StateBatch] = wire(Array(StateBatch))


SHARE_STATE_RECORDS: dict[int, tuple[type[Any], type[Any]]] = {
    0: (ShareSnapshotKey, ShareSnapshotValue),
    1: (ShareUpdateKey, ShareUpdateValue),
}
"""Key and value of every kind of record, by the number that a key begins with."""
