"""The consumer groups' part of a shard: its groups, who asks what of them, and how they are shown. Apache:
GroupMetadataManager's part for consumer groups.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from kafkapy.coordinator.classic.group import CONSUMER_PROTOCOL_TYPE, ClassicGroup
from kafkapy.coordinator.classic.rebalance import GroupConfig, Rebalances
from kafkapy.coordinator.consumer.classic_members import ClassicMembers
from kafkapy.coordinator.consumer.group import ConsumerGroup, check_commit_of
from kafkapy.coordinator.consumer.groups import ConsumerGroups
from kafkapy.coordinator.consumer.member import ConsumerMember
from kafkapy.coordinator.consumer.membership import ConsumerMembership
from kafkapy.coordinator.consumer.migration import Migration
from kafkapy.coordinator.consumer.settings import ConsumerGroupContext
from kafkapy.coordinator.timers import Timers
from kafkapy.protocol.errors import KafkaError
from kafkapy.protocol.messages.consumer_group_describe import (
    DescribedAssignment,
    DescribedConsumer,
    DescribedConsumerGroup,
    DescribedTopicPartitions,
)
from kafkapy.protocol.messages.list_groups import ListedGroup
from kafkapy.protocol.messages.offset_commit import OffsetCommitRequest
from kafkapy.protocol.messages.txn_offset_commit import TxnOffsetCommitRequest
from kafkapy.protocol.wire import ZERO_UUID

CONSUMER_GROUP_TYPE = "consumer"
_CLASSIC_MEMBER, _CONSUMER_MEMBER = 0, 1


class ConsumerCoordinator:
    """What one shard knows of consumer groups, and does for them."""

    def __init__(
        self,
        config: GroupConfig,
        context: ConsumerGroupContext,
        timers: Timers,
        rebalances: Rebalances,
        classic_groups: dict[str, ClassicGroup],
    ) -> None:
        self._context = context
        self.groups = ConsumerGroups(classic_groups)
        migration = Migration(config, context, rebalances, classic_groups)
        self.membership = ConsumerMembership(context, timers, self.groups, classic_groups, migration)
        self.classic_members = ClassicMembers(context, self.membership, migration)

    def check_commit(self, group: ConsumerGroup, request: OffsetCommitRequest, version: int) -> None:
        """Raise KafkaError if offsets may not be committed so; one partition that may not refuses all."""
        epoch = request.generation_id_or_member_epoch
        behind = group.check_commit(request.member_id, epoch, version)
        if behind is not None:
            for topic in request.topics:
                for partition in topic.partitions:
                    check_commit_of(behind, epoch, topic.topic_id, partition.partition_index)

    def check_transactional_commit(self, group: ConsumerGroup, request: TxnOffsetCommitRequest) -> None:
        """The same of a commit in a transaction: topics come by name."""
        epoch = request.generation_id
        behind = group.check_transactional_commit(request.member_id, request.group_instance_id, epoch)
        if behind is not None:
            for topic in request.topics:
                known = self._context.topics.by_name(topic.name)
                topic_id = ZERO_UUID if known is None else known.topic_id
                for partition in topic.partitions:
                    check_commit_of(behind, epoch, topic_id, partition.partition_index)

    def describe(self, group_id: str, *, is_taken: bool = False) -> DescribedConsumerGroup:
        """The group and its members as they are; `is_taken`: a share or streams group has the id."""
        try:
            group = self.groups.find(group_id, is_taken=is_taken)
        except KafkaError as error:
            return DescribedConsumerGroup(error.code, error.why, group_id)
        return DescribedConsumerGroup(
            group_id=group_id,
            group_state=group.state,
            group_epoch=group.epoch,
            assignment_epoch=group.assignment_epoch,
            assignor_name=group.preferred_assignor() or self._context.config.assignors[0],
            members=[self._described(group, member) for member in group.members.values()],
        )

    def _described(self, group: ConsumerGroup, member: ConsumerMember) -> DescribedConsumer:
        # What it has yet to give back is still read by it.
        has: dict[UUID, list[int]] = {}
        for partitions in (member.assigned, member.pending_revocation):
            for topic_id, found in partitions.items():
                has.setdefault(topic_id, []).extend(found)
        return DescribedConsumer(
            member_id=member.member_id,
            instance_id=member.instance_id,
            rack_id=member.rack_id,
            member_epoch=member.member_epoch,
            client_id=member.client_id,
            client_host=member.client_host,
            subscribed_topic_names=sorted(member.subscribed_topic_names),
            subscribed_topic_regex=member.subscribed_topic_regex,
            assignment=self._named(has),
            target_assignment=self._named(group.target_of(member.member_id)),
            member_type=_CLASSIC_MEMBER if member.uses_classic_protocol else _CONSUMER_MEMBER,
        )

    def _named(self, partitions: Mapping[UUID, Collection[int]]) -> DescribedAssignment:
        return DescribedAssignment(
            [
                DescribedTopicPartitions(topic_id, topic.name, sorted(found))
                for topic_id, found in partitions.items()
                if (topic := self._context.topics.by_id(topic_id)) is not None
            ]
        )

    def list_groups(self) -> list[ListedGroup]:
        return [
            ListedGroup(group.group_id, CONSUMER_PROTOCOL_TYPE, group.state, CONSUMER_GROUP_TYPE)
            for group in self.groups.all()
        ]
