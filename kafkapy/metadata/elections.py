"""Who leads a partition, and who is in sync: the changes that follow when a broker comes, goes, or falls behind.

The rules: a leader is an active broker of the in-sync set that has the replica's directory; the leader stays as long as
it can; else the first replica in order of the assignment that can. A partition without such a broker has no leader, and
its last in-sync replica stays in the set, so that no acknowledged record is lost: unclean elections are refused. With
an empty in-sync set, as a cluster with KIP-966 may have, an eligible leader replica may lead. Apache's class:
`PartitionChangeBuilder`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from kafkapy.metadata.image import ClusterImage
from kafkapy.metadata.partitions import NO_LEADER, PartitionState
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.records.metadata import PartitionChangeRecord


def leave_to_others(
    image: ClusterImage, broker_id: int, is_lost: Callable[[UUID], bool] = lambda directory: True
) -> list[PartitionChangeRecord]:
    """The changes when `broker_id` can no longer lead or be in sync with what it has in directories that are lost."""
    changes = []
    for topic in image.topics():
        for state in topic.partitions:
            if broker_id not in state.isr and state.leader != broker_id:
                continue
            if not is_lost(state.directory_of(broker_id)):
                continue
            isr = [replica for replica in state.isr if replica != broker_id] or list(state.isr)
            leader = elect(state, isr, _online_except(image, state, broker_id))
            changes += _change(topic.topic_id, state, isr, leader)
    return changes


def lead_what_nobody_leads(image: ClusterImage, broker_id: int) -> list[PartitionChangeRecord]:
    """The changes when `broker_id` can lead again."""
    changes = []
    broker = image.broker(broker_id)
    for topic in image.topics():
        for state in topic.partitions:
            if state.leader != NO_LEADER or broker is None or not broker.has_online(state.directory_of(broker_id)):
                continue
            isr = list(state.isr)
            if not isr and broker_id in state.elr:
                isr = [broker_id]
            if broker_id in isr:
                leader = elect(state, isr, _online_or(image, state, broker_id))
                changes += _change(topic.topic_id, state, isr, leader)
    return changes


def change_isr(
    image: ClusterImage, topic_id: UUID, partition: int, isr: list[int], leader_epoch: int, partition_epoch: int
) -> list[PartitionChangeRecord]:
    """The change to the in-sync set that a leader asks for (AlterPartition, KIP-497).

    Raises KafkaError: UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION, FENCED_LEADER_EPOCH and INVALID_UPDATE_VERSION
    for a leader whose view is old, NOT_CONTROLLER for one whose view is newer than this, INVALID_REQUEST for a set
    that is not of replicas or lacks the leader, INELIGIBLE_REPLICA for one with a broker that is not active.
    """
    topic = image.topic_by_id(topic_id)
    if topic is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID, f"no topic has the id {topic_id}")
    state = topic.partition(partition)
    if state is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"topic {topic.name} has no partition {partition}")
    where = f"{topic.name}-{partition}"
    _check_epochs(where, state, leader_epoch, partition_epoch)
    if len(set(isr)) != len(isr) or not set(isr) <= set(state.replicas) or state.leader not in isr:
        why = f"{isr} is no in-sync set of {where}, which has replicas {list(state.replicas)}, leader {state.leader}"
        raise KafkaError(ErrorCode.INVALID_REQUEST, why)
    gone = [replica for replica in isr if replica not in state.isr and not image.is_online(state, replica)]
    if gone:
        why = f"{where}: brokers {gone} are fenced, shutting down, or without the directory"
        raise KafkaError(ErrorCode.INELIGIBLE_REPLICA, why)
    return _change(topic_id, state, isr, state.leader)


def elect(state: PartitionState, isr: list[int], can_lead: Callable[[int], bool]) -> int:
    """The leader out of `isr`: the present one if it can, else the first replica that can, else NO_LEADER."""
    for replica in (state.leader, *state.replicas):
        if replica in isr and can_lead(replica):
            return replica
    return NO_LEADER


def _check_epochs(where: str, state: PartitionState, leader_epoch: int, partition_epoch: int) -> None:
    if leader_epoch > state.leader_epoch or partition_epoch > state.partition_epoch:
        why = f"{where}: the leader knows epochs {leader_epoch}/{partition_epoch}, newer than this controller's"
        raise KafkaError(ErrorCode.NOT_CONTROLLER, why)
    if leader_epoch < state.leader_epoch:
        why = f"{where}: leader epoch is {state.leader_epoch}, the request says {leader_epoch}"
        raise KafkaError(ErrorCode.FENCED_LEADER_EPOCH, why)
    if partition_epoch < state.partition_epoch:
        why = f"{where}: partition epoch is {state.partition_epoch}, the request says {partition_epoch}"
        raise KafkaError(ErrorCode.INVALID_UPDATE_VERSION, why)


def _online_except(image: ClusterImage, state: PartitionState, broker_id: int) -> Callable[[int], bool]:
    return lambda replica: replica != broker_id and image.is_online(state, replica)


def _online_or(image: ClusterImage, state: PartitionState, broker_id: int) -> Callable[[int], bool]:
    return lambda replica: replica == broker_id or image.is_online(state, replica)


def _change(topic_id: UUID, state: PartitionState, isr: list[int], leader: int) -> list[Any]:
    record = PartitionChangeRecord(partition_id=state.partition, topic_id=topic_id)
    unchanged = True
    if leader != state.leader:
        record.leader, unchanged = leader, False
    if tuple(isr) != state.isr:
        record.isr, unchanged = list(isr), False
        elr = [replica for replica in state.elr if replica not in isr]
        if tuple(elr) != state.elr:
            record.eligible_leader_replicas = elr
        if state.last_known_elr:
            record.last_known_elr = []
    return [] if unchanged else [record]
