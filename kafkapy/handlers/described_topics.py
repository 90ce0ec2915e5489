"""Topics as Metadata tells of them, encoded once for as long as neither they nor the brokers change.

Every client asks for its topics every few minutes, and one that has lost a leader asks at once; the answer seldom
differs, and putting it together takes some three microseconds a partition. What is kept takes at most so much room.
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.handlers.authorized_operations import NOT_ASKED, ON_TOPIC
from kafkapy.metadata.brokers import Broker
from kafkapy.metadata.image import ClusterImage
from kafkapy.metadata.partitions import NO_LEADER, PartitionState
from kafkapy.metadata.topic_names import is_internal
from kafkapy.metadata.topics import Topic
from kafkapy.protocol.codec import encode_element
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.metadata import MetadataResponse, MetadataResponsePartition, MetadataResponseTopic

_ROOM_BYTES = 4 << 20
_ENTRY_BYTES = 400  # what keeping one takes beside its bytes

Key = tuple[UUID, int, bool]


class DescribedTopics:
    """Descriptions by topic, version, and whether they tell what a client may do."""

    def __init__(self, room_bytes: int = _ROOM_BYTES) -> None:
        self._room_bytes = room_bytes
        self._kept: dict[Key, tuple[Topic, bytes]] = {}
        self._kept_bytes = 0
        self._brokers: tuple[Broker, ...] = ()

    def describe(self, topic: Topic, image: ClusterImage, version: int, *, with_operations: bool) -> bytes:
        """One of the topics of MetadataResponse, in its bytes of that version."""
        if image.brokers() is not self._brokers:
            # Whose replicas are offline depends on them.
            self._forget()
            self._brokers = image.brokers()
        key = (topic.topic_id, version, with_operations)
        kept = self._kept.get(key)
        # A topic is frozen: what has changed is another object.
        if kept is not None and kept[0] is topic:
            return kept[1]
        encoded = encode_element(MetadataResponse, "topics", version, _describe(topic, image, with_operations))
        self._keep(key, topic, encoded)
        return encoded

    def _keep(self, key: Key, topic: Topic, encoded: bytes) -> None:
        if key in self._kept:
            self._kept_bytes -= _size(self._kept[key][1])
        if self._kept_bytes + _size(encoded) > self._room_bytes:
            self._forget()
        self._kept[key] = (topic, encoded)
        self._kept_bytes += _size(encoded)

    def _forget(self) -> None:
        self._kept.clear()
        self._kept_bytes = 0


def _size(encoded: bytes) -> int:
    return len(encoded) + _ENTRY_BYTES


def _describe(topic: Topic, image: ClusterImage, with_operations: bool) -> MetadataResponseTopic:
    return MetadataResponseTopic(
        name=topic.name,
        topic_id=topic.topic_id,
        is_internal=is_internal(topic.name),
        partitions=[_describe_partition(partition, image) for partition in topic.partitions],
        topic_authorized_operations=ON_TOPIC if with_operations else NOT_ASKED,
    )


def _describe_partition(partition: PartitionState, image: ClusterImage) -> MetadataResponsePartition:
    return MetadataResponsePartition(
        error_code=ErrorCode.LEADER_NOT_AVAILABLE if partition.leader == NO_LEADER else ErrorCode.NONE,
        partition_index=partition.partition,
        leader_id=partition.leader,
        leader_epoch=partition.leader_epoch,
        replica_nodes=list(partition.replicas),
        isr_nodes=list(partition.isr),
        offline_replicas=[replica for replica in partition.replicas if not image.is_online(partition, replica)],
    )
