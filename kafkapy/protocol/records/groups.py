"""The records of `__consumer_offsets`: classic groups and the offsets committed by all groups.

A key is an int16, its kind in `GROUP_RECORDS`, and the key's message in version 0; a value is an int16, its version,
and the value's message; a null value is a tombstone. Kind 0 is an offset commit from before Kafka 0.9, in the form of
kind 1. OffsetCommitValue: v1 alone carries an expiry, v3 leader epoch, v4 flexible encoding with the topic's id as a
tag. GroupMetadataValue: v1 rebalance timeout, v2 time of the last change, v3 static members (KIP-345), v4 flexible
encoding.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from kafkapy.protocol.message import Array, Bytes, Int32, Int64, String, Uuid, message, wire


@message(versions="0")
class OffsetCommitKey:
    """Which offset a record is about."""

    group: str = wire(String, "0")
    topic: str = wire(String, "0")
    partition: int = wire(Int32, "0")


@message(versions="0-4", flexible="4+")
class OffsetCommitValue:
    """What was committed; times are in ms since the epoch."""

    offset: int = wire(Int64)
    leader_epoch: int = wire(Int32, "3+", default=-1)  # of the last record consumed; -1: not known
    metadata: str = wire(String)
    commit_timestamp: int = wire(Int64)
    expire_timestamp: int = wire(Int64, "1", default=-1)  # -1: the broker's retention decides
    topic_id: UUID = wire(Uuid, "4+", tag=0)


@message(versions="0")
class GroupMetadataKey:
    """Which group a record is about."""

    group: str = wire(String, "0")


@message()
class MemberMetadata:
    """A member of a group; timeouts are in ms."""

    member_id: str = wire(String)
    group_instance_id: str | None = wire(String, "3+", nullable="3+", default=None)
    client_id: str = wire(String)
    client_host: str = wire(String)
    rebalance_timeout: int = wire(Int32, "1+", default=-1)  # -1: the session timeout counts
    session_timeout: int = wire(Int32)
    subscription: bytes = wire(Bytes)  # the member's metadata for the protocol chosen
    assignment: bytes = wire(Bytes)


@message(versions="0-4", flexible="4+")
class GroupMetadataValue:
    """A classic group after a rebalance."""

    protocol_type: str = wire(String)
    generation: int = wire(Int32)
    protocol: str | None = wire(String, nullable="0+")
    leader: str | None = wire(String, nullable="0+")
    current_state_timestamp: int = wire(Int64, "2+", default=-1)  # ms since the epoch; -1: not known
    members: list[MemberMetadata] = wire(Array(MemberMetadata))


GROUP_RECORDS: dict[int, tuple[type[Any], type[Any]]] = {
    0: (OffsetCommitKey, OffsetCommitValue),  # from before 0.9: the same fields
    1: (OffsetCommitKey, OffsetCommitValue),
    2: (GroupMetadataKey, GroupMetadataValue),
}
"""Key and value of every kind of record, by the number that a key begins with."""
