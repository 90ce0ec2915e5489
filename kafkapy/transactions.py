"""The transaction coordinator at work: which partition of `__transaction_state` has a transactional id, and markers.

A transactional id belongs to the partition that it hashes to, and to the broker that leads that partition. The topic is
made when the first one is asked for. Once it is decided how a transaction ends, its partitions get their markers, those
of them that cannot be written to later. Apache's classes: TransactionCoordinator, TransactionMarkerChannelManager.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from kafkapy.cluster import OFFSETS_TOPIC, TRANSACTIONS_TOPIC, Cluster
from kafkapy.config.broker import BrokerConfig
from kafkapy.coordinator.java_hash import java_hash
from kafkapy.coordinator.outcome import Outcome, append_error
from kafkapy.coordinator.promise import Promise
from kafkapy.coordinator.transaction import EPOCH_PER_TRANSACTION, TopicPartition
from kafkapy.coordinator.transaction_shard import Ending, TransactionConfig, TransactionShard
from kafkapy.groups import Groups
from kafkapy.metadata.bootstrap import TRANSACTION_VERSION
from kafkapy.metadata.changes import Change, PartitionChanged, TopicDeleted
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.marker import Marker
from kafkapy.replication.partition import Partition
from kafkapy.replication.replicas import Replicas
from kafkapy.runtime import Alarms, Runtime

T = TypeVar("T")
logger = logging.getLogger(__name__)
_RETRY_MS = 1_000
_FENCED = (ErrorCode.INVALID_PRODUCER_EPOCH, ErrorCode.TRANSACTION_COORDINATOR_FENCED)
_NOT_READY = (
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode.NOT_COORDINATOR,
)


class Transactions:
    """Finds a transactional id's shard, runs operations on it, and carries out how transactions end."""

    def __init__(
        self,
        cluster: Cluster,
        replicas: Replicas,
        groups: Groups,
        config: BrokerConfig,
        clock: Callable[[], int],
        alarms: Alarms,
    ) -> None:
        self._cluster = cluster
        self._replicas = replicas
        self._groups = groups
        self._config = transaction_config(config)
        self._clock = clock
        self._alarms = alarms
        self._shards: dict[int, tuple[TransactionShard, Runtime]] = {}
        cluster.listeners.append(self._cluster_changed)

    def load(self) -> None:
        """Replay every partition of the topic that there is; transactions that were ending go on."""
        topic = self._cluster.image.topic(TRANSACTIONS_TOPIC)
        for state in () if topic is None else topic.partitions:
            partition = self._replicas.get(TRANSACTIONS_TOPIC, state.partition)
            if partition is not None:
                try:
                    self._load(partition)
                except KafkaError as error:
                    # The transactions of one damaged partition are not all there is to serve.
                    where = f"{TRANSACTIONS_TOPIC}-{state.partition}"
                    logger.error("the transactions of %s cannot be served: %s", where, error)

    @property
    def feature_level(self) -> int:
        """The level of transaction.version that the cluster has finalized."""
        return self._cluster.image.features.get(TRANSACTION_VERSION, 0)

    def coordinator_of(self, transactional_id: str) -> int:
        """The broker that coordinates it. Raises KafkaError(COORDINATOR_NOT_AVAILABLE)."""
        self._ensure_topic()
        state = self._cluster.image.partition(TRANSACTIONS_TOPIC, self.partition_of(transactional_id))
        if state is None or state.leader < 0:
            why = f"no broker leads the transactions of {transactional_id!r}"
            raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, why)
        return state.leader

    def partition_of(self, transactional_id: str) -> int:
        """Where its records are: Java's hash of it, as Apache Kafka has it."""
        topic = self._cluster.image.topic(TRANSACTIONS_TOPIC)
        return java_hash(transactional_id) % (1 if topic is None else len(topic.partitions))

    def run(self, transactional_id: str, operation: Callable[[TransactionShard, int], Outcome[T]]) -> Promise[T]:
        """Run an operation on its shard. Raises KafkaError(NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE)."""
        shard, runtime = self._find(transactional_id)
        return runtime.run(lambda now_ms: operation(shard, now_ms))

    def shard_of(self, transactional_id: str) -> TransactionShard:
        """Its shard, to read from. Raises KafkaError(NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE)."""
        return self._find(transactional_id)[0]

    def shards(self) -> Iterator[TransactionShard]:
        """Every shard that this broker coordinates."""
        for shard, _ in self._shards.values():
            yield shard

    def admit(
        self,
        transactional_id: str,
        producer_id: int,
        epoch: int,
        partitions: Iterable[TopicPartition],
        *,
        add: bool,
    ) -> Promise[dict[TopicPartition, ErrorCode]]:
        """Whether a producer may write to the partitions in its transaction, before the first record is there.

        With `add` they become part of it now (transaction.version 2); else they must be. Apache's class:
        AddPartitionsToTxnManager. KIP-890.
        """
        wanted = frozenset(partitions)
        admitted: Promise[dict[TopicPartition, ErrorCode]] = Promise()
        try:
            if not add:
                shard = self.shard_of(transactional_id)
                return Promise.of(shard.verify_partitions(transactional_id, producer_id, epoch, wanted))
            added = self.run(
                transactional_id,
                lambda shard, now_ms: shard.add_partitions(
                    transactional_id, producer_id, epoch, wanted, EPOCH_PER_TRANSACTION, now_ms
                ),
            )
        except KafkaError as error:
            return Promise.of(dict.fromkeys(wanted, error.code))
        added.when_done(lambda done: admitted.set(dict.fromkeys(wanted, done.result())))
        return admitted

    # Markers

    def write_marker(
        self, partition: TopicPartition, producer_id: int, epoch: int, marker: Marker, transaction_version: int
    ) -> Promise[None]:
        """End a producer's transaction in a partition that this broker leads; kept once the marker is committed.

        Raises KafkaError: UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR, NOT_ENOUGH_REPLICAS,
        INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED.
        """
        found = self._replicas.leader_of(*partition)
        if partition.topic == OFFSETS_TOPIC:
            try:
                written = self._groups.end_transaction(
                    partition.partition, producer_id, epoch, marker, transaction_version
                )
            except KafkaError as error:
                # The coordinator of a transaction knows leaders, and nothing of groups.
                code = ErrorCode.NOT_LEADER_OR_FOLLOWER if error.code in _NOT_READY else error.code
                raise KafkaError(code, error.why) from error
        else:
            written = found.end_transaction(producer_id, epoch, marker, transaction_version, self._clock())
        committed: Promise[None] = Promise()
        found.when_committed(written.last_offset, lambda: committed.set(None))
        return committed

    def _send_markers(
        self, shard: TransactionShard, runtime: Runtime, ending: Ending, partitions: frozenset[TopicPartition]
    ) -> None:
        """Write the markers that can be written, and try the others again a little later."""
        if self._shards.get(runtime.partition.index) != (shard, runtime):
            return  # another coordinator goes on with it
        marker = Marker(ending.is_commit, runtime.partition.leader_epoch)
        later: set[TopicPartition] = set()
        done: set[TopicPartition] = set()

        def committed(partition: TopicPartition) -> None:
            runtime.run(lambda now_ms: shard.markers_written(ending, frozenset((partition,)), now_ms))

        for partition in sorted(partitions):
            if self._cluster.image.partition(*partition) is None:
                done.add(partition)  # its topic was deleted
                continue
            try:
                written = self.write_marker(
                    partition, ending.producer_id, ending.producer_epoch, marker, ending.transaction_version
                )
            except KafkaError as error:
                where = f"{partition.topic}-{partition.partition}"
                if error.code in _FENCED:
                    logger.warning("%r ends elsewhere: %s refused its marker: %s", ending[0], where, error)
                    return
                logger.warning("the marker of %r for %s is written later: %s", ending.transactional_id, where, error)
                later.add(partition)
                continue
            if written.is_done:
                done.add(partition)
            else:
                written.when_done(lambda _, partition=partition: committed(partition))  # type: ignore[misc]
        if done or not partitions:
            runtime.run(lambda now_ms: shard.markers_written(ending, frozenset(done), now_ms))
        if later:
            again = frozenset(later)
            key = (runtime, "markers", ending.transactional_id)
            self._alarms.set(key, self._clock() + _RETRY_MS, lambda: self._send_markers(shard, runtime, ending, again))

    # Shards

    def _ensure_topic(self) -> None:
        if self._cluster.image.topic(TRANSACTIONS_TOPIC) is None:
            refused = self._cluster.create_on_first_use([TRANSACTIONS_TOPIC])
            if refused:
                raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, str(refused[TRANSACTIONS_TOPIC]))

    def _find(self, transactional_id: str) -> tuple[TransactionShard, Runtime]:
        if not transactional_id:
            raise KafkaError(ErrorCode.INVALID_REQUEST, "the transactional id is empty")
        if self._cluster.image.topic(TRANSACTIONS_TOPIC) is None:
            raise KafkaError(ErrorCode.NOT_COORDINATOR, "there are no transactions yet; begin with FindCoordinator")
        index = self.partition_of(transactional_id)
        found = self._shards.get(index)
        if found is None:
            try:
                partition = self._replicas.leader_of(TRANSACTIONS_TOPIC, index)
            except KafkaError as error:
                raise KafkaError(append_error(error), error.why) from error
            found = self._load(partition)
        return found

    def _load(self, partition: Partition) -> tuple[TransactionShard, Runtime]:
        runtime = Runtime(partition, self._clock, self._alarms)
        shard = TransactionShard(
            self._config,
            runtime,
            self._cluster.next_producer_id,
            lambda: self.feature_level,
            lambda ending: self._send_markers(shard, runtime, ending, ending.partitions),
        )
        try:
            runtime.load(shard)
        except KafkaError as error:
            where = f"{TRANSACTIONS_TOPIC}-{partition.index}"
            raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, f"{where} cannot be replayed: {error}") from error
        self._shards[partition.index] = (shard, runtime)
        runtime.run(shard.loaded)
        return shard, runtime

    def _unload(self, index: int) -> None:
        found = self._shards.pop(index, None)
        if found is not None:
            found[0].unload()

    def _cluster_changed(self, change: Change) -> None:
        if isinstance(change, PartitionChanged) and change.topic.name == TRANSACTIONS_TOPIC:
            if self._replicas.get(TRANSACTIONS_TOPIC, change.after.partition) is None:
                self._unload(change.after.partition)
        elif isinstance(change, TopicDeleted) and change.topic.name == TRANSACTIONS_TOPIC:
            for index in list(self._shards):
                self._unload(index)


def transaction_config(config: BrokerConfig) -> TransactionConfig:
    """The broker's properties, as the coordinator knows them."""
    return TransactionConfig(
        abort_interval_ms=config.transaction_abort_timed_out_transaction_cleanup_interval_ms,
        forget_interval_ms=config.transaction_remove_expired_transaction_cleanup_interval_ms,
        expiration_ms=config.transactional_id_expiration_ms,
    )
