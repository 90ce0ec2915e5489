"""CreateAcls (key 30): let somebody do something, or forbid it (KIP-140).

v1 pattern types (KIP-290); v2 flexible encoding; v3 users as resources (KIP-373).
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int8, Int16, Int32, String, message, wire
from kafkapy.protocol.messages.describe_acls import LITERAL


@message()
class AclCreation:
    resource_type: int = wire(Int8)
    resource_name: str = wire(String)
    resource_pattern_type: int = wire(Int8, "1+", default=LITERAL)
    principal: str = wire(String)
    host: str = wire(String)
    operation: int = wire(Int8)
    permission_type: int = wire(Int8)


@message(versions="0-3", flexible="2+")
class CreateAclsRequest:
    creations: list[AclCreation] = wire(Array(AclCreation))


@message()
class AclCreationResult:
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")


@message(versions="0-3", flexible="2+")
class CreateAclsResponse:
    throttle_time_ms: int = wire(Int32)
    results: list[AclCreationResult] = wire(Array(AclCreationResult))  # in the request's order


CREATE_ACLS = Api(30, CreateAclsRequest, CreateAclsResponse)
