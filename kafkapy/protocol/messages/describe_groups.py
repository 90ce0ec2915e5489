"""DescribeGroups (key 15): the state and the members of classic groups.

v1 throttle time; v3 authorized operations; v4 static members (KIP-345); v5 flexible encoding; v6 answers
GROUP_ID_NOT_FOUND with a message, where an unknown group was once `Dead` (KIP-1043).
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Bytes, Int16, Int32, String, message, wire


@message(versions="0-6", flexible="5+")
class DescribeGroupsRequest:
    groups: list[str] = wire(Array(String))
    include_authorized_operations: bool = wire(Boolean, "3+")


@message()
class DescribedGroupMember:
    """A member; its metadata and assignment are the protocol's own bytes, and empty unless the group is stable."""

    member_id: str = wire(String)
    group_instance_id: str | None = wire(String, "4+", nullable="4+", default=None)
    client_id: str = wire(String)
    client_host: str = wire(String)
    member_metadata: bytes = wire(Bytes)
    member_assignment: bytes = wire(Bytes)


@message()
class DescribedGroup:
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, "6+", nullable="6+", default=None)
    group_id: str = wire(String)
    group_state: str = wire(String)
    protocol_type: str = wire(String)
    protocol_data: str = wire(String)  # the name of the protocol chosen, if the group is stable
    members: list[DescribedGroupMember] = wire(Array(DescribedGroupMember))
    # a bit for each operation; the least int32: not asked for
    authorized_operations: int = wire(Int32, "3+", default=-2147483648)


@message(versions="0-6", flexible="5+")
class DescribeGroupsResponse:
    throttle_time_ms: int = wire(Int32, "1+")
    groups: list[DescribedGroup] = wire(Array(DescribedGroup))


DESCRIBE_GROUPS = Api(15, DescribeGroupsRequest, DescribeGroupsResponse)
