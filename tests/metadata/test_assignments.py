"""Replicas and the log directories that they are in: what the broker chose, and what a failed directory costs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kafkapy.metadata.brokers import Endpoint
from kafkapy.metadata.partitions import UNASSIGNED_DIRECTORY
from kafkapy.metadata.registration import Registration
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.create_topics import CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest
from kafkapy.protocol.records import metadata as m

A, B = UUID(int=0xA), UUID(int=0xB)


def register(cluster: Any, *log_dirs: UUID, clean: bool = True, broker_id: int = 1) -> int:
    """The broker's epoch."""
    features = {"metadata.version": (30, 30)}
    incarnation = UUID(int=len(cluster.log) + 1000)
    broker = Registration(
        broker_id, incarnation, [Endpoint("P", "h", 1)], list(log_dirs), features, stopped_cleanly=clean
    )
    records, epoch = cluster.controller.register_broker(broker, len(cluster.log))
    cluster.commit(records)
    cluster.commit(cluster.controller.unfence_broker(broker_id, epoch))
    return int(epoch)


def create(cluster: Any, *replicas: list[int]) -> UUID:
    placed = [CreatableReplicaAssignment(index, brokers) for index, brokers in enumerate(replicas)]
    request = CreateTopicsRequest(topics=[CreatableTopic("t", -1, -1, placed)])
    records, response = cluster.controller.create_topics(request)
    cluster.commit(records)
    return UUID(bytes=response.topics[0].topic_id.bytes)


def leaders(cluster: Any) -> list[int]:
    return [state.leader for state in cluster.image.topic("t").partitions]


def directories(cluster: Any) -> list[tuple[UUID, ...]]:
    return [state.directories for state in cluster.image.topic("t").partitions]


@pytest.fixture
def spread(cluster: Any) -> Any:
    """A broker with two directories, and a partition in each."""
    cluster.epoch = register(cluster, A, B)
    topic_id = create(cluster, [1], [1])
    assert directories(cluster) == [(UNASSIGNED_DIRECTORY,)] * 2
    cluster.commit(cluster.controller.assign_to_directories(1, {(topic_id, 0): A, (topic_id, 1): B}))
    cluster.topic_id = topic_id
    return cluster


def test_what_the_broker_chose_is_recorded_once(spread: Any) -> None:
    assert directories(spread) == [(A,), (B,)]
    assert leaders(spread) == [1, 1]
    assert [state.leader_epoch for state in spread.image.topic("t").partitions] == [0, 0]
    assert spread.controller.assign_to_directories(1, {(spread.topic_id, 0): A}) == []


def test_only_its_own_replica_is_assigned(make_cluster: Any) -> None:
    cluster = make_cluster(3)
    topic_id = create(cluster, [2, 1], [2, 3])
    cluster.commit(cluster.controller.assign_to_directories(1, {(topic_id, 0): A, (topic_id, 1): A}))
    assert directories(cluster) == [(UUID(int=9002), A), (UUID(int=9002), UUID(int=9003))]


def test_what_is_gone_is_passed_over(spread: Any) -> None:
    for asked in {(UUID(int=7), 0): A}, {(spread.topic_id, 9): A}:
        assert spread.controller.assign_to_directories(1, asked) == []


def test_a_lost_directory_takes_its_partitions_leaders(spread: Any) -> None:
    records = spread.controller.lose_directories(1, spread.epoch, {B})
    assert [type(record) for record in records] == [m.PartitionChangeRecord, m.BrokerRegistrationChangeRecord]
    spread.commit(records)
    assert leaders(spread) == [1, -1]
    assert [state.isr for state in spread.image.topic("t").partitions] == [(1,), (1,)], "nothing acknowledged is lost"
    assert spread.image.broker(1).log_dirs == (A,)
    assert [spread.image.is_online(state, 1) for state in spread.image.topic("t").partitions] == [True, False]
    assert spread.controller.lose_directories(1, spread.epoch, {B}) == []


def test_another_replica_takes_over(make_cluster: Any) -> None:
    cluster = make_cluster(3)
    create(cluster, [1, 2], [2, 1])
    cluster.commit(cluster.controller.lose_directories(1, cluster.image.broker(1).epoch, {UUID(int=9001), A}))
    assert leaders(cluster) == [2, 2]


def test_it_leads_again_when_the_directory_is_back(spread: Any) -> None:
    spread.commit(spread.controller.lose_directories(1, spread.epoch, {B}))
    register(spread, A)
    assert leaders(spread) == [1, -1]
    register(spread, A, B)
    assert leaders(spread) == [1, 1]


@pytest.mark.parametrize("clean", [True, False])
def test_a_directory_that_is_gone_at_a_start_is_lost(spread: Any, clean: bool) -> None:
    register(spread, A, clean=clean)
    assert leaders(spread) == [1, -1]
    register(spread, A, B, clean=clean)
    assert leaders(spread) == [1, 1]


def test_a_replica_without_its_directory_is_not_in_sync(make_cluster: Any) -> None:
    cluster = make_cluster(2)
    topic_id = create(cluster, [1, 2])
    cluster.commit(cluster.controller.lose_directories(2, cluster.image.broker(2).epoch, {UUID(int=9002), A}))
    cluster.commit([m.BrokerRegistrationChangeRecord(2, cluster.image.broker(2).epoch, log_dirs=[A])])
    state = cluster.image.partition("t", 0)
    assert state.isr == (1,)
    with pytest.raises(KafkaError) as refused:
        cluster.controller.change_isr(topic_id, 0, [1, 2], state.leader_epoch, state.partition_epoch)
    assert refused.value.code is ErrorCode.INELIGIBLE_REPLICA


def test_an_earlier_life_of_the_broker_loses_nothing(spread: Any) -> None:
    with pytest.raises(KafkaError) as refused:
        spread.controller.lose_directories(1, spread.epoch - 1, {B})
    assert refused.value.code is ErrorCode.STALE_BROKER_EPOCH
