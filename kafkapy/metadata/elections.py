"""Who leads a partition, and who is in sync: the changes that follow when a broker comes, goes, or falls behind.

The rules: a leader is an active broker of the in-sync set that has the replica's directory; the leader stays as long as
it can; else the first replica in order of the assignment that can. A partition without such a broker has no leader, and
its last in-sync replica stays in the set, so that no acknowledged record is lost: an election is unclean only where
somebody asks for that (`elect_leaders`). With an empty in-sync set, as a cluster with KIP-966 may have, an eligible
leader replica may lead. Apache's class: `PartitionChangeBuilder`.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from kafkapy.metadata.image import ClusterImage
from kafkapy.metadata.partitions import NO_LEADER, PartitionState
from kafkapy.metadata.topics import Topic
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages import elect_leaders as el
from kafkapy.protocol.records.metadata import PartitionChangeRecord

PREFERRED, UNCLEAN = 0, 1
RECOVERING = 1  # of a leader that may lack acknowledged records


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
            changes += change_leader(topic.topic_id, state, isr, leader)
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
                changes += change_leader(topic.topic_id, state, isr, leader)
    return changes


def elect_leaders(
    image: ClusterImage, request: el.ElectLeadersRequest
) -> tuple[list[PartitionChangeRecord], el.ElectLeadersResponse]:
    """Partitions are led by their first replica again, or, uncleanly, by any replica that is there.

    Where all are meant, those that need no election are left out of the response.
    Raises KafkaError(INVALID_REQUEST) for a kind of election that there is not.
    """
    asked = request.topic_partitions
    if asked is None:
        asked = [el.TopicPartitions(topic.name, list(range(len(topic.partitions)))) for topic in image.topics()]
    if request.topic_partitions != [] and request.election_type not in (PREFERRED, UNCLEAN):
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"Unknown election type {request.election_type}")
    changes: list[PartitionChangeRecord] = []
    results = []
    for one in asked:
        partitions = []
        for index in one.partitions:
            result = el.PartitionResult(index, ErrorCode.NONE, None)
            try:
                changes.append(_elect_leader(image, one.topic, index, is_unclean=request.election_type == UNCLEAN))
            except KafkaError as error:
                if request.topic_partitions is None and error.code == ErrorCode.ELECTION_NOT_NEEDED:
                    continue
                result.error_code, result.error_message = error.code, error.why
            partitions.append(result)
        results.append(el.ReplicaElectionResult(one.topic, partitions))
    return changes, el.ElectLeadersResponse(replica_election_results=results)


def _elect_leader(image: ClusterImage, name: str, index: int, *, is_unclean: bool) -> PartitionChangeRecord:
    topic = image.topic(name)
    state = None if topic is None else topic.partition(index)
    if topic is None or state is None:
        why = f"No such topic as {name}" if topic is None else f"No such partition as {name}-{index}"
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, why)
    if state.leader == (state.leader if is_unclean else state.replicas[0]) != NO_LEADER:
        raise KafkaError(ErrorCode.ELECTION_NOT_NEEDED, "Leader election not needed for topic partition.")
    change = _clean_election(image, topic, state, prefers_first=not is_unclean)
    if change is None and is_unclean:
        change = _unclean_election(image, topic, state)
    if change is not None:
        return change
    if is_unclean:
        why = "Eligible topic partition leaders are not available."
        raise KafkaError(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE, why)
    raise KafkaError(ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE, "The preferred leader was not available.")


def _clean_election(
    image: ClusterImage, topic: Topic, state: PartitionState, *, prefers_first: bool
) -> PartitionChangeRecord | None:
    """The change to another leader that is in sync, or eligible where nobody is; None if there is no such change."""
    in_sync = list(state.isr or state.elr)
    leader = elect(state, in_sync, lambda replica: image.is_online(state, replica))
    if prefers_first and state.replicas[0] in in_sync and image.is_online(state, state.replicas[0]):
        leader = state.replicas[0]
    if leader in (state.leader, NO_LEADER):
        return None
    [change] = change_leader(topic.topic_id, state, list(state.isr) or [leader], leader)
    return change


def _unclean_election(image: ClusterImage, topic: Topic, state: PartitionState) -> PartitionChangeRecord | None:
    """The change to the first replica that is there, which may lack acknowledged records."""
    there = [replica for replica in state.replicas if image.is_online(state, replica)]
    if not there:
        return None
    [change] = change_leader(topic.topic_id, state, there[:1], there[0])
    change.leader_recovery_state = RECOVERING
    change.eligible_leader_replicas = [] if state.elr else None
    return change


def elect(state: PartitionState, isr: list[int], can_lead: Callable[[int], bool]) -> int:
    """The leader out of `isr`: the present one if it can, else the first replica that can, else NO_LEADER."""
    for replica in (state.leader, *state.replicas):
        if replica in isr and can_lead(replica):
            return replica
    return NO_LEADER


def _online_except(image: ClusterImage, state: PartitionState, broker_id: int) -> Callable[[int], bool]:
    return lambda replica: replica != broker_id and image.is_online(state, replica)


def _online_or(image: ClusterImage, state: PartitionState, broker_id: int) -> Callable[[int], bool]:
    return lambda replica: replica == broker_id or image.is_online(state, replica)


def change_leader(topic_id: UUID, state: PartitionState, isr: list[int], leader: int) -> list[PartitionChangeRecord]:
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
