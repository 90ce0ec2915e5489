"""IncrementalAlterConfigs (key 44): change single properties of topics, brokers and groups (KIP-339).

v1 flexible encoding.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int8, Int16, Int32, String, message, wire


@message()
class AlterableConfig:
    """One change; the value is null only to delete."""

    name: str = wire(String)
    config_operation: int = wire(Int8)  # 0 set, 1 delete, 2 append to a list, 3 subtract from a list
    value: str | None = wire(String, nullable="0+")


@message()
class AlterConfigsResource:
    """Whose properties change, and how; a broker named "" stands for all of the cluster."""

    resource_type: int = wire(Int8)  # 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group
    resource_name: str = wire(String)
    configs: list[AlterableConfig] = wire(Array(AlterableConfig))


@message(versions="0-1", flexible="1+")
class IncrementalAlterConfigsRequest:
    resources: list[AlterConfigsResource] = wire(Array(AlterConfigsResource))
    validate_only: bool = wire(Boolean)


@message()
class AlterConfigsResourceResponse:
    """What became of one resource: all its changes are made, or none."""

    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")
    resource_type: int = wire(Int8)
    resource_name: str = wire(String)


@message(versions="0-1", flexible="1+")
class IncrementalAlterConfigsResponse:
    throttle_time_ms: int = wire(Int32)
    responses: list[AlterConfigsResourceResponse] = wire(Array(AlterConfigsResourceResponse))


INCREMENTAL_ALTER_CONFIGS = Api(44, IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse)
