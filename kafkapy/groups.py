"""The group coordinator at work: which partition of `__consumer_offsets` has a group, and the machine that drives it.

Apache's class: GroupCoordinatorService.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar
from uuid import UUID

from kafkapy.cluster import OFFSETS_TOPIC, Cluster
from kafkapy.cluster_topics import ClusterTopics
from kafkapy.config.broker import BrokerConfig
from kafkapy.config.define import ConfigError
from kafkapy.config.group import GroupConfig as GroupResourceConfig
from kafkapy.coordinator.classic.rebalance import GroupConfig
from kafkapy.coordinator.consumer.settings import (
    ConsumerGroupConfig,
    ConsumerGroupContext,
    MigrationPolicy,
)
from kafkapy.coordinator.group_settings import GroupSettings
from kafkapy.coordinator.group_shard import GroupShard
from kafkapy.coordinator.outcome import Outcome
from kafkapy.coordinator.promise import Promise
from kafkapy.coordinator.share.membership import ShareGroupConfig, ShareGroupContext
from kafkapy.coordinator.streams.settings import StreamsGroupConfig, StreamsGroupContext, StreamsGroupSettings
from kafkapy.metadata.bootstrap import GROUP_VERSION, STREAMS_VERSION
from kafkapy.metadata.changes import Change, ConfigChanged, TopicDeleted
from kafkapy.metadata.image import BROKER_RESOURCE, GROUP_RESOURCE
from kafkapy.protocol.marker import Marker
from kafkapy.replication.replicas import Replicas
from kafkapy.runtime import Alarms
from kafkapy.shards import Shards
from kafkapy.storage.log import Appended

T = TypeVar("T")
logger = logging.getLogger(__name__)
_ASSIGNOR_CLASSES = {
    "org.apache.kafka.coordinator.group.assignor.UniformAssignor": "uniform",
    "org.apache.kafka.coordinator.group.assignor.RangeAssignor": "range",
}
_KEPT_SETTINGS = 4096  # of groups


class Groups:
    """Finds a group's shard and runs operations on it."""

    def __init__(
        self,
        cluster: Cluster,
        replicas: Replicas,
        config: BrokerConfig,
        clock: Callable[[], int],
        alarms: Alarms,
        new_member_suffix: Callable[[], str],
    ) -> None:
        self._cluster = cluster
        self._topics = ClusterTopics(cluster.image, lambda: cluster.features_epoch)
        self._settings: dict[str, GroupResourceConfig] = {}
        consumers = ConsumerGroupContext(
            consumer_group_config(config),
            lambda group_id: consumer_group_settings(self._settings_of(group_id)),
            self._topics,
            new_member_suffix,
        )
        shares = ShareGroupContext(
            ShareGroupConfig(config.group_share_max_size, config.group_share_initialize_retry_interval_ms),
            lambda group_id: share_group_settings(self._settings_of(group_id)),
            self._topics,
        )
        streams = StreamsGroupContext(
            StreamsGroupConfig(config.group_streams_max_size),
            lambda group_id: streams_group_settings(self._settings_of(group_id)),
            self._topics,
        )
        classic = group_config(config)
        self._shards: Shards[GroupShard] = Shards(
            OFFSETS_TOPIC,
            cluster,
            replicas,
            clock,
            alarms,
            lambda runtime: GroupShard(classic, runtime, new_member_suffix, consumers, shares, streams),
        )
        cluster.listeners.append(self._cluster_changed)

    @property
    def serves_consumer_groups(self) -> bool:
        """Whether the broker's properties and the cluster's features let the new protocol be used (KIP-848)."""
        is_listed = "consumer" in self._cluster.config.group_coordinator_rebalance_protocols
        return is_listed and self._cluster.image.features.get(GROUP_VERSION, 0) > 0

    @property
    def serves_streams_groups(self) -> bool:
        """Whether the broker's properties and the cluster's features let streams groups be used (KIP-1071)."""
        is_listed = "streams" in self._cluster.config.group_coordinator_rebalance_protocols
        return is_listed and self._cluster.image.features.get(STREAMS_VERSION, 0) > 0

    def load(self) -> None:
        """Replay every partition of the offsets topic that there is."""
        self._shards.load()

    def coordinator_of(self, group_id: str) -> int:
        """The broker that coordinates the group. Raises KafkaError(COORDINATOR_NOT_AVAILABLE)."""
        return self._shards.coordinator_of(group_id)

    async def wait_coordinator_of(self, group_id: str) -> int:
        """The same, once there is a topic for it."""
        return await self._shards.wait_coordinator_of(group_id)

    @property
    def is_ready(self) -> bool:
        """Whether the topic is made that coordinators are found by."""
        return self._shards.is_made

    def partition_of(self, group_id: str) -> int:
        """Where the group's records are."""
        return self._shards.partition_of(group_id)

    def run(self, group_id: str, operation: Callable[[GroupShard, int], Outcome[T]]) -> Promise[T]:
        """Run an operation on the group's shard. Raises KafkaError(NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE)."""
        return self._shards.run(group_id, operation)

    def run_in_transaction(
        self,
        group_id: str,
        producer_id: int,
        producer_epoch: int,
        operation: Callable[[GroupShard, int], Outcome[T]],
    ) -> Promise[T]:
        """The same with records that count once the producer's transaction is committed."""
        shard, runtime = self._shards.find(group_id)
        return runtime.run_in_transaction(producer_id, producer_epoch, lambda now_ms: operation(shard, now_ms))

    def end_transaction(
        self, index: int, producer_id: int, epoch: int, marker: Marker, transaction_version: int
    ) -> Appended:
        """End a producer's transaction in one partition of the offsets topic.

        Raises what `Partition.end_transaction` raises, and KafkaError(NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE).
        """
        _, runtime = self._shards.at(index)
        return runtime.end_transaction(producer_id, epoch, marker, transaction_version)

    def shard_of(self, group_id: str) -> GroupShard:
        """The group's shard, to read from. Raises KafkaError(NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE)."""
        return self._shards.find(group_id)[0]

    def shards(self) -> Iterator[GroupShard]:
        """Every shard that this broker coordinates."""
        for shard, _ in self._shards:
            yield shard

    def streams_heartbeat_interval_ms(self, group_id: str) -> int:
        """How often the members of a streams group are to send a heartbeat."""
        return self._settings_of(group_id).streams_heartbeat_interval_ms

    def topic_name(self, topic_id: UUID) -> str:
        """The name of the topic, or of none."""
        topic = self._topics.by_id(topic_id)
        return "" if topic is None else topic.name

    def _settings_of(self, group_id: str) -> GroupResourceConfig:
        """What was set on the group, and for the rest what the broker has."""
        found = self._settings.get(group_id)
        if found is None:
            given = self._cluster.image.configs(GROUP_RESOURCE, group_id)
            try:
                found = GroupResourceConfig(given, self._cluster.config)
            except ConfigError as error:  # the broker's limits are others now than when it was set
                logger.warning("group %s goes by the broker's settings, not its own: %s", group_id, error)
                found = GroupResourceConfig({}, self._cluster.config)
            if len(self._settings) >= _KEPT_SETTINGS:
                self._settings.clear()
            self._settings[group_id] = found
        return found

    def _cluster_changed(self, change: Change) -> None:
        self._topics.changed(change)
        if isinstance(change, ConfigChanged) and change.resource_type in (GROUP_RESOURCE, BROKER_RESOURCE):
            self._settings.clear()
        if isinstance(change, TopicDeleted) and change.topic.name != OFFSETS_TOPIC:
            topic = change.topic
            self._shards.run_all(lambda shard, now_ms: shard.remove_topic(topic.name, now_ms, topic.topic_id))


def group_config(config: BrokerConfig) -> GroupConfig:
    """The broker's properties, as the coordinator knows them."""
    return GroupConfig(
        min_session_timeout_ms=config.group_min_session_timeout_ms,
        max_session_timeout_ms=config.group_max_session_timeout_ms,
        initial_rebalance_delay_ms=config.group_initial_rebalance_delay_ms,
        max_size=config.group_max_size,
        offsets_retention_ms=config.offsets_retention_minutes * 60_000,
        offsets_retention_check_interval_ms=config.offsets_retention_check_interval_ms,
        offset_metadata_max_bytes=config.offset_metadata_max_bytes,
    )


def consumer_group_config(config: BrokerConfig) -> ConsumerGroupConfig:
    """The broker's properties, as the coordinator of consumer groups knows them."""
    return ConsumerGroupConfig(
        max_size=config.group_consumer_max_size,
        # Apache knows its own by their classes too.
        assignors=tuple(_ASSIGNOR_CLASSES.get(name, name) for name in config.group_consumer_assignors),
        migration_policy=MigrationPolicy(config.group_consumer_migration_policy.lower()),
        regex_refresh_interval_ms=config.group_consumer_regex_refresh_interval_ms,
    )


def consumer_group_settings(config: GroupResourceConfig) -> GroupSettings:
    """A group's properties, as the coordinator knows them."""
    return GroupSettings(
        session_timeout_ms=config.consumer_session_timeout_ms,
        heartbeat_interval_ms=config.consumer_heartbeat_interval_ms,
        assignment_interval_ms=config.consumer_assignment_interval_ms,
    )


def streams_group_settings(config: GroupResourceConfig) -> StreamsGroupSettings:
    """A streams group's properties, as the coordinator knows them."""
    return StreamsGroupSettings(
        session_timeout_ms=config.streams_session_timeout_ms,
        heartbeat_interval_ms=config.streams_heartbeat_interval_ms,
        assignment_interval_ms=config.streams_assignment_interval_ms,
        initial_rebalance_delay_ms=config.streams_initial_rebalance_delay_ms,
        num_standby_replicas=config.streams_num_standby_replicas,
    )


def share_group_settings(config: GroupResourceConfig) -> GroupSettings:
    """A share group's properties, as the coordinator knows them."""
    return GroupSettings(
        session_timeout_ms=config.share_session_timeout_ms,
        heartbeat_interval_ms=config.share_heartbeat_interval_ms,
        assignment_interval_ms=config.share_assignment_interval_ms,
    )
