"""One consumer group (KIP-848): its members and epochs, what each is to have, and what follows from them.

    Empty ──join──▶ Assigning ──assigned──▶ Reconciling ──all have what they are to have──▶ Stable

Everything here is what the replay of the group's records made of it, but for `refreshed`. Apache: ConsumerGroup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from uuid import UUID

from kafkapy.coordinator.assignor import Partitions
from kafkapy.coordinator.consumer.member import ConsumerMember, Epochs
from kafkapy.coordinator.kept_groups import Refresh
from kafkapy.coordinator.known_topics import KnownTopics
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.records.groups import ConsumerGroupRegularExpressionValue

_NO_PARTITIONS: Partitions = {}
_FIRST_EPOCH = 1
_CONSUMER_COMMITS_SINCE = 9  # OffsetCommit: the first version that can carry a member epoch


class ConsumerGroupState(StrEnum):
    """What a group is doing, by the name that ConsumerGroupDescribe and ListGroups show."""

    EMPTY = "Empty"
    ASSIGNING = "Assigning"
    RECONCILING = "Reconciling"
    STABLE = "Stable"


class Subscriptions:
    """Which topics members want, each by how many names and by how many regular expressions."""

    def __init__(self, members: Collection[ConsumerMember], resolved: Mapping[str, Collection[str]]) -> None:
        self._size = len(members)
        self.by_name = Counter(topic for member in members for topic in member.subscribed_topic_names)
        self.regexes = Counter(member.regex for member in members if member.regex is not None)
        self.by_regex = Counter(topic for topics in resolved.values() for topic in topics)

    @property
    def topics(self) -> set[str]:
        return {*self.by_name, *self.by_regex}

    @property
    def is_homogeneous(self) -> bool:
        """Whether all members want the same topics, as far as counting tells."""
        if not self.regexes:
            return not self.by_regex and all(count == self._size for count in self.by_name.values())
        if next(iter(self.regexes.values())) != self._size:
            return False
        return not self.by_name and all(count == 1 for count in self.by_regex.values())


class ConsumerGroup:
    """A group whose partitions the coordinator divides."""

    def __init__(self, group_id: str) -> None:
        self.group_id = group_id
        self.epoch = _FIRST_EPOCH
        self.metadata_hash = 0
        self.assignment_epoch = _FIRST_EPOCH
        self.assigned_at_ms = 0  # 0: never
        self.members: dict[str, ConsumerMember] = {}
        self.static_members: dict[str, str] = {}  # instance id -> member id
        self.targets: dict[str, Partitions] = {}  # by member id
        self.resolved: dict[str, ConsumerGroupRegularExpressionValue] = {}  # by regular expression
        self.regexes: Counter[str] = Counter()  # how many members subscribe by each
        self.has_partition_metadata = False  # a record from before Kafka 4.1 is to be deleted
        self.refreshed: Refresh | None = None
        self._owner_epochs: dict[UUID, dict[int, int]] = {}

    # Changed by replay alone

    def put(self, member: ConsumerMember) -> None:
        """Take the member in, or in the place of what it was."""
        before = self.members.get(member.member_id)
        self.members[member.member_id] = member
        if before is not None:
            self._forget(before)
        for partitions in (member.assigned, member.pending_revocation):
            self._own(partitions, member.member_epoch)
        if member.regex is not None:
            self.regexes[member.regex] += 1
        if member.instance_id is not None:
            self.static_members[member.instance_id] = member.member_id

    def remove(self, member_id: str) -> None:
        """Drop the member, if it is there."""
        member = self.members.pop(member_id, None)
        if member is None:
            return
        self._forget(member)
        if member.instance_id is not None and self.static_members.get(member.instance_id) == member_id:
            del self.static_members[member.instance_id]

    def _forget(self, member: ConsumerMember) -> None:
        for partitions in (member.assigned, member.pending_revocation):
            for topic_id, found in partitions.items():
                epochs = self._owner_epochs.get(topic_id, {})
                for partition in found:
                    # A static member's successor may own it already, in an epoch of its own.
                    if epochs.get(partition) == member.member_epoch:
                        del epochs[partition]
                if not epochs:
                    self._owner_epochs.pop(topic_id, None)
        if member.regex is not None:
            self.regexes[member.regex] -= 1
            if not self.regexes[member.regex]:
                del self.regexes[member.regex]

    def _own(self, partitions: Epochs, epoch: int) -> None:
        for topic_id, found in partitions.items():
            epochs = self._owner_epochs.setdefault(topic_id, {})
            for partition in found:
                epochs[partition] = epoch

    # Looked at

    @property
    def state(self) -> ConsumerGroupState:
        if not self.members:
            return ConsumerGroupState.EMPTY
        if self.epoch > self.assignment_epoch:
            return ConsumerGroupState.ASSIGNING
        if all(member.is_reconciled_to(self.assignment_epoch) for member in self.members.values()):
            return ConsumerGroupState.STABLE
        return ConsumerGroupState.RECONCILING

    @property
    def is_empty(self) -> bool:
        return not self.members

    def is_owned(self, topic_id: UUID, partition: int) -> bool:
        """Whether a member has the partition, or has yet to give it back."""
        return partition in self._owner_epochs.get(topic_id, ())

    def target_of(self, member_id: str) -> Partitions:
        return self.targets.get(member_id, _NO_PARTITIONS)

    def target_of_instance(self, member_id: str, instance_id: str | None) -> Partitions:
        """What a member is to have; for a static one, whoever had its instance id last."""
        if instance_id is None:
            return self.target_of(member_id)
        return self.target_of(self.static_members.get(instance_id, ""))

    def topics_of(self, member: ConsumerMember) -> set[str]:
        """The topics that the member wants; a regular expression that nobody looked at yet matches none."""
        resolved = self.resolved.get(member.regex) if member.regex is not None else None
        return {*member.subscribed_topic_names, *(() if resolved is None else resolved.topics)}

    def topic_ids_of(self, member: ConsumerMember, topics: KnownTopics) -> frozenset[UUID]:
        """The ids of those topics that the member wants and that exist."""
        found = map(topics.by_name, self.topics_of(member))
        return frozenset(topic.topic_id for topic in found if topic is not None)

    def members_with(self, joining: ConsumerMember | None) -> dict[str, ConsumerMember]:
        """The members by id; `joining` is in the place of what it was, and of whoever had its instance id."""
        if joining is None:
            return dict(self.members)
        replaced = self.static_members.get(joining.instance_id) if joining.instance_id is not None else None
        members = {member_id: member for member_id, member in self.members.items() if member_id != replaced}
        members[joining.member_id] = joining
        return members

    def subscriptions(self, joining: ConsumerMember | None = None, leaving: Iterable[str] = ()) -> Subscriptions:
        """Who wants what: with `joining` in the place of what it was, and without those who are leaving."""
        members = self.members_with(joining)
        for member_id in leaving:
            members.pop(member_id, None)
        wanted = {member.regex for member in members.values()}
        # What nobody subscribes by any more is deleted along with the change that this is asked for.
        resolved = {regex: value.topics for regex, value in self.resolved.items() if regex in wanted}
        return Subscriptions(members.values(), resolved)

    def is_subscribed_to(self, topic: str) -> bool:
        return any(topic in value.topics for value in self.resolved.values()) or any(
            topic in member.subscribed_topic_names for member in self.members.values()
        )

    def preferred_assignor(self, joining: ConsumerMember | None = None) -> str | None:
        """The server-side assignor that most members ask for, if any do."""
        members = self.members_with(joining).values()
        asked = Counter(member.server_assignor for member in members if member.server_assignor is not None)
        return max(sorted(asked), key=lambda name: asked[name], default=None)

    def must_refresh(self, topics: KnownTopics) -> bool:
        """Whether topics changed since they were looked at, or what was found then could not be written."""
        return self.refreshed is None or (
            self.refreshed.change_count != topics.change_count or self.epoch < self.refreshed.epoch
        )

    def waits_for_partitions(self, member: ConsumerMember) -> bool:
        """Whether something that the member is to have is still another's."""
        return any(
            partition not in member.assigned.get(topic_id, ()) and self.is_owned(topic_id, partition)
            for topic_id, partitions in self.target_of(member.member_id).items()
            for partition in partitions
        )

    # Members and their epochs

    def find(self, member_id: str) -> ConsumerMember:
        """The member. Raises KafkaError(UNKNOWN_MEMBER_ID)."""
        member = self.members.get(member_id)
        if member is None:
            raise KafkaError(
                ErrorCode.UNKNOWN_MEMBER_ID, f"Member {member_id} is not a member of group {self.group_id}."
            )
        return member

    # Offsets, which expire as long after their commit as it is configured

    @property
    def offsets_may_expire(self) -> bool:
        """It is always known who reads what."""
        return True

    def unused_since_ms(self, commit_timestamp_ms: int) -> int:
        """Since when nobody used an offset that was committed then."""
        return commit_timestamp_ms

    def find_static(self, instance_id: str) -> ConsumerMember | None:
        member_id = self.static_members.get(instance_id)
        return None if member_id is None else self.members[member_id]

    def check_commit(self, member_id: str, epoch: int, version: int) -> ConsumerMember | None:
        """Raise KafkaError if offsets may not be committed so.

        A member in the result is behind its group: `check_commit_of` says for which partitions that matters. While the
        group is empty, outsiders commit with epoch -1.
        """
        if epoch < 0 and self.is_empty:
            return None
        member = self.find(member_id)
        if not member.uses_classic_protocol and version < _CONSUMER_COMMITS_SINCE:
            why = f"a member of the consumer protocol commits with version {_CONSUMER_COMMITS_SINCE} or newer"
            raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, why)
        return _behind(member, epoch)

    def check_transactional_commit(
        self, member_id: str, group_instance_id: str | None, epoch: int
    ) -> ConsumerMember | None:
        """The same in a transaction: older producers do not say who consumes."""
        if epoch < 0 and (self.is_empty or (not member_id and group_instance_id is None)):
            return None
        return _behind(self.find(member_id), epoch)

    def check_fetch(self, member_id: str | None, epoch: int) -> None:
        """Raise KafkaError if a member with this epoch may not ask for offsets; outsiders have none and may."""
        if member_id is None and epoch < 0:
            return
        member = self.find(member_id or "")
        if epoch != member.member_epoch:
            raise _stale(member, f"member {member.member_id} is in epoch {member.member_epoch}, not {epoch}")


def _behind(member: ConsumerMember, epoch: int) -> ConsumerMember | None:
    if epoch > member.member_epoch:
        raise _stale(member, f"member {member.member_id} is in epoch {member.member_epoch}, not yet in {epoch}")
    return None if epoch == member.member_epoch else member


def check_commit_of(member: ConsumerMember, epoch: int, topic_id: UUID, partition: int) -> None:
    """Raise KafkaError unless the member, in an epoch gone by, had the partition and has kept it since."""
    since = member.assignment_epoch_of(topic_id, partition)
    if since is None:
        raise _stale(member, f"partition {partition} is not member {member.member_id}'s")
    if epoch < since:
        raise _stale(member, f"member {member.member_id} got partition {partition} in epoch {since}, after {epoch}")


def _stale(member: ConsumerMember, why: str) -> KafkaError:
    return KafkaError(
        ErrorCode.ILLEGAL_GENERATION if member.uses_classic_protocol else ErrorCode.STALE_MEMBER_EPOCH, why
    )
