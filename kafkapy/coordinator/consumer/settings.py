"""What a broker and a group are configured with, as the coordinator of consumer groups knows it (KIP-848)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from kafkapy.coordinator.group_settings import GroupSettings
from kafkapy.coordinator.known_topics import KnownTopics


class MigrationPolicy(StrEnum):
    """Which way a group may change its protocol while it has members: group.consumer.migration.policy."""

    DISABLED = "disabled"
    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    BIDIRECTIONAL = "bidirectional"

    @property
    def allows_upgrade(self) -> bool:
        return self in (MigrationPolicy.UPGRADE, MigrationPolicy.BIDIRECTIONAL)

    @property
    def allows_downgrade(self) -> bool:
        return self in (MigrationPolicy.DOWNGRADE, MigrationPolicy.BIDIRECTIONAL)


@dataclass(frozen=True)
class ConsumerGroupConfig:
    """The limits that all consumer groups obey; the names are those of the properties after `group.consumer.`."""

    max_size: int = 2**31 - 1
    assignors: tuple[str, ...] = ("uniform", "range")  # the first is the default
    migration_policy: MigrationPolicy = MigrationPolicy.BIDIRECTIONAL
    regex_refresh_interval_ms: int = 600_000


@dataclass(frozen=True)
class ConsumerGroupContext:
    """What the coordinator of consumer groups is handed: configuration, what the topics are, ids for members."""

    config: ConsumerGroupConfig
    settings_of: Callable[[str], GroupSettings]
    topics: KnownTopics
    new_member_id: Callable[[], str]
