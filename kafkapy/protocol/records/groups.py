"""The records of `__consumer_offsets`."""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.message import Array, Bytes, Int32, Int64, String, Uuid, message, wire


@message(versions="0")
class OffsetCommitKey:
    group: str = wire(String, "0")
    topic: str = wire(String, "0")
    partition: int = wire(Int32, "0")


@message(versions="0-4", flexible="4+")
class OffsetCommitValue:
    offset: int = wire(Int64)
    leader_epoch: int = wire(Int32, "3+", default=-1)
    metadata: str = wire(String)
    commit_timestamp: int = wire(Int64)
    expire_timestamp: int = wire(Int64, "1", default=-1)
    topic_id: UUID = wire(Uuid, "4+", tag=0)


@message(versions="0")
class GroupMetadataKey:
    group: str = wire(String, "0")


@message()
class MemberMetadata:
    member_id: str = wire(String)
    group_instance_id: str | None = wire(String, "3+", nullable="3+", default=None)
    client_id: str = wire(String)
    client_host: str = wire(String)
    rebalance_timeout: int = wire(Int32, "1+", default=-1)
    session_timeout: int = wire(Int32)
    subscription: bytes = wire(Bytes)
    assignment: bytes = wire(Bytes)


@message(versions="0-4", flexible="4+")
class GroupMetadataValue:
    protocol_type: str = wire(String)
    generation: int = wire(Int32)
    protocol: str | None = wire(String, nullable="0+")
    leader: str | None = wire(String, nullable="0+")
    current_state_timestamp: int = wire(Int64, "2+", default=-1)
    members: list[MemberMetadata] = wire(Array(MemberMetadata))
