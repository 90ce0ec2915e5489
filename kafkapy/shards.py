"""An internal topic whose partitions are the logs of machines: which of them has a key, and the machines at work here.

A key, such as a group's id, belongs to the partition that it hashes to, and to the broker that leads that partition.
Who looks for a key's broker (FindCoordinator) has the topic made. Apache's class: CoordinatorRuntime.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from kafkapy.cluster import Cluster
from kafkapy.coordinator.java_hash import java_hash
from kafkapy.coordinator.outcome import Outcome, append_error
from kafkapy.coordinator.promise import Promise
from kafkapy.metadata.changes import Change, PartitionChanged, TopicDeleted
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.replication.partition import Partition
from kafkapy.replication.replicas import Replicas
from kafkapy.runtime import Alarms, Machine, Runtime

T = TypeVar("T")
logger = logging.getLogger(__name__)


class Shard(Machine, Protocol):
    """The machine of one partition."""

    def loaded(self, now_ms: int) -> Outcome[None]:
        """The whole log was replayed: go on from where it ends."""

    def unload(self, now_ms: int) -> None:
        """Another broker has the partition now."""


S = TypeVar("S", bound=Shard)


class Shards(Generic[S]):
    """The shards of one topic; `make` makes one that uses a runtime."""

    def __init__(
        self,
        topic: str,
        cluster: Cluster,
        replicas: Replicas,
        clock: Callable[[], int],
        alarms: Alarms,
        make: Callable[[Runtime], S],
    ) -> None:
        self.topic = topic
        self._cluster = cluster
        self._replicas = replicas
        self._clock = clock
        self._alarms = alarms
        self._make = make
        self._at_work: dict[int, tuple[S, Runtime]] = {}
        cluster.listeners.append(self._cluster_changed)

    def __iter__(self) -> Iterator[tuple[S, Runtime]]:
        """Every shard that works here, and its runtime."""
        return iter(self._at_work.values())

    def __len__(self) -> int:
        return len(self._at_work)

    def load(self) -> None:
        """Replay every partition that there is. One that is damaged is logged, and harms no other."""
        topic = self._cluster.image.topic(self.topic)
        for state in () if topic is None else topic.partitions:
            partition = self._replicas.get(self.topic, state.partition)
            if partition is not None:
                try:
                    self._load(partition)
                except KafkaError as error:
                    logger.error("what %s-%d holds cannot be served: %s", self.topic, state.partition, error)

    @property
    def is_made(self) -> bool:
        """Whether the topic exists."""
        return self._cluster.image.topic(self.topic) is not None

    async def wait_made(self) -> None:
        """Return once the topic exists. Raises KafkaError(COORDINATOR_NOT_AVAILABLE)."""
        if not self.is_made:
            refused = await self._cluster.wait_create_on_first_use([self.topic])
            if refused:
                raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, str(refused[self.topic]))

    def partition_of(self, key: str) -> int:
        """Where the key's records are, or will be: Java's hash of it, as Apache Kafka has it."""
        topic = self._cluster.image.topic(self.topic)
        count = self._cluster.planned_partitions(self.topic) if topic is None else len(topic.partitions)
        return java_hash(key) % count

    def coordinator_of(self, key: str) -> int:
        """The broker that has the key, if the topic is made. Raises KafkaError(COORDINATOR_NOT_AVAILABLE)."""
        state = self._cluster.image.partition(self.topic, self.partition_of(key))
        if state is None or state.leader < 0:
            raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, f"no broker leads what {self.topic} has of {key!r}")
        return state.leader

    async def wait_coordinator_of(self, key: str) -> int:
        """As `coordinator_of`, once the topic is made. Raises KafkaError(COORDINATOR_NOT_AVAILABLE)."""
        await self.wait_made()
        return self.coordinator_of(key)

    def find(self, key: str) -> tuple[S, Runtime]:
        """The key's shard. Raises KafkaError(NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE)."""
        if not self.is_made:
            why = f"nobody coordinates {key!r}: {self.topic} is made when a client looks for a coordinator"
            raise KafkaError(ErrorCode.NOT_COORDINATOR, why)
        return self.at(self.partition_of(key))

    def at(self, index: int) -> tuple[S, Runtime]:
        """A partition's shard. Raises KafkaError(NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE)."""
        found = self._at_work.get(index)
        if found is None:
            try:
                partition = self._replicas.leader_of(self.topic, index)
            except KafkaError as error:
                raise KafkaError(append_error(error), error.why) from error
            found = self._load(partition)
        return found

    def run(self, key: str, operation: Callable[[S, int], Outcome[T]]) -> Promise[T]:
        """Run an operation on the key's shard. Raises KafkaError(NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE)."""
        shard, runtime = self.find(key)
        return runtime.run(lambda now_ms: operation(shard, now_ms))

    def run_all(self, operation: Callable[[S, int], Outcome[None]]) -> None:
        """Run an operation on every shard that works here."""
        for shard, runtime in self._at_work.values():
            runtime.run(lambda now_ms, shard=shard: operation(shard, now_ms))  # type: ignore[misc]

    def _load(self, partition: Partition) -> tuple[S, Runtime]:
        runtime = Runtime(partition, self._clock, self._alarms)
        shard = self._make(runtime)
        try:
            runtime.load(shard)
        except KafkaError as error:
            where = f"{self.topic}-{partition.index}"
            raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, f"{where} cannot be replayed: {error}") from error
        self._at_work[partition.index] = (shard, runtime)
        runtime.run(shard.loaded)
        return shard, runtime

    def _unload(self, index: int) -> None:
        found = self._at_work.pop(index, None)
        if found is not None:
            found[0].unload(self._clock())

    def _cluster_changed(self, change: Change) -> None:
        if isinstance(change, PartitionChanged) and change.topic.name == self.topic:
            if self._replicas.get(self.topic, change.after.partition) is None:
                self._unload(change.after.partition)
        elif isinstance(change, TopicDeleted) and change.topic.name == self.topic:
            for index in list(self._at_work):
                self._unload(index)
