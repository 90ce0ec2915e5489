"""ListConfigResources (key 74): the names of everything on which settings can be described (KIP-1142).

v0 was ListClientMetricsResources (KIP-714): client metrics subscriptions only. v1 other types too.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int8, Int16, Int32, String, message, wire


@message(versions="0-1", flexible="0+")
class ListConfigResourcesRequest:
    resource_types: list[int] = wire(Array(Int8), "1+")  # none: all that there are


@message()
class ConfigResource:
    resource_name: str = wire(String)
    resource_type: int = wire(Int8, "1+", default=16)  # 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group


@message(versions="0-1", flexible="0+")
class ListConfigResourcesResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16)
    config_resources: list[ConfigResource] = wire(Array(ConfigResource))


LIST_CONFIG_RESOURCES = Api(74, ListConfigResourcesRequest, ListConfigResourcesResponse)
