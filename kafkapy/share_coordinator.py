"""The share coordinator at work: which partition of `__share_group_state` has a share partition's state, and the
machine that drives it.

Records that newer ones have replaced are deleted from its
beginning from time to time: it is not compacted. Apache's class: ShareCoordinatorService.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from kafkapy.cluster import SHARE_STATE_TOPIC, Cluster
from kafkapy.config.broker import BrokerConfig
from kafkapy.coordinator.outcome import Outcome
from kafkapy.coordinator.promise import Promise
from kafkapy.coordinator.share.state_records import SharePartitionKey
from kafkapy.coordinator.share.state_shard import ShareStateConfig, ShareStateShard
from kafkapy.metadata.changes import Change, TopicDeleted
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.replication.replicas import Replicas
from kafkapy.runtime import Alarms, Runtime
from kafkapy.shards import Shards

T = TypeVar("T")
logger = logging.getLogger(__name__)


class ShareCoordinator:
    """Finds a share partition's shard and runs operations on it."""

    def __init__(
        self,
        cluster: Cluster,
        replicas: Replicas,
        config: BrokerConfig,
        clock: Callable[[], int],
        alarms: Alarms,
    ) -> None:
        self._cluster = cluster
        self._config = ShareStateConfig(
            config.share_coordinator_snapshot_update_records_per_snapshot,
            config.share_coordinator_cold_partition_snapshot_interval_ms,
        )
        self._prune_interval_ms = config.share_coordinator_state_topic_prune_interval_ms
        self._clock = clock
        self._alarms = alarms
        self._shards: Shards[ShareStateShard] = Shards(
            SHARE_STATE_TOPIC, cluster, replicas, clock, alarms, self._new_shard
        )
        cluster.listeners.append(self._cluster_changed)

    def load(self) -> None:
        """Replay every partition of the topic that there is."""
        self._shards.load()

    def coordinator_of(self, key: str) -> int:
        """The broker that keeps the state of the share partition that is named by `key`: group:topic id:partition.

        Raises KafkaError(INVALID_REQUEST, COORDINATOR_NOT_AVAILABLE).
        """
        _check_key(key)
        return self._shards.coordinator_of(key)

    async def wait_coordinator_of(self, key: str) -> int:
        """The same, once there is a topic for it."""
        _check_key(key)
        return await self._shards.wait_coordinator_of(key)

    async def wait_ready(self) -> None:
        """Return once the topic of the states is made. Raises KafkaError(COORDINATOR_NOT_AVAILABLE)."""
        await self._shards.wait_made()

    @property
    def is_ready(self) -> bool:
        """Whether the topic is made that coordinators are found by."""
        return self._shards.is_made

    def run(self, key: SharePartitionKey, operation: Callable[[ShareStateShard, int], Outcome[T]]) -> Promise[T]:
        """Run an operation on the share partition's shard.

        Raises KafkaError(NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE).
        """
        return self._shards.run(str(key), operation)

    def shard_of(self, key: SharePartitionKey) -> ShareStateShard:
        """The share partition's shard, to read from. Raises KafkaError(NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE)."""
        return self._shards.find(str(key))[0]

    def prune(self) -> None:
        """Delete what newer records have replaced, as far as it is at a log's beginning."""
        self._plan_pruning()
        for shard, runtime in self._shards:
            offset = shard.needed_from
            if offset is None or offset <= runtime.partition.log.log_start_offset:
                continue
            try:
                runtime.partition.delete_records(min(offset, runtime.partition.high_watermark))
            except KafkaError as error:
                logger.error("%s-%d is pruned later: %s", SHARE_STATE_TOPIC, runtime.partition.index, error)

    def _plan_pruning(self) -> None:
        self._alarms.set((self, "prune"), self._clock() + self._prune_interval_ms, self.prune)

    def _partition_count(self, topic_id: UUID) -> int | None:
        topic = self._cluster.image.topic_by_id(topic_id)
        return None if topic is None else len(topic.partitions)

    def _new_shard(self, runtime: Runtime) -> ShareStateShard:
        if not len(self._shards):
            self._plan_pruning()
        return ShareStateShard(self._config, runtime, self._partition_count)

    def _cluster_changed(self, change: Change) -> None:
        if isinstance(change, TopicDeleted) and change.topic.name != SHARE_STATE_TOPIC:
            topic_id = change.topic.topic_id
            self._shards.run_all(lambda shard, now_ms: shard.remove_topic(topic_id, now_ms))


_KEY_PARTS = 3


def _check_key(key: str) -> None:
    parts = key.split(":")
    if len(parts) < _KEY_PARTS or not all(parts[-_KEY_PARTS:]) or not parts[-1].isdecimal():
        why = f"{key!r} names no share partition: a group id, a topic id and a partition with colons between do"
        raise KafkaError(ErrorCode.INVALID_REQUEST, why)
