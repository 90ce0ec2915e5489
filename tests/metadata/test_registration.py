"""Brokers come and go, and what that does to the leaders of partitions; producer ids; placement over racks."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from kafkapy.metadata.bootstrap import SUPPORTED_FEATURES, bootstrap_records
from kafkapy.metadata.brokers import Endpoint
from kafkapy.metadata.placement import place_replicas
from kafkapy.metadata.registration import Registration
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.create_topics import CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest
from kafkapy.protocol.records import metadata as m

REGISTRATION = Registration(1, UUID(int=8), [Endpoint("P", "h", 1)], [UUID(int=9)], SUPPORTED_FEATURES, None, "cluster")


def create(cluster: Any, *replicas: list[int]) -> UUID:
    assignments = [CreatableReplicaAssignment(index, brokers) for index, brokers in enumerate(replicas)]
    request = CreateTopicsRequest(topics=[CreatableTopic("a", -1, -1, assignments)])
    records, response = cluster.controller.create_topics(request)
    cluster.commit(records)
    return UUID(bytes=response.topics[0].topic_id.bytes)


def states(cluster: Any) -> list[tuple[int, tuple[int, ...], int]]:
    return [(state.leader, state.isr, state.leader_epoch) for state in cluster.image.topic("a").partitions]


def code_of(call: Any, *arguments: Any) -> ErrorCode:
    with pytest.raises(KafkaError) as caught:
        call(*arguments)
    return caught.value.code


def test_the_single_broker_leads_again_after_a_clean_stop(cluster: Any) -> None:
    create(cluster, [1])
    epoch = cluster.image.broker(1).epoch
    cluster.commit(cluster.controller.begin_controlled_shutdown(1, epoch))
    assert states(cluster) == [(-1, (1,), 1)]
    cluster.add_broker(1)
    assert states(cluster) == [(1, (1,), 2)]
    assert cluster.image.broker(1).epoch > epoch


def test_the_single_broker_leads_in_a_new_epoch_after_a_crash(cluster: Any) -> None:
    create(cluster, [1])
    cluster.add_broker(1)
    assert states(cluster) == [(1, (1,), 2)]
    assert cluster.image.is_active(1)


def test_a_clean_stop_costs_no_epoch(cluster: Any) -> None:
    create(cluster, [1])
    again = dataclasses.replace(REGISTRATION, log_dirs=[UUID(int=9001)], cluster_id=None, stopped_cleanly=True)
    records, epoch = cluster.controller.register_broker(again, 90)
    cluster.commit(records)
    cluster.commit(cluster.controller.unfence_broker(1, epoch))
    assert states(cluster) == [(1, (1,), 0)]


def test_others_take_over_from_a_lost_broker(make_cluster: Any) -> None:
    cluster = make_cluster(3)
    create(cluster, [1, 2, 3], [2, 3, 1], [3, 1, 2])
    cluster.commit(cluster.controller.fence_broker(1, cluster.image.broker(1).epoch))
    assert states(cluster) == [(2, (2, 3), 1), (2, (2, 3), 0), (3, (3, 2), 0)]
    assert cluster.controller.fence_broker(1, cluster.image.broker(1).epoch) == []


def test_what_only_a_stopped_broker_has_waits_for_it(make_cluster: Any) -> None:
    cluster = make_cluster(2)
    create(cluster, [1, 2], [2, 1])
    request = CreateTopicsRequest(topics=[CreatableTopic("b", -1, -1, [CreatableReplicaAssignment(0, [1])])])
    cluster.commit(cluster.controller.create_topics(request)[0])
    cluster.commit(cluster.controller.stop_broker(1, cluster.image.broker(1).epoch))
    assert cluster.image.broker(1).is_fenced
    for _ in range(2):
        [alone] = cluster.image.topic("b").partitions
        assert [*states(cluster), (alone.leader, alone.isr, alone.leader_epoch)] == [
            (2, (2,), 1),
            (2, (2,), 0),
            (1, (1,), 0),
        ]
        cluster.commit(cluster.controller.unfence_broker(1, cluster.image.broker(1).epoch))


def test_a_partition_that_apache_left_without_in_sync_replicas_is_led_by_its_eligible_one(cluster: Any) -> None:
    topic_id = create(cluster, [1])
    cluster.commit(
        [
            m.PartitionChangeRecord(
                partition_id=0, topic_id=topic_id, isr=[], leader=-1, eligible_leader_replicas=[1], last_known_elr=[]
            ),
            m.FenceBrokerRecord(1, cluster.image.broker(1).epoch),
        ]
    )
    cluster.add_broker(1)
    assert states(cluster) == [(1, (1,), 2)]
    assert cluster.image.partition("a", 0).elr == ()


def test_a_leader_changes_its_in_sync_set(make_cluster: Any) -> None:
    cluster = make_cluster(2)
    topic_id = create(cluster, [1, 2])
    change = cluster.controller.change_isr
    cluster.commit(change(topic_id, 0, [1], 0, 0))
    assert states(cluster) == [(1, (1,), 0)]
    assert change(topic_id, 0, [1], 0, 1) == []
    assert code_of(change, topic_id, 0, [1, 2], 0, 0) is ErrorCode.INVALID_UPDATE_VERSION
    assert code_of(change, topic_id, 0, [1, 2], 1, 1) is ErrorCode.NOT_CONTROLLER
    assert code_of(change, topic_id, 0, [2], 0, 1) is ErrorCode.INVALID_REQUEST
    assert code_of(change, topic_id, 0, [1, 7], 0, 1) is ErrorCode.INVALID_REQUEST
    assert code_of(change, topic_id, 9, [1], 0, 1) is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert code_of(change, UUID(int=3), 0, [1], 0, 1) is ErrorCode.UNKNOWN_TOPIC_ID
    cluster.commit(cluster.controller.fence_broker(2, cluster.image.broker(2).epoch))
    assert code_of(change, topic_id, 0, [1, 2], 0, 1) is ErrorCode.INELIGIBLE_REPLICA


def test_a_registration_that_cannot_be(cluster: Any) -> None:
    register = cluster.controller.register_broker
    cluster.commit(bootstrap_records({"group.version": 1}))
    register(REGISTRATION, 9)
    for field, value, code in [
        ("cluster_id", "other", ErrorCode.INCONSISTENT_CLUSTER_ID),
        ("endpoints", [], ErrorCode.INVALID_REGISTRATION),
        ("log_dirs", [], ErrorCode.INVALID_REGISTRATION),
        ("features", {"metadata.version": (30, 30)}, ErrorCode.UNSUPPORTED_VERSION),
        ("features", {"group.version": (0, 1)}, ErrorCode.UNSUPPORTED_VERSION),
    ]:
        assert code_of(register, dataclasses.replace(REGISTRATION, **{field: value}), 9) is code


def test_the_same_incarnation_keeps_its_epoch(cluster: Any) -> None:
    records, epoch = cluster.controller.register_broker(REGISTRATION, 20)
    cluster.commit(records)
    _, again = cluster.controller.register_broker(REGISTRATION, 30)
    assert (epoch, again) == (20, 20)


def test_producer_ids_come_in_blocks_that_never_repeat(cluster: Any) -> None:
    epoch = cluster.image.broker(1).epoch
    blocks = []
    for _ in range(2):
        records, block = cluster.controller.allocate_producer_ids(1, epoch)
        cluster.commit(records)
        blocks.append(tuple(block))
    assert blocks == [(0, 999), (1000, 1999)]
    assert code_of(cluster.controller.allocate_producer_ids, 1, epoch + 1) is ErrorCode.STALE_BROKER_EPOCH
    assert code_of(cluster.controller.allocate_producer_ids, 7, epoch) is ErrorCode.BROKER_ID_NOT_REGISTERED


def test_placement_spreads_leaders_and_racks(cluster: Any) -> None:
    for broker_id, rack in [(2, "x"), (3, "x"), (4, "y"), (5, "y")]:
        cluster.add_broker(broker_id, rack)
    brokers = [broker for broker in cluster.image.brokers() if broker.rack]
    placed = place_replicas(brokers, 8, 2)
    assert Counter(replicas[0] for replicas in placed) == {2: 2, 3: 2, 4: 2, 5: 2}
    assert all(len(set(replicas)) == 2 for replicas in placed)
    rack_of = {broker.id: broker.rack for broker in brokers}
    assert all(rack_of[first] != rack_of[second] for first, second in placed[:4])


def test_fenced_brokers_hold_replicas_last_and_never_lead(make_cluster: Any) -> None:
    cluster = make_cluster(2)
    cluster.commit(cluster.controller.fence_broker(1, cluster.image.broker(1).epoch))
    assert place_replicas(cluster.image.brokers(), 2, 2) == [[2, 1], [2, 1]]
    cluster.commit(cluster.controller.fence_broker(2, cluster.image.broker(2).epoch))
    assert code_of(place_replicas, cluster.image.brokers(), 1, 1) is ErrorCode.INVALID_REPLICATION_FACTOR
