"""AlterConfigs (key 33): give topics, brokers and groups exactly these properties, and no others (KIP-133).

What is not named goes back to its default, which is why IncrementalAlterConfigs took its place. v2 flexible encoding.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int8, Int16, Int32, String, message, wire


@message()
class AlterableConfig:
    """A property and its new value."""

    name: str = wire(String)
    value: str | None = wire(String, nullable="0+")


@message()
class AlterConfigsResource:
    """Everything that is to be set on one resource; a broker named "" stands for all of the cluster."""

    resource_type: int = wire(Int8)  # 2 topic, 4 broker, 16 client metrics, 32 group
    resource_name: str = wire(String)
    configs: list[AlterableConfig] = wire(Array(AlterableConfig))


@message(versions="0-2", flexible="2+")
class AlterConfigsRequest:
    resources: list[AlterConfigsResource] = wire(Array(AlterConfigsResource))
    validate_only: bool = wire(Boolean)


@message()
class AlterConfigsResourceResponse:
    """What became of one resource: all its changes are made, or none."""

    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")
    resource_type: int = wire(Int8)
    resource_name: str = wire(String)


@message(versions="0-2", flexible="2+")
class AlterConfigsResponse:
    throttle_time_ms: int = wire(Int32)
    responses: list[AlterConfigsResourceResponse] = wire(Array(AlterConfigsResourceResponse))


ALTER_CONFIGS = Api(33, AlterConfigsRequest, AlterConfigsResponse)
