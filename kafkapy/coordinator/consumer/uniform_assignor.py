"""The `uniform` assignor: members have equally many partitions, and keep what they have as far as that allows.

Where all want the same topics, counting is enough; where they do not, partitions are moved from the fullest to the
emptiest until that helps no more. Apache: UniformAssignor and its two builders.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from kafkapy.coordinator.assignor import Assignment, GroupSpec

_MOST_ROUNDS = 16  # a round halves the imbalance or so; members whose topics overlap oddly may never be quite even
_NOBODY = -1


def assign_uniform(group: GroupSpec) -> dict[str, Assignment]:
    """Divide evenly and move little."""
    if not group.members:
        return {}
    return _assign_homogeneous(group) if group.is_homogeneous else _Heterogeneous(group).assign()


def _assign_homogeneous(group: GroupSpec) -> dict[str, Assignment]:
    member_ids = sorted(group.members)
    topics = group.members[member_ids[0]].subscribed
    if not topics:
        return {}
    owned = {(t, p) for member in group.members.values() for t, found in member.assigned.items() for p in found}
    everything = [(t, p) for t in sorted(topics) for p in range(group.partition_counts[t])]
    unassigned = [one for one in everything if one not in owned]
    quota, extras = divmod(len(everything), len(member_ids))
    result: dict[str, Assignment] = {}
    hungry: list[tuple[str, int]] = []
    for index, member_id in enumerate(member_ids):
        room = quota + 1 if extras else quota
        kept = result[member_id] = {}
        for topic_id, found in sorted(group.members[member_id].assigned.items()):
            if topic_id not in topics:
                continue
            for partition in sorted(found):
                if room > 0:
                    room -= 1
                    kept.setdefault(topic_id, set()).add(partition)
                else:
                    unassigned.append((topic_id, partition))
        takes_extra = extras > 0
        if room > 0 and takes_extra and len(member_ids) - index > extras:
            # Another member may hold one more already, and need not give it up then.
            room, takes_extra = room - 1, False
        if room > 0:
            hungry.append((member_id, room))
        if takes_extra:
            extras -= 1
    rest = iter(unassigned)
    for member_id, room in hungry:
        for _, (topic_id, partition) in zip(range(room), rest, strict=False):
            result[member_id].setdefault(topic_id, set()).add(partition)
    return result


class _Heterogeneous:
    """Members that want different topics: an even division as far as their wishes allow it."""

    def __init__(self, group: GroupSpec) -> None:
        self._group = group
        self._member_ids = sorted(group.members)
        self._subscribers: dict[UUID, list[int]] = {}
        for index, member_id in enumerate(self._member_ids):
            for topic_id in group.members[member_id].subscribed:
                self._subscribers.setdefault(topic_id, []).append(index)
        self._sizes = [0] * len(self._member_ids)
        self._owners = {topic_id: [_NOBODY] * group.partition_counts[topic_id] for topic_id in self._subscribers}

    def assign(self) -> dict[str, Assignment]:
        self._keep()
        in_order = self._sorted(self._subscribers)
        for topic_id in in_order:
            self._fill(topic_id)
        self._balance([topic_id for topic_id in in_order if len(self._subscribers[topic_id]) > 1])
        result: dict[str, Assignment] = {member_id: {} for member_id in self._member_ids}
        for topic_id, owners in self._owners.items():
            for partition, owner in enumerate(owners):
                result[self._member_ids[owner]].setdefault(topic_id, set()).add(partition)
        return result

    def _keep(self) -> None:
        """Begin with what members have and still want."""
        for index, member_id in enumerate(self._member_ids):
            member = self._group.members[member_id]
            for topic_id, found in member.assigned.items():
                if topic_id in member.subscribed:
                    owners = self._owners[topic_id]
                    for partition in found:
                        if partition < len(owners) and owners[partition] == _NOBODY:
                            self._give(topic_id, partition, index)

    def _sorted(self, topic_ids: Sequence[UUID] | dict[UUID, list[int]]) -> list[UUID]:
        """First the topics that leave least choice: many partitions for each of few subscribers."""

        def place(topic_id: UUID) -> tuple[float, int, UUID]:
            subscribers = len(self._subscribers[topic_id])
            return -len(self._owners[topic_id]) / subscribers, subscribers, topic_id

        return sorted(topic_ids, key=place)

    def _give(self, topic_id: UUID, partition: int, index: int) -> None:
        before = self._owners[topic_id][partition]
        if before != _NOBODY:
            self._sizes[before] -= 1
        self._owners[topic_id][partition] = index
        self._sizes[index] += 1

    def _fill(self, topic_id: UUID) -> None:
        levels = _Levels(self._sizes, self._subscribers[topic_id])
        for partition, owner in enumerate(self._owners[topic_id]):
            if owner == _NOBODY:
                self._give(topic_id, partition, levels.next_emptiest())

    def _balance(self, topic_ids: list[UUID]) -> None:
        last_changed = None
        for _ in range(_MOST_ROUNDS):
            for topic_id in topic_ids:
                if topic_id == last_changed:
                    return  # once around, and nothing else could be moved
                if self._balance_topic(topic_id) or last_changed is None:
                    last_changed = topic_id

    def _balance_topic(self, topic_id: UUID) -> int:
        """Move partitions of one topic from its fullest to its emptiest subscribers; the result is how many."""
        subscribers = self._subscribers[topic_id]
        sizes = [self._sizes[index] for index in subscribers]
        if max(sizes) - min(sizes) <= 1:
            return 0
        levels = _Levels(self._sizes, subscribers)
        held: dict[int, list[int]] = {}
        for partition, owner in enumerate(self._owners[topic_id]):
            held.setdefault(owner, []).append(partition)
        moved = 0
        while not levels.is_balanced:
            fullest = levels.next_fullest()
            while fullest is not None and not held.get(fullest):
                levels.exclude_fullest()
                fullest = levels.next_fullest()
            if fullest is None:
                break
            partition = held[fullest].pop()
            emptiest = levels.next_emptiest()
            if levels.is_balanced:
                break
            self._give(topic_id, partition, emptiest)
            moved += 1
        return moved


class _Levels:
    """Members by how much they have: the emptiest are filled level by level, the fullest are drained likewise.

    Each side is a range of `_in_order` whose members have equally much; asking for the next one supposes that it gets
    or gives one partition. `sizes` follows meanwhile, and is only read of members that were not asked for yet.
    """

    def __init__(self, sizes: list[int], members: list[int]) -> None:
        self._sizes = sizes
        self._in_order = sorted(members, key=lambda index: (sizes[index], index))
        self._low_end = 0
        self._low_level = sizes[self._in_order[0]] - 1
        self._next_low = 0
        self._high_start = self._high_end = len(self._in_order)
        self._high_level = sizes[self._in_order[-1]] + 1
        self._next_high = len(self._in_order) - 1

    @property
    def is_balanced(self) -> bool:
        return self._high_level - self._low_level <= 1

    def next_emptiest(self) -> int:
        if self._next_low >= self._low_end:
            self._low_level += 1
            while self._low_end < len(self._in_order) and self._size_at(self._low_end) == self._low_level:
                self._low_end += 1
            self._next_low = 0
        self._next_low += 1
        return self._in_order[self._next_low - 1]

    def next_fullest(self) -> int | None:
        """The member to take one from; None if nobody is left who has any."""
        if self._next_high < self._high_start:
            if self._high_end <= self._high_start and self._high_start > 0:
                # All of the range were excluded: go on with whoever is below them.
                self._high_level = self._size_at(self._high_start - 1)
            else:
                self._high_level -= 1
            while self._high_start > 0 and self._size_at(self._high_start - 1) == self._high_level:
                self._high_start -= 1
            self._next_high = self._high_end - 1
        if self._next_high < 0:
            return None
        self._next_high -= 1
        return self._in_order[self._next_high + 1]

    def exclude_fullest(self) -> None:
        """Leave out the member that `next_fullest` gave last: it has nothing of this topic to give."""
        at, last = self._next_high + 1, self._high_end - 1
        self._in_order[at], self._in_order[last] = self._in_order[last], self._in_order[at]
        self._high_end -= 1

    def _size_at(self, place: int) -> int:
        return self._sizes[self._in_order[place]]
