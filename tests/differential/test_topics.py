"""Topics are made, grown, described and deleted, rightly and wrongly, in every version."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sides import Connection, Sides

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
from kafkapy.protocol.messages.describe_topic_partitions import (
    DESCRIBE_TOPIC_PARTITIONS,
    Cursor,
    DescribeTopicPartitionsRequest,
    TopicRequest,
)
from kafkapy.protocol.messages.metadata import METADATA, MetadataRequest, MetadataRequestTopic

NOWHERE = UUID(int=77)
BAD_NAMES = ("", ".", "..", "a b", "a/b", "x" * 250, "ünï", "a\0b", "__consumer_offsets", "__cluster_metadata")


def assigned(*replicas: list[int]) -> list[CreatableReplicaAssignment]:
    return [CreatableReplicaAssignment(index, brokers) for index, brokers in enumerate(replicas)]


def configs(**values: str | None) -> list[CreatableTopicConfig]:
    return [CreatableTopicConfig(name.replace("_", "."), value) for name, value in values.items()]


def create(name: str, partitions: int = 1, replicas: int = 1, assignments: Any = (), given: Any = ()) -> CreatableTopic:
    return CreatableTopic(name, partitions, replicas, list(assignments), list(given))


def test_create_topics(line: Connection, sides: Sides) -> None:
    for version in sides.versions(CREATE_TOPICS):
        new = sides.new_name

        def ask(*topics: CreatableTopic, validate_only: bool = False, version: int = version) -> Any:
            return line.ask(CREATE_TOPICS, version, CreateTopicsRequest(list(topics), 5000, validate_only))

        name = new()
        ask()
        ask(create(name, 2))
        ask(create(name, 2))
        ask(create(new(), 3), validate_only=True)
        for partitions in (0, -1, -2, 10_001, 2_000_000_000):
            ask(create(new(), partitions), validate_only=partitions > 1)
        for replicas in (0, -1, -2, 2, 32767):
            ask(create(new(), 1, replicas))
        ask(create(new(), -1, -1))
        for bad in BAD_NAMES:
            ask(create(bad))
        ask(create("bar.rier"), create("bar_rier"))
        ask(create("bar.rier"))
        ask(create("barrier"))
        twice = new()
        ask(create(twice), create(twice))
        ask(create(new()), create(twice, 2), create(twice, 0))
        # Assignments
        ask(create(new(), -1, -1, assigned([1], [1])))
        ask(create(new(), 2, -1, assigned([1], [1])))
        ask(create(new(), -1, 1, assigned([1], [1])))
        ask(create(new(), -1, -1, assigned([1], [])))
        ask(create(new(), -1, -1, assigned([1], [2])))
        ask(create(new(), -1, -1, assigned([1, 1])))
        ask(create(new(), -1, -1, assigned([-1])))
        ask(create(new(), -1, -1, [CreatableReplicaAssignment(1, [1])]))
        ask(create(new(), -1, -1, [CreatableReplicaAssignment(-1, [1])]))
        ask(create(new(), -1, -1, [CreatableReplicaAssignment(0, [1]), CreatableReplicaAssignment(0, [1])]))
        ask(create(new(), -1, -1, [CreatableReplicaAssignment(1, [1]), CreatableReplicaAssignment(0, [1])]))
        # Configurations
        ask(create(new(), given=configs(cleanup_policy="compact", retention_ms="1000", max_message_bytes="2000")))
        for wrong in (
            {"no_such": "1"},
            {"retention_ms": "abc"},
            {"retention_ms": None},
            {"retention_ms": ""},
            {"retention_ms": "-2"},
            {"retention_ms": " 7 "},
            {"cleanup_policy": "other"},
            {"cleanup_policy": ""},
            {"cleanup_policy": "compact,delete"},
            {"cleanup_policy": " compact , delete "},
            {"cleanup_policy": "compact,compact"},
            {"compression_type": "GZIP"},
            {"min_insync_replicas": "0"},
            {"segment_bytes": "13"},
            {"segment_bytes": "1.5"},
            {"segment_bytes": "1048576"},
            {"segment_bytes": "99999999999"},
            {"preallocate": "yes"},
            {"preallocate": "TRUE"},
            {"message_timestamp_type": "logappendtime"},
            {"message_format_version": "2.0"},
            {"min_cleanable_dirty_ratio": "1.5"},
            {"min_cleanable_dirty_ratio": "0.25"},
            {"min_compaction_lag_ms": "10", "max_compaction_lag_ms": "5"},
            {"local_retention_ms": "10", "retention_ms": "5"},
            {"remote_storage_enable": "true"},
            {"leader_replication_throttled_replicas": "0:1,1:1"},
            {"leader_replication_throttled_replicas": "bad"},
            {"leader_replication_throttled_replicas": "*"},
            {"": "x"},
        ):
            ask(create(new(), given=configs(**wrong)))
        ask(create(new(), given=[*configs(retention_ms="1"), *configs(retention_ms="2")]))
        sides.settle()
        line.ask(METADATA, 12, MetadataRequest(None))


def test_create_partitions(line: Connection, sides: Sides) -> None:
    for version in sides.versions(CREATE_PARTITIONS):
        name, other = sides.new_name(), sides.new_name()
        line.ask(CREATE_TOPICS, 7, CreateTopicsRequest([create(name, 2), create(other, 1)]))
        sides.settle()

        def ask(*topics: Any, validate_only: bool = False, version: int = version) -> Any:
            wanted = [
                CreatePartitionsTopic(topic, count, given and [CreatePartitionsAssignment(one) for one in given])
                for topic, count, given in topics
            ]
            return line.ask(CREATE_PARTITIONS, version, CreatePartitionsRequest(wanted, 5000, validate_only))

        ask()
        for count in (2, 1, 0, -1):
            ask((name, count, None))
        ask((name, 3, None), validate_only=True)
        ask((name, 3, None))
        ask((name, 4, None), (name, 5, None))
        ask((name, 4, None), (name, 5, None), (other, 2, None), ("no-such", 2, None), ("", 2, None))
        for given in ([], [[1]], [[1], [1]], [[2]], [[]], [[1, 1]], [[-1]]):
            ask((other, 3, given))
        ask(("__consumer_offsets", 1, None))
        sides.settle()
        line.ask(METADATA, 12, MetadataRequest([MetadataRequestTopic(name=name), MetadataRequestTopic(name=other)]))


def test_delete_topics(line: Connection, sides: Sides) -> None:
    for version in sides.versions(DELETE_TOPICS):
        names = [sides.new_name() for _ in range(4)]
        made = line.ask(CREATE_TOPICS, 7, CreateTopicsRequest([create(name) for name in names]))
        sides.settle()

        def ask(*names: str, version: int = version) -> None:
            topics = [DeleteTopicState(name) for name in names]
            line.ask(DELETE_TOPICS, version, DeleteTopicsRequest(topics, list(names), 5000))

        ask()
        ask("no-such")
        ask("")
        ask("a b")
        ask(names[0], names[0])
        ask(names[0], "no-such", names[1])
        ask(names[0])
        if version >= 6:
            ids = [made.topics[index].topic_id for index in range(4)]
            for topics in (
                [DeleteTopicState(None, NOWHERE)],
                [DeleteTopicState(None)],
                [DeleteTopicState(names[2], ids[2])],
                [DeleteTopicState(names[2]), DeleteTopicState(None, ids[2])],
                [DeleteTopicState(None, ids[2]), DeleteTopicState(None, ids[2])],
                [DeleteTopicState(None, ids[3])],
                [DeleteTopicState(None, ids[3])],
            ):
                line.ask(DELETE_TOPICS, version, DeleteTopicsRequest(topics, [], 5000))
        sides.settle()
        line.ask(METADATA, 12, MetadataRequest(None))


def test_metadata(line: Connection, sides: Sides) -> None:
    name, other = sides.new_name(), sides.new_name()
    made = line.ask(CREATE_TOPICS, 7, CreateTopicsRequest([create(name, 3), create(other, 1)]))
    sides.settle()
    ids = [made.topics[index].topic_id for index in range(2)]
    for version in sides.versions(METADATA):

        def ask(*topics: Any, version: int = version, **options: Any) -> None:
            asked = [one if isinstance(one, MetadataRequestTopic) else MetadataRequestTopic(name=one) for one in topics]
            line.ask(METADATA, version, MetadataRequest(asked, allow_auto_topic_creation=False, **options))

        if version > 0:
            line.ask(METADATA, version, MetadataRequest(None))
        line.ask(METADATA, version, MetadataRequest([]))
        if version < 4:
            ask(name, other)  # a topic that there is not would be made
            continue
        ask(name, "no-such", other)
        ask(name, name, other, name)
        for bad in BAD_NAMES:
            ask(bad)
        if version >= 8:
            for options in (
                {"include_topic_authorized_operations": True},
                {"include_cluster_authorized_operations": True},
            ):
                ask(name, "no-such", **(options if version <= 10 else {"include_topic_authorized_operations": True}))
        if version >= 10:
            ask(MetadataRequestTopic(ids[0], None))
            ask(MetadataRequestTopic(ids[0], None), MetadataRequestTopic(ids[0], None))
            ask(MetadataRequestTopic(NOWHERE, None), MetadataRequestTopic(ids[1], None))
            ask(MetadataRequestTopic(UUID(int=0), None))
            ask(MetadataRequestTopic(ids[0], name))
            ask(MetadataRequestTopic(ids[0], other))
            ask(MetadataRequestTopic(ids[0], None), MetadataRequestTopic(name=name))


def test_describe_topic_partitions(line: Connection, sides: Sides) -> None:
    names = [sides.new_name() for _ in range(3)]
    line.ask(CREATE_TOPICS, 7, CreateTopicsRequest([create(name, 3) for name in names]))
    sides.settle()
    for version in sides.versions(DESCRIBE_TOPIC_PARTITIONS):

        def ask(*topics: str, limit: int = 2000, cursor: Cursor | None = None, version: int = version) -> None:
            asked = [TopicRequest(name) for name in topics]
            line.ask(DESCRIBE_TOPIC_PARTITIONS, version, DescribeTopicPartitionsRequest(asked, limit, cursor))

        ask(*names)
        ask(*reversed(names))
        ask(names[0], names[0])
        ask("no-such", "a b", names[1])
        for limit in (0, -1, 1, 3, 4, 6, 2_000_000_000):
            ask(*names, limit=limit)
        for topic in (names[0], names[1], names[2], "no-such", "zzzz", ""):
            for partition in (0, 2, 3, -1):
                ask(*names, cursor=Cursor(topic, partition), limit=4)
        ask("__consumer_offsets")
        ask(limit=5, cursor=Cursor(names[1], 1))
        ask(limit=5)
