"""ApiVersions (key 18): which APIs a broker speaks, in which versions; the first request of nearly every client.

v1 throttle time; v3 flexible encoding, the client's software, features (KIP-511, KIP-584); v4 features may start at 0.
A broker answers a version it does not know in v0, with UNSUPPORTED_VERSION and its own range. The response's header
has no tags in any version, so that a client can read it before it knows what the broker speaks.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int16, Int32, Int64, String, message, wire


@message(versions="0-4", flexible="3+")
class ApiVersionsRequest:
    client_software_name: str = wire(String, "3+")
    client_software_version: str = wire(String, "3+")


@message()
class ApiVersion:
    """One API and the versions that are served, both ends included."""

    api_key: int = wire(Int16)
    min_version: int = wire(Int16)
    max_version: int = wire(Int16)


@message()
class SupportedFeatureKey:
    """The levels of a feature that this broker can work at, both ends included."""

    name: str = wire(String, "3+")
    min_version: int = wire(Int16, "3+")
    max_version: int = wire(Int16, "3+")


@message()
class FinalizedFeatureKey:
    """The levels of a feature that the whole cluster works at, both ends included."""

    name: str = wire(String, "3+")
    max_version_level: int = wire(Int16, "3+")
    min_version_level: int = wire(Int16, "3+")


@message(versions="0-4", flexible="3+")
class ApiVersionsResponse:
    error_code: int = wire(Int16)
    api_keys: list[ApiVersion] = wire(Array(ApiVersion))
    throttle_time_ms: int = wire(Int32, "1+")
    supported_features: list[SupportedFeatureKey] = wire(Array(SupportedFeatureKey), "3+", tag=0)
    finalized_features_epoch: int = wire(Int64, "3+", default=-1, tag=1)  # -1: there are none
    finalized_features: list[FinalizedFeatureKey] = wire(Array(FinalizedFeatureKey), "3+", tag=2)
    zk_migration_ready: bool = wire(Boolean, "3+", tag=3)  # left from the move off ZooKeeper; only controllers set it


API_VERSIONS = Api(18, ApiVersionsRequest, ApiVersionsResponse)
