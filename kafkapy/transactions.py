"""The transaction coordinator at work: which partition of `__transaction_state` has a transactional id, and markers.

Once it is decided how a transaction ends, its partitions get their markers, those of them that cannot be written to
later. Apache's classes: TransactionCoordinator, TransactionMarkerChannelManager.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from kafkapy.cluster import OFFSETS_TOPIC, TRANSACTIONS_TOPIC, Cluster
from kafkapy.config.broker import BrokerConfig
from kafkapy.coordinator.outcome import Outcome
from kafkapy.coordinator.promise import Promise
from kafkapy.coordinator.transactions.shard import Ending, TransactionConfig, TransactionShard
from kafkapy.coordinator.transactions.transaction import EPOCH_PER_TRANSACTION, TopicPartition
from kafkapy.groups import Groups
from kafkapy.metadata.bootstrap import TRANSACTION_VERSION
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.marker import Marker
from kafkapy.replication.replicas import Replicas
from kafkapy.runtime import Alarms, Runtime
from kafkapy.shards import Shards

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
        self._shards: Shards[TransactionShard] = Shards(
            TRANSACTIONS_TOPIC, cluster, replicas, clock, alarms, self._new_shard
        )

    def load(self) -> None:
        """Replay every partition of the topic that there is; transactions that were ending go on."""
        self._shards.load()

    @property
    def feature_level(self) -> int:
        """The level of transaction.version that the cluster has finalized."""
        return self._cluster.image.features.get(TRANSACTION_VERSION, 0)

    def coordinator_of(self, transactional_id: str) -> int:
        """The broker that coordinates it. Raises KafkaError(COORDINATOR_NOT_AVAILABLE)."""
        return self._shards.coordinator_of(transactional_id)

    async def wait_coordinator_of(self, transactional_id: str) -> int:
        """The same, once there is a topic for it."""
        return await self._shards.wait_coordinator_of(transactional_id)

    @property
    def is_ready(self) -> bool:
        """Whether the topic is made that coordinators are found by."""
        return self._shards.is_made

    def partition_of(self, transactional_id: str) -> int:
        """Where its records are."""
        return self._shards.partition_of(transactional_id)

    def run(self, transactional_id: str, operation: Callable[[TransactionShard, int], Outcome[T]]) -> Promise[T]:
        """Run an operation on its shard.

        Raises KafkaError(INVALID_REQUEST, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE).
        """
        shard, runtime = self.find(transactional_id)
        return runtime.run(lambda now_ms: operation(shard, now_ms))

    def shard_of(self, transactional_id: str) -> TransactionShard:
        """Its shard, to read from. Raises what `run` does."""
        return self.find(transactional_id)[0]

    def find(self, transactional_id: str) -> tuple[TransactionShard, Runtime]:
        """Its shard, and what drives that. Raises what `run` does."""
        if not transactional_id:
            raise KafkaError(ErrorCode.INVALID_REQUEST, "the transactional id is empty")
        if not self._shards.is_made:
            raise KafkaError(ErrorCode.NOT_COORDINATOR, "there are no transactions yet; begin with FindCoordinator")
        return self._shards.find(transactional_id)

    def shards(self) -> Iterator[TransactionShard]:
        """Every shard that this broker coordinates."""
        for shard, _ in self._shards:
            yield shard

    def admit(
        self,
        transactional_id: str,
        producer_id: int,
        epoch: int,
        partitions: Iterable[TopicPartition],
        *,
        add: bool,
        transaction_version: int = EPOCH_PER_TRANSACTION,
    ) -> Promise[dict[TopicPartition, ErrorCode]]:
        """Whether a producer may write to the partitions in its transaction, before the first record is there.

        With `add` they become part of it now, by the protocol that the version says; else they must be. Apache's class:
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
                    transactional_id, producer_id, epoch, wanted, transaction_version, now_ms
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
        if (shard, runtime) not in self._shards:
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

    def _new_shard(self, runtime: Runtime) -> TransactionShard:
        shard = TransactionShard(
            self._config,
            runtime,
            self._cluster.next_producer_id,
            lambda: self.feature_level,
            lambda ending: self._send_markers(shard, runtime, ending, ending.partitions),
        )
        return shard


def transaction_config(config: BrokerConfig) -> TransactionConfig:
    """The broker's properties, as the coordinator knows them."""
    return TransactionConfig(
        abort_interval_ms=config.transaction_abort_timed_out_transaction_cleanup_interval_ms,
        forget_interval_ms=config.transaction_remove_expired_transaction_cleanup_interval_ms,
        expiration_ms=config.transactional_id_expiration_ms,
    )
