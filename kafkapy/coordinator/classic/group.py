"""One classic group: its state, its members, and the rules that need nothing else.

    Empty ──join──▶ PreparingRebalance ──all joined──▶ CompletingRebalance ──leader synced──▶ Stable
      ▲                │      ▲                               │                                │
      └───all left─────┘      └────── join, leave, death, changed metadata ────────────────────┘

A group holds no clock and sets no deadline (`rebalance.py` does); it never writes a record. Apache: ClassicGroup.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Collection
from enum import StrEnum

from kafkapy.coordinator.classic.member import Member, MemberProtocol
from kafkapy.coordinator.promise import Promise
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.join_group import JoinGroupResponse, JoinGroupResponseMember
from kafkapy.protocol.records.groups import GroupMetadataValue, MemberMetadata

CONSUMER_PROTOCOL_TYPE = "consumer"
NO_MEMBER_ID = ""
_NO_TIMESTAMP = -1


class GroupState(StrEnum):
    """What a group is doing, by the name that DescribeGroups and ListGroups show."""

    EMPTY = "Empty"
    PREPARING_REBALANCE = "PreparingRebalance"
    COMPLETING_REBALANCE = "CompletingRebalance"
    STABLE = "Stable"
    DEAD = "Dead"


_COMES_FROM = {
    GroupState.EMPTY: {GroupState.PREPARING_REBALANCE},
    GroupState.PREPARING_REBALANCE: {GroupState.EMPTY, GroupState.COMPLETING_REBALANCE, GroupState.STABLE},
    GroupState.COMPLETING_REBALANCE: {GroupState.PREPARING_REBALANCE},
    GroupState.STABLE: {GroupState.COMPLETING_REBALANCE},
    GroupState.DEAD: set(GroupState),
}


class ClassicGroup:
    """A group whose members divide the work among themselves. Without a protocol type it only stores offsets."""

    def __init__(self, group_id: str, now_ms: int) -> None:
        self.group_id = group_id
        self.state = GroupState.EMPTY
        self.previous_state = GroupState.DEAD
        self.state_since_ms: int | None = now_ms
        self.generation = 0
        self.protocol_type: str | None = None
        self.protocol: str | None = None
        self.leader_id: str | None = None
        self.members: dict[str, Member] = {}
        self.static_members: dict[str, str] = {}  # instance id -> member id
        self.pending_joins: set[str] = set()  # ids handed out, whose members have not come back with them
        self.pending_syncs: set[str] = set()  # members that know this generation and have not synced
        self.subscribed_topics: set[str] | None = None  # None: not known, or not a consumer group
        self.has_new_member = False  # one came while the initial rebalance was being delayed
        self._shared_protocols: frozenset[str] | None = None  # those that all members know; None: to be looked for

    @classmethod
    def restore(cls, group_id: str, value: GroupMetadataValue) -> ClassicGroup:
        """The group as its last record has it: Stable with its members, or Empty."""
        group = cls(group_id, value.current_state_timestamp)
        if value.current_state_timestamp == _NO_TIMESTAMP:
            group.state_since_ms = None
        group.generation = value.generation
        group.protocol_type = value.protocol_type or None
        group.protocol = value.protocol
        group.leader_id = value.leader
        for member in value.members:
            rebalance_timeout_ms = member.rebalance_timeout
            group.admit(
                Member(
                    member.member_id,
                    member.group_instance_id,
                    member.client_id,
                    member.client_host,
                    member.session_timeout if rebalance_timeout_ms < 0 else rebalance_timeout_ms,
                    member.session_timeout,
                    value.protocol_type,
                    [MemberProtocol(value.protocol or "", bytes(member.subscription))],
                    bytes(member.assignment),
                )
            )
        if group.members:
            group.state = GroupState.STABLE
        group.find_subscribed_topics()
        return group

    def snapshot(self, assignments: dict[str, bytes]) -> GroupMetadataValue:
        """What the group's record says, with `assignments` by member id; a member without one has an empty one."""
        return GroupMetadataValue(
            protocol_type=self.protocol_type or "",
            generation=self.generation,
            protocol=self.protocol,
            leader=self.leader_id,
            current_state_timestamp=_NO_TIMESTAMP if self.state_since_ms is None else self.state_since_ms,
            members=[
                MemberMetadata(
                    member_id=member.member_id,
                    group_instance_id=member.group_instance_id,
                    client_id=member.client_id,
                    client_host=member.client_host,
                    rebalance_timeout=member.rebalance_timeout_ms,
                    session_timeout=member.session_timeout_ms,
                    subscription=member.metadata(self.protocol or ""),
                    assignment=assignments.get(member.member_id, b""),
                )
                for member in self.members.values()
            ],
        )

    # State

    def transition_to(self, state: GroupState, now_ms: int) -> None:
        if self.state not in _COMES_FROM[state]:
            raise RuntimeError(f"group {self.group_id} cannot go from {self.state} to {state}")
        self.previous_state, self.state = self.state, state
        self.state_since_ms = now_ms

    @property
    def can_rebalance(self) -> bool:
        return self.state in _COMES_FROM[GroupState.PREPARING_REBALANCE]

    @property
    def rebalance_timeout_ms(self) -> int:
        """As long as the slowest member asks for."""
        return max((member.rebalance_timeout_ms for member in self.members.values()), default=0)

    @property
    def has_all_members_joined(self) -> bool:
        return not self.pending_joins and all(m.waiting_join is not None for m in self.members.values())

    @property
    def joins_waiting(self) -> int:
        return sum(member.waiting_join is not None for member in self.members.values())

    @property
    def assignments(self) -> dict[str, bytes]:
        return {member.member_id: member.assignment for member in self.members.values()}

    def start_next_generation(self, now_ms: int) -> None:
        """Count the generation up; choose its protocol, or be Empty if nobody is left."""
        self.generation += 1
        self.protocol = self.select_protocol() if self.members else None
        self.find_subscribed_topics()
        self.transition_to(GroupState.COMPLETING_REBALANCE if self.members else GroupState.EMPTY, now_ms)
        self.pending_syncs.clear()

    # Members

    def add(self, member: Member, reply: Promise[JoinGroupResponse]) -> None:
        """Take in a member that the group's protocols suit, with its JoinGroup parked."""
        if not self.members:
            self.protocol_type = member.protocol_type
        self.admit(member)
        member.wait_for_join(reply)
        self.pending_joins.discard(member.member_id)

    def admit(self, member: Member) -> None:
        """Take in a member that joined before."""
        if member.group_instance_id is not None:
            self.static_members[member.group_instance_id] = member.member_id
        if self.leader_id is None:
            self.leader_id = member.member_id
        if self._shared_protocols is not None:
            self._shared_protocols = self._shared_protocols & member.protocol_names if self.members else None
        self.members[member.member_id] = member

    def remove(self, member_id: str) -> None:
        """Drop a member, pending or real, if there is one. What it waits for is answered with UNKNOWN_MEMBER_ID."""
        member = self.members.pop(member_id, None)
        if member is not None:
            self._shared_protocols = None
            if member.group_instance_id is not None:
                del self.static_members[member.group_instance_id]
            # With no member id told: if the client is alive after all, it joins as a new member.
            member.dismiss(ErrorCode.UNKNOWN_MEMBER_ID, told_id=NO_MEMBER_ID)
        if self.leader_id == member_id:
            self.leader_id = next(iter(self.members), None)
        self.pending_joins.discard(member_id)
        self.pending_syncs.discard(member_id)

    def replace_static(self, old_id: str, new_id: str) -> Member:
        """Let the static member go on under a new id, and fence whoever still waits under the old one (KIP-345)."""
        old = self.members.pop(old_id)
        assert old.group_instance_id is not None
        old.dismiss(ErrorCode.FENCED_INSTANCE_ID, told_id=old_id)
        new = Member(
            new_id,
            old.group_instance_id,
            old.client_id,
            old.client_host,
            old.rebalance_timeout_ms,
            old.session_timeout_ms,
            old.protocol_type,
            old.protocols,
            old.assignment,
        )
        self.members[new_id] = new
        self.static_members[old.group_instance_id] = new_id
        if self.leader_id == old_id:
            self.leader_id = new_id
        # A sync that the old id still owed is owed by the new one: its client joins, and then syncs.
        if old_id in self.pending_syncs:
            self.pending_syncs.remove(old_id)
            self.pending_syncs.add(new_id)
        return new

    def elect_joined_leader(self) -> bool:
        """Make sure that the leader is one who joined; False if nobody did."""
        if self.leader_id is None:
            return False
        leader = self.members.get(self.leader_id)
        if leader is None or leader.waiting_join is None:
            joined = next((m.member_id for m in self.members.values() if m.waiting_join is not None), None)
            if joined is None:
                return False
            self.leader_id = joined
        return True

    def check_member(self, member_id: str, group_instance_id: str | None) -> Member:
        """The member. Raises KafkaError: UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID if another took its instance id."""
        if group_instance_id is not None:
            holder = self.static_members.get(group_instance_id)
            if holder is not None and holder != member_id:
                why = f"instance {group_instance_id} of group {self.group_id} is now member {holder}, not {member_id}"
                raise KafkaError(ErrorCode.FENCED_INSTANCE_ID, why)
            if holder is None:
                why = f"group {self.group_id} has no instance {group_instance_id}; join it again"
                raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, why)
        member = self.members.get(member_id)
        if member is None:
            why = f"group {self.group_id} has no member {member_id!r}; join it again"
            raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, why)
        return member

    def check_generation(self, generation: int) -> None:
        """Raises KafkaError(ILLEGAL_GENERATION) if the group has moved on, or never was there."""
        if generation != self.generation:
            why = f"group {self.group_id} is at generation {self.generation}, not {generation}; join it again"
            raise KafkaError(ErrorCode.ILLEGAL_GENERATION, why)

    def check_alive(self) -> None:
        """Raises KafkaError(COORDINATOR_NOT_AVAILABLE) if this coordinator gave the group up."""
        if self.state is GroupState.DEAD:
            why = f"group {self.group_id} is being handed to another coordinator; look for it again"
            raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, why)

    def check_commit(self, member_id: str, group_instance_id: str | None, generation: int) -> None:
        """Raise KafkaError if offsets may not be committed so. Outsiders commit (generation -1) while it is Empty."""
        self.check_alive()
        if generation < 0 and self.state is GroupState.EMPTY:
            return
        if generation < 0 and not member_id and group_instance_id is None:
            why = f"group {self.group_id} has members, so only they commit its offsets; stop them or join"
            raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, why)
        self.check_member(member_id, group_instance_id)
        self.check_generation(generation)
        if self.state is GroupState.COMPLETING_REBALANCE:
            # The member has joined this generation and not synced, so what it commits was not assigned to it now.
            raise KafkaError(ErrorCode.REBALANCE_IN_PROGRESS, f"group {self.group_id} is rebalancing; sync first")

    def check_transactional_commit(self, member_id: str, group_instance_id: str | None, generation: int) -> None:
        """The same in a transaction: older producers do not say who consumes, and a rebalance does not matter."""
        self.check_alive()
        if generation < 0 and (self.state is GroupState.EMPTY or (not member_id and group_instance_id is None)):
            return
        self.check_member(member_id, group_instance_id)
        self.check_generation(generation)

    # Protocols

    def supports(self, protocol_type: str, names: Collection[str]) -> bool:
        """Whether a member with these protocols can be in the group: the type is its own, and all share a protocol."""
        if self.state is GroupState.EMPTY:
            return bool(protocol_type) and bool(names)
        if protocol_type != self.protocol_type:
            return False
        return not self.shared_protocols.isdisjoint(names) if self.members else bool(names)

    def select_protocol(self) -> str:
        """The protocol that most members like best among those that all of them know."""
        votes = Counter(member.vote(self.shared_protocols) for member in self.members.values())
        return votes.most_common(1)[0][0]

    @property
    def shared_protocols(self) -> frozenset[str]:
        """The protocols that every member knows."""
        if self._shared_protocols is None:
            self._shared_protocols = frozenset.intersection(*(m.protocol_names for m in self.members.values()))
        return self._shared_protocols

    def change_protocols(self, member: Member, protocols: list[MemberProtocol]) -> None:
        """Let the member know these protocols from now on."""
        if protocols != member.protocols:
            member.protocols = protocols
            self._shared_protocols = None

    @property
    def listing(self) -> list[JoinGroupResponseMember]:
        """The members with what they said under the chosen protocol: what the leader is told."""
        return [
            JoinGroupResponseMember(m.member_id, m.group_instance_id, m.metadata(self.protocol or ""))
            for m in self.members.values()
        ]

    def is_subscribed_to(self, topic: str) -> bool:
        """Whether consumers of the group read the topic; said of every topic while it is not known."""
        if self.subscribed_topics is not None:
            return topic in self.subscribed_topics
        return self.protocol_type == CONSUMER_PROTOCOL_TYPE

    @property
    def offsets_may_expire(self) -> bool:
        """Offsets expire while nobody can need them: nobody is there, or it is known who reads which topic."""
        if self.protocol_type is None or self.state is GroupState.EMPTY:
            return True
        is_consumer = self.protocol_type == CONSUMER_PROTOCOL_TYPE
        return is_consumer and self.subscribed_topics is not None and self.state is GroupState.STABLE

    def unused_since_ms(self, commit_timestamp_ms: int) -> int:
        """Since when nobody used an offset that was committed then."""
        is_left = self.protocol_type is not None and self.state is GroupState.EMPTY
        return commit_timestamp_ms if not is_left or self.state_since_ms is None else self.state_since_ms

    @property
    def is_empty(self) -> bool:
        return self.state is GroupState.EMPTY

    def find_subscribed_topics(self) -> None:
        """Look into what members said under the protocol, for the topics that they read."""
        self.subscribed_topics = self._subscribed_topics()

    def _subscribed_topics(self) -> set[str] | None:
        if self.protocol_type != CONSUMER_PROTOCOL_TYPE:
            return None
        if not self.members:
            return set()
        if self.protocol is None:
            return None
        topics: set[str] = set()
        for member in self.members.values():
            subscription = _read_topics(member.metadata(self.protocol))
            if subscription is None:
                return None
            topics |= subscription
        return topics


def _read_topics(subscription: bytes) -> set[str] | None:
    """The topics of a consumer's subscription, of any version: each begins like version 0. None: it is not one.

    The only look that is taken into a member's metadata, and nothing but the expiry of offsets depends on it.
    """
    try:
        (count,) = struct.unpack_from(">i", subscription, 2)
        position, topics = 6, set()
        for _ in range(count):
            (size,) = struct.unpack_from(">h", subscription, position)
            position += 2 + size
            if size < 0 or position > len(subscription):
                return None
            topics.add(subscription[position - size : position].decode())
    except (struct.error, UnicodeDecodeError):
        return None
    return topics
