"""One partition of `__consumer_offsets` as what it means: groups and the offsets they committed.

`replay` is the only thing that changes what survives a crash. Who waits for what, and since when, is soft: it lives in
the groups, changes in operations, and is given up when the broker dies. Nothing here does I/O or knows a clock.
Apache: GroupCoordinatorShard.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from uuid import UUID

from kafkapy.coordinator.caller import Caller
from kafkapy.coordinator.classic.group import CONSUMER_PROTOCOL_TYPE, ClassicGroup, GroupState
from kafkapy.coordinator.classic.membership import Membership
from kafkapy.coordinator.classic.rebalance import GroupConfig, Rebalances
from kafkapy.coordinator.consumer.coordinator import ConsumerCoordinator
from kafkapy.coordinator.consumer.group import ConsumerGroup
from kafkapy.coordinator.consumer.groups import tombstones
from kafkapy.coordinator.consumer.settings import ConsumerGroupContext
from kafkapy.coordinator.offsets import Offsets
from kafkapy.coordinator.outcome import Outcome, answered, once_appended, only_append
from kafkapy.coordinator.records import (
    ConsumerGroupChange,
    GroupChange,
    OffsetChange,
    ShareGroupChange,
    StreamsGroupChange,
    group_record,
    read_record,
)
from kafkapy.coordinator.share.coordinator import ShareGroupCoordinator
from kafkapy.coordinator.share.group import ShareGroup
from kafkapy.coordinator.share.membership import ShareGroupContext
from kafkapy.coordinator.streams.coordinator import StreamsGroupCoordinator
from kafkapy.coordinator.streams.group import StreamsGroup, StreamsGroupState
from kafkapy.coordinator.streams.settings import StreamsGroupContext
from kafkapy.coordinator.timers import Timers
from kafkapy.protocol.batch import Record
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.consumer_group_describe import DescribedConsumerGroup
from kafkapy.protocol.messages.consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
)
from kafkapy.protocol.messages.delete_groups import DeletableGroupResult
from kafkapy.protocol.messages.describe_groups import DescribedGroup, DescribedGroupMember
from kafkapy.protocol.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from kafkapy.protocol.messages.join_group import JoinGroupRequest, JoinGroupResponse
from kafkapy.protocol.messages.leave_group import LeaveGroupRequest, LeaveGroupResponse
from kafkapy.protocol.messages.list_groups import ListedGroup
from kafkapy.protocol.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from kafkapy.protocol.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)
from kafkapy.protocol.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)
from kafkapy.protocol.messages.sync_group import SyncGroupRequest, SyncGroupResponse
from kafkapy.protocol.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
)
from kafkapy.protocol.records.groups import GroupMetadataValue, OffsetCommitValue
from kafkapy.protocol.wire import ZERO_UUID

log = logging.getLogger(__name__)

GROUP_TYPE = "classic"
_EXPIRY_KEY = "expire offsets"
_FETCH_GROUPS_SINCE = 8  # OffsetFetch
_COMMIT_NAMES_MISSING_GROUP_SINCE = 9  # OffsetCommit
_DESCRIBE_NAMES_MISSING_GROUP_SINCE = 6  # DescribeGroups

# By which a filter of ListGroups knows a state, if it is not the state's own name.
_STATE_NAMES = {str(StreamsGroupState.NOT_READY): "not_ready"}

# A kind of group that commits offsets.
CommittingGroup = ClassicGroup | ConsumerGroup | StreamsGroup


class GroupShard:
    """The groups whose ids fall into one partition. Feed it the log, call `loaded`, then ask."""

    def __init__(
        self,
        config: GroupConfig,
        timers: Timers,
        new_member_suffix: Callable[[], str],
        consumers: ConsumerGroupContext,
        shares: ShareGroupContext,
        streams: StreamsGroupContext,
    ) -> None:
        self._config = config
        self._timers = timers
        self._written: dict[str, GroupMetadataValue] = {}
        self._groups: dict[str, ClassicGroup] = {}
        self._offsets = Offsets(config.offsets_retention_ms, config.offset_metadata_max_bytes)
        self._rebalances = Rebalances(config, timers, self._groups)
        self._membership = Membership(config, self._rebalances, self._groups, new_member_suffix)
        self._consumers = ConsumerCoordinator(config, consumers, timers, self._rebalances, self._groups)
        self.shares = ShareGroupCoordinator(shares, timers, self._is_taken_from_shares)
        self.streams = StreamsGroupCoordinator(streams, timers, self._groups, self._is_taken_from_streams)
        self._is_loaded = False

    # The log

    def replay(self, record: Record) -> None:
        """Take in a record of the log: when it is read at start, and when it was just appended."""
        match read_record(record):
            case GroupChange(group_id, None):
                self._written.pop(group_id, None)
                group = self._groups.pop(group_id, None)
                if group is not None:
                    self._rebalances.forget(group)
            case GroupChange(group_id, value) if value is not None:
                self._written[group_id] = value
                self._consumers.groups.forget(group_id)
                self.streams.groups.forget(group_id)
                # Once loaded, the group is there before its record: it is what the record was made of.
                if self._is_loaded and group_id not in self._groups:
                    self._groups[group_id] = ClassicGroup.restore(group_id, value)
            case OffsetChange() as change:
                self._offsets.replay(change)
                if self._is_loaded and change.value is not None and self._group(change.group_id) is None:
                    self._groups[change.group_id] = ClassicGroup(change.group_id, record.timestamp)
            case ConsumerGroupChange() as change:
                self._consumers.groups.replay(change)
            case ShareGroupChange() as change:
                self.shares.groups.replay(change, record.timestamp)
            case StreamsGroupChange() as change:
                self.streams.groups.replay(change)

    def replay_in_transaction(self, producer_id: int, record: Record) -> None:
        """Take in a record that counts once the producer's transaction is committed."""
        change = read_record(record)
        if not isinstance(change, OffsetChange) or change.value is None:
            self.replay(record)
            return
        self._offsets.pending.add(producer_id, change)
        if self._is_loaded and self._group(change.group_id) is None:
            self._groups[change.group_id] = ClassicGroup(change.group_id, record.timestamp)

    def replay_marker(self, producer_id: int, *, is_commit: bool) -> None:
        """The producer's transaction has ended."""
        self._offsets.end_transaction(producer_id, commit=is_commit)

    def loaded(self, now_ms: int) -> Outcome[None]:
        """Go on from where the log ends: members keep their generation, and their sessions start over now."""
        self._is_loaded = True
        records: list[Record] = []
        for group_id, value in self._written.items():
            group = self._groups[group_id] = ClassicGroup.restore(group_id, value)
            for member in group.members.values():
                self._rebalances.restart_session(group, member, now_ms)
            if len(group.members) > self._config.max_size:
                records += self._rebalances.prepare(group, "more members than group.max.size were loaded", now_ms)
        for group_id in self._offsets.group_ids():
            if self._group(group_id) is None:
                self._groups[group_id] = ClassicGroup(group_id, now_ms)
        self._consumers.membership.loaded(now_ms)
        self.shares.membership.loaded(now_ms)
        self.streams.membership.loaded(now_ms)
        self._plan_expiry(now_ms)
        return only_append(records)

    def unload(self, now_ms: int) -> None:
        """Give the groups up to another coordinator: everybody who waits is sent there."""
        self._timers.cancel(_EXPIRY_KEY)
        self._consumers.membership.unload()
        self.shares.membership.unload()
        self.streams.membership.unload()
        for group in self._groups.values():
            group.transition_to(GroupState.DEAD, now_ms)
            for member in group.members.values():
                self._rebalances.end_session(group, member.member_id)
                member.dismiss(ErrorCode.NOT_COORDINATOR, told_id=member.member_id)

    # Members

    def join_group(self, request: JoinGroupRequest, caller: Caller, now_ms: int) -> Outcome[JoinGroupResponse]:
        """Park the member until its group's next generation, or refuse it."""
        streams_group = self.streams.groups.get(request.group_id)
        is_in_use = streams_group is not None and not streams_group.is_empty
        if is_in_use or self.shares.groups.get(request.group_id) is not None:
            return answered(JoinGroupResponse(error_code=ErrorCode.INCONSISTENT_GROUP_PROTOCOL, member_id=""))
        if streams_group is not None:
            records, reply, appended = self._membership.join(request, caller, now_ms)
            gone = self.streams.tombstones(streams_group, now_ms) if records else []
            return Outcome([*gone, *records], reply, appended)
        group = self._consumers.groups.get(request.group_id)
        if group is None or self._membership.what_is_wrong(request):
            return self._membership.join(request, caller, now_ms)
        if not group.is_empty:
            return self._consumers.classic_members.join(group, request, caller, now_ms)
        records, reply, appended = self._membership.join(request, caller, now_ms)
        # The group that nobody is in any more makes place for the new one.
        return Outcome([*tombstones(group, now_ms), *records] if records else [], reply, appended)

    def sync_group(self, request: SyncGroupRequest, caller: Caller, now_ms: int) -> Outcome[SyncGroupResponse]:
        """Park the member until the leader has divided the work, which the leader's own SyncGroup brings."""
        group = self._consumers.groups.get(request.group_id)
        if group is not None:
            return self._consumers.classic_members.sync(group, request, now_ms)
        return self._membership.sync(request, caller, now_ms)

    def heartbeat(self, request: HeartbeatRequest, caller: Caller, now_ms: int) -> Outcome[HeartbeatResponse]:
        """Count the member's session from now; REBALANCE_IN_PROGRESS tells it to join again."""
        group = self._consumers.groups.get(request.group_id)
        if group is not None:
            return self._consumers.classic_members.heartbeat(group, request, now_ms)
        return self._membership.heartbeat(request, caller, now_ms)

    def leave_group(self, request: LeaveGroupRequest, caller: Caller, now_ms: int) -> Outcome[LeaveGroupResponse]:
        """Drop members at once; each that is named has its own error (v3+)."""
        group = self._consumers.groups.get(request.group_id)
        if group is not None:
            return self._consumers.classic_members.leave(group, request, caller, now_ms)
        return self._membership.leave(request, caller, now_ms)

    def consumer_group_heartbeat(
        self, request: ConsumerGroupHeartbeatRequest, caller: Caller, now_ms: int
    ) -> Outcome[ConsumerGroupHeartbeatResponse]:
        """Join a group whose coordinator divides the partitions, stay in it, or leave it (KIP-848)."""
        if self._is_taken_from_consumers(request.group_id):
            why = f"Group {request.group_id} is not a consumer group."
            refused = ConsumerGroupHeartbeatResponse(error_code=ErrorCode.GROUP_ID_NOT_FOUND, error_message=why)
            return answered(refused)
        return self._consumers.membership.heartbeat(request, caller, now_ms)

    # Offsets

    def commit_offsets(
        self, request: OffsetCommitRequest, caller: Caller, now_ms: int
    ) -> Outcome[OffsetCommitResponse]:
        """Store offsets. Topics are taken by name: from v10 on, whoever calls fills in the names of the topic ids."""
        group = self._groups.get(request.group_id)
        consumer_group = self._consumers.groups.get(request.group_id)
        streams_group = self.streams.groups.get(request.group_id)
        try:
            self._refuse_share_group(request.group_id)
            if consumer_group is not None:
                self._consumers.check_commit(consumer_group, request, caller.api_version)
            elif streams_group is not None:
                self.streams.check_commit(streams_group, request, caller.api_version)
            elif group is not None:
                group.check_commit(request.member_id, request.group_instance_id, request.generation_id_or_member_epoch)
            elif request.generation_id_or_member_epoch >= 0:
                knows = caller.api_version >= _COMMIT_NAMES_MISSING_GROUP_SINCE
                code = ErrorCode.GROUP_ID_NOT_FOUND if knows else ErrorCode.ILLEGAL_GENERATION
                raise KafkaError(code, f"there is no group {request.group_id}; join it first")
        except KafkaError as error:
            return answered(_refuse_commit(request, error.code))
        if group is not None and group.state in (GroupState.STABLE, GroupState.PREPARING_REBALANCE):
            # Whoever commits is alive.
            self._rebalances.restart_session(group, group.members[request.member_id], now_ms)
        records, response = self._offsets.commit(request, now_ms)
        return once_appended(records, response, lambda code: _refuse_commit(request, code))

    def _refuse_share_group(self, group_id: str) -> None:
        if self.shares.groups.get(group_id) is not None:
            raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} is not a consumer group.")

    def commit_in_transaction(self, request: TxnOffsetCommitRequest, now_ms: int) -> Outcome[TxnOffsetCommitResponse]:
        """Store offsets that count once the producer's transaction is committed. KIP-447 (who may)."""
        group = self._groups.get(request.group_id)
        consumer_group = self._consumers.groups.get(request.group_id)
        streams_group = self.streams.groups.get(request.group_id)
        try:
            self._refuse_share_group(request.group_id)
            if consumer_group is not None:
                self._consumers.check_transactional_commit(consumer_group, request)
            elif streams_group is not None:
                self.streams.check_transactional_commit(streams_group, request)
            elif group is not None:
                group.check_transactional_commit(request.member_id, request.group_instance_id, request.generation_id)
            elif request.generation_id >= 0:
                raise KafkaError(ErrorCode.ILLEGAL_GENERATION, f"there is no group {request.group_id}; join it first")
        except KafkaError as error:
            # A producer knows no member epochs.
            is_stale = error.code is ErrorCode.STALE_MEMBER_EPOCH
            return answered(refuse_txn_commit(request, ErrorCode.ILLEGAL_GENERATION if is_stale else error.code))
        records, response = self._offsets.commit_in_transaction(request, now_ms)
        return once_appended(records, response, lambda code: refuse_txn_commit(request, code))

    def fetch_offsets(self, request: OffsetFetchRequest, caller: Caller) -> OffsetFetchResponse:
        """What groups committed; -1 where nothing is. The response has the shape of the caller's version.

        Groups of a batch must all be this shard's. With `require_stable` an offset that an open transaction may change
        is not told: UNSTABLE_OFFSET_COMMIT (KIP-447).
        """
        stable = request.require_stable
        if caller.api_version >= _FETCH_GROUPS_SINCE:
            return OffsetFetchResponse(groups=[self.fetch_group_offsets(group, stable) for group in request.groups])
        wanted = list(self._offsets.topics_of(request.group_id).items())
        if request.topics is not None:
            wanted = [(topic.name, topic.partition_indexes) for topic in request.topics]
        return OffsetFetchResponse(
            topics=[
                OffsetFetchResponseTopic(
                    name, [self._fetch_old(request.group_id, name, index, stable) for index in indexes]
                )
                for name, indexes in wanted
            ]
        )

    def fetch_group_offsets(
        self, group: OffsetFetchRequestGroup, require_stable: bool = False
    ) -> OffsetFetchResponseGroup:
        """One group of a batch: the topics it names, or with None all; a named topic's id is echoed.

        Raises KafkaError for a member of a consumer or streams group that is not in the epoch it thinks.
        """
        found = self._consumers.groups.get(group.group_id) or self.streams.groups.get(group.group_id)
        if found is not None:
            found.check_fetch(group.member_id, group.member_epoch)
        if group.topics is None:
            wanted = [(name, ZERO_UUID, indexes) for name, indexes in self._offsets.topics_of(group.group_id).items()]
        else:
            wanted = [(topic.name, topic.topic_id, topic.partition_indexes) for topic in group.topics]
        topics = []
        for name, topic_id, indexes in wanted:
            values = [(index, self._offsets.get(group.group_id, name, index, topic_id)) for index in indexes]
            partitions = [
                OffsetFetchResponsePartitions(index, value.offset, value.leader_epoch, value.metadata, ErrorCode.NONE)
                if not (require_stable and self._offsets.pending.has(group.group_id, name, index))
                else OffsetFetchResponsePartitions(index, -1, -1, "", ErrorCode.UNSTABLE_OFFSET_COMMIT)
                for index, value in values
            ]
            topics.append(OffsetFetchResponseTopics(name, topic_id, partitions))
        return OffsetFetchResponseGroup(group.group_id, topics)

    def _fetch_old(self, group_id: str, topic: str, index: int, stable: bool) -> OffsetFetchResponsePartition:
        if stable and self._offsets.pending.has(group_id, topic, index):
            return OffsetFetchResponsePartition(index, -1, -1, "", ErrorCode.UNSTABLE_OFFSET_COMMIT)
        value: OffsetCommitValue = self._offsets.get(group_id, topic, index)
        return OffsetFetchResponsePartition(index, value.offset, value.leader_epoch, value.metadata, ErrorCode.NONE)

    def delete_offsets(
        self, request: OffsetDeleteRequest, caller: Caller, now_ms: int
    ) -> Outcome[OffsetDeleteResponse]:
        """Forget offsets of topics that no consumer of the group reads. KIP-496."""
        try:
            group = self._check_delete_offsets(request.group_id)
        except KafkaError as error:
            return answered(OffsetDeleteResponse(error_code=error.code))
        records: list[Record] = []
        response = OffsetDeleteResponse()
        for topic in request.topics:
            is_read = group.is_subscribed_to(topic.name)
            error_code = ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC if is_read else ErrorCode.NONE
            partitions = [OffsetDeleteResponsePartition(p.partition_index, error_code) for p in topic.partitions]
            response.topics.append(OffsetDeleteResponseTopic(topic.name, partitions))
            if not is_read:
                for partition in topic.partitions:
                    records += self._offsets.forget(request.group_id, topic.name, partition.partition_index, now_ms)
        return once_appended(records, response, lambda code: OffsetDeleteResponse(error_code=code))

    def _check_delete_offsets(self, group_id: str) -> CommittingGroup:
        if not group_id:
            raise KafkaError(ErrorCode.INVALID_GROUP_ID, "the group id is empty; name a group")
        group = self._existing(group_id)
        if not isinstance(group, ClassicGroup):
            return group
        if group.state is not GroupState.EMPTY and group.protocol_type != CONSUMER_PROTOCOL_TYPE:
            why = f"group {group_id} has members of type {group.protocol_type}, whose topics are not known; stop them"
            raise KafkaError(ErrorCode.NON_EMPTY_GROUP, why)
        return group

    def remove_topic(self, name: str, now_ms: int, topic_id: UUID = ZERO_UUID) -> Outcome[None]:
        """Forget what groups committed for a topic that was deleted, or read of it as share groups."""
        states = self.shares.membership.remove_topic(topic_id, now_ms)
        return only_append([*self._offsets.forget_topic(name, topic_id, now_ms), *states])

    def expire_offsets(self, now_ms: int) -> Outcome[None]:
        """Forget offsets past their retention, and the groups that keep none and have no members. KIP-211."""
        records: list[Record] = []
        groups: list[CommittingGroup] = [*self._groups.values(), *self._consumers.groups.all()]
        groups += self.streams.groups.all()
        for group in groups:
            expired, none_left = self._offsets.forget_expired(group, now_ms)
            records += expired
            if none_left and group.is_empty:
                records += self._deletion_of(group, now_ms)
        if records:
            log.info("%d records forget expired offsets and groups", len(records))
        self._plan_expiry(now_ms)
        return only_append(records)

    def _plan_expiry(self, now_ms: int) -> None:
        at_ms = now_ms + self._config.offsets_retention_check_interval_ms
        self._timers.set(_EXPIRY_KEY, at_ms, self.expire_offsets)

    # Administration

    def describe(self, group_id: str, caller: Caller) -> DescribedGroup:
        """The group as it is. Members' metadata is shown while Stable: before, the protocol is not agreed on."""
        group = self._groups.get(group_id)
        if group is None or group.state is GroupState.DEAD:
            described = DescribedGroup(group_id=group_id, group_state=GroupState.DEAD)
            if caller.api_version >= _DESCRIBE_NAMES_MISSING_GROUP_SINCE:
                described.error_code = ErrorCode.GROUP_ID_NOT_FOUND
                is_other = self._group(group_id) is not None
                described.error_message = f"Group {group_id} {'is not a classic group' if is_other else 'not found'}."
            return described
        protocol = group.protocol if group.state is GroupState.STABLE else None
        return DescribedGroup(
            group_id=group_id,
            group_state=group.state,
            protocol_type=group.protocol_type or "",
            protocol_data=protocol or "",
            members=[
                DescribedGroupMember(
                    member_id=member.member_id,
                    group_instance_id=member.group_instance_id,
                    client_id=member.client_id,
                    client_host=member.client_host,
                    member_metadata=b"" if protocol is None else member.metadata(protocol),
                    member_assignment=member.assignment,
                )
                for member in group.members.values()
            ],
        )

    def describe_consumer_group(self, group_id: str) -> DescribedConsumerGroup:
        """The group as it is, or that there is no consumer group of that id."""
        return self._consumers.describe(group_id, is_taken=self._is_taken_from_consumers(group_id))

    def list_groups(self, states: Iterable[str] = (), types: Iterable[str] = ()) -> list[ListedGroup]:
        """The groups in one of `states` and of one of `types`, whatever the case; no filter lets all pass."""
        in_states = {state.strip().lower() for state in states}
        of_types = {kind.lower() for kind in types}
        classic = [
            ListedGroup(group.group_id, group.protocol_type or "", group.state, GROUP_TYPE)
            for group in self._groups.values()
        ]
        shared = self.shares.list_groups()
        return [
            group
            for group in (*classic, *self._consumers.list_groups(), *shared, *self.streams.list_groups())
            if (not of_types or group.group_type in of_types)
            and (not in_states or _STATE_NAMES.get(group.group_state, group.group_state).lower() in in_states)
        ]

    def delete_group(self, group_id: str, now_ms: int) -> Outcome[DeletableGroupResult]:
        """Forget an Empty group and all that it committed; of a share group, whose states have ended, the rest."""
        share_group = self.shares.groups.get(group_id)
        try:
            group = self._existing(group_id) if share_group is None else share_group
            if not group.is_empty:
                why = f"group {group_id} has {len(group.members)} members; stop them first"
                raise KafkaError(ErrorCode.NON_EMPTY_GROUP, why)
        except KafkaError as error:
            return answered(DeletableGroupResult(group_id, error.code))
        records = self._offsets.forget_group(group_id, now_ms)
        if isinstance(group, ShareGroup):
            records += self.shares.tombstones(group_id, now_ms)
        else:
            records += self._deletion_of(group, now_ms)
        return once_appended(records, DeletableGroupResult(group_id), lambda code: DeletableGroupResult(group_id, code))

    def _group(self, group_id: str) -> CommittingGroup | ShareGroup | None:
        return self._committing(group_id) or self.shares.groups.get(group_id)

    def _committing(self, group_id: str) -> CommittingGroup | None:
        """The group, if it is of a kind that commits offsets."""
        found = self._groups.get(group_id) or self._consumers.groups.get(group_id)
        return found or self.streams.groups.get(group_id)

    def _is_taken_from_shares(self, group_id: str) -> bool:
        """Whether a group of another kind has the id."""
        return self._committing(group_id) is not None

    def _is_taken_from_streams(self, group_id: str) -> bool:
        """Whether a group of another kind, but for classic ones, has the id."""
        return self._consumers.groups.get(group_id) is not None or self.shares.groups.get(group_id) is not None

    def _is_taken_from_consumers(self, group_id: str) -> bool:
        """Whether a group of another kind, but for classic ones, has the id."""
        return self.shares.groups.get(group_id) is not None or self.streams.groups.get(group_id) is not None

    def _existing(self, group_id: str) -> CommittingGroup:
        """The group, if it is of a kind that commits offsets. Raises KafkaError(GROUP_ID_NOT_FOUND)."""
        group = self._committing(group_id)
        if group is None or group.state is GroupState.DEAD:
            raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"there is no group {group_id}")
        return group

    def _deletion_of(self, group: CommittingGroup, now_ms: int) -> list[Record]:
        """The records that delete a group, but for its offsets."""
        if isinstance(group, StreamsGroup):
            return self.streams.tombstones(group, now_ms)
        if isinstance(group, ConsumerGroup):
            return tombstones(group, now_ms)
        return [group_record(group.group_id, None, now_ms)]


def _refuse_commit(request: OffsetCommitRequest, error: ErrorCode) -> OffsetCommitResponse:
    return OffsetCommitResponse(
        topics=[
            OffsetCommitResponseTopic(
                name=topic.name,
                topic_id=topic.topic_id,
                partitions=[OffsetCommitResponsePartition(p.partition_index, error) for p in topic.partitions],
            )
            for topic in request.topics
        ]
    )


def refuse_txn_commit(request: TxnOffsetCommitRequest, error: ErrorCode) -> TxnOffsetCommitResponse:
    """The answer where no partition is committed."""
    return TxnOffsetCommitResponse(
        topics=[
            TxnOffsetCommitResponseTopic(
                topic.name, [TxnOffsetCommitResponsePartition(p.partition_index, error) for p in topic.partitions]
            )
            for topic in request.topics
        ]
    )
