"""The `range` assignor: each topic is cut into ranges, one for each of its subscribers in order.

So partitions of the same number go to the same member, in all topics with equally many of them: what joins need.
Apache: RangeAssignor.
"""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from kafkapy.coordinator.assignor import Assignment, GroupSpec, MemberSpec


def assign_range(group: GroupSpec) -> dict[str, Assignment]:
    """Divide by ranges. Static members come first, in order of their instance ids, which outlive their member ids."""
    in_order = sorted(group.members.items(), key=_place)
    subscribers = Counter(topic_id for _, member in in_order for topic_id in member.subscribed)
    next_starts: dict[UUID, int] = {}
    extras: dict[UUID, int] = {}
    result: dict[str, Assignment] = {}
    for member_id, member in in_order:
        assignment = result[member_id] = {}
        for topic_id in member.subscribed:
            quota, rest = divmod(group.partition_counts[topic_id], subscribers[topic_id])
            taken = extras.get(topic_id, 0)
            if taken < rest:
                quota, extras[topic_id] = quota + 1, taken + 1
            start = next_starts.get(topic_id, 0)
            next_starts[topic_id] = start + quota
            if quota:
                assignment[topic_id] = set(range(start, start + quota))
    return result


def _place(item: tuple[str, MemberSpec]) -> tuple[bool, str]:
    member_id, member = item
    return (True, member_id) if member.instance_id is None else (False, member.instance_id)
