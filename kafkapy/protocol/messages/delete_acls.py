"""DeleteAcls (key 31): remove what filters match (KIP-140).

v1 pattern types (KIP-290); v2 flexible encoding; v3 users as resources (KIP-373).
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int8, Int16, Int32, String, message, wire
from kafkapy.protocol.messages.describe_acls import LITERAL


@message()
class DeleteAclsFilter:
    """Null matches whatever there is."""

    resource_type_filter: int = wire(Int8)
    resource_name_filter: str | None = wire(String, nullable="0+")
    pattern_type_filter: int = wire(Int8, "1+", default=LITERAL)
    principal_filter: str | None = wire(String, nullable="0+")
    host_filter: str | None = wire(String, nullable="0+")
    operation: int = wire(Int8)
    permission_type: int = wire(Int8)


@message(versions="0-3", flexible="2+")
class DeleteAclsRequest:
    filters: list[DeleteAclsFilter] = wire(Array(DeleteAclsFilter))


@message()
class DeleteAclsMatchingAcl:
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")
    resource_type: int = wire(Int8)
    resource_name: str = wire(String)
    pattern_type: int = wire(Int8, "1+", default=LITERAL)
    principal: str = wire(String)
    host: str = wire(String)
    operation: int = wire(Int8)
    permission_type: int = wire(Int8)


@message()
class DeleteAclsFilterResult:
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")
    matching_acls: list[DeleteAclsMatchingAcl] = wire(Array(DeleteAclsMatchingAcl))


@message(versions="0-3", flexible="2+")
class DeleteAclsResponse:
    throttle_time_ms: int = wire(Int32)
    filter_results: list[DeleteAclsFilterResult] = wire(Array(DeleteAclsFilterResult))  # in the request's order


DELETE_ACLS = Api(31, DeleteAclsRequest, DeleteAclsResponse)
