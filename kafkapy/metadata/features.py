"""The levels at which the whole cluster works are raised and lowered: UpdateFeatures (KIP-584, KIP-1022).

All updates of a request are made or none. Apache's class: `FeatureControlManager`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kafkapy.metadata.bootstrap import ELR_VERSION, KRAFT_VERSION, SUPPORTED_FEATURES
from kafkapy.metadata.image import BROKER_RESOURCE, ClusterImage
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.update_features import FeatureUpdateKey, UpdateFeaturesRequest
from kafkapy.protocol.records import metadata as m

_MIN_INSYNC_REPLICAS = "min.insync.replicas"
_UPGRADE, _SAFE_DOWNGRADE, _UNSAFE_DOWNGRADE = 1, 2, 3


def update_features(
    image: ClusterImage,
    request: UpdateFeaturesRequest,
    node_id: int,
    kraft_version: int,
    min_insync_replicas: int,
) -> list[Any]:
    """The records of the request's updates; none if `validate_only`.

    `kraft_version` is what the log's voters speak, which no metadata record says. With eligible leader replicas
    (KIP-966) `min_insync_replicas`, which is what brokers were started with, becomes a setting of the cluster and no
    broker has its own.
    Raises KafkaError(INVALID_UPDATE_VERSION).
    """
    current = {**image.features, KRAFT_VERSION: kraft_version}
    # A feature that is named twice gets its last level, as Apache has it.
    updates = {update.feature: update for update in request.feature_updates}
    records: list[Any] = []
    for update in updates.values():
        why = _refusal(update, current, node_id)
        if why is not None:
            before = "The update failed for all features since the following feature had an error"
            raise KafkaError(ErrorCode.INVALID_UPDATE_VERSION, f"{before}: {why}")
        if update.feature != KRAFT_VERSION:
            records.append(m.FeatureLevelRecord(update.feature, update.max_version_level))
    if ELR_VERSION in updates and updates[ELR_VERSION].max_version_level > 0:
        records = _safe_with_elr(image, min_insync_replicas) + records
    return [] if request.validate_only else records


def _refusal(update: FeatureUpdateKey, current: Mapping[str, int], node_id: int) -> str | None:
    """Why the update cannot be; None if it can."""
    # Version 0 says only whether it may be a downgrade, and Apache does not look at that.
    name, level, upgrade_type = update.feature, update.max_version_level, update.upgrade_type
    low, high = SUPPORTED_FEATURES.get(name, (0, 0))
    before = current.get(name, 0)
    why = None
    if upgrade_type not in (_UPGRADE, _SAFE_DOWNGRADE, _UNSAFE_DOWNGRADE):
        why = "The controller does not support the given upgrade type."
    elif level < 0:
        why = "A feature version cannot be less than 0."
    elif name not in SUPPORTED_FEATURES:
        why = (
            f"Feature {name} not found." if level == 0 else f"Local controller {node_id} does not support this feature."
        )
    elif not low <= level <= high:
        why = f"Local controller {node_id} only supports versions {low}-{high}"
    elif level < before and upgrade_type == _UPGRADE:
        why = (
            "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe "
            "downgrade."
        )
    elif level > before and upgrade_type != _UPGRADE:
        why = "Can't downgrade to a newer version."
    elif level < before and name == KRAFT_VERSION:
        why = "Can't downgrade the version of this feature."
    elif level > before and name == KRAFT_VERSION:
        why = "The voters are named in the configuration (controller.quorum.voters), and stay there."
    return None if why is None else f"Invalid update version {level} for feature {name}. {why}"


def _safe_with_elr(image: ClusterImage, min_insync_replicas: int) -> list[Any]:
    records = []
    if _MIN_INSYNC_REPLICAS not in image.configs(BROKER_RESOURCE, ""):
        records.append(m.ConfigRecord(BROKER_RESOURCE, "", _MIN_INSYNC_REPLICAS, str(min_insync_replicas)))
    for kind, name in image.configured_resources():
        if kind == BROKER_RESOURCE and name and _MIN_INSYNC_REPLICAS in image.configs(kind, name):
            records.append(m.ConfigRecord(kind, name, _MIN_INSYNC_REPLICAS, None))
    return records
