"""What consumers of the classic protocol say to each other, inside JoinGroup's metadata and SyncGroup's assignment.

The broker looks into it where classic consumers share a group with those that it assigns itself (KIP-848). Each is an
int16 version and the message; whoever meets a newer version reads it as the newest that it knows. Subscription: v1
owned partitions, v2 generation (KIP-792), v3 rack (KIP-881).
"""

from __future__ import annotations

from kafkapy.protocol.message import Array, Bytes, Int32, String, message, wire


@message()
class OwnedPartitions:
    topic: str = wire(String, "1+")
    partitions: list[int] = wire(Array(Int32), "1+")


@message(versions="0-3")
class ConsumerProtocolSubscription:
    """What a consumer wants to read, and what it has."""

    topics: list[str] = wire(Array(String))
    user_data: bytes | None = wire(Bytes, nullable="0+", default=None)  # an assignor's own
    owned_partitions: list[OwnedPartitions] = wire(Array(OwnedPartitions), "1+")
    generation_id: int = wire(Int32, "2+", default=-1)
    rack_id: str | None = wire(String, "3+", nullable="3+", default=None)


@message()
class AssignedTopic:
    topic: str = wire(String)
    partitions: list[int] = wire(Array(Int32))


@message(versions="0-3")
class ConsumerProtocolAssignment:
    """What a consumer is to read."""

    assigned_partitions: list[AssignedTopic] = wire(Array(AssignedTopic))
    user_data: bytes | None = wire(Bytes, nullable="0+", default=None)  # an assignor's own
