"""The cluster's topics, as the group coordinator knows them. Apache's class: CoordinatorMetadataImage."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID

from kafkapy.coordinator.known_topics import KnownTopic
from kafkapy.metadata.brokers import Broker
from kafkapy.metadata.changes import Change, PartitionChanged, PartitionCreated, TopicCreated, TopicDeleted
from kafkapy.metadata.image import ClusterImage
from kafkapy.metadata.topics import Topic


class ClusterTopics:
    """A view of an image, whose `version()` is the offset up to which it is known. Tell it what changes."""

    def __init__(self, image: ClusterImage, version: Callable[[], int]) -> None:
        self._image = image
        self._version = version
        self._created_version: int | None = None
        self._kept: dict[UUID, tuple[Topic, tuple[Broker, ...], KnownTopic]] = {}
        self.change_count = 0

    @property
    def version(self) -> int:
        return self._version()

    @property
    def created_version(self) -> int:
        if self._created_version is None:
            self._created_version = self._version()
        return self._created_version

    def names(self) -> Iterable[str]:
        return [topic.name for topic in self._image.topics()]

    def by_name(self, name: str) -> KnownTopic | None:
        topic = self._image.topic(name)
        return None if topic is None else self._known(topic)

    def by_id(self, topic_id: UUID) -> KnownTopic | None:
        topic = self._image.topic_by_id(topic_id)
        return None if topic is None else self._known(topic)

    def changed(self, change: Change) -> None:
        """Follow a change of the metadata."""
        match change:
            case TopicCreated():
                self._created_version = self._version()
                self.change_count += 1
            case PartitionCreated() | PartitionChanged():
                self.change_count += 1
            case TopicDeleted(topic):
                self._kept.pop(topic.topic_id, None)
                self.change_count += 1
            case _:
                pass

    def _known(self, topic: Topic) -> KnownTopic:
        brokers = self._image.brokers()
        kept = self._kept.get(topic.topic_id)
        if kept is not None and kept[0] is topic and kept[1] is brokers:
            return kept[2]
        rack_of = {broker.id: broker.rack for broker in brokers if broker.rack is not None}
        racks = tuple(
            tuple(rack_of[replica] for replica in state.replicas if replica in rack_of) for state in topic.partitions
        )
        known = KnownTopic(topic.name, topic.topic_id, racks)
        self._kept[topic.topic_id] = (topic, brokers, known)
        return known
