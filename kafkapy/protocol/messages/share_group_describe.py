"""ShareGroupDescribe (key 77): the epochs, the members and the assignments of share groups (KIP-932).

v0 was tried out in Kafka 4.0 and is gone.
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int16, Int32, String, Uuid, message, wire


@message(versions="1", flexible="0+")
class ShareGroupDescribeRequest:
    group_ids: list[str] = wire(Array(String))
    include_authorized_operations: bool = wire(Boolean)


@message()
class ShareTopicPartitions:
    topic_id: UUID = wire(Uuid)
    topic_name: str = wire(String)
    partitions: list[int] = wire(Array(Int32))


@message()
class ShareAssignment:
    topic_partitions: list[ShareTopicPartitions] = wire(Array(ShareTopicPartitions))


@message()
class DescribedShareMember:
    member_id: str = wire(String)
    rack_id: str | None = wire(String, nullable="0+", default=None)
    member_epoch: int = wire(Int32)
    client_id: str = wire(String)
    client_host: str = wire(String)
    subscribed_topic_names: list[str] = wire(Array(String))
    assignment: ShareAssignment = wire(ShareAssignment)


@message()
class DescribedShareGroup:
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)
    group_id: str = wire(String)
    group_state: str = wire(String)
    group_epoch: int = wire(Int32)
    assignment_epoch: int = wire(Int32)
    assignor_name: str = wire(String)
    members: list[DescribedShareMember] = wire(Array(DescribedShareMember))
    # a bit for each operation; the least int32: not asked for
    authorized_operations: int = wire(Int32, default=-2147483648)


@message(versions="1", flexible="0+")
class ShareGroupDescribeResponse:
    throttle_time_ms: int = wire(Int32)
    groups: list[DescribedShareGroup] = wire(Array(DescribedShareGroup))


SHARE_GROUP_DESCRIBE = Api(77, ShareGroupDescribeRequest, ShareGroupDescribeResponse)
