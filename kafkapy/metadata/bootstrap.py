"""The first records of a new cluster, and the feature levels that a kafkapy broker knows.

A new cluster states only what is served: the metadata format of Kafka 4.3, the consumer group protocol, transactions
with an epoch each, share groups and streams groups. What would promise clients more (eligible leader replicas) starts
at 0, which is written as no record at all; a cluster that Apache formatted keeps the levels it has.
Apache's classes: `BootstrapMetadata`, `ActivationRecordsGenerator`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kafkapy.protocol.records import metadata as m

METADATA_VERSION = "metadata.version"
METADATA_VERSION_4_3 = 30
KRAFT_VERSION = "kraft.version"
ELR_VERSION = "eligible.leader.replicas.version"
GROUP_VERSION = "group.version"
TRANSACTION_VERSION = "transaction.version"
TRANSACTION_VERSION_2 = 2
SHARE_VERSION = "share.version"
STREAMS_VERSION = "streams.version"
_FIRST_LEVELS = {
    METADATA_VERSION: METADATA_VERSION_4_3,
    TRANSACTION_VERSION: TRANSACTION_VERSION_2,
    GROUP_VERSION: 1,
    SHARE_VERSION: 1,
    STREAMS_VERSION: 1,
}

# What a broker may find finalized and still read the log truly: levels by name, lowest and highest.
SUPPORTED_FEATURES: dict[str, tuple[int, int]] = {
    METADATA_VERSION: (METADATA_VERSION_4_3, METADATA_VERSION_4_3),
    KRAFT_VERSION: (0, 1),
    GROUP_VERSION: (0, 1),
    TRANSACTION_VERSION: (0, TRANSACTION_VERSION_2),
    ELR_VERSION: (0, 1),
    SHARE_VERSION: (0, 1),
    STREAMS_VERSION: (0, 1),
}


class FeatureError(Exception):
    """The cluster has finalized a feature at a level that this broker does not serve; the text says which."""


def check_features(finalized: Mapping[str, int]) -> None:
    """Raises FeatureError unless every level is one that this broker knows."""
    for name, level in finalized.items():
        lowest, highest = SUPPORTED_FEATURES.get(name, (0, 0))
        if level > highest:
            raise FeatureError(f"its {name} is {level}, this broker knows {highest} at most: a newer Kafka wrote it")
        if level < lowest:
            raise FeatureError(
                f"its {name} is {level}, this broker needs {lowest}: upgrade it with kafka-features.sh of Kafka 4.3"
            )


def feature_records(levels: dict[str, int] | None = None) -> list[Any]:
    """One record per feature that is on; `bootstrap.checkpoint` holds these."""
    stated = _FIRST_LEVELS | (levels or {})
    return [m.FeatureLevelRecord(name, level) for name, level in stated.items() if level]


def bootstrap_records(levels: dict[str, int] | None = None) -> list[Any]:
    """The first batch of a new metadata log, one transaction (KIP-868), as Apache's controller writes it."""
    return [m.BeginTransactionRecord("Bootstrap records"), *feature_records(levels), m.EndTransactionRecord()]
