"""DescribeConfigs (key 32)."""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int8, Int16, Int32, String, message, wire


@message()
class DescribeConfigsResource:
    resource_type: int = wire(Int8)
    resource_name: str = wire(String)
    configuration_keys: list[str] | None = wire(Array(String), nullable="0+")


@message(versions="0-4", flexible="4+")
class DescribeConfigsRequest:
    resources: list[DescribeConfigsResource] = wire(Array(DescribeConfigsResource))
    include_synonyms: bool = wire(Boolean, "1+")
    include_documentation: bool = wire(Boolean, "3+")


@message()
class DescribeConfigsSynonym:
    name: str = wire(String, "1+")
    value: str | None = wire(String, "1+", nullable="0+")
    source: int = wire(Int8, "1+")


@message()
class DescribeConfigsResourceResult:
    name: str = wire(String)
    value: str | None = wire(String, nullable="0+")
    read_only: bool = wire(Boolean)
    is_default: bool = wire(Boolean, "0")
    config_source: int = wire(Int8, "1+", default=-1)
    is_sensitive: bool = wire(Boolean)
    synonyms: list[DescribeConfigsSynonym] = wire(Array(DescribeConfigsSynonym), "1+")
    config_type: int = wire(Int8, "3+")
    documentation: str | None = wire(String, "3+", nullable="0+")


@message()
class DescribeConfigsResult:
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")
    resource_type: int = wire(Int8)
    resource_name: str = wire(String)
    configs: list[DescribeConfigsResourceResult] = wire(Array(DescribeConfigsResourceResult))


@message(versions="0-4", flexible="4+")
class DescribeConfigsResponse:
    throttle_time_ms: int = wire(Int32)
    results: list[DescribeConfigsResult] = wire(Array(DescribeConfigsResult))


DESCRIBE_CONFIGS = Api(32, DescribeConfigsRequest, DescribeConfigsResponse)
