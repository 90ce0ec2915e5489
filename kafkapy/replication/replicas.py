"""The partitions that this broker has replicas of, by name and by topic id."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.replication.partition import NO_EPOCH, Partition
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.log_dir import LogDir
from kafkapy.storage.log_dirs import LogDirs


class Replicas:
    """Makes, finds and removes partitions; their logs lie in the broker's log directories."""

    def __init__(self, log_dirs: LogDirs, node_id: int) -> None:
        self.log_dirs = log_dirs
        self._node_id = node_id
        self.offline: set[tuple[str, int]] = set()  # those that should be here, and whose log cannot be used
        self._partitions: dict[tuple[str, int], Partition] = {}

    def __iter__(self) -> Iterator[Partition]:
        return iter(self._partitions.values())

    def get(self, topic: str, index: int) -> Partition | None:
        return self._partitions.get((topic, index))

    def leader_of(self, topic: str, index: int, current_leader_epoch: int = NO_EPOCH) -> Partition:
        """The partition, which this broker must lead.

        Raises KafkaError: UNKNOWN_TOPIC_OR_PARTITION, KAFKA_STORAGE_ERROR if it is offline, NOT_LEADER_OR_FOLLOWER,
        FENCED_ and UNKNOWN_LEADER_EPOCH.
        """
        partition = self._partitions.get((topic, index))
        if partition is None:
            if (topic, index) in self.offline:
                raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"{topic}-{index} is offline: its log cannot be used")
            why = f"there is no partition {index} of topic {topic!r} here"
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, why)
        partition.check_leader(current_leader_epoch)
        return partition

    def add(
        self,
        topic: str,
        index: int,
        topic_id: UUID,
        config: LogConfig,
        *,
        leader: int,
        leader_epoch: int,
        isr: list[int],
        directory: UUID | None,
    ) -> Partition:
        """The partition as the cluster's metadata has it, with its log opened, or made if this is a new one.

        `directory` is the one that it is assigned to, if it is. A log that is there already stays where it is. If it
        cannot be made, which raises KafkaError(KAFKA_STORAGE_ERROR, TOPIC_ALREADY_EXISTS), the partition is offline.
        """
        partition = self._partitions.get((topic, index))
        if partition is None:
            self.offline.add((topic, index))
            log = self.log_dirs.find(topic, index)
            if log is None or log.topic_id != topic_id:
                log = self.log_dirs.create(topic, index, topic_id, config, directory)
            partition = Partition(log, self._node_id, leader, leader_epoch, isr)
            self._partitions[topic, index] = partition
            self.offline.discard((topic, index))
        else:
            partition.become(leader, leader_epoch, isr)
        partition.log.config = config
        return partition

    def give_up(self, log_dir: LogDir) -> None:
        """The directory has failed: its partitions are offline, and whoever waits for them is woken."""
        for topic, index in log_dir.logs.keys() & self._partitions.keys():
            self.put_offline(topic, index)
        log_dir.give_up()

    def put_offline(self, topic: str, index: int) -> None:
        """The partition's log cannot be used any more."""
        self.offline.add((topic, index))
        self._partitions.pop((topic, index)).close()

    def configure(self, topic: str, config: LogConfig, min_insync_replicas: int) -> None:
        """The topic's configuration is another one now."""
        for partition in self._partitions.values():
            if partition.topic == topic:
                partition.log.config = config
                partition.min_insync_replicas = min_insync_replicas

    def remove(self, topic: str, index: int) -> None:
        """Forget the partition and delete its log; whoever waits for it is woken."""
        self.offline.discard((topic, index))
        partition = self._partitions.pop((topic, index), None)
        if partition is not None:
            partition.close()
        self.log_dirs.delete(topic, index)

    def high_watermarks(self) -> dict[tuple[str, int], int]:
        """For the checkpoint file."""
        return {key: partition.high_watermark for key, partition in self._partitions.items()}

    def last_stable_offsets(self) -> dict[tuple[str, int], int]:
        """For the log cleaner, which leaves alone what may still change.

        Nor does it see what may still be lost: no record makes way for one that is not durable.
        """
        return {
            key: min(partition.last_stable_offset, partition.log.decided.offset)
            for key, partition in self._partitions.items()
        }
