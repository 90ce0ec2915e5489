"""The share groups' part of a shard: its groups, who asks what of them, and how they are shown (KIP-932).

What needs the share coordinator is done in steps: a step here says which states are to begin or to end, whoever runs
it asks the share coordinator, and tells the next step. Apache: GroupMetadataManager's part for share groups.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from kafkapy.coordinator.assignor import Partitions
from kafkapy.coordinator.outcome import Outcome, answered, once_appended, only_append
from kafkapy.coordinator.share.group import ShareGroup, ShareGroups, ShareMember, StateOfTopic, StatePartitions
from kafkapy.coordinator.share.membership import (
    SIMPLE,
    ShareGroupContext,
    ShareMembership,
    ToInitialize,
    with_initializing,
)
from kafkapy.coordinator.share.records import group_tombstones, states_record
from kafkapy.coordinator.timers import Timers
from kafkapy.protocol.batch import Record
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages import alter_share_group_offsets as a
from kafkapy.protocol.messages import delete_share_group_offsets as d
from kafkapy.protocol.messages import share_group_describe as sd
from kafkapy.protocol.messages.list_groups import ListedGroup

SHARE_GROUP_TYPE = "share"
_NO_TOPIC = "This server does not host this topic-partition."


class ShareGroupCoordinator:
    """What one shard knows of share groups, and does for them."""

    def __init__(self, context: ShareGroupContext, timers: Timers, is_taken: Callable[[str], bool]) -> None:
        self._context = context
        self.groups = ShareGroups()
        self.membership = ShareMembership(context, timers, self.groups, is_taken)

    # Looked at

    def describe(self, group_id: str) -> sd.DescribedShareGroup:
        """The group and its members as they are."""
        try:
            group = self.membership.find(group_id)
        except KafkaError as error:
            return sd.DescribedShareGroup(error.code, error.why, group_id)
        return sd.DescribedShareGroup(
            group_id=group_id,
            group_state=group.state,
            group_epoch=group.epoch,
            assignment_epoch=group.assignment_epoch,
            assignor_name=SIMPLE,
            members=[self._described(member) for member in group.members.values()],
        )

    def _described(self, member: ShareMember) -> sd.DescribedShareMember:
        found = [
            sd.ShareTopicPartitions(topic_id, topic.name, sorted(partitions))
            for topic_id, partitions in member.assigned.items()
            if (topic := self._context.topics.by_id(topic_id)) is not None
        ]
        return sd.DescribedShareMember(
            member_id=member.member_id,
            rack_id=member.rack_id,
            member_epoch=member.member_epoch,
            client_id=member.client_id,
            client_host=member.client_host,
            subscribed_topic_names=sorted(member.subscribed_topic_names),
            assignment=sd.ShareAssignment(found),
        )

    def list_groups(self) -> list[ListedGroup]:
        return [
            ListedGroup(group.group_id, SHARE_GROUP_TYPE, group.state, SHARE_GROUP_TYPE) for group in self.groups.all()
        ]

    def initialized_partitions(self, group_id: str) -> Partitions:
        """The partitions that have a state with the share coordinator."""
        group = self.groups.get(group_id)
        if group is None or group.states is None:
            return {}
        return {topic_id: one.partitions for topic_id, one in group.states.initialized.items()}

    # Where they begin

    def alter_offsets(
        self, request: a.AlterShareGroupOffsetsRequest, now_ms: int
    ) -> Outcome[tuple[a.AlterShareGroupOffsetsResponse, ToInitialize | None]]:
        """An empty group is to begin elsewhere; one that is not there comes to be."""
        group_id = request.group_id
        try:
            group = self.membership.find_or_new(group_id)
            _check_empty(group)
        except KafkaError as error:
            return answered((a.AlterShareGroupOffsetsResponse(error_code=error.code, error_message=error.why), None))
        response = a.AlterShareGroupOffsetsResponse()
        offsets: dict[UUID, dict[int, int]] = {}
        beginning: dict[UUID, StateOfTopic] = {}
        for topic in request.topics:
            known = self._context.topics.by_name(topic.topic_name)
            count = 0 if known is None else known.partition_count
            partitions = []
            for partition in topic.partitions:
                result = a.AlterShareGroupOffsetsResponsePartition(partition.partition_index)
                if known is None or partition.partition_index >= count:
                    result.error_code, result.error_message = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, _NO_TOPIC
                else:
                    offsets.setdefault(known.topic_id, {})[partition.partition_index] = partition.start_offset
                partitions.append(result)
            answer = a.AlterShareGroupOffsetsResponseTopic(topic.topic_name, partitions=partitions)
            if known is not None:
                answer.topic_id = known.topic_id
                found = frozenset(offsets.get(known.topic_id, {}))
                beginning[known.topic_id] = StateOfTopic(topic.topic_name, found, now_ms)
            response.responses.append(answer)
        if not beginning:
            return answered((response, None))
        records = [states_record(group_id, with_initializing(group, beginning), now_ms)]
        return once_appended(
            records,
            (response, ToInitialize(group_id, group.epoch, offsets)),
            lambda code: (a.AlterShareGroupOffsetsResponse(error_code=code), None),
        )

    def begin_deleting_offsets(
        self, request: d.DeleteShareGroupOffsetsRequest, now_ms: int
    ) -> Outcome[tuple[d.DeleteShareGroupOffsetsResponse, Partitions]]:
        """An empty group is to forget topics: the answer so far, and the partitions whose state is to end."""
        try:
            group = self.membership.find(request.group_id)
            _check_empty(group)
        except KafkaError as error:
            refused = d.DeleteShareGroupOffsetsResponse(error_code=error.code, error_message=error.why)
            return answered((refused, {}))
        response = d.DeleteShareGroupOffsetsResponse()
        if group.states is None:
            return answered((response, {}))
        states, ending = group.states.copy(), dict[UUID, Collection[int]]()
        for topic in request.topics:
            known = self._context.topics.by_name(topic.topic_name)
            had = None if known is None else states.initialized.pop(known.topic_id, None)
            if known is not None and had is not None:
                ending[known.topic_id] = had.partitions
                states.deleting[known.topic_id] = topic.topic_name
            elif known is not None and known.topic_id in states.deleting:
                ending[known.topic_id] = range(known.partition_count)
            else:
                why = _NO_TOPIC if known is None else "There is no offset information to delete."
                refused_topic = d.DeleteShareGroupOffsetsResponseTopic(topic.topic_name, error_message=why)
                refused_topic.error_code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
                response.responses.append(refused_topic)
        return once_appended(
            [states_record(request.group_id, states, now_ms)],
            (response, ending),
            lambda code: (d.DeleteShareGroupOffsetsResponse(error_code=code), {}),
        )

    def deleted_offsets(self, group_id: str, topics: Collection[UUID], now_ms: int) -> Outcome[None]:
        """The states of these topics have ended."""
        group = self.groups.get(group_id)
        if group is None or group.states is None or not topics:
            return only_append([])
        states = group.states.copy()
        for topic_id in topics:
            states.deleting.pop(topic_id, None)
        return only_append([states_record(group_id, states, now_ms)])

    # Its end

    def begin_deleting(self, group_id: str, now_ms: int) -> Outcome[tuple[KafkaError | None, Partitions]]:
        """An empty group is to be forgotten: why not, or the partitions whose state is to end first."""
        try:
            group = self.membership.find(group_id)
            _check_empty(group)
        except KafkaError as error:
            return answered((error, {}))
        if group.states is None:
            return answered((None, {}))
        ending: dict[UUID, set[int]] = {}
        names: dict[UUID, str] = {}
        for found in (group.states.initialized, group.states.initializing):
            for topic_id, one in found.items():
                ending.setdefault(topic_id, set()).update(one.partitions)
                names[topic_id] = one.name
        for topic_id in group.states.deleting:
            # An earlier deletion did not come to its end.
            topic = self._context.topics.by_id(topic_id)
            if topic is not None:
                ending.setdefault(topic_id, set()).update(range(topic.partition_count))
                names[topic_id] = topic.name
        records = [states_record(group_id, StatePartitions(deleting=names), now_ms)]
        refused: Mapping[UUID, Collection[int]] = {}
        return once_appended(records, (None, ending), lambda code: (KafkaError(code, "it cannot be written"), refused))

    def tombstones(self, group_id: str, now_ms: int) -> list[Record]:
        """The records that delete the group."""
        group = self.groups.get(group_id)
        return [] if group is None else group_tombstones(group, now_ms)


def _check_empty(group: ShareGroup) -> None:
    if not group.is_empty:
        why = f"Share group {group.group_id} is not empty."
        raise KafkaError(ErrorCode.NON_EMPTY_GROUP, why)
