"""What a broker and a group are configured with, as the coordinator of streams groups knows it (KIP-1071)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kafkapy.coordinator.group_settings import GroupSettings
from kafkapy.coordinator.known_topics import KnownTopics

STANDBY_REPLICAS = "num.standby.replicas"


@dataclass(frozen=True)
class StreamsGroupConfig:
    """The limits that all streams groups obey; the names are those of the properties after `group.streams.`."""

    max_size: int = 2**31 - 1


@dataclass(frozen=True)
class StreamsGroupSettings(GroupSettings):
    """What one group is configured with, or the broker for all."""

    initial_rebalance_delay_ms: int = 3_000
    num_standby_replicas: int = 0

    @property
    def for_assignment(self) -> dict[str, str]:
        """What the assignor goes by; a group keeps it in its log, and assigns anew when it changes."""
        return {STANDBY_REPLICAS: str(self.num_standby_replicas)}


@dataclass(frozen=True)
class StreamsGroupContext:
    """What the coordinator of streams groups is handed: configuration, and what the topics are."""

    config: StreamsGroupConfig
    settings_of: Callable[[str], StreamsGroupSettings]
    topics: KnownTopics
