"""Who is in sync with a partition, as its leader finds it: AlterPartition (KIP-497).

Apache's class: `ReplicationControlManager`.
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.metadata.elections import change_leader
from kafkapy.metadata.image import ClusterImage
from kafkapy.metadata.partitions import PartitionState
from kafkapy.metadata.reassignments import Assignment, change_assignment
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.records.metadata import PartitionChangeRecord


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
    return _changes(image, topic_id, state, isr)


def _changes(image: ClusterImage, topic_id: UUID, state: PartitionState, isr: list[int]) -> list[PartitionChangeRecord]:
    wanted = Assignment.of(state)._replace(isr=tuple(isr))
    completed = wanted.completed()
    if completed is not wanted:
        return change_assignment(image, topic_id, state, completed)
    return change_leader(topic_id, state, isr, state.leader)


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
