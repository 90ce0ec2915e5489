"""Metadata: which topics are answered, and which are made on the way."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kafkapy.handlers.authorized_operations import NOT_ASKED, ON_CLUSTER, ON_TOPIC
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.metadata import METADATA, MetadataRequest, MetadataRequestTopic
from kafkapy.protocol.wire import ZERO_UUID

ALL = range(METADATA.versions.first, METADATA.versions.last + 1)
UNKNOWN = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def named(*names: str, **options: Any) -> MetadataRequest:
    return MetadataRequest([MetadataRequestTopic(name=name) for name in names], **options)


def found(response: Any) -> dict[Any, int]:
    return {topic.name: topic.error_code for topic in response.topics}


@pytest.mark.parametrize("version", ALL)
async def test_all_topics(client: Any, version: int) -> None:
    client.create("a")
    client.create("b", 2)
    everything = MetadataRequest([] if version == 0 else None)
    response = client.send(METADATA, version, everything)
    assert [(topic.name, len(topic.partitions)) for topic in response.topics] == [("a", 1), ("b", 2)]
    [broker] = response.brokers
    assert (broker.node_id, broker.host, broker.port) == (1, "localhost", 9092)
    if version >= 1:
        assert response.controller_id == 1
        assert client.send(METADATA, version, MetadataRequest([])).topics == []
    if version >= 2:
        assert response.cluster_id == client.node.cluster.image.cluster_id
    partition = response.topics[1].partitions[1]
    assert (partition.partition_index, partition.leader_id, partition.replica_nodes, partition.isr_nodes) == (
        *(1, 1),
        *([1], [1]),
    )


@pytest.mark.parametrize("version", ALL)
async def test_a_topic_is_made_on_first_use_and_complete_at_once(client: Any, version: int) -> None:
    client.create("old")
    response = client.send(METADATA, version, named("old", "new"))
    assert found(response) == {"old": ErrorCode.NONE, "new": ErrorCode.NONE}
    assert response.topics[1].partitions[0].leader_id == 1
    assert client.produce("usable", topic="new") == 0


@pytest.mark.parametrize("version", range(4, METADATA.versions.last + 1))
async def test_no_topic_is_made_for_a_client_that_does_not_want_it(client: Any, version: int) -> None:
    assert found(client.send(METADATA, version, named("new", allow_auto_topic_creation=False))) == {"new": UNKNOWN}
    assert client.send(METADATA, 1, MetadataRequest(None)).topics == []


class TestWithoutAutoCreation:
    @pytest.fixture(autouse=True)
    def without(self, client: Any) -> None:
        client.configure(auto_create_topics_enable=False)

    @pytest.mark.parametrize("version", ALL)
    async def test_no_topic_is_made_for_anybody(self, client: Any, version: int) -> None:
        assert found(client.send(METADATA, version, named("new"))) == {"new": UNKNOWN}


@pytest.mark.parametrize("version", [0, 1, 4, 9, 13])
@pytest.mark.parametrize("name", ["", ".", "..", "with space", "x" * 250])
async def test_names_that_kafka_refuses(client: Any, version: int, name: str) -> None:
    assert found(client.send(METADATA, version, named("good", name))) == {
        "good": ErrorCode.NONE,
        name: ErrorCode.INVALID_TOPIC_EXCEPTION,
    }


async def test_a_topic_that_is_asked_for_twice_is_answered_once(client: Any) -> None:
    client.create("t")
    assert len(client.send(METADATA, 12, named("t", "t")).topics) == 1


async def test_the_brokers_own_topics_are_internal_and_have_a_shape_of_their_own(client: Any) -> None:
    internal = client.send(METADATA, 12, named("__consumer_offsets")).topics[0]
    assert internal.is_internal
    assert len(internal.partitions) == 4
    [missing] = client.send(METADATA, 12, named("__transaction_state", allow_auto_topic_creation=False)).topics
    assert missing.is_internal


@pytest.mark.parametrize("version", [12, 13])
async def test_topics_by_id(client: Any, version: int) -> None:
    topic_id = client.create("t")
    unknown = UUID(int=4000)
    request = MetadataRequest([MetadataRequestTopic(topic_id, None), MetadataRequestTopic(unknown, None)])
    known, missing = client.send(METADATA, version, request).topics
    assert (known.name, known.topic_id, known.error_code) == ("t", topic_id, ErrorCode.NONE)
    assert (missing.name, missing.topic_id, missing.error_code) == (None, unknown, ErrorCode.UNKNOWN_TOPIC_ID)


@pytest.mark.parametrize("version", [10, 11])
async def test_ids_mean_nothing_before_version_12(client: Any, version: int) -> None:
    topic_id = client.create("t")
    [topic] = client.send(METADATA, version, MetadataRequest([MetadataRequestTopic(topic_id, None)])).topics
    assert (topic.error_code, topic.name) == (ErrorCode.INVALID_REQUEST, "")
    [topic] = client.send(METADATA, version, named("t")).topics
    assert topic.topic_id == topic_id != ZERO_UUID


async def test_authorized_operations_are_told_to_who_asks(client: Any) -> None:
    client.create("t")
    asked = named("t", include_cluster_authorized_operations=True, include_topic_authorized_operations=True)
    response = client.send(METADATA, 8, asked)
    assert (response.cluster_authorized_operations, response.topics[0].topic_authorized_operations) == (
        ON_CLUSTER,
        ON_TOPIC,
    )
    response = client.send(METADATA, 8, named("t"))
    assert response.cluster_authorized_operations == response.topics[0].topic_authorized_operations == NOT_ASKED
