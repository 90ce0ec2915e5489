"""ConsumerGroupDescribe (key 69): the epochs, the members and the assignments of consumer groups (KIP-848).

v1 says which members use the classic protocol (KIP-1099).
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int8, Int16, Int32, String, Uuid, message, wire


@message(versions="0-1", flexible="0+")
class ConsumerGroupDescribeRequest:
    group_ids: list[str] = wire(Array(String))
    include_authorized_operations: bool = wire(Boolean)


@message()
class DescribedTopicPartitions:
    topic_id: UUID = wire(Uuid)
    topic_name: str = wire(String)
    partitions: list[int] = wire(Array(Int32))


@message()
class DescribedAssignment:
    topic_partitions: list[DescribedTopicPartitions] = wire(Array(DescribedTopicPartitions))


@message()
class DescribedConsumer:
    """A member; `assignment` is what it has now, what it must still give back included."""

    member_id: str = wire(String)
    instance_id: str | None = wire(String, nullable="0+", default=None)
    rack_id: str | None = wire(String, nullable="0+", default=None)
    member_epoch: int = wire(Int32)
    client_id: str = wire(String)
    client_host: str = wire(String)
    subscribed_topic_names: list[str] = wire(Array(String))
    subscribed_topic_regex: str | None = wire(String, nullable="0+", default=None)
    assignment: DescribedAssignment = wire(DescribedAssignment)
    target_assignment: DescribedAssignment = wire(DescribedAssignment)
    member_type: int = wire(Int8, "1+", default=-1)  # 0 classic, 1 consumer, -1 not known


@message()
class DescribedConsumerGroup:
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)
    group_id: str = wire(String)
    group_state: str = wire(String)
    group_epoch: int = wire(Int32)
    assignment_epoch: int = wire(Int32)
    assignor_name: str = wire(String)
    members: list[DescribedConsumer] = wire(Array(DescribedConsumer))
    # a bit for each operation; the least int32: not asked for
    authorized_operations: int = wire(Int32, default=-2147483648)


@message(versions="0-1", flexible="0+")
class ConsumerGroupDescribeResponse:
    throttle_time_ms: int = wire(Int32)
    groups: list[DescribedConsumerGroup] = wire(Array(DescribedConsumerGroup))


CONSUMER_GROUP_DESCRIBE = Api(69, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse)
