"""How a consumer group's partitions are divided among its members: what an assignor is told, and which there are.

An assignor is a plain function of what it is told; equal input gives equal output, whatever the order of members.
Apache: ConsumerGroupPartitionAssignor, GroupSpec.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

Partitions = Mapping[UUID, Collection[int]]
Assignment = dict[UUID, set[int]]


@dataclass(frozen=True, slots=True)
class MemberSpec:
    """A member: the ids of the topics that it wants, and what it was to have so far."""

    instance_id: str | None
    subscribed: frozenset[UUID]
    assigned: Partitions


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """A group: its members, how many partitions each of their topics has, and whether all want the same topics."""

    members: Mapping[str, MemberSpec]
    partition_counts: Mapping[UUID, int]
    is_homogeneous: bool


Assignor = Callable[[GroupSpec], dict[str, Assignment]]
"""What each member is to have; who is left out gets nothing."""
