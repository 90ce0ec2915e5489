"""DescribeAcls (key 29): who may do what, by a filter (KIP-140).

v1 pattern types (KIP-290); v2 flexible encoding; v3 users as resources (KIP-373).
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int8, Int16, Int32, String, message, wire

LITERAL = 3  # the pattern type that all resources had before v1


@message(versions="0-3", flexible="2+")
class DescribeAclsRequest:
    """Null matches whatever there is."""

    resource_type_filter: int = wire(Int8)
    resource_name_filter: str | None = wire(String, nullable="0+")
    pattern_type_filter: int = wire(Int8, "1+", default=LITERAL)
    principal_filter: str | None = wire(String, nullable="0+")
    host_filter: str | None = wire(String, nullable="0+")
    operation: int = wire(Int8)
    permission_type: int = wire(Int8)


@message()
class AclDescription:
    principal: str = wire(String)
    host: str = wire(String)
    operation: int = wire(Int8)
    permission_type: int = wire(Int8)


@message()
class DescribeAclsResource:
    resource_type: int = wire(Int8)
    resource_name: str = wire(String)
    pattern_type: int = wire(Int8, "1+", default=LITERAL)
    acls: list[AclDescription] = wire(Array(AclDescription))


@message(versions="0-3", flexible="2+")
class DescribeAclsResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")
    resources: list[DescribeAclsResource] = wire(Array(DescribeAclsResource))


DESCRIBE_ACLS = Api(29, DescribeAclsRequest, DescribeAclsResponse)
