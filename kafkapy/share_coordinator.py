"""The share coordinator at work: which partition of `__share_group_state` has a share partition's state, and the
machine that drives it.

The topic is made when the first state is asked for. Records that newer ones have replaced are deleted from its
beginning from time to time: it is not compacted. Apache's class: ShareCoordinatorService.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from kafkapy.cluster import SHARE_STATE_TOPIC, Cluster
from kafkapy.config.broker import BrokerConfig
from kafkapy.coordinator.java_hash import java_hash
from kafkapy.coordinator.outcome import Outcome, append_error
from kafkapy.coordinator.promise import Promise
from kafkapy.coordinator.share_state_records import SharePartitionKey
from kafkapy.coordinator.share_state_shard import ShareStateConfig, ShareStateShard
from kafkapy.metadata.changes import Change, PartitionChanged, TopicDeleted
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.replication.partition import Partition
from kafkapy.replication.replicas import Replicas
from kafkapy.runtime import Alarms, Runtime

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
        self._replicas = replicas
        self._config = ShareStateConfig(
            config.share_coordinator_snapshot_update_records_per_snapshot,
            config.share_coordinator_cold_partition_snapshot_interval_ms,
        )
        self._prune_interval_ms = config.share_coordinator_state_topic_prune_interval_ms
        self._clock = clock
        self._alarms = alarms
        self._shards: dict[int, tuple[ShareStateShard, Runtime]] = {}
        cluster.listeners.append(self._cluster_changed)

    def load(self) -> None:
        """Replay every partition of the topic that there is."""
        topic = self._cluster.image.topic(SHARE_STATE_TOPIC)
        for state in () if topic is None else topic.partitions:
            partition = self._replicas.get(SHARE_STATE_TOPIC, state.partition)
            if partition is not None:
                try:
                    self._load(partition)
                except KafkaError as error:
                    # The share groups of one damaged partition are not all there is to serve.
                    logger.error("what %s-%d holds cannot be served: %s", SHARE_STATE_TOPIC, state.partition, error)

    def coordinator_of(self, key: str) -> int:
        """The broker that keeps the state of the share partition that is named by `key`: group:topic id:partition.

        Raises KafkaError(INVALID_REQUEST, COORDINATOR_NOT_AVAILABLE).
        """
        parts = key.split(":")
        if len(parts) < _KEY_PARTS or not all(parts[-_KEY_PARTS:]) or not parts[-1].isdecimal():
            why = f"{key!r} names no share partition: a group id, a topic id and a partition with colons between do"
            raise KafkaError(ErrorCode.INVALID_REQUEST, why)
        self._ensure_topic()
        state = self._cluster.image.partition(SHARE_STATE_TOPIC, self._partition_of(key))
        if state is None or state.leader < 0:
            raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, f"no broker leads the state of {key}")
        return state.leader

    def run(self, key: SharePartitionKey, operation: Callable[[ShareStateShard, int], Outcome[T]]) -> Promise[T]:
        """Run an operation on the share partition's shard.

        Raises KafkaError(NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE).
        """
        shard, runtime = self._find(key)
        return runtime.run(lambda now_ms: operation(shard, now_ms))

    def shard_of(self, key: SharePartitionKey) -> ShareStateShard:
        """The share partition's shard, to read from. Raises KafkaError(NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE)."""
        return self._find(key)[0]

    def prune(self) -> None:
        """Delete what newer records have replaced, as far as it is at a log's beginning."""
        self._plan_pruning()
        for shard, runtime in self._shards.values():
            offset = shard.needed_from
            if offset is None or offset <= runtime.partition.log.log_start_offset:
                continue
            try:
                runtime.partition.delete_records(min(offset, runtime.partition.high_watermark))
            except KafkaError as error:
                logger.error("%s-%d is pruned later: %s", SHARE_STATE_TOPIC, runtime.partition.index, error)

    def _plan_pruning(self) -> None:
        self._alarms.set((self, "prune"), self._clock() + self._prune_interval_ms, self.prune)

    def _partition_of(self, key: str) -> int:
        topic = self._cluster.image.topic(SHARE_STATE_TOPIC)
        return java_hash(key) % (1 if topic is None else len(topic.partitions))

    def _ensure_topic(self) -> None:
        if self._cluster.image.topic(SHARE_STATE_TOPIC) is None:
            refused = self._cluster.create_on_first_use([SHARE_STATE_TOPIC])
            if refused:
                raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, str(refused[SHARE_STATE_TOPIC]))

    def _find(self, key: SharePartitionKey) -> tuple[ShareStateShard, Runtime]:
        self._ensure_topic()
        index = self._partition_of(str(key))
        found = self._shards.get(index)
        if found is None:
            try:
                partition = self._replicas.leader_of(SHARE_STATE_TOPIC, index)
            except KafkaError as error:
                raise KafkaError(append_error(error), error.why) from error
            found = self._load(partition)
        return found

    def _load(self, partition: Partition) -> tuple[ShareStateShard, Runtime]:
        runtime = Runtime(partition, self._clock, self._alarms)
        shard = ShareStateShard(self._config, runtime, self._partition_count)
        try:
            runtime.load(shard)
        except KafkaError as error:
            where = f"{SHARE_STATE_TOPIC}-{partition.index}"
            raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, f"{where} cannot be replayed: {error}") from error
        runtime.run(shard.loaded)
        if not self._shards:
            self._plan_pruning()
        self._shards[partition.index] = (shard, runtime)
        return shard, runtime

    def _partition_count(self, topic_id: UUID) -> int | None:
        topic = self._cluster.image.topic_by_id(topic_id)
        return None if topic is None else len(topic.partitions)

    def _unload(self, index: int) -> None:
        found = self._shards.pop(index, None)
        if found is not None:
            found[0].unload()

    def _cluster_changed(self, change: Change) -> None:
        if isinstance(change, PartitionChanged) and change.topic.name == SHARE_STATE_TOPIC:
            if self._replicas.get(SHARE_STATE_TOPIC, change.after.partition) is None:
                self._unload(change.after.partition)
        elif isinstance(change, TopicDeleted) and change.topic.name == SHARE_STATE_TOPIC:
            for index in list(self._shards):
                self._unload(index)
        elif isinstance(change, TopicDeleted):
            topic_id = change.topic.topic_id
            for shard, runtime in self._shards.values():
                runtime.run(lambda now_ms, shard=shard: shard.remove_topic(topic_id, now_ms))  # type: ignore[misc]


_KEY_PARTS = 3
