"""The share partitions at work: those that this broker leads the partitions of, and the sessions of their consumers.

A share partition is made when a group first fetches it, its state is read from the share coordinator, and it is given
up when it is led elsewhere, when its state was begun anew, or when no consumer of its group is connected any more.
Apache's class: SharePartitionManager.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import TypeVar

from kafkapy.cluster import Cluster
from kafkapy.config.define import ConfigError
from kafkapy.config.group import GroupConfig
from kafkapy.coordinator.outcome import Outcome
from kafkapy.coordinator.promise import Promise
from kafkapy.coordinator.share.state_records import SharePartitionKey
from kafkapy.coordinator.share.state_shard import ShareStateShard
from kafkapy.metadata.bootstrap import SHARE_VERSION
from kafkapy.metadata.changes import Change, ConfigChanged, FeatureChanged, PartitionChanged, TopicDeleted
from kafkapy.metadata.image import BROKER_RESOURCE, GROUP_RESOURCE
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages import read_share_group_state as r
from kafkapy.protocol.messages import write_share_group_state as w
from kafkapy.replication.partition import Partition
from kafkapy.replication.replicas import Replicas
from kafkapy.replication.share_partition import Clocked, Phase, SharePartition
from kafkapy.replication.share_sessions import SessionKey, ShareSessions, TopicPartition
from kafkapy.share_coordinator import ShareCoordinator

T = TypeVar("T")
logger = logging.getLogger(__name__)

_GIVEN_UP_AFTER = (
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    ErrorCode.FENCED_STATE_EPOCH,
    ErrorCode.GROUP_ID_NOT_FOUND,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
)
_DURATION = re.compile(r"by_duration:P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.IGNORECASE)
_DURATION_UNITS_S = (86_400, 3600, 60, 1)


class SharePartitions:
    """Finds, makes and gives up share partitions."""

    def __init__(
        self,
        cluster: Cluster,
        replicas: Replicas,
        coordinator: ShareCoordinator,
        alarms: Clocked,
        clock: Callable[[], int],
    ) -> None:
        self.sessions = ShareSessions(cluster.config.group_share_max_share_sessions)
        self._cluster = cluster
        self._replicas = replicas
        self._persister = _Persister(coordinator)
        self._alarms = alarms
        self._clock = clock
        self._partitions: dict[SharePartitionKey, SharePartition] = {}
        self._configs: dict[str, GroupConfig] = {}
        cluster.listeners.append(self._cluster_changed)

    def config_of(self, group_id: str) -> GroupConfig:
        """The group's configuration as it is now."""
        config = self._configs.get(group_id)
        if config is None:
            overrides = self._cluster.image.configs(GROUP_RESOURCE, group_id)
            try:
                config = GroupConfig(overrides, self._cluster.config)
            except ConfigError as error:
                # Set when the broker's limits were others.
                logger.error("the configuration of group %s does not count: %s", group_id, error)
                config = GroupConfig({}, self._cluster.config)
            self._configs[group_id] = config
        return config

    # Share partitions

    def get(self, group_id: str, named: TopicPartition) -> SharePartition | None:
        return self._partitions.get(SharePartitionKey(group_id, *named))

    def find(self, group_id: str, named: TopicPartition, topic: str) -> SharePartition:
        """The share partition, made if there is none yet.

        Raises KafkaError: UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR.
        """
        key = SharePartitionKey(group_id, *named)
        found = self._partitions.get(key)
        if found is None:
            partition = self._replicas.leader_of(topic, named.partition)
            found = SharePartition(
                key, partition, lambda: self.config_of(group_id), self._persister, self._alarms, self._clock
            )
            self._partitions[key] = found
        return found

    def initialize(self, found: SharePartition) -> Promise[KafkaError | None]:
        """Have its state read, if it was not; one whose state cannot be read is given up."""
        began = found.initialize(lambda: self._begin_offset(found.key.group_id, found.partition))
        began.when_done(lambda _: self.give_up(found) if found.phase is Phase.FAILED else None)
        return began

    def failed(self, found: SharePartition, error: KafkaError) -> None:
        """Something could not be done: one that is no longer right is given up."""
        if error.code in _GIVEN_UP_AFTER:
            logger.info("%s is given up: %s", found, error)
            self.give_up(found)

    def give_up(self, found: SharePartition) -> None:
        """The next fetch makes another."""
        if self._partitions.get(found.key) is found:
            del self._partitions[found.key]
        found.fence()

    def _begin_offset(self, group_id: str, partition: Partition) -> int:
        """Where a share group begins that has no state yet: share.auto.offset.reset (KIP-932, KIP-1106)."""
        reset = self.config_of(group_id).share_auto_offset_reset
        log, end = partition.log, partition.high_watermark
        if reset == "earliest":
            return log.log_start_offset
        duration = _DURATION.fullmatch(reset)
        if duration is None:
            return end
        seconds = sum(
            float(text) * unit for text, unit in zip(duration.groups(), _DURATION_UNITS_S, strict=True) if text
        )
        found = log.offset_for_timestamp(self._clock() - round(seconds * 1000), end)
        return end if found is None else found[1]

    # Sessions

    def end_session(self, key: SessionKey) -> None:
        """Forget the member's session; what it has goes back."""
        session = self.sessions.end(key)
        for named in () if session is None else session.partitions:
            found = self.get(key.group_id, named)
            if found is not None:
                found.release(key.member_id).when_done(
                    lambda result, found=found: self._released(found, result)  # type: ignore[misc]
                )

    def connection_closed(self, key: SessionKey, session: object) -> None:
        """The connection is gone that began this session."""
        if self.sessions.get(key) is session:
            self.end_session(key)
        if not self.sessions.has_group(key.group_id):
            for found in [one for one in self._partitions.values() if one.key.group_id == key.group_id]:
                self.give_up(found)

    def _released(self, found: SharePartition, result: Promise[KafkaError | None]) -> None:
        error = result.result()
        if error is not None:
            self.failed(found, error)

    # What else changes

    def _cluster_changed(self, change: Change) -> None:
        match change:
            case ConfigChanged(resource_type) if resource_type in (GROUP_RESOURCE, BROKER_RESOURCE):
                self._configs.clear()
            case FeatureChanged(name, 0) if name == SHARE_VERSION:
                self.sessions.end_all()
                for found in list(self._partitions.values()):
                    self.give_up(found)
            case TopicDeleted(topic):
                for found in [one for one in self._partitions.values() if one.key.topic_id == topic.topic_id]:
                    self.give_up(found)
            case PartitionChanged(topic, before, after):
                if (before.leader, before.leader_epoch) != (after.leader, after.leader_epoch):
                    for found in [
                        one for one in self._partitions.values() if one.key[1:] == (topic.topic_id, after.partition)
                    ]:
                        self.give_up(found)
            case _:
                pass


class _Persister:
    """The share coordinator of this broker, which is the only one."""

    def __init__(self, coordinator: ShareCoordinator) -> None:
        self._coordinator = coordinator

    def read(self, key: SharePartitionKey, leader_epoch: int) -> Promise[r.PartitionResult]:
        wanted = r.PartitionData(key.partition, leader_epoch)
        return self._run(key, lambda shard, now_ms: shard.read(key.group_id, key.topic_id, wanted, now_ms))

    def write(self, key: SharePartitionKey, changed: w.PartitionData) -> Promise[w.PartitionResult]:
        return self._run(key, lambda shard, now_ms: shard.write(key.group_id, key.topic_id, changed, now_ms))

    def _run(self, key: SharePartitionKey, operation: Callable[[ShareStateShard, int], Outcome[T]]) -> Promise[T]:
        try:
            return self._coordinator.run(key, operation)
        except KafkaError as error:
            refused: Promise[T] = Promise()
            refused.fail(error)
            return refused
