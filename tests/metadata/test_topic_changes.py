"""CreateTopics, CreatePartitions and DeleteTopics: what a client gets, and what the cluster becomes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kafkapy.metadata.changes import PartitionCreated, TopicCreated, TopicDeleted
from kafkapy.metadata.image import TOPIC_RESOURCE
from kafkapy.metadata.topic_changes import TopicRules
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages import create_partitions as cp
from kafkapy.protocol.messages import create_topics as ct
from kafkapy.protocol.messages import delete_topics as dt
from kafkapy.protocol.records import metadata as m


def topic(name: str, partitions: int = 1, factor: int = 1, **configs: str | None) -> ct.CreatableTopic:
    settings = [ct.CreatableTopicConfig(key.replace("_", "."), value) for key, value in configs.items()]
    return ct.CreatableTopic(name, partitions, factor, [], settings)


def assigned(name: str, *replicas: list[int]) -> ct.CreatableTopic:
    assignments = [ct.CreatableReplicaAssignment(index, brokers) for index, brokers in enumerate(replicas)]
    return ct.CreatableTopic(name, -1, -1, assignments)


def create(cluster: Any, *topics: ct.CreatableTopic, validate_only: bool = False) -> list[ct.CreatableTopicResult]:
    request = ct.CreateTopicsRequest(topics=list(topics), validate_only=validate_only)
    records, response = cluster.controller.create_topics(request)
    cluster.commit(records)
    return list(response.topics)


def codes(results: list[Any]) -> list[str]:
    return [ErrorCode(result.error_code).name for result in results]


def test_a_topic_is_created_with_its_partitions_and_settings(cluster: Any) -> None:
    request = ct.CreateTopicsRequest(topics=[topic("a", 3, retention_ms="5")])
    records, response = cluster.controller.create_topics(request)
    changes = cluster.commit(records)

    (result,) = response.topics
    assert (result.error_code, result.num_partitions, result.replication_factor) == (0, 3, 1)
    found = cluster.image.topic("a")
    assert found is cluster.image.topic_by_id(result.topic_id)
    assert [state.leader for state in found.partitions] == [1, 1, 1]
    assert cluster.image.configs(TOPIC_RESOURCE, "a") == {"retention.ms": "5"}
    assert [type(change) for change in changes if isinstance(change, TopicCreated | PartitionCreated)] == [
        TopicCreated,
        PartitionCreated,
        PartitionCreated,
        PartitionCreated,
    ]
    assert found.partitions[2].directories == (UUID(int=9001),)


@pytest.mark.parametrize("name", ["", ".", "..", "a" * 250, "sp ace", "ümlaut", "a/b", "new\n"])
def test_illegal_names(cluster: Any, name: str) -> None:
    assert codes(create(cluster, topic(name))) == ["INVALID_TOPIC_EXCEPTION"]
    assert cluster.image.topics() == []


def test_names_that_collide_in_metrics(cluster: Any) -> None:
    assert codes(create(cluster, topic("a.b"))) == ["NONE"]
    assert codes(create(cluster, topic("a_b"))) == ["INVALID_TOPIC_EXCEPTION"]
    assert codes(create(cluster, topic("c.d"), topic("c_d"))) == ["NONE", "NONE"], "as in Apache, those of one request"


def test_one_refused_topic_does_not_fail_its_neighbours(cluster: Any) -> None:
    create(cluster, topic("old"))
    results = create(cluster, topic("old"), topic("new"), topic("twice"), topic("twice"), topic("__cluster_metadata"))
    assert {result.name: ErrorCode(result.error_code).name for result in results} == {
        "old": "TOPIC_ALREADY_EXISTS",
        "new": "NONE",
        "twice": "INVALID_REQUEST",
        "__cluster_metadata": "INVALID_REQUEST",
    }
    assert len(results) == 5 - 1
    assert [found.name for found in cluster.image.topics()] == ["new", "old"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (topic("a", 0), "INVALID_PARTITIONS"),
        (topic("a", -2), "INVALID_PARTITIONS"),
        (topic("a", 1, 0), "INVALID_REPLICATION_FACTOR"),
        (topic("a", 1, 2), "INVALID_REPLICATION_FACTOR"),
        (topic("a", 2_000_000_000), "POLICY_VIOLATION"),
        (topic("a", 1, 1, retention_ms=None), "INVALID_CONFIG"),
        (assigned("a", []), "INVALID_REPLICA_ASSIGNMENT"),
        (assigned("a", [7]), "INVALID_REPLICA_ASSIGNMENT"),
        (assigned("a", [1, 1]), "INVALID_REPLICA_ASSIGNMENT"),
        (ct.CreatableTopic("a", -1, -1, [ct.CreatableReplicaAssignment(1, [1])]), "INVALID_REPLICA_ASSIGNMENT"),
        (ct.CreatableTopic("a", 1, -1, [ct.CreatableReplicaAssignment(0, [1])]), "INVALID_REQUEST"),
        (ct.CreatableTopic("a", -1, 1, [ct.CreatableReplicaAssignment(0, [1])]), "INVALID_REQUEST"),
    ],
)
def test_counts_and_assignments_that_cannot_be(cluster: Any, asked: ct.CreatableTopic, code: str) -> None:
    (result,) = create(cluster, asked)
    assert ErrorCode(result.error_code).name == code
    assert result.error_message
    assert cluster.image.topics() == []


def test_defaults_stand_in_for_minus_one(make_cluster: Any) -> None:
    cluster = make_cluster(3, TopicRules(num_partitions=4, replication_factor=2))
    (result,) = create(cluster, topic("a", -1, -1))
    assert (result.num_partitions, result.replication_factor) == (4, 2)


def test_validate_only_changes_nothing(cluster: Any) -> None:
    assert codes(create(cluster, topic("a"), validate_only=True)) == ["NONE"]
    assert cluster.image.topic("a") is None


def test_a_setting_that_is_refused(make_cluster: Any) -> None:
    def refuse(name: str, overrides: dict[str, str]) -> None:
        raise KafkaError(ErrorCode.INVALID_CONFIG, f"no {overrides}")

    cluster = make_cluster(1, TopicRules(validate_configs=refuse))
    (result,) = create(cluster, topic("a", retention_ms="x"))
    assert (result.error_code, result.error_message) == (ErrorCode.INVALID_CONFIG, "no {'retention.ms': 'x'}")


def test_a_manual_assignment_is_followed(make_cluster: Any) -> None:
    cluster = make_cluster(3)
    create(cluster, assigned("a", [3, 1], [2, 3]))
    assert [state.replicas for state in cluster.image.topic("a").partitions] == [(3, 1), (2, 3)]
    assert [state.leader for state in cluster.image.topic("a").partitions] == [3, 2]


def test_reserved_and_taken_ids_are_passed_over(cluster: Any) -> None:
    offered = [UUID(int=0), UUID(int=1), UUID(int=62 << 122), UUID(int=1 << 70)]
    cluster.controller._new_id = lambda: offered.pop(0)
    (result,) = create(cluster, topic("a"))
    assert result.topic_id == UUID(int=1 << 70)


def delete(cluster: Any, *states: dt.DeleteTopicState, names: tuple[str, ...] = ()) -> list[dt.DeletableTopicResult]:
    request = dt.DeleteTopicsRequest(topics=list(states), topic_names=list(names))
    records, response = cluster.controller.delete_topics(request)
    cluster.commit(records)
    return list(response.responses)


def test_topics_are_deleted_by_name_and_by_id_with_their_settings(cluster: Any) -> None:
    first, second = create(cluster, topic("a.b", retention_ms="1"), topic("b"))
    results = delete(cluster, dt.DeleteTopicState("a.b"), dt.DeleteTopicState(None, second.topic_id))
    assert [(r.name, r.topic_id, r.error_code) for r in results] == [
        ("a.b", first.topic_id, 0),
        ("b", second.topic_id, 0),
    ]
    assert cluster.image.topics() == []
    assert cluster.image.configs(TOPIC_RESOURCE, "a.b") == {}
    assert codes(create(cluster, topic("a_b"))) == ["NONE"]


def test_a_deletion_takes_each_setting_away_for_those_who_would_keep_it(cluster: Any) -> None:
    create(cluster, topic("a", retention_ms="9"))
    records, _ = cluster.controller.delete_topics(dt.DeleteTopicsRequest(topic_names=["a"]))
    removal, *settings = records
    assert settings == [m.ConfigRecord(TOPIC_RESOURCE, "a", "retention.ms", None)]
    assert isinstance(removal, m.RemoveTopicRecord)


def test_what_cannot_be_deleted(cluster: Any) -> None:
    (made,) = create(cluster, topic("a"))
    assert codes(delete(cluster, names=("none",))) == ["UNKNOWN_TOPIC_OR_PARTITION"]
    assert codes(delete(cluster, dt.DeleteTopicState(None, UUID(int=77)))) == ["UNKNOWN_TOPIC_ID"]
    assert codes(delete(cluster, dt.DeleteTopicState(None))) == ["INVALID_REQUEST"]
    assert codes(delete(cluster, dt.DeleteTopicState("a", made.topic_id))) == ["INVALID_REQUEST"]
    assert codes(delete(cluster, names=("a", "a"))) == ["INVALID_REQUEST"]
    assert cluster.image.topic("a") is not None


def test_deletion_can_be_disabled(make_cluster: Any) -> None:
    cluster = make_cluster(1, TopicRules(delete_topic_enable=False))
    create(cluster, topic("a"))
    assert codes(delete(cluster, names=("a",))) == ["TOPIC_DELETION_DISABLED"]
    assert cluster.image.topic("a") is not None


def test_a_deletion_is_told(cluster: Any) -> None:
    create(cluster, topic("a", 2))
    records, _ = cluster.controller.delete_topics(dt.DeleteTopicsRequest(topic_names=["a"]))
    (change,) = cluster.commit(records)
    assert isinstance(change, TopicDeleted)
    assert len(change.topic.partitions) == 2


def grow(cluster: Any, *topics: cp.CreatePartitionsTopic, validate_only: bool = False) -> list[Any]:
    request = cp.CreatePartitionsRequest(topics=list(topics), validate_only=validate_only)
    records, response = cluster.controller.create_partitions(request)
    cluster.commit(records)
    return list(response.results)


def test_a_topic_grows(cluster: Any) -> None:
    create(cluster, topic("a", 2))
    assert codes(grow(cluster, cp.CreatePartitionsTopic("a", 5, None), validate_only=True)) == ["NONE"]
    assert len(cluster.image.topic("a").partitions) == 2
    assert codes(grow(cluster, cp.CreatePartitionsTopic("a", 5, None))) == ["NONE"]
    assert [state.partition for state in cluster.image.topic("a").partitions] == [0, 1, 2, 3, 4]


def test_growth_that_cannot_be(cluster: Any) -> None:
    create(cluster, topic("a", 2))
    too_few = [cp.CreatePartitionsAssignment([1])]
    unknown = [cp.CreatePartitionsAssignment([9])]
    assert codes(grow(cluster, cp.CreatePartitionsTopic("a", 2, None))) == ["INVALID_PARTITIONS"]
    assert codes(grow(cluster, cp.CreatePartitionsTopic("a", 1, None))) == ["INVALID_PARTITIONS"]
    assert codes(grow(cluster, cp.CreatePartitionsTopic("b", 2, None))) == ["UNKNOWN_TOPIC_OR_PARTITION"]
    assert codes(grow(cluster, cp.CreatePartitionsTopic("a", 4, too_few))) == ["INVALID_REPLICA_ASSIGNMENT"]
    assert codes(grow(cluster, cp.CreatePartitionsTopic("a", 3, unknown))) == ["INVALID_REPLICA_ASSIGNMENT"]
    assert codes(grow(cluster, cp.CreatePartitionsTopic("a", 2**31 - 1, None))) == ["POLICY_VIOLATION"]
    twice = cp.CreatePartitionsTopic("a", 3, None)
    assert codes(grow(cluster, twice, twice)) == ["INVALID_REQUEST"]
    assert len(cluster.image.topic("a").partitions) == 2
