"""UpdateFeatures (key 57): the levels at which the whole cluster works (KIP-584).

v1 kinds of downgrades, and trying without doing; v2 all features or none, so only the request has an error.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int8, Int16, Int32, String, message, wire


@message()
class FeatureUpdateKey:
    """A feature's new level; below 1 it is switched off."""

    feature: str = wire(String)
    max_version_level: int = wire(Int16)
    allow_downgrade: bool = wire(Boolean, "0")
    upgrade_type: int = wire(Int8, "1+", default=1)  # 1 upgrade, 2 downgrade that loses nothing, 3 any downgrade


@message(versions="0-2", flexible="0+")
class UpdateFeaturesRequest:
    timeout_ms: int = wire(Int32, default=60_000)
    feature_updates: list[FeatureUpdateKey] = wire(Array(FeatureUpdateKey))
    validate_only: bool = wire(Boolean, "1+")


@message()
class UpdatableFeatureResult:
    feature: str = wire(String)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")


@message(versions="0-2", flexible="0+")
class UpdateFeaturesResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")
    results: list[UpdatableFeatureResult] = wire(Array(UpdatableFeatureResult), "0-1")


UPDATE_FEATURES = Api(57, UpdateFeaturesRequest, UpdateFeaturesResponse)
