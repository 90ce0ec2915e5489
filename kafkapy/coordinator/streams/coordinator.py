"""The streams groups' part of a shard: its groups, who asks what of them, and how they are shown (KIP-1071).

Apache: GroupMetadataManager's part for streams groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from kafkapy.coordinator.classic.group import ClassicGroup
from kafkapy.coordinator.streams.configured_topology import InternalTopic
from kafkapy.coordinator.streams.group import StreamsGroup, StreamsGroups
from kafkapy.coordinator.streams.member import StreamsMember
from kafkapy.coordinator.streams.membership import StreamsMembership
from kafkapy.coordinator.streams.records import group_tombstones
from kafkapy.coordinator.streams.settings import StreamsGroupContext
from kafkapy.coordinator.streams.tasks import Numbers
from kafkapy.coordinator.timers import Timers
from kafkapy.protocol.batch import Record
from kafkapy.protocol.errors import KafkaError
from kafkapy.protocol.messages import streams_group_describe as d
from kafkapy.protocol.messages.list_groups import ListedGroup
from kafkapy.protocol.messages.offset_commit import OffsetCommitRequest
from kafkapy.protocol.messages.txn_offset_commit import TxnOffsetCommitRequest
from kafkapy.protocol.records import streams_groups as s

STREAMS_GROUP_TYPE = "streams"


class StreamsGroupCoordinator:
    """What one shard knows of streams groups, and does for them."""

    def __init__(
        self,
        context: StreamsGroupContext,
        timers: Timers,
        classic_groups: dict[str, ClassicGroup],
        is_taken: Callable[[str], bool],
    ) -> None:
        self.groups = StreamsGroups(classic_groups)
        self.membership = StreamsMembership(context, timers, self.groups, classic_groups, is_taken)

    # Offsets

    def check_commit(self, group: StreamsGroup, request: OffsetCommitRequest, version: int) -> None:
        """Raise KafkaError if offsets may not be committed so."""
        named = [(topic.name, one.partition_index) for topic in request.topics for one in topic.partitions]
        group.check_commit(request.member_id, request.generation_id_or_member_epoch, version, named)

    def check_transactional_commit(self, group: StreamsGroup, request: TxnOffsetCommitRequest) -> None:
        """The same of a commit in a transaction."""
        named = [(topic.name, one.partition_index) for topic in request.topics for one in topic.partitions]
        group.check_transactional_commit(request.member_id, request.group_instance_id, request.generation_id, named)

    # Looked at

    def describe(self, group_id: str) -> d.DescribedStreamsGroup:
        """The group, its topology and its members as they are."""
        try:
            group = self.membership.find(group_id)
        except KafkaError as error:
            return d.DescribedStreamsGroup(error.code, error.why, group_id)
        return d.DescribedStreamsGroup(
            group_id=group_id,
            group_state=group.state,
            group_epoch=group.epoch,
            assignment_epoch=group.assignment_epoch,
            topology=_topology(group),
            members=[_member(group, member) for member in group.members.values()],
        )

    def list_groups(self) -> list[ListedGroup]:
        return [
            ListedGroup(group.group_id, STREAMS_GROUP_TYPE, group.state, STREAMS_GROUP_TYPE)
            for group in self.groups.all()
        ]

    # Its end

    def tombstones(self, group: StreamsGroup, now_ms: int) -> list[Record]:
        """The records that delete the group."""
        self.membership.end_gathering(group.group_id)
        return group_tombstones(group, now_ms)


def _topology(group: StreamsGroup) -> d.Topology | None:
    configured = group.configured
    if configured is not None and configured.is_ready and configured.subtopologies is not None:
        return d.Topology(
            configured.epoch,
            [
                d.Subtopology(
                    subtopology_id=subtopology_id,
                    source_topics=sorted(one.source_topics),
                    repartition_sink_topics=sorted(one.repartition_sinks),
                    state_changelog_topics=_configured_topics(one.changelogs),
                    repartition_source_topics=_configured_topics(one.repartition_sources),
                )
                for subtopology_id, one in configured.subtopologies.items()
            ],
        )
    if group.topology is None:
        return None
    return d.Topology(
        group.topology.epoch,
        [
            d.Subtopology(
                subtopology_id=subtopology_id,
                source_topics=sorted(said.source_topics),
                repartition_sink_topics=sorted(said.repartition_sink_topics),
                state_changelog_topics=_said_topics(said.state_changelog_topics),
                repartition_source_topics=_said_topics(said.repartition_source_topics),
            )
            for subtopology_id, said in sorted(group.topology.subtopologies.items())
        ],
    )


def _configured_topics(topics: Mapping[str, InternalTopic]) -> list[d.TopicInfo]:
    return [
        d.TopicInfo(name, topic.partition_count, topic.replication_factor, _key_values(topic.configs))
        for name, topic in sorted(topics.items())
    ]


def _said_topics(topics: Iterable[s.TopicInfo]) -> list[d.TopicInfo]:
    return [
        d.TopicInfo(
            info.name,
            info.partitions,
            info.replication_factor,
            [d.KeyValue(one.key, one.value) for one in info.topic_configs],
        )
        for info in sorted(topics, key=lambda info: info.name)
    ]


def _member(group: StreamsGroup, member: StreamsMember) -> d.Member:
    target, held = group.target_of(member.member_id), member.assigned
    return d.Member(
        member_id=member.member_id,
        member_epoch=member.member_epoch,
        instance_id=member.instance_id,
        rack_id=member.rack_id,
        client_id=member.client_id,
        client_host=member.client_host,
        topology_epoch=member.topology_epoch,
        process_id=member.process_id,
        user_endpoint=None if member.user_endpoint is None else d.Endpoint(*member.user_endpoint),
        client_tags=_key_values(member.client_tags),
        assignment=d.Assignment(*map(_tasks, (held.active_numbers, held.standby, held.warmup))),
        target_assignment=d.Assignment(*map(_tasks, (target.active, target.standby, target.warmup))),
    )


def _key_values(found: Mapping[str, str]) -> list[d.KeyValue]:
    return [d.KeyValue(key, value) for key, value in found.items()]


def _tasks(numbers: Numbers) -> list[d.TaskIds]:
    return [d.TaskIds(subtopology_id, sorted(found)) for subtopology_id, found in sorted(numbers.items())]
