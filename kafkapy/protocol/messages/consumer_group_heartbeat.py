"""ConsumerGroupHeartbeat (key 68): a consumer joins, stays in, and leaves a group whose broker assigns (KIP-848).

v1 subscriptions by regular expression, and member ids that the consumer makes up itself (KIP-1082).
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, String, Uuid, message, wire


@message()
class HeartbeatTopicPartitions:
    """Partitions of one topic: what the member owns, or what it may use."""

    topic_id: UUID = wire(Uuid)
    partitions: list[int] = wire(Array(Int32))


@message(versions="0-1", flexible="0+")
class ConsumerGroupHeartbeatRequest:
    """Null, and -1 for the timeout, stand for what has not changed since the last heartbeat."""

    group_id: str = wire(String)
    member_id: str = wire(String)
    member_epoch: int = wire(Int32)  # 0 joins, -1 leaves, -2 leaves as a static member that will be back
    instance_id: str | None = wire(String, nullable="0+", default=None)
    rack_id: str | None = wire(String, nullable="0+", default=None)
    rebalance_timeout_ms: int = wire(Int32, default=-1)
    subscribed_topic_names: list[str] | None = wire(Array(String), nullable="0+", default=None)
    subscribed_topic_regex: str | None = wire(String, "1+", nullable="1+", default=None)
    server_assignor: str | None = wire(String, nullable="0+", default=None)
    topic_partitions: list[HeartbeatTopicPartitions] | None = wire(
        Array(HeartbeatTopicPartitions), nullable="0+", default=None
    )


@message()
class HeartbeatAssignment:
    """What the member may use at once."""

    topic_partitions: list[HeartbeatTopicPartitions] = wire(Array(HeartbeatTopicPartitions))


@message(versions="0-1", flexible="0+")
class ConsumerGroupHeartbeatResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)
    member_id: str | None = wire(String, nullable="0+", default=None)
    member_epoch: int = wire(Int32)
    heartbeat_interval_ms: int = wire(Int32)
    assignment: HeartbeatAssignment | None = wire(HeartbeatAssignment, nullable="0+", default=None)


CONSUMER_GROUP_HEARTBEAT = Api(68, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse)
