"""ApiVersions (key 18)."""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int16, Int32, Int64, String, message, wire


@message(versions="0-4", flexible="3+")
class ApiVersionsRequest:
    client_software_name: str = wire(String, "3+")
    client_software_version: str = wire(String, "3+")


@message()
class ApiVersion:
    api_key: int = wire(Int16)
    min_version: int = wire(Int16)
    max_version: int = wire(Int16)


@message()
class SupportedFeatureKey:
    name: str = wire(String, "3+")
    min_version: int = wire(Int16, "3+")
    max_version: int = wire(Int16, "3+")


@message()
class FinalizedFeatureKey:
    name: str = wire(String, "3+")
    max_version_level: int = wire(Int16, "3+")
    min_version_level: int = wire(Int16, "3+")


@message(versions="0-4", flexible="3+")
class ApiVersionsResponse:
    error_code: int = wire(Int16)
    api_keys: list[ApiVersion] = wire(Array(ApiVersion))
    throttle_time_ms: int = wire(Int32, "1+")
    supported_features: list[SupportedFeatureKey] = wire(Array(SupportedFeatureKey), "3+", tag=0)
    finalized_features_epoch: int = wire(Int64, "3+", default=-1, tag=1)
    finalized_features: list[FinalizedFeatureKey] = wire(Array(FinalizedFeatureKey), "3+", tag=2)
    zk_migration_ready: bool = wire(Boolean, "3+", tag=3)


API_VERSIONS = Api(18, ApiVersionsRequest, ApiVersionsResponse)
