"""The topics of an image, by name and by id.

A topic is frozen and replaced when its partitions change. Apache's classes: `TopicsImage`, `TopicImage`.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from kafkapy.metadata.partitions import PartitionState, ReplayError
from kafkapy.protocol.records.metadata import PartitionChangeRecord, PartitionRecord, TopicRecord


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and its partitions, in order of their numbers, which start at 0 without a gap."""

    name: str
    topic_id: UUID
    partitions: tuple[PartitionState, ...] = ()

    def partition(self, partition: int) -> PartitionState | None:
        if 0 <= partition < len(self.partitions):
            return self.partitions[partition]
        return None

    @property
    def replication_factor(self) -> int:
        """How many replicas the first partition has; 0 for a topic without partitions."""
        return len(self.partitions[0].replicas) if self.partitions else 0


class Topics:
    """What `ClusterImage` keeps of topics; only its replay changes it."""

    def __init__(self) -> None:
        self.by_name: dict[str, Topic] = {}
        self.by_id: dict[UUID, Topic] = {}
        self._by_metric_name: dict[str, list[str]] = {}

    def colliding(self, name: str) -> list[str]:
        """The topics that share `name`'s metric name, in which '.' becomes '_'."""
        return list(self._by_metric_name.get(metric_name(name), ()))

    def add(self, record: TopicRecord) -> Topic:
        if record.name in self.by_name:
            raise ReplayError(f"topic {record.name} is created but exists")
        if record.topic_id in self.by_id:
            raise ReplayError(f"topic {record.name} is created with the id of {self.by_id[record.topic_id].name}")
        topic = Topic(record.name, record.topic_id)
        self._put(topic)
        self._by_metric_name.setdefault(metric_name(topic.name), []).append(topic.name)
        return topic

    def remove(self, topic_id: UUID) -> Topic:
        topic = self._existing(topic_id)
        del self.by_id[topic_id]
        del self.by_name[topic.name]
        sharing = self._by_metric_name[metric_name(topic.name)]
        sharing.remove(topic.name)
        if not sharing:
            del self._by_metric_name[metric_name(topic.name)]
        return topic

    def put_partition(self, record: PartitionRecord) -> tuple[PartitionState | None, PartitionState, Topic]:
        """The state before (None for a new partition), the state after, and the topic after."""
        topic = self._existing(record.topic_id)
        state = PartitionState.from_record(record)
        at = bisect_left(topic.partitions, state.partition, key=lambda found: found.partition)
        if at < len(topic.partitions) and topic.partitions[at].partition == state.partition:
            before = topic.partitions[at]
            return before, state, self._replace(topic, at, state)
        partitions = (*topic.partitions[:at], state, *topic.partitions[at:])
        return None, state, self._put(dataclasses.replace(topic, partitions=partitions))

    def change_partition(self, record: PartitionChangeRecord) -> tuple[PartitionState, PartitionState, Topic]:
        topic = self._existing(record.topic_id)
        before = topic.partition(record.partition_id)
        if before is None:
            raise ReplayError(f"partition {record.partition_id} of topic {topic.name} changes but was never created")
        after = before.changed_by(record)
        return before, after, self._replace(topic, record.partition_id, after)

    def clear_elr(self, name: str) -> Iterator[tuple[Topic, PartitionState, PartitionState]]:
        """Forget the eligible leaders of one topic, or of all if `name` is empty."""
        if name and name not in self.by_name:
            raise ReplayError(f"topic {name} loses its eligible leaders but does not exist")
        for topic_name in [name] if name else list(self.by_name):
            for state in self.by_name[topic_name].partitions:
                if state.elr or state.last_known_elr:
                    after = state.without_elr()
                    yield self._replace(self.by_name[topic_name], state.partition, after), state, after

    def _existing(self, topic_id: UUID) -> Topic:
        topic = self.by_id.get(topic_id)
        if topic is None:
            raise ReplayError(f"a record is about topic id {topic_id}, which no topic has")
        return topic

    def _replace(self, topic: Topic, at: int, state: PartitionState) -> Topic:
        return self._put(
            dataclasses.replace(topic, partitions=(*topic.partitions[:at], state, *topic.partitions[at + 1 :]))
        )

    def _put(self, topic: Topic) -> Topic:
        self.by_name[topic.name] = topic
        self.by_id[topic.topic_id] = topic
        return topic


def metric_name(topic: str) -> str:
    """The topic's name as metrics show it, where '.' and '_' are the same."""
    return topic.replace(".", "_")
