"""AlterClientQuotas (key 49): quotas of users, client ids and addresses are set and removed (KIP-546).

v1 flexible encoding.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Float64, Int16, Int32, String, message, wire


@message()
class EntityData:
    """One part of what a quota is about; a null name is the default entity."""

    entity_type: str = wire(String)  # user, client-id or ip
    entity_name: str | None = wire(String, nullable="0+")


@message()
class OpData:
    key: str = wire(String)
    value: float = wire(Float64)
    remove: bool = wire(Boolean)


@message()
class EntryData:
    entity: list[EntityData] = wire(Array(EntityData))
    ops: list[OpData] = wire(Array(OpData))


@message(versions="0-1", flexible="1+")
class AlterClientQuotasRequest:
    entries: list[EntryData] = wire(Array(EntryData))
    validate_only: bool = wire(Boolean)


@message()
class EntryResult:
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")
    entity: list[EntityData] = wire(Array(EntityData))


@message(versions="0-1", flexible="1+")
class AlterClientQuotasResponse:
    throttle_time_ms: int = wire(Int32)
    entries: list[EntryResult] = wire(Array(EntryResult))


ALTER_CLIENT_QUOTAS = Api(49, AlterClientQuotasRequest, AlterClientQuotasResponse)
