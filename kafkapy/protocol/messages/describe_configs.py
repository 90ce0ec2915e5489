"""DescribeConfigs (key 32): the properties of topics, brokers and groups, and where each value comes from.

v1 the source of a value and its synonyms in place of `is_default` (KIP-226); v3 types and documentation (KIP-569); v4
flexible encoding.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int8, Int16, Int32, String, message, wire


@message()
class DescribeConfigsResource:
    """What to describe; null keys ask for every property."""

    resource_type: int = wire(Int8)  # 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group
    resource_name: str = wire(String)
    configuration_keys: list[str] | None = wire(Array(String), nullable="0+")


@message(versions="0-4", flexible="4+")
class DescribeConfigsRequest:
    resources: list[DescribeConfigsResource] = wire(Array(DescribeConfigsResource))
    include_synonyms: bool = wire(Boolean, "1+")
    include_documentation: bool = wire(Boolean, "3+")


@message()
class DescribeConfigsSynonym:
    """A place that gives the property a value, in the order in which they count."""

    name: str = wire(String, "1+")
    value: str | None = wire(String, "1+", nullable="0+")
    source: int = wire(Int8, "1+")


@message()
class DescribeConfigsResourceResult:
    """A property; the value of a sensitive one is null."""

    name: str = wire(String)
    value: str | None = wire(String, nullable="0+")
    read_only: bool = wire(Boolean)
    is_default: bool = wire(Boolean, "0")
    # 1 topic, 2 broker, 3 all brokers, 4 static, 5 default, 6 logger, 7 metrics, 8 group
    config_source: int = wire(Int8, "1+", default=-1)
    is_sensitive: bool = wire(Boolean)
    synonyms: list[DescribeConfigsSynonym] = wire(Array(DescribeConfigsSynonym), "1+")
    # 1 boolean, 2 string, 3 int, 4 short, 5 long, 6 double, 7 list, 8 class, 9 password
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
