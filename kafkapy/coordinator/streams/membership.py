"""The members of streams groups: who joins, stays and leaves, and which tasks each of them is to have (KIP-1071).

A heartbeat does it all: it notes what the member said, holds the topology against the topics that there are, assigns
tasks when the group has moved on, and brings the member one step nearer to its own. Topics that are missing are told
to whoever runs the heartbeat, to be made. Apache: GroupMetadataManager's part for streams groups.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

from kafkapy.coordinator.caller import Caller
from kafkapy.coordinator.classic.group import ClassicGroup, GroupState
from kafkapy.coordinator.deadlines import Deadlines
from kafkapy.coordinator.java_hash import timeline_order
from kafkapy.coordinator.kept_groups import Refresh
from kafkapy.coordinator.known_topics import group_hash
from kafkapy.coordinator.outcome import Outcome, answered, once_appended, only_append
from kafkapy.coordinator.records import group_record
from kafkapy.coordinator.streams.configured_topology import ConfiguredTopology, StatusCode, configure
from kafkapy.coordinator.streams.endpoints import partitions_by_endpoint
from kafkapy.coordinator.streams.group import StreamsGroup, StreamsGroups
from kafkapy.coordinator.streams.member import JOINING, LEAVING, MemberState, StreamsMember
from kafkapy.coordinator.streams.reconciliation import Aim, reconcile
from kafkapy.coordinator.streams.records import (
    assignment_record,
    current_record,
    epoch_record,
    member_record,
    member_tombstones,
    target_record,
    topology_record,
)
from kafkapy.coordinator.streams.request import as_told, check_request, check_tasks, owned_in
from kafkapy.coordinator.streams.settings import STANDBY_REPLICAS, StreamsGroupContext
from kafkapy.coordinator.streams.sticky_assignor import MemberSpec, assign_sticky
from kafkapy.coordinator.streams.tasks import HeldTasks, Numbers, Tasks, numbers_of
from kafkapy.coordinator.streams.topology import Topology, topology_of
from kafkapy.coordinator.timers import Timers
from kafkapy.protocol.batch import Record
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages import streams_group_heartbeat as h
from kafkapy.protocol.messages.create_topics import CreatableTopic

log = logging.getLogger(__name__)

Answer = tuple[h.StreamsGroupHeartbeatResponse, Sequence[CreatableTopic]]
"""The response, and the internal topics that are to be made."""


class _Target(NamedTuple):
    """What one member is to have, and the epoch of the group that this was computed for."""

    epoch: int
    tasks: Tasks


class StreamsMembership:
    """The heartbeats of one shard's streams groups, and the members that are fenced.

    `is_taken` says whether a group of another kind, that is not a classic one, has an id.
    """

    def __init__(
        self,
        context: StreamsGroupContext,
        timers: Timers,
        groups: StreamsGroups,
        classic_groups: dict[str, ClassicGroup],
        is_taken: Callable[[str], bool],
    ) -> None:
        self._context = context
        self._timers = timers
        self._groups = groups
        self._classic_groups = classic_groups
        self._is_taken = is_taken
        self._deadlines = Deadlines("streams", timers, self._fence_by_deadline, self._epoch_of)
        self._gathering: set[str] = set()  # the groups that wait for more members before their first assignment

    def loaded(self, now_ms: int) -> None:
        """Members keep their epochs, and their deadlines start over now."""
        for group in self._groups.all():
            timeout_ms = self._context.settings_of(group.group_id).session_timeout_ms
            for member in group.members.values():
                self._deadlines.restart_session(group.group_id, member.member_id, timeout_ms, now_ms)
                if member.state is MemberState.UNREVOKED_TASKS:
                    self._deadlines.await_revocation(group.group_id, member, now_ms)

    def unload(self) -> None:
        """Nobody is fenced here any more."""
        for group_id in list(self._gathering):
            self.end_gathering(group_id)
        for group in self._groups.all():
            for member_id in group.members:
                self._deadlines.end_all(group.group_id, member_id)

    def find(self, group_id: str) -> StreamsGroup:
        """The group. Raises KafkaError(GROUP_ID_NOT_FOUND), which says so if it is one of another kind."""
        group = self._groups.get(group_id)
        if group is None:
            is_other = group_id in self._classic_groups or self._is_taken(group_id)
            why = f"Group {group_id} is not a streams group." if is_other else f"Group {group_id} not found."
            raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, why)
        return group

    # Heartbeats

    def heartbeat(self, request: h.StreamsGroupHeartbeatRequest, caller: Caller, now_ms: int) -> Outcome[Answer]:
        """Join, stay or leave, as the request's member epoch says."""
        try:
            check_request(request)
            if request.member_epoch == LEAVING:
                return self._leave(request, now_ms)
            return self._beat(request, caller, now_ms)
        except KafkaError as error:
            if error.code is ErrorCode.UNKNOWN_SERVER_ERROR:
                log.error("streams group %s, member %s: %s", request.group_id, request.member_id, error.why)
                return answered(_refused(error.code))
            return answered(_refused(error.code, error.why))

    def _leave(self, request: h.StreamsGroupHeartbeatRequest, now_ms: int) -> Outcome[Answer]:
        group = self.find(request.group_id)
        if request.shutdown_application:
            _note_shutdown(group, request.member_id)
        member = group.find(request.member_id)
        log.info("member %s leaves streams group %s", member.member_id, group.group_id)
        response = h.StreamsGroupHeartbeatResponse(member_id=request.member_id, member_epoch=request.member_epoch)
        return once_appended(self._fence(group, member, now_ms), (response, []), _refused)

    def _beat(self, request: h.StreamsGroupHeartbeatRequest, caller: Caller, now_ms: int) -> Outcome[Answer]:
        group, records = self._group_of(request, now_ms)
        group_id, member_id = group.group_id, request.member_id
        settings = self._context.settings_of(group_id)
        before = self._member_of(group, request)
        after = as_told(before, request, caller)
        if after != before:
            records.append(member_record(group_id, after, now_ms))
        topology = self._topology_of(group, request, records, now_ms)
        status: list[h.Status] = []
        if group.topology is not None and after.topology_epoch < group.topology.epoch:
            detail = (
                f"The member's topology epoch {after.topology_epoch} is behind the group's topology epoch "
                f"{group.topology.epoch}."
            )
            status.append(h.Status(StatusCode.STALE_TOPOLOGY, detail))
        change_count = self._context.topics.change_count
        metadata_hash = self._configure(group, topology)
        assert group.configured is not None, "it was configured"
        configured, validated = group.configured, -1
        if configured.subtopologies is not None and configured.is_ready:
            validated = topology.epoch
            check_tasks(request, configured.subtopologies)
        bumps = after != before or metadata_hash != group.metadata_hash
        bumps = bumps or validated != group.validated_topology_epoch
        bumps = bumps or settings.for_assignment != group.assignment_configs
        epoch = group.epoch + 1 if bumps else group.epoch
        if bumps:
            records.append(epoch_record(group_id, epoch, metadata_hash, validated, settings.for_assignment, now_ms))
        group.refreshed = Refresh(change_count, epoch)
        if group.is_empty and settings.initial_rebalance_delay_ms:
            self._gather(group_id, now_ms + settings.initial_rebalance_delay_ms)
        target = self._assign(group, epoch, after, settings.for_assignment, records, status, now_ms)
        after = self._reconcile(group, after, target, owned_in(request), records, now_ms)
        self._deadlines.restart_session(group_id, member_id, settings.session_timeout_ms, now_ms)
        if request.shutdown_application:
            _note_shutdown(group, member_id)
        response = h.StreamsGroupHeartbeatResponse(
            member_id=member_id,
            member_epoch=after.member_epoch,
            heartbeat_interval_ms=settings.heartbeat_interval_ms,
            status=status,
        )
        self._tell_tasks(group, before, after, request, response)
        if configured.problem is not None:
            status.append(h.Status(configured.problem.code, configured.problem.detail))
        if group.shutdown_by:
            detail = (
                f"Streams group member {group.shutdown_by} encountered a fatal error and requested a shutdown for the "
                "entire application."
            )
            status.append(h.Status(StatusCode.SHUTDOWN_APPLICATION, detail))
        return once_appended(records, (response, configured.to_create), _refused)

    def _group_of(self, request: h.StreamsGroupHeartbeatRequest, now_ms: int) -> tuple[StreamsGroup, list[Record]]:
        """The group, and what makes it one: a member that joins founds it, in the place of an empty classic group.

        What is soft of a group that no record tells of yet is forgotten: the next heartbeat finds another. Raises
        KafkaError: GROUP_ID_NOT_FOUND, GROUP_MAX_SIZE_REACHED.
        """
        group_id = request.group_id
        group = self._groups.get(group_id)
        if request.member_epoch != JOINING:
            if group is None and group_id not in self._classic_groups and not self._is_taken(group_id):
                raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Streams group {group_id} not found.")
            return self.find(group_id), []
        records: list[Record] = []
        if group is None:
            classic = self._classic_groups.get(group_id)
            if self._is_taken(group_id) or (classic is not None and classic.state is not GroupState.EMPTY):
                raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} is not a streams group.")
            if classic is not None:
                records.append(group_record(group_id, None, now_ms))
            group = StreamsGroup(group_id)
        most = self._context.config.max_size
        if len(group.members) >= most:
            why = f"The streams group has reached its maximum capacity of {most} members."
            raise KafkaError(ErrorCode.GROUP_MAX_SIZE_REACHED, why)
        return group, records

    def _member_of(self, group: StreamsGroup, request: h.StreamsGroupHeartbeatRequest) -> StreamsMember:
        member_id = request.member_id
        if request.member_epoch == JOINING:
            return group.members.get(member_id, StreamsMember(member_id))
        member = group.find(member_id)
        roles = request.active_tasks, request.standby_tasks, request.warmup_tasks
        member.check_epoch(request.member_epoch, *(None if role is None else numbers_of(role) for role in roles))
        return member

    def _topology_of(
        self, group: StreamsGroup, request: h.StreamsGroupHeartbeatRequest, records: list[Record], now_ms: int
    ) -> Topology:
        """What the group runs: what its first member brought. Raises KafkaError(INVALID_REQUEST) for another."""
        if request.topology is None:
            if group.topology is None:
                why = f"streams group {group.group_id} has no topology, and the member that joins brings none"
                raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, why)
            return group.topology
        brought = topology_of(request.topology)
        if group.topology is None:
            records.append(topology_record(group.group_id, brought, now_ms))
            return brought
        if group.topology.epoch <= brought.epoch and group.topology != brought:
            raise KafkaError(ErrorCode.INVALID_REQUEST, "Topology updates are not supported yet.")
        return group.topology

    def _configure(self, group: StreamsGroup, topology: Topology) -> int:
        """Hold the topology against the topics if they changed; the result is their hash."""
        topics, seen = self._context.topics, group.refreshed
        is_known = seen is not None and seen.change_count == topics.change_count and group.epoch >= seen.epoch
        if is_known and group.topology is not None and group.configured is not None:
            return group.metadata_hash
        found = group_hash(topology.required_topics, topics)
        if group.topology is None or found != group.metadata_hash or group.configured is None:
            group.configured = configure(topology, topics)
            log.info("streams group %s: topology %d: %s", group.group_id, topology.epoch, group.configured.problem)
        return found

    # Assigning

    def _gather(self, group_id: str, until_ms: int) -> None:
        """Let the first members come together before tasks are assigned."""
        if group_id not in self._gathering:
            self._gathering.add(group_id)
            self._timers.set(_gathering_key(group_id), until_ms, lambda now_ms: self._gathered(group_id, now_ms))

    def end_gathering(self, group_id: str) -> None:
        self._gathering.discard(group_id)
        self._timers.cancel(_gathering_key(group_id))

    def _gathered(self, group_id: str, now_ms: int) -> Outcome[None]:
        self._gathering.discard(group_id)
        group = self._groups.get(group_id)
        records: list[Record] = []
        if group is not None and not group.is_empty and group.configured is not None:
            self._assign(group, group.epoch, None, group.assignment_configs, records, [], now_ms)
        return only_append(records)

    def _assign(
        self,
        group: StreamsGroup,
        epoch: int,
        changing: StreamsMember | None,
        configs: dict[str, str],
        records: list[Record],
        status: list[h.Status],
        now_ms: int,
    ) -> _Target:
        """Where the changing member is to go, and the records of a new assignment if one is due."""
        if group.group_id in self._gathering:
            detail = "Assignment delayed due to the configured initial rebalance delay."
            status.append(h.Status(StatusCode.ASSIGNMENT_DELAYED, detail))
            return _Target(group.assignment_epoch, Tasks())
        last = _Target(group.assignment_epoch, Tasks() if changing is None else group.target_of(changing.member_id))
        if group.assignment_epoch >= epoch:
            return last
        interval_ms = self._context.settings_of(group.group_id).assignment_interval_ms
        if group.assigned_at_ms and interval_ms and now_ms < group.assigned_at_ms + interval_ms:
            detail = "Assignment delayed due to the configured assignment interval."
            status.append(h.Status(StatusCode.ASSIGNMENT_DELAYED, detail))
            return last
        members = dict(group.members)
        if changing is not None:
            members[changing.member_id] = changing
        targets = _targets(group, members, configs)
        log.info("streams group %s: assigned epoch %d, members: %d", group.group_id, epoch, len(members))
        records += [
            target_record(group.group_id, member_id, target, now_ms)
            for member_id, target in targets.items()
            if group.targets.get(member_id) != target
        ]
        records.append(assignment_record(group.group_id, epoch, now_ms))
        return _Target(epoch, Tasks() if changing is None else targets[changing.member_id])

    def _reconcile(
        self,
        group: StreamsGroup,
        member: StreamsMember,
        target: _Target,
        owned: Tasks | None,
        records: list[Record],
        now_ms: int,
    ) -> StreamsMember:
        if member.is_reconciled_to(target.epoch):
            return member
        process_id = member.process_id
        aim = Aim(
            target.epoch,
            target.tasks,
            is_active=lambda *task: group.active_process(*task) is not None,
            is_active_here=lambda *task: group.active_process(*task) == process_id,
            is_held_here=lambda *task: group.has_copy(process_id, *task),
        )
        after = reconcile(member, aim, owned)
        if after != member:
            records.append(current_record(group.group_id, after, now_ms))
            if after.state is MemberState.UNREVOKED_TASKS:
                self._deadlines.await_revocation(group.group_id, after, now_ms)
            else:
                self._deadlines.end_revocation(group.group_id, after.member_id)
        return after

    # Answering

    def _tell_tasks(
        self,
        group: StreamsGroup,
        before: StreamsMember,
        after: StreamsMember,
        request: h.StreamsGroupHeartbeatRequest,
        response: h.StreamsGroupHeartbeatResponse,
    ) -> None:
        """What the member has, where that is new to it, and where states can be asked for."""
        if request.member_epoch == JOINING or after.assigned != before.assigned:
            held: HeldTasks = after.assigned
            response.active_tasks = _task_ids(held.active_numbers)
            response.standby_tasks = _task_ids(held.standby)
            response.warmup_tasks = _task_ids(held.warmup)
            if after.user_endpoint is not None:
                group.endpoint_epoch += 1
        if group.endpoint_epoch != request.endpoint_information_epoch:
            response.partitions_by_user_endpoint = partitions_by_endpoint(group, after, self._context.topics)
        if self._groups.get(group.group_id) is not None:
            response.endpoint_information_epoch = group.endpoint_epoch

    # Fencing

    def _fence(self, group: StreamsGroup, member: StreamsMember, now_ms: int) -> list[Record]:
        group_id = group.group_id
        self._deadlines.end_all(group_id, member.member_id)
        epoch, validated = group.epoch + 1, group.validated_topology_epoch
        return [
            *member_tombstones(group_id, member.member_id, now_ms),
            epoch_record(group_id, epoch, group.metadata_hash, validated, group.assignment_configs, now_ms),
        ]

    def _fence_by_deadline(self, group_id: str, member_id: str, why: str, now_ms: int) -> Outcome[None]:
        group = self._groups.get(group_id)
        member = None if group is None else group.members.get(member_id)
        if group is None or member is None:
            return only_append([])
        log.info("member %s of streams group %s is fenced: %s", member_id, group_id, why)
        return only_append(self._fence(group, member, now_ms))

    def _epoch_of(self, group_id: str, member_id: str) -> int | None:
        group = self._groups.get(group_id)
        member = None if group is None else group.members.get(member_id)
        return None if member is None else member.member_epoch


def _targets(group: StreamsGroup, members: dict[str, StreamsMember], configs: dict[str, str]) -> dict[str, Tasks]:
    configured: ConfiguredTopology | None = group.configured
    if configured is None or configured.subtopologies is None or not configured.is_ready:
        return {member_id: Tasks() for member_id in members}
    # In the order in which Apache comes upon them, which decides between equals.
    ordered = dict.fromkeys([*timeline_order(group.members, group.most_members), *members])
    specs = {member_id: MemberSpec(members[member_id].process_id, group.target_of(member_id)) for member_id in ordered}
    return assign_sticky(specs, configured.subtopologies, int(configs.get(STANDBY_REPLICAS, "0")))


def _note_shutdown(group: StreamsGroup, member_id: str) -> None:
    if not group.shutdown_by:
        log.info("streams group %s: member %s asks all to end", group.group_id, member_id)
        group.shutdown_by = member_id


def _task_ids(numbers: Numbers) -> list[h.TaskIds]:
    return [h.TaskIds(subtopology_id, sorted(found)) for subtopology_id, found in numbers.items()]


def _refused(code: ErrorCode, why: str | None = None) -> Answer:
    return h.StreamsGroupHeartbeatResponse(error_code=code, error_message=why), []


def _gathering_key(group_id: str) -> str:
    return f"streams gathering {group_id}"
