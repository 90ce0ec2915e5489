"""What is kept of topics' descriptions is what would be told anew, and takes only so much room."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kafkapy.handlers.authorized_operations import NOT_ASKED, ON_TOPIC
from kafkapy.handlers.described_topics import DescribedTopics
from kafkapy.metadata.image import ClusterImage
from kafkapy.protocol.codec import decode, encode_bytes
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.metadata import METADATA, MetadataResponse, MetadataResponseTopic
from kafkapy.protocol.records import metadata as m

ALL = range(METADATA.versions.first, METADATA.versions.last + 1)
TOPIC_ID, DIRECTORY = UUID(int=1000), UUID(int=2000)


def partition(number: int) -> m.PartitionRecord:
    return m.PartitionRecord(number, TOPIC_ID, [1], [1], leader=1, directories=[DIRECTORY])


@pytest.fixture
def image() -> ClusterImage:
    made = ClusterImage("cluster")
    made.replay(
        m.RegisterBrokerRecord(1, incarnation_id=UUID(int=1), broker_epoch=5, log_dirs=[DIRECTORY], fenced=False)
    )
    made.replay(m.TopicRecord("t", TOPIC_ID))
    made.replay(partition(0))
    return made


def told(described: DescribedTopics, image: ClusterImage, version: int = 13, **options: Any) -> MetadataResponseTopic:
    """The topic, as a client decodes it out of a response."""
    topic = image.topic("t")
    assert topic is not None
    kept = described.describe(topic, image, version, with_operations=options.get("with_operations", False))
    response, _ = decode(MetadataResponse, version, encode_bytes(MetadataResponse(topics=[kept]), version))
    [found] = response.topics
    assert isinstance(found, MetadataResponseTopic)
    return found


@pytest.mark.parametrize("version", ALL)
def test_a_topic_is_told_in_the_form_of_each_version(image: ClusterImage, version: int) -> None:
    described = DescribedTopics()
    for _ in range(2):
        found = told(described, image, version)
        assert (found.name, found.error_code, len(found.partitions)) == ("t", ErrorCode.NONE, 1)
        assert found.partitions[0].replica_nodes == found.partitions[0].isr_nodes == [1]
        assert found.topic_id == (TOPIC_ID if version >= 10 else UUID(int=0))


def test_what_did_not_change_is_not_put_together_again(image: ClusterImage) -> None:
    described, topic = DescribedTopics(), image.topic("t")
    assert topic is not None
    first = described.describe(topic, image, 13, with_operations=False)
    assert described.describe(topic, image, 13, with_operations=False) is first


def test_a_partition_that_is_new_or_changes_is_told(image: ClusterImage) -> None:
    described = DescribedTopics()
    assert len(told(described, image).partitions) == 1
    image.replay(partition(1))
    assert [one.leader_id for one in told(described, image).partitions] == [1, 1]
    image.replay(m.PartitionChangeRecord(1, TOPIC_ID, leader=-1))
    found = told(described, image).partitions
    assert [(one.leader_id, one.error_code) for one in found] == [(1, 0), (-1, ErrorCode.LEADER_NOT_AVAILABLE)]


def test_a_topic_of_the_same_name_and_of_another_id_is_another(image: ClusterImage) -> None:
    described = DescribedTopics()
    told(described, image)
    image.replay(m.RemoveTopicRecord(TOPIC_ID))
    image.replay(m.TopicRecord("t", UUID(int=1001)))
    found = told(described, image)
    assert (found.topic_id, found.partitions) == (UUID(int=1001), [])


def test_replicas_are_offline_with_their_broker_or_directory(image: ClusterImage) -> None:
    described = DescribedTopics()
    assert told(described, image).partitions[0].offline_replicas == []
    image.replay(m.FenceBrokerRecord(1, 5))
    assert told(described, image).partitions[0].offline_replicas == [1]
    image.replay(m.UnfenceBrokerRecord(1, 5))
    assert told(described, image).partitions[0].offline_replicas == []
    image.replay(m.BrokerRegistrationChangeRecord(1, 5, log_dirs=[UUID(int=2001)]))
    assert told(described, image).partitions[0].offline_replicas == [1]
    image.replay(m.UnregisterBrokerRecord(1, 5))
    assert told(described, image).partitions[0].offline_replicas == [1]


def test_operations_are_told_only_to_who_asks(image: ClusterImage) -> None:
    described = DescribedTopics()
    for _ in range(2):
        assert told(described, image, with_operations=True).topic_authorized_operations == ON_TOPIC
        assert told(described, image).topic_authorized_operations == NOT_ASKED


def test_what_is_kept_takes_only_so_much_room(image: ClusterImage) -> None:
    described, topic = DescribedTopics(room_bytes=2000), image.topic("t")
    assert topic is not None
    first = described.describe(topic, image, 13, with_operations=False)
    for version in ALL:
        assert len(told(described, image, version).partitions) == 1
    again = described.describe(topic, image, 12, with_operations=False)
    assert described.describe(topic, image, 12, with_operations=False) is again
    assert described.describe(topic, image, 13, with_operations=False) == first
