"""CreateTopics, DeleteTopics and CreatePartitions, through their handlers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.create_partitions import (
    CREATE_PARTITIONS,
    CreatePartitionsAssignment,
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)
from kafkapy.protocol.messages.create_topics import (
    CREATE_TOPICS,
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from kafkapy.protocol.messages.delete_topics import DELETE_TOPICS, DeleteTopicsRequest, DeleteTopicState
from kafkapy.protocol.messages.metadata import METADATA, MetadataRequest
from kafkapy.protocol.wire import ZERO_UUID

CREATE = range(CREATE_TOPICS.versions.last + 1)
DELETE = range(DELETE_TOPICS.versions.last + 1)
PARTITIONS = range(CREATE_PARTITIONS.versions.last + 1)


def names(client: Any) -> list[str]:
    return [topic.name for topic in client.send(METADATA, 12, MetadataRequest(None)).topics]


def create(client: Any, version: int, *topics: CreatableTopic, validate_only: bool = False) -> Any:
    return client.send(CREATE_TOPICS, version, CreateTopicsRequest(list(topics), 1000, validate_only)).topics


def assigned(*replicas: list[int]) -> CreatableTopic:
    assignments = [CreatableReplicaAssignment(at, brokers) for at, brokers in enumerate(replicas)]
    return CreatableTopic("new", -1, -1, assignments)


def configured(name: str, value: str | None) -> CreatableTopic:
    return CreatableTopic("new", 1, 1, configs=[CreatableTopicConfig(name, value)])


class TestCreateTopics:
    @pytest.mark.parametrize("version", CREATE)
    async def test_a_topic_is_usable_when_the_reply_is_there(self, client: Any, version: int) -> None:
        [result] = create(client, version, configured("retention.ms", "5000"))
        assert (result.name, result.error_code) == ("new", ErrorCode.NONE)
        assert client.produce("a", topic="new") == 0
        if version >= 1:
            assert result.error_message is None
        if version >= 5:
            assert (result.num_partitions, result.replication_factor) == (1, 1)
            [config] = [config for config in result.configs if config.name == "retention.ms"]
            assert (config.value, config.config_source) == ("5000", 1)
        if version >= 7:
            assert result.topic_id == client.node.cluster.image.topic("new").topic_id

    @pytest.mark.parametrize("version", CREATE)
    @pytest.mark.parametrize(
        ("topic", "code"),
        [
            (CreatableTopic("", 1, 1), ErrorCode.INVALID_TOPIC_EXCEPTION),
            (CreatableTopic("no way", 1, 1), ErrorCode.INVALID_TOPIC_EXCEPTION),
            (CreatableTopic("there", 1, 1), ErrorCode.TOPIC_ALREADY_EXISTS),
            (CreatableTopic("new", 0, 1), ErrorCode.INVALID_PARTITIONS),
            (CreatableTopic("new", 1, 0), ErrorCode.INVALID_REPLICATION_FACTOR),
            (CreatableTopic("new", 1, 3), ErrorCode.INVALID_REPLICATION_FACTOR),
            (assigned([7]), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
            (assigned([1], []), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
            (configured("no.such.thing", "1"), ErrorCode.INVALID_CONFIG),
            (configured("retention.ms", "long"), ErrorCode.INVALID_CONFIG),
            (configured("retention.ms", None), ErrorCode.INVALID_CONFIG),
        ],
    )
    async def test_refusals(self, client: Any, version: int, topic: CreatableTopic, code: ErrorCode) -> None:
        client.create("there")
        good, bad = create(client, version, CreatableTopic("good", 1, 1), topic)
        assert (good.error_code, bad.error_code) == (ErrorCode.NONE, code)
        if version >= 1:
            assert bad.error_message
        if version >= 5:
            assert (bad.num_partitions, bad.configs) == (-1, [])
        assert names(client) == ["good", "there"]

    @pytest.mark.parametrize("version", CREATE)
    async def test_a_topic_named_twice_is_not_made(self, client: Any, version: int) -> None:
        results = create(client, version, *(CreatableTopic(name, 1, 1) for name in ("a", "b", "a")))
        assert {result.name: result.error_code for result in results} == {
            "a": ErrorCode.INVALID_REQUEST,
            "b": ErrorCode.NONE,
        }
        assert names(client) == ["b"]

    @pytest.mark.parametrize("version", CREATE[1:])
    async def test_validation_alone_makes_nothing(self, client: Any, version: int) -> None:
        [result] = create(client, version, CreatableTopic("new", 2, 1), validate_only=True)
        assert result.error_code == ErrorCode.NONE
        assert names(client) == []

    async def test_assignment_and_defaults(self, client: Any) -> None:
        [result] = create(client, 5, assigned([1], [1], [1]))
        assert (result.num_partitions, result.replication_factor) == (3, 1)
        [result] = create(client, 5, CreatableTopic("default", -1, -1))
        assert (result.num_partitions, result.replication_factor) == (1, 1)

    async def test_topics_and_records_outlive_the_broker(self, client: Any) -> None:
        topic_id = client.create("kept", 3)
        client.create("gone")
        client.produce("a", topic="kept", partition=2)
        client.send(DELETE_TOPICS, 5, DeleteTopicsRequest(topic_names=["gone"]))
        await client.restart()
        assert names(client) == ["kept"]
        assert client.node.cluster.image.topic("kept").topic_id == topic_id
        assert client.read("kept", 2) == ["a"]


class TestDeleteTopics:
    def delete(self, client: Any, version: int, *topics: str | UUID) -> Any:
        if version < 6:
            request = DeleteTopicsRequest(topic_names=list(topics))
        else:
            states = [DeleteTopicState(None, t) if isinstance(t, UUID) else DeleteTopicState(t) for t in topics]
            request = DeleteTopicsRequest(states)
        return client.send(DELETE_TOPICS, version, request).responses

    @pytest.mark.parametrize("version", DELETE)
    async def test_a_topic_is_gone_when_the_reply_is_there(self, client: Any, version: int) -> None:
        client.create("a")
        client.create("b")
        client.produce("old", topic="a")
        gone, missing = self.delete(client, version, "a", "nowhere")
        assert (gone.name, gone.error_code) == ("a", ErrorCode.NONE)
        assert (missing.name, missing.error_code) == ("nowhere", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        if version >= 5:
            assert gone.error_message is None
            assert missing.error_message
        assert names(client) == ["b"]
        client.create("a")
        assert client.read("a") == []

    @pytest.mark.parametrize("version", DELETE)
    async def test_a_topic_named_twice_stays(self, client: Any, version: int) -> None:
        for name in "ab":
            client.create(name)
        results = self.delete(client, version, "a", "a", "b")
        assert {result.name: result.error_code for result in results} == {
            "a": ErrorCode.INVALID_REQUEST,
            "b": ErrorCode.NONE,
        }
        assert names(client) == ["a"]

    async def test_ids(self, client: Any) -> None:
        kept, gone = client.create("kept"), client.create("gone")
        [twice] = self.delete(client, 6, kept, "kept")
        assert twice.error_code == ErrorCode.INVALID_REQUEST
        deleted, unknown, neither = self.delete(client, 6, gone, UUID(int=4000), ZERO_UUID)
        assert (deleted.name, deleted.error_code) == ("gone", ErrorCode.NONE)
        assert (unknown.name, unknown.error_code) == (None, ErrorCode.UNKNOWN_TOPIC_ID)
        assert neither.error_code == ErrorCode.INVALID_REQUEST
        assert names(client) == ["kept"]


class TestWhereDeletionIsDisabled(TestDeleteTopics):
    @pytest.fixture(autouse=True)
    def disabled(self, client: Any) -> None:
        client.configure(delete_topic_enable=False)

    test_a_topic_named_twice_stays = test_ids = None  # type: ignore[assignment]

    @pytest.mark.parametrize("version", DELETE)
    async def test_a_topic_is_gone_when_the_reply_is_there(self, client: Any, version: int) -> None:
        client.create("a")
        [result] = self.delete(client, version, "a")
        expected = ErrorCode.TOPIC_DELETION_DISABLED if version >= 3 else ErrorCode.INVALID_REQUEST
        assert result.error_code == expected
        assert names(client) == ["a"]


class TestCreatePartitions:
    def grow(self, client: Any, version: int, count: int, *brokers: list[int], **options: Any) -> Any:
        assignments = [CreatePartitionsAssignment(each) for each in brokers] or None
        topic = CreatePartitionsTopic(options.pop("name", "t"), count, assignments)
        request = CreatePartitionsRequest([topic], 1000, **options)
        return client.send(CREATE_PARTITIONS, version, request).results[0]

    @pytest.mark.parametrize("version", PARTITIONS)
    async def test_new_partitions_are_usable_when_the_reply_is_there(self, client: Any, version: int) -> None:
        client.create("t")
        client.produce("old")
        result = self.grow(client, version, 3)
        assert (result.name, result.error_code, result.error_message) == ("t", ErrorCode.NONE, None)
        assert client.produce("new", partition=2) == 0
        assert client.read() == ["old"]

    @pytest.mark.parametrize("version", PARTITIONS)
    async def test_refusals(self, client: Any, version: int) -> None:
        client.create("t", 2)
        assert self.grow(client, version, 2).error_code == ErrorCode.INVALID_PARTITIONS
        assert self.grow(client, version, 1).error_code == ErrorCode.INVALID_PARTITIONS
        assert self.grow(client, version, 3, [7]).error_code == ErrorCode.INVALID_REPLICA_ASSIGNMENT
        assert self.grow(client, version, 3, [1], [1]).error_code == ErrorCode.INVALID_REPLICA_ASSIGNMENT
        missing = self.grow(client, version, 3, name="nowhere")
        assert missing.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert len(client.node.cluster.image.topic("t").partitions) == 2

    async def test_validation_alone_makes_nothing(self, client: Any) -> None:
        client.create("t")
        assert self.grow(client, 3, 5, validate_only=True).error_code == ErrorCode.NONE
        assert len(client.node.cluster.image.topic("t").partitions) == 1
