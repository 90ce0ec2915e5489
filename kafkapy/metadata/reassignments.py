"""Partitions move to other brokers (KIP-455): AlterPartitionReassignments, ListPartitionReassignments.

A partition that moves has its new replicas beside the old ones until all that stay are in sync; then those that go are
dropped (`completed`). Where nothing has to be waited for, as with another order of the same brokers, that is at once.
Apache's classes: `ReplicationControlManager`, `PartitionReassignmentReplicas`, `PartitionReassignmentRevert`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from kafkapy.metadata.elections import elect
from kafkapy.metadata.image import ClusterImage
from kafkapy.metadata.partitions import PartitionState
from kafkapy.metadata.placement import default_directory
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages import alter_partition_reassignments as apr
from kafkapy.protocol.messages import list_partition_reassignments as lpr
from kafkapy.protocol.records.metadata import PartitionChangeRecord


class Assignment(NamedTuple):
    """Who has, and who is to have, a partition: `replicas` are all, `removing` and `adding` are among them."""

    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    removing: tuple[int, ...] = ()
    adding: tuple[int, ...] = ()

    @classmethod
    def of(cls, state: PartitionState) -> Assignment:
        return cls(state.replicas, state.isr, state.removing_replicas, state.adding_replicas)

    def completed(self) -> Assignment:
        """Without those that go, if all that stay are in sync; else as it is."""
        replicas = tuple(one for one in self.replicas if one not in self.removing)
        isr = tuple(one for one in self.isr if one not in self.removing)
        is_over = bool(self.removing or self.adding) and isr and set(replicas) <= set(isr)
        return Assignment(replicas, isr) if is_over else self


def alter_reassignments(
    image: ClusterImage, request: apr.AlterPartitionReassignmentsRequest
) -> tuple[list[PartitionChangeRecord], apr.AlterPartitionReassignmentsResponse]:
    """A record for each partition that gets other replicas, or stops on its way; one result for each."""
    records: list[PartitionChangeRecord] = []
    answer = apr.AlterPartitionReassignmentsResponse(
        allow_replication_factor_change=request.allow_replication_factor_change, error_message=None
    )
    for topic in request.topics:
        results = []
        for asked in topic.partitions:
            result = apr.ReassignablePartitionResponse(asked.partition_index, ErrorCode.NONE, None)
            try:
                may_grow = request.allow_replication_factor_change
                records += _alter(image, topic.name, asked, may_change_factor=may_grow)
            except KafkaError as error:
                result.error_code, result.error_message = error.code, error.why or None
            results.append(result)
        answer.responses.append(apr.ReassignableTopicResponse(topic.name, results))
    return records, answer


def list_reassignments(
    image: ClusterImage, topics: Sequence[lpr.ListPartitionReassignmentsTopics] | None
) -> list[lpr.OngoingTopicReassignment]:
    """The partitions that are on their way: of these, or of all."""
    if topics is None:
        topics = [
            lpr.ListPartitionReassignmentsTopics(topic.name, list(range(len(topic.partitions))))
            for topic in image.topics()
        ]
    found = []
    for topic in topics:
        states = [image.partition(topic.name, index) for index in topic.partition_indexes]
        moving = [
            lpr.OngoingPartitionReassignment(
                state.partition, list(state.replicas), list(state.adding_replicas), list(state.removing_replicas)
            )
            for state in states
            if state is not None and state.is_reassigned
        ]
        if moving:
            found.append(lpr.OngoingTopicReassignment(topic.name, moving))
    return found


def _alter(
    image: ClusterImage, name: str, asked: apr.ReassignablePartition, *, may_change_factor: bool
) -> list[PartitionChangeRecord]:
    topic = image.topic(name)
    state = None if topic is None else topic.partition(asked.partition_index)
    if topic is None or state is None:
        what = f"a topic named {name}" if topic is None else f"partition {name}:{asked.partition_index}"
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"Unable to find {what}.")
    if asked.replicas is None:
        return change_assignment(image, topic.topic_id, state, _reverted(name, state))
    _check_replicas(image, asked.replicas)
    if not may_change_factor:
        before = len({*state.replicas} - {*state.removing_replicas})
        if before != len(asked.replicas):
            why = f"The replication factor is changed from {before} to {len(asked.replicas)}"
            raise KafkaError(ErrorCode.INVALID_REPLICATION_FACTOR, why)
    removing = tuple(sorted({*state.replicas} - {*asked.replicas}))
    adding = tuple(sorted({*asked.replicas} - {*state.replicas}))
    wanted = Assignment((*asked.replicas, *removing), state.isr, removing, adding)
    return change_assignment(image, topic.topic_id, state, wanted.completed())


def _reverted(name: str, state: PartitionState) -> Assignment:
    """The assignment as it was before. Raises KafkaError if there is none, or nobody of it is in sync."""
    if not state.is_reassigned:
        raise KafkaError(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS)
    replicas = tuple(one for one in state.replicas if one not in state.adding_replicas)
    isr = tuple(one for one in state.isr if one not in state.adding_replicas)
    if not isr:
        why = "because it would require an unclean leader election."
        raise KafkaError(
            ErrorCode.INVALID_REPLICA_ASSIGNMENT,
            f"Unable to revert partition assignment for {name}:{state.partition} {why}",
        )
    return Assignment(replicas, isr)


def _check_replicas(image: ClusterImage, replicas: Sequence[int]) -> None:
    """Raise KafkaError(INVALID_REPLICA_ASSIGNMENT) unless these are registered brokers, each once."""
    why = None if replicas else "an empty replica list."
    before = None
    for replica in sorted(replicas):
        if image.broker(replica) is None:
            why = f"broker {replica}, but no such broker is registered."
        elif replica == before:
            why = f"the broker {replica} more than once."
        if why is not None:
            break
        before = replica
    if why is not None:
        raise KafkaError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, f"The manual partition assignment includes {why}")


def change_assignment(
    image: ClusterImage, topic_id: UUID, state: PartitionState, wanted: Assignment
) -> list[PartitionChangeRecord]:
    """The record that makes the partition's assignment `wanted`; none if it is."""
    if wanted == Assignment.of(state):
        return []
    record = PartitionChangeRecord(partition_id=state.partition, topic_id=topic_id)
    directories = [
        state.directory_of(replica) if replica in state.replicas else default_directory(image.broker(replica))
        for replica in wanted.replicas
    ]
    if wanted.replicas != state.replicas:
        record.replicas = list(wanted.replicas)
    if tuple(directories) != state.directories:
        record.directories = directories
    if wanted.isr != state.isr:
        record.isr = list(wanted.isr)
    if wanted.removing != state.removing_replicas:
        record.removing_replicas = list(wanted.removing)
    if wanted.adding != state.adding_replicas:
        record.adding_replicas = list(wanted.adding)
    if not {*state.replicas} <= {*wanted.replicas}:
        # Who is no replica any more must learn that it does not lead: the leader epoch grows in any case.
        after = state.changed_by(record)
        record.leader = elect(after, list(wanted.isr), lambda replica: image.is_online(after, replica))
    return [record]
