"""Divides a share group's partitions: each has about as many readers, and each member about as many partitions.

Members keep what they have, as far as that allows. Members that want different topics share each topic as if there
were no other. Apache: SimpleAssignor.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from kafkapy.coordinator.assignor import Assignment, Partitions

TopicPartition = tuple[UUID, int]


def assign_simple(
    subscribed: Mapping[str, Collection[UUID]], assigned: Mapping[str, Partitions], assignable: Partitions
) -> dict[str, Assignment]:
    """What each member is to have, by the topics that it wants and by what it was to have so far."""
    members = sorted(subscribed)
    owned = {
        member: {(topic_id, one) for topic_id, found in assigned.get(member, {}).items() for one in found}
        for member in members
    }
    shares: list[dict[str, set[TopicPartition]]] = []
    if len({frozenset(topics) for topics in subscribed.values()}) <= 1:
        wanted = subscribed[members[0]] if members else ()
        shares.append(_divide(_partitions(wanted, assignable), members, owned))
    else:
        for topic_id in sorted({topic_id for topics in subscribed.values() for topic_id in topics}):
            readers = [member for member in members if topic_id in subscribed[member]]
            shares.append(_divide(_partitions([topic_id], assignable), readers, owned))
    result: dict[str, Assignment] = {member: {} for member in members}
    for share in shares:
        for member, partitions in share.items():
            for topic_id, partition in partitions:
                result[member].setdefault(topic_id, set()).add(partition)
    return result


def _partitions(topics: Collection[UUID], assignable: Partitions) -> list[TopicPartition]:
    return [(topic_id, one) for topic_id in sorted(topics) for one in sorted(assignable.get(topic_id, ()))]


def _divide(
    partitions: Sequence[TopicPartition], members: Sequence[str], owned: Mapping[str, Collection[TopicPartition]]
) -> dict[str, set[TopicPartition]]:
    if not partitions or not members:
        return {}
    sharing = math.ceil(len(members) / len(partitions))
    each = sharing * len(partitions) / len(members)
    desired = {member: math.ceil(each * (index + 1)) - math.ceil(each * index) for index, member in enumerate(members)}
    readers: dict[TopicPartition, list[str]] = {partition: [] for partition in partitions}
    share: dict[str, set[TopicPartition]] = {member: set() for member in members}
    for member in members:
        for partition in partitions:
            # Whoever has more than is due gives back, and so does who reads what too many read.
            is_due = len(share[member]) < desired[member] and len(readers[partition]) < sharing
            if partition in owned[member] and is_due:
                share[member].add(partition)
                readers[partition].append(member)
    turn = 0
    for partition in partitions:
        passed = 0
        while len(readers[partition]) < sharing and passed < len(members):
            member = members[turn % len(members)]
            turn, passed = turn + 1, passed + 1
            if len(share[member]) < desired[member] and partition not in share[member]:
                share[member].add(partition)
                readers[partition].append(member)
                passed = 0
    return share
