"""Partitions move between brokers, are led by whom somebody asks for, and brokers are forgotten."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kafkapy.metadata.reassignments import list_reassignments
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages import alter_partition_reassignments as apr
from kafkapy.protocol.messages import create_topics as ct
from kafkapy.protocol.messages import elect_leaders as el

PREFERRED, UNCLEAN = 0, 1


@pytest.fixture
def cluster(make_cluster: Any) -> Any:
    """Three brokers, and t-0 on the first two."""
    made = make_cluster(3)
    assignment = ct.CreatableReplicaAssignment(0, [1, 2])
    topic = ct.CreatableTopic("t", -1, -1, assignments=[assignment])
    made.commit(made.controller.create_topics(ct.CreateTopicsRequest(topics=[topic]))[0])
    return made


def state(cluster: Any) -> Any:
    return cluster.image.partition("t", 0)


def reassign(
    cluster: Any, replicas: list[int] | None, *, may_grow: bool = True, topic: str = "t", index: int = 0
) -> str:
    asked = apr.ReassignableTopic(topic, [apr.ReassignablePartition(index, replicas)])
    request = apr.AlterPartitionReassignmentsRequest(1000, may_grow, [asked])
    records, response = cluster.controller.alter_reassignments(request)
    cluster.commit(records)
    assert response.allow_replication_factor_change == may_grow
    return ErrorCode(response.responses[0].partitions[0].error_code).name


def moving(cluster: Any) -> list[tuple[str, int, list[int], list[int], list[int]]]:
    return [
        (topic.name, one.partition_index, one.replicas, one.adding_replicas, one.removing_replicas)
        for topic in list_reassignments(cluster.image, None)
        for one in topic.partitions
    ]


def elect(cluster: Any, kind: int, *partitions: int, topic: str = "t") -> list[str]:
    request = el.ElectLeadersRequest(kind, [el.TopicPartitions(topic, list(partitions))])
    records, response = cluster.controller.elect_leaders(request)
    cluster.commit(records)
    return [ErrorCode(one.error_code).name for one in response.replica_election_results[0].partition_result]


def leave(cluster: Any, broker_id: int) -> None:
    cluster.commit(cluster.controller.fence_broker(broker_id, cluster.image.broker(broker_id).epoch))


def come_back(cluster: Any, broker_id: int) -> None:
    cluster.commit(cluster.controller.unfence_broker(broker_id, cluster.image.broker(broker_id).epoch))


def test_another_order_is_there_at_once(cluster: Any) -> None:
    directories = dict(zip(state(cluster).replicas, state(cluster).directories, strict=True))
    assert reassign(cluster, [2, 1]) == "NONE"
    assert (state(cluster).replicas, state(cluster).leader, state(cluster).isr) == ((2, 1), 1, (1, 2))
    assert state(cluster).directories == (directories[2], directories[1])
    assert moving(cluster) == []


def test_replicas_that_go_go_at_once(cluster: Any) -> None:
    epoch = state(cluster).leader_epoch
    assert reassign(cluster, [2]) == "NONE"
    assert (state(cluster).replicas, state(cluster).leader, state(cluster).isr) == ((2,), 2, (2,))
    assert state(cluster).leader_epoch == epoch + 1


def test_a_new_replica_is_waited_for(cluster: Any) -> None:
    assert reassign(cluster, [3, 1]) == "NONE"
    assert moving(cluster) == [("t", 0, [3, 1, 2], [3], [2])]
    assert state(cluster).directories[0] == UUID(int=9003)
    assert list_reassignments(cluster.image, []) == []
    assert reassign(cluster, None) == "NONE"
    assert state(cluster).replicas == (1, 2)
    assert moving(cluster) == []
    assert reassign(cluster, None) == "NO_REASSIGNMENT_IN_PROGRESS"


def test_nothing_is_written_for_what_is_so_already(cluster: Any) -> None:
    epoch = state(cluster).partition_epoch
    assert reassign(cluster, [1, 2]) == "NONE"
    assert state(cluster).partition_epoch == epoch


def test_a_new_replica_that_is_in_sync_ends_it(cluster: Any) -> None:
    reassign(cluster, [3, 1])
    now = state(cluster)
    topic_id = cluster.image.topic("t").topic_id
    cluster.commit(cluster.controller.change_isr(topic_id, 0, [1, 2, 3], now.leader_epoch, now.partition_epoch))
    assert (state(cluster).replicas, set(state(cluster).isr), state(cluster).leader) == ((3, 1), {1, 3}, 1)
    assert moving(cluster) == []


@pytest.mark.parametrize(
    ("replicas", "options", "code"),
    [
        ([], {}, "INVALID_REPLICA_ASSIGNMENT"),
        ([1, 4], {}, "INVALID_REPLICA_ASSIGNMENT"),
        ([1, 1], {}, "INVALID_REPLICA_ASSIGNMENT"),
        ([1], {"may_grow": False}, "INVALID_REPLICATION_FACTOR"),
        ([1, 3], {"topic": "x"}, "UNKNOWN_TOPIC_OR_PARTITION"),
        ([1, 3], {"index": 7}, "UNKNOWN_TOPIC_OR_PARTITION"),
    ],
)
def test_what_is_refused(cluster: Any, replicas: list[int], options: dict[str, Any], code: str) -> None:
    assert reassign(cluster, replicas, **options) == code
    assert state(cluster).replicas == (1, 2)


def test_a_reassignment_that_would_lose_records_is_not_taken_back(cluster: Any) -> None:
    reassign(cluster, [1])
    reassign(cluster, [2, 3])
    now = state(cluster)
    topic_id = cluster.image.topic("t").topic_id
    cluster.commit(cluster.controller.change_isr(topic_id, 0, [1, 2], now.leader_epoch, now.partition_epoch))
    leave(cluster, 1)
    assert (state(cluster).leader, state(cluster).isr) == (2, (2,))
    assert reassign(cluster, None) == "INVALID_REPLICA_ASSIGNMENT"


def test_the_first_replica_leads_again(cluster: Any) -> None:
    assert elect(cluster, PREFERRED, 0) == ["ELECTION_NOT_NEEDED"]
    leave(cluster, 1)
    assert state(cluster).leader == 2
    come_back(cluster, 1)
    assert elect(cluster, PREFERRED, 0) == ["PREFERRED_LEADER_NOT_AVAILABLE"]  # it is not in sync yet
    now = state(cluster)
    topic_id = cluster.image.topic("t").topic_id
    cluster.commit(cluster.controller.change_isr(topic_id, 0, [2, 1], now.leader_epoch, now.partition_epoch))
    assert elect(cluster, PREFERRED, 0, 7) == ["NONE", "UNKNOWN_TOPIC_OR_PARTITION"]
    assert state(cluster).leader == 1
    assert elect(cluster, PREFERRED, 0, topic="x") == ["UNKNOWN_TOPIC_OR_PARTITION"]


def test_an_unclean_election_takes_who_is_there(cluster: Any) -> None:
    assert elect(cluster, UNCLEAN, 0) == ["ELECTION_NOT_NEEDED"]
    leave(cluster, 1)
    leave(cluster, 2)
    assert elect(cluster, UNCLEAN, 0) == ["ELIGIBLE_LEADERS_NOT_AVAILABLE"]
    come_back(cluster, 1)
    assert state(cluster).leader == -1
    assert elect(cluster, PREFERRED, 0) == ["PREFERRED_LEADER_NOT_AVAILABLE"]
    assert elect(cluster, UNCLEAN, 0) == ["NONE"]
    assert (state(cluster).leader, state(cluster).isr, state(cluster).leader_recovery_state) == (1, (1,), 1)


def test_all_partitions_but_those_that_need_none(cluster: Any) -> None:
    leave(cluster, 1)
    records, response = cluster.controller.elect_leaders(el.ElectLeadersRequest(PREFERRED, None))
    assert records == []
    [topic] = response.replica_election_results
    assert [one.error_code for one in topic.partition_result] == [ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE]


def test_an_election_that_there_is_not(cluster: Any) -> None:
    for kind in (2, -1):
        with pytest.raises(KafkaError, match=f"Unknown election type {kind}"):
            cluster.controller.elect_leaders(el.ElectLeadersRequest(kind, None))
    assert cluster.controller.elect_leaders(el.ElectLeadersRequest(2, []))[0] == []


def test_others_lead_what_a_forgotten_broker_led(cluster: Any) -> None:
    records, _ = cluster.controller.unregister_broker(1)
    cluster.commit(records)
    assert cluster.image.broker(1) is None
    assert (state(cluster).leader, state(cluster).isr) == (2, (2,))
    with pytest.raises(KafkaError, match="Broker ID 1 is not currently registered"):
        cluster.controller.unregister_broker(1)
