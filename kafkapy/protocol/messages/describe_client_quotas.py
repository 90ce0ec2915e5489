"""DescribeClientQuotas (key 48): the quotas of users, client ids and addresses (KIP-546).

v1 flexible encoding.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Float64, Int8, Int16, Int32, String, message, wire


@message()
class ComponentData:
    """What an entity of one type must be to be described."""

    entity_type: str = wire(String)  # user, client-id or ip
    match_type: int = wire(Int8)  # 0 this name, 1 the default, 2 any
    match: str | None = wire(String, nullable="0+")


@message(versions="0-1", flexible="1+")
class DescribeClientQuotasRequest:
    components: list[ComponentData] = wire(Array(ComponentData))
    strict: bool = wire(Boolean)  # whether entities with other types beside these are left out


@message()
class EntityData:
    """One part of what a quota is about; a null name is the default entity."""

    entity_type: str = wire(String)
    entity_name: str | None = wire(String, nullable="0+")


@message()
class ValueData:
    key: str = wire(String)
    value: float = wire(Float64)


@message()
class EntryData:
    entity: list[EntityData] = wire(Array(EntityData))
    values: list[ValueData] = wire(Array(ValueData))


@message(versions="0-1", flexible="1+")
class DescribeClientQuotasResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")
    entries: list[EntryData] | None = wire(Array(EntryData), nullable="0+")  # null where the request was refused


DESCRIBE_CLIENT_QUOTAS = Api(48, DescribeClientQuotasRequest, DescribeClientQuotasResponse)
