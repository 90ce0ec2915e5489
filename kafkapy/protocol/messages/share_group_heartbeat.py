"""ShareGroupHeartbeat (key 76): a member of a share group shows that it is alive, and learns its partitions (KIP-932).

v0 was tried out in Kafka 4.0 and is gone.
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, String, Uuid, message, wire


@message(versions="1", flexible="0+")
class ShareGroupHeartbeatRequest:
    group_id: str = wire(String)
    member_id: str = wire(String)
    member_epoch: int = wire(Int32)  # 0 joins, -1 leaves
    rack_id: str | None = wire(String, nullable="0+", default=None)
    subscribed_topic_names: list[str] | None = wire(Array(String), nullable="0+", default=None)  # None: as before


@message()
class TopicPartitions:
    topic_id: UUID = wire(Uuid)
    partitions: list[int] = wire(Array(Int32))


@message()
class Assignment:
    topic_partitions: list[TopicPartitions] = wire(Array(TopicPartitions))


@message(versions="1", flexible="0+")
class ShareGroupHeartbeatResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)
    member_id: str | None = wire(String, nullable="0+", default=None)
    member_epoch: int = wire(Int32)
    heartbeat_interval_ms: int = wire(Int32)
    assignment: Assignment | None = wire(Assignment, nullable="0+", default=None)


SHARE_GROUP_HEARTBEAT = Api(76, ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse)
