"""The members of share groups: who joins, stays and leaves, and what each of them is to read (KIP-932).

As with consumer groups, a heartbeat does it all. A partition is assigned once it has a state with the share
coordinator: whoever runs a heartbeat is told which are to get one, and says when they have. Apache:
GroupMetadataManager's part for share groups.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from uuid import UUID

from kafkapy.coordinator.assignor import Partitions
from kafkapy.coordinator.caller import Caller
from kafkapy.coordinator.group_settings import GroupSettings
from kafkapy.coordinator.kept_groups import Refresh
from kafkapy.coordinator.known_topics import KnownTopics, group_hash
from kafkapy.coordinator.outcome import Outcome, answered, once_appended, only_append
from kafkapy.coordinator.share.group import (
    LEAVING,
    ShareGroup,
    ShareGroups,
    ShareMember,
    StateOfTopic,
    StatePartitions,
)
from kafkapy.coordinator.share.records import (
    assignment_record,
    current_record,
    epoch_record,
    member_record,
    member_tombstones,
    states_record,
    target_record,
)
from kafkapy.coordinator.share.simple_assignor import assign_simple
from kafkapy.coordinator.timers import Timers
from kafkapy.protocol.batch import Record
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.share_group_heartbeat import (
    Assignment,
    ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse,
    TopicPartitions,
)

log = logging.getLogger(__name__)

_JOINING = 0
SIMPLE = "simple"


@dataclass(frozen=True)
class ShareGroupConfig:
    """The limits that all share groups obey; the names are those of the properties after `group.share.`."""

    max_size: int = 200
    initialize_retry_interval_ms: int = 30_000


@dataclass(frozen=True)
class ShareGroupContext:
    """What the coordinator of share groups is handed: configuration, and what the topics are."""

    config: ShareGroupConfig
    settings_of: Callable[[str], GroupSettings]
    topics: KnownTopics


class ToInitialize(NamedTuple):
    """Share partitions whose state is to begin, in this epoch; the offset is -1 where consumers' configuration says."""

    group_id: str
    state_epoch: int
    offsets: Mapping[UUID, Mapping[int, int]]


Answer = tuple[ShareGroupHeartbeatResponse, ToInitialize | None]


class ShareMembership:
    """The heartbeats of one shard's share groups, and the members that are fenced.

    `is_taken` says whether a group of another kind has an id.
    """

    def __init__(
        self, context: ShareGroupContext, timers: Timers, groups: ShareGroups, is_taken: Callable[[str], bool]
    ) -> None:
        self._context = context
        self._timers = timers
        self._groups = groups
        self._is_taken = is_taken

    def loaded(self, now_ms: int) -> None:
        """Members keep their epochs, and their sessions start over now."""
        for group in self._groups.all():
            for member_id in group.members:
                self._restart_session(group.group_id, member_id, now_ms)

    def unload(self) -> None:
        """Nobody is fenced here any more."""
        for group in self._groups.all():
            for member_id in group.members:
                self._timers.cancel(_session_key(group.group_id, member_id))

    def find(self, group_id: str) -> ShareGroup:
        """The group. Raises KafkaError(GROUP_ID_NOT_FOUND)."""
        group = self._groups.get(group_id)
        if group is None:
            is_other = self._is_taken(group_id)
            why = f"Group {group_id} is not a share group." if is_other else f"Group {group_id} not found."
            raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, why)
        return group

    def find_or_new(self, group_id: str) -> ShareGroup:
        """The group, or one that no record tells of yet. Raises KafkaError(GROUP_ID_NOT_FOUND)."""
        if self._groups.get(group_id) is None and not self._is_taken(group_id):
            return ShareGroup(group_id)
        return self.find(group_id)

    # Heartbeats

    def heartbeat(self, request: ShareGroupHeartbeatRequest, caller: Caller, now_ms: int) -> Outcome[Answer]:
        """Join, stay or leave, as the request's member epoch says."""
        try:
            _check(request)
            if request.member_epoch == LEAVING:
                return self._leave(request, now_ms)
            return self._beat(request, caller, now_ms)
        except KafkaError as error:
            return answered(_refused(error.code, error.why))

    def _leave(self, request: ShareGroupHeartbeatRequest, now_ms: int) -> Outcome[Answer]:
        group = self.find(request.group_id)
        records = self._remove(group, group.find(request.member_id), now_ms)
        response = ShareGroupHeartbeatResponse(member_id=request.member_id, member_epoch=request.member_epoch)
        return once_appended(records, (response, None), _refused)

    def _beat(self, request: ShareGroupHeartbeatRequest, caller: Caller, now_ms: int) -> Outcome[Answer]:
        group_id, member_id = request.group_id, request.member_id
        is_joining = request.member_epoch == _JOINING
        group = self.find_or_new(group_id) if is_joining else self.find(group_id)
        if len(group.members) >= self._context.config.max_size and member_id not in group.members:
            why = f"The share group has reached its maximum capacity of {self._context.config.max_size} members."
            raise KafkaError(ErrorCode.GROUP_MAX_SIZE_REACHED, why)
        before = group.members.get(member_id, ShareMember(member_id)) if is_joining else group.find(member_id)
        before.check_epoch(request.member_epoch)
        names = request.subscribed_topic_names
        after = replace(
            before,
            rack_id=before.rack_id if request.rack_id is None else request.rack_id,
            client_id=caller.client_id,
            client_host=caller.client_host,
            subscribed_topic_names=before.subscribed_topic_names if names is None else frozenset(names),
        )
        records: list[Record] = []
        if after != before or member_id not in group.members:
            records.append(member_record(group_id, after, now_ms))
        bumps = after.subscribed_topic_names != before.subscribed_topic_names
        bumps = bumps or (group.assignment_epoch >= group.epoch and self._has_new_states(group))
        epoch, bumps = self._next_epoch(group, after, bumps, records, now_ms)
        target_epoch, target = self._assign(group, epoch, after, records, now_ms)
        if target_epoch != after.member_epoch or bumps:
            after = self._reconciled(after, target_epoch, target)
            if (after.member_epoch, after.assigned) != (before.member_epoch, before.assigned):
                records.append(current_record(group_id, after, now_ms))
        self._restart_session(group_id, member_id, now_ms)
        response = ShareGroupHeartbeatResponse(
            member_id=member_id,
            member_epoch=after.member_epoch,
            heartbeat_interval_ms=self._context.settings_of(group_id).heartbeat_interval_ms,
        )
        if is_joining or names is not None or after.assigned != before.assigned:
            response.assignment = Assignment(
                [TopicPartitions(topic_id, sorted(found)) for topic_id, found in after.assigned.items()]
            )
        missing = self._without_state(group, group.topics(joining=after), now_ms)
        to_initialize = None
        if missing:
            records.append(states_record(group_id, with_initializing(group, missing), now_ms))
            offsets = {topic_id: dict.fromkeys(sorted(one.partitions), -1) for topic_id, one in missing.items()}
            to_initialize = ToInitialize(group_id, epoch, offsets)
        return once_appended(records, (response, to_initialize), _refused)

    def _next_epoch(
        self, group: ShareGroup, member: ShareMember, bumps: bool, records: list[Record], now_ms: int
    ) -> tuple[int, bool]:
        """The group's epoch, which moves on if its topics are others now, and whether it has moved."""
        change_count = self._context.topics.change_count
        seen = group.refreshed
        if not bumps and seen is not None and seen.change_count == change_count and group.epoch >= seen.epoch:
            return group.epoch, False
        metadata_hash = group_hash(group.topics(joining=member), self._context.topics)
        bumps = bumps or metadata_hash != group.metadata_hash
        epoch = group.epoch + 1 if bumps else group.epoch
        if bumps:
            records.append(epoch_record(group.group_id, epoch, metadata_hash, now_ms))
        group.refreshed = Refresh(change_count, epoch)
        return epoch, bumps

    def _has_new_states(self, group: ShareGroup) -> bool:
        """Whether a partition has got its state since partitions were assigned."""
        if group.is_empty or group.states is None:
            return False
        assigned: dict[UUID, set[int]] = {}
        for target in group.targets.values():
            for topic_id, found in target.items():
                assigned.setdefault(topic_id, set()).update(found)
        wanted = group.topics()
        return any(
            one.name in wanted and assigned.get(topic_id) != set(one.partitions)
            for topic_id, one in group.states.initialized.items()
        )

    def _assign(
        self, group: ShareGroup, epoch: int, member: ShareMember, records: list[Record], now_ms: int
    ) -> tuple[int, Partitions]:
        """Where the member is to go, and the records of a new assignment if one is due (KIP-1263)."""
        interval_ms = self._context.settings_of(group.group_id).assignment_interval_ms
        is_due = not group.assigned_at_ms or not interval_ms or now_ms >= group.assigned_at_ms + interval_ms
        if group.assignment_epoch >= epoch or not is_due:
            return group.assignment_epoch, group.targets.get(member.member_id, {})
        members = group.members | {member.member_id: member}
        subscribed = {one.member_id: self._topic_ids(one) for one in members.values()}
        initialized = {} if group.states is None else group.states.initialized
        assignable = {topic_id: one.partitions for topic_id, one in initialized.items()}
        made = assign_simple(subscribed, group.targets, assignable)
        targets = {member_id: {t: frozenset(found) for t, found in share.items()} for member_id, share in made.items()}
        log.info("share group %s: assigned epoch %d, members: %d", group.group_id, epoch, len(members))
        records += [
            target_record(group.group_id, member_id, target, now_ms)
            for member_id, target in targets.items()
            if group.targets.get(member_id) != target
        ]
        records.append(assignment_record(group.group_id, epoch, now_ms))
        return epoch, targets[member.member_id]

    def _topic_ids(self, member: ShareMember) -> frozenset[UUID]:
        found = map(self._context.topics.by_name, member.subscribed_topic_names)
        return frozenset(topic.topic_id for topic in found if topic is not None)

    def _reconciled(self, member: ShareMember, epoch: int, target: Partitions) -> ShareMember:
        """The member with what it is to have, as far as it still wants it."""
        wanted = self._topic_ids(member)
        assigned = {topic_id: found for topic_id, found in target.items() if topic_id in wanted}
        if epoch == member.member_epoch:
            return replace(member, assigned=assigned)
        return replace(member, member_epoch=epoch, previous_member_epoch=member.member_epoch, assigned=assigned)

    # Sessions

    def _restart_session(self, group_id: str, member_id: str, now_ms: int) -> None:
        def expire(then_ms: int) -> Outcome[None]:
            group = self._groups.get(group_id)
            member = None if group is None else group.members.get(member_id)
            if group is None or member is None:
                return only_append([])
            log.info("share group %s: member %s was not heard of in time", group_id, member_id)
            return only_append(self._remove(group, member, then_ms))

        timeout_ms = self._context.settings_of(group_id).session_timeout_ms
        self._timers.set(_session_key(group_id, member_id), now_ms + timeout_ms, expire)

    def _remove(self, group: ShareGroup, member: ShareMember, now_ms: int) -> list[Record]:
        self._timers.cancel(_session_key(group.group_id, member.member_id))
        metadata_hash = group_hash(group.topics(leaving=member.member_id), self._context.topics)
        return [
            *member_tombstones(group.group_id, member.member_id, now_ms),
            epoch_record(group.group_id, group.epoch + 1, metadata_hash, now_ms),
        ]

    # States with the share coordinator

    def _without_state(self, group: ShareGroup, names: Iterable[str], now_ms: int) -> dict[UUID, StateOfTopic]:
        """The partitions of these topics that have no state, and are not known to get one."""
        known: dict[UUID, set[int]] = {}
        if group.states is not None:
            retry_ms = self._context.config.initialize_retry_interval_ms
            for topic_id, one in group.states.initialized.items():
                known.setdefault(topic_id, set()).update(one.partitions)
            for topic_id, one in group.states.initializing.items():
                if now_ms - one.since_ms < retry_ms:
                    known.setdefault(topic_id, set()).update(one.partitions)
        missing: dict[UUID, StateOfTopic] = {}
        for name in sorted(names):
            topic = self._context.topics.by_name(name)
            if topic is not None:
                partitions = frozenset(range(topic.partition_count)) - known.get(topic.topic_id, set())
                if partitions:
                    missing[topic.topic_id] = StateOfTopic(name, partitions, now_ms)
        return missing

    def initialized(self, group_id: str, partitions: Partitions, now_ms: int) -> Outcome[None]:
        """These partitions have a state now."""
        group = self._groups.get(group_id)
        if group is None or not partitions:
            return only_append([])
        states = StatePartitions() if group.states is None else group.states.copy()
        for topic_id, found in partitions.items():
            topic = self._context.topics.by_id(topic_id)
            name = "<UNKNOWN>" if topic is None else topic.name
            before = states.initialized.get(topic_id, StateOfTopic(name, frozenset()))
            states.initialized[topic_id] = before._replace(partitions=before.partitions | frozenset(found))
            _take_out(states.initializing, topic_id, frozenset(found))
        return only_append([states_record(group_id, states, now_ms)])

    def not_initialized(self, group_id: str, partitions: Partitions, now_ms: int) -> Outcome[None]:
        """These partitions got no state: a later heartbeat tries again."""
        group = self._groups.get(group_id)
        if group is None or group.states is None or not group.states.initializing or not partitions:
            return only_append([])
        states = group.states.copy()
        for topic_id, found in partitions.items():
            _take_out(states.initializing, topic_id, frozenset(found))
        return only_append([states_record(group_id, states, now_ms)])

    def remove_topic(self, topic_id: UUID, now_ms: int) -> list[Record]:
        """The records that forget a topic that was deleted."""
        records = []
        for group in self._groups.all():
            if group.states is not None:
                states = group.states.copy()
                known: tuple[dict[UUID, Any], ...] = (states.initializing, states.initialized, states.deleting)
                gone = [found.pop(topic_id, None) for found in known]
                if any(one is not None for one in gone):
                    records.append(states_record(group.group_id, states, now_ms))
        return records


def with_initializing(group: ShareGroup, topics: Mapping[UUID, StateOfTopic]) -> StatePartitions:
    """What the group has told the share coordinator, and that these partitions are to get a state."""
    states = StatePartitions() if group.states is None else group.states.copy()
    for topic_id, one in topics.items():
        before = states.initializing.get(topic_id)
        both = one.partitions if before is None else one.partitions | before.partitions
        states.initializing[topic_id] = one._replace(partitions=both)
        states.deleting.pop(topic_id, None)
    return states


def _take_out(states: dict[UUID, StateOfTopic], topic_id: UUID, partitions: frozenset[int]) -> None:
    before = states.get(topic_id)
    if before is not None:
        left = before.partitions - partitions
        if left:
            states[topic_id] = before._replace(partitions=left)
        else:
            del states[topic_id]


def _check(request: ShareGroupHeartbeatRequest) -> None:
    for text, name in ((request.member_id, "Member"), (request.group_id, "Group"), (request.rack_id, "Rack")):
        if text is not None and not text.strip():
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"{name}Id can't be empty.")
    if request.member_epoch == _JOINING and not request.subscribed_topic_names:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "SubscribedTopicNames must be set in first request.")
    if request.member_epoch < LEAVING:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "MemberEpoch is invalid.")


def _refused(code: ErrorCode, why: str | None = None) -> Answer:
    return ShareGroupHeartbeatResponse(error_code=code, error_message=why), None


def _session_key(group_id: str, member_id: str) -> str:
    return f"share session {group_id} {member_id}"
