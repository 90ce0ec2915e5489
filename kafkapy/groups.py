"""The group coordinator at work: which partition of `__consumer_offsets` has a group, and the machine that drives it.

A group belongs to the partition that its id hashes to, and to the broker that leads that partition. The topic is made
when the first group is asked for. Apache's class: GroupCoordinatorService.
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
from kafkapy.coordinator.consumer_settings import (
    ConsumerGroupConfig,
    ConsumerGroupContext,
    ConsumerGroupSettings,
    MigrationPolicy,
)
from kafkapy.coordinator.group_shard import GroupShard
from kafkapy.coordinator.java_hash import java_hash
from kafkapy.coordinator.outcome import Outcome, append_error
from kafkapy.coordinator.promise import Promise
from kafkapy.coordinator.rebalance import GroupConfig
from kafkapy.coordinator.share_membership import ShareGroupConfig, ShareGroupContext, ShareGroupSettings
from kafkapy.metadata.bootstrap import GROUP_VERSION
from kafkapy.metadata.changes import Change, ConfigChanged, PartitionChanged, TopicDeleted
from kafkapy.metadata.image import BROKER_RESOURCE, GROUP_RESOURCE
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.marker import Marker
from kafkapy.replication.partition import Partition
from kafkapy.replication.replicas import Replicas
from kafkapy.runtime import Alarms, Runtime
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
        self._replicas = replicas
        self._config = group_config(config)
        self._clock = clock
        self._alarms = alarms
        self._new_member_suffix = new_member_suffix
        self._topics = ClusterTopics(cluster.image, lambda: cluster.features_epoch)
        self._settings: dict[str, GroupResourceConfig] = {}
        self._consumers = ConsumerGroupContext(
            consumer_group_config(config),
            lambda group_id: consumer_group_settings(self._settings_of(group_id)),
            self._topics,
            new_member_suffix,
        )
        self._shares = ShareGroupContext(
            ShareGroupConfig(config.group_share_max_size, config.group_share_initialize_retry_interval_ms),
            lambda group_id: share_group_settings(self._settings_of(group_id)),
            self._topics,
        )
        self._shards: dict[int, tuple[GroupShard, Runtime]] = {}
        cluster.listeners.append(self._cluster_changed)

    @property
    def serves_consumer_groups(self) -> bool:
        """Whether the broker's properties and the cluster's features let the new protocol be used (KIP-848)."""
        is_listed = "consumer" in self._cluster.config.group_coordinator_rebalance_protocols
        return is_listed and self._cluster.image.features.get(GROUP_VERSION, 0) > 0

    def load(self) -> None:
        """Replay every partition of the offsets topic that there is."""
        topic = self._cluster.image.topic(OFFSETS_TOPIC)
        for state in () if topic is None else topic.partitions:
            partition = self._replicas.get(OFFSETS_TOPIC, state.partition)
            if partition is not None:
                try:
                    self._load(partition)
                except KafkaError as error:
                    # The groups of one damaged partition are not all there is to serve.
                    logger.error("the groups of %s-%d cannot be served: %s", OFFSETS_TOPIC, state.partition, error)

    def ensure_topic(self) -> None:
        """Create the offsets topic if there is none. Raises KafkaError(COORDINATOR_NOT_AVAILABLE)."""
        if self._cluster.image.topic(OFFSETS_TOPIC) is None:
            refused = self._cluster.create_on_first_use([OFFSETS_TOPIC])
            if refused:
                raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, str(refused[OFFSETS_TOPIC]))

    def coordinator_of(self, group_id: str) -> int:
        """The broker that coordinates the group. Raises KafkaError(COORDINATOR_NOT_AVAILABLE)."""
        self.ensure_topic()
        state = self._cluster.image.partition(OFFSETS_TOPIC, self.partition_of(group_id))
        if state is None or state.leader < 0:
            raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, f"no broker leads the offsets of group {group_id!r}")
        return state.leader

    def partition_of(self, group_id: str) -> int:
        """Where the group's records are: Java's hash of its id, as Apache Kafka has it."""
        topic = self._cluster.image.topic(OFFSETS_TOPIC)
        return java_hash(group_id) % (1 if topic is None else len(topic.partitions))

    def run(self, group_id: str, operation: Callable[[GroupShard, int], Outcome[T]]) -> Promise[T]:
        """Run an operation on the group's shard. Raises KafkaError(NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE)."""
        shard, runtime = self._find(group_id)
        return runtime.run(lambda now_ms: operation(shard, now_ms))

    def run_in_transaction(
        self,
        group_id: str,
        producer_id: int,
        producer_epoch: int,
        operation: Callable[[GroupShard, int], Outcome[T]],
    ) -> Promise[T]:
        """The same with records that count once the producer's transaction is committed."""
        shard, runtime = self._find(group_id)
        return runtime.run_in_transaction(producer_id, producer_epoch, lambda now_ms: operation(shard, now_ms))

    def end_transaction(
        self, index: int, producer_id: int, epoch: int, marker: Marker, transaction_version: int
    ) -> Appended:
        """End a producer's transaction in one partition of the offsets topic.

        Raises what `Partition.end_transaction` raises, and KafkaError(NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE).
        """
        _, runtime = self._find_shard(index)
        return runtime.end_transaction(producer_id, epoch, marker, transaction_version)

    def shard_of(self, group_id: str) -> GroupShard:
        """The group's shard, to read from. Raises KafkaError(NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE)."""
        return self._find(group_id)[0]

    def shards(self) -> Iterator[GroupShard]:
        """Every shard that this broker coordinates."""
        for shard, _ in self._shards.values():
            yield shard

    def topic_name(self, topic_id: UUID) -> str:
        """The name of the topic, or of none."""
        topic = self._topics.by_id(topic_id)
        return "" if topic is None else topic.name

    def _find(self, group_id: str) -> tuple[GroupShard, Runtime]:
        self.ensure_topic()
        return self._find_shard(self.partition_of(group_id))

    def _find_shard(self, index: int) -> tuple[GroupShard, Runtime]:
        found = self._shards.get(index)
        if found is None:
            try:
                partition = self._replicas.leader_of(OFFSETS_TOPIC, index)
            except KafkaError as error:
                raise KafkaError(append_error(error), error.why) from error
            found = self._load(partition)
        return found

    def _load(self, partition: Partition) -> tuple[GroupShard, Runtime]:
        runtime = Runtime(partition, self._clock, self._alarms)
        shard = GroupShard(self._config, runtime, self._new_member_suffix, self._consumers, self._shares)
        try:
            runtime.load(shard)
        except KafkaError as error:
            where = f"{OFFSETS_TOPIC}-{partition.index}"
            raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, f"{where} cannot be replayed: {error}") from error
        runtime.run(shard.loaded)
        self._shards[partition.index] = (shard, runtime)
        return shard, runtime

    def _unload(self, index: int) -> None:
        found = self._shards.pop(index, None)
        if found is not None:
            found[0].unload(self._clock())

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
            return
        if isinstance(change, PartitionChanged) and change.topic.name == OFFSETS_TOPIC:
            if self._replicas.get(OFFSETS_TOPIC, change.after.partition) is None:
                self._unload(change.after.partition)
            return
        if not isinstance(change, TopicDeleted):
            return
        topic = change.topic
        if topic.name == OFFSETS_TOPIC:
            for index in list(self._shards):
                self._unload(index)
            return
        for shard, runtime in self._shards.values():
            runtime.run(lambda now_ms, shard=shard: shard.remove_topic(topic.name, now_ms, topic.topic_id))  # type: ignore[misc]


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


def consumer_group_settings(config: GroupResourceConfig) -> ConsumerGroupSettings:
    """A group's properties, as the coordinator knows them."""
    return ConsumerGroupSettings(
        session_timeout_ms=config.consumer_session_timeout_ms,
        heartbeat_interval_ms=config.consumer_heartbeat_interval_ms,
        assignment_interval_ms=config.consumer_assignment_interval_ms,
    )


def share_group_settings(config: GroupResourceConfig) -> ShareGroupSettings:
    """A share group's properties, as the coordinator knows them."""
    return ShareGroupSettings(
        session_timeout_ms=config.share_session_timeout_ms,
        heartbeat_interval_ms=config.share_heartbeat_interval_ms,
        assignment_interval_ms=config.share_assignment_interval_ms,
    )
