"""Where the state of a streams group's partitions can be asked for: interactive queries (KIP-1071).

Apache: EndpointToPartitionsManager.
"""

from __future__ import annotations

from collections.abc import Mapping

from kafkapy.coordinator.known_topics import KnownTopics
from kafkapy.coordinator.streams.configured_topology import ConfiguredSubtopology
from kafkapy.coordinator.streams.group import StreamsGroup
from kafkapy.coordinator.streams.member import StreamsMember
from kafkapy.coordinator.streams.tasks import Numbers
from kafkapy.protocol.messages import streams_group_heartbeat as h


def partitions_by_endpoint(
    group: StreamsGroup, changing: StreamsMember, topics: KnownTopics
) -> list[h.EndpointToPartitions]:
    """The partitions of every member that has an endpoint; `changing` is in the place of what it was.

    While source topics are missing no member has any: Apache fails there, with an unknown server error.
    """
    subtopologies = (group.configured.subtopologies if group.configured is not None else None) or {}
    members = [*(one for one in group.members.values() if one.member_id != changing.member_id), changing]
    return [
        h.EndpointToPartitions(
            user_endpoint=h.Endpoint(member.user_endpoint.host, member.user_endpoint.port),
            active_partitions=_partitions(member.assigned.active_numbers, subtopologies, topics),
            standby_partitions=_partitions(member.assigned.standby, subtopologies, topics),
        )
        for member in members
        if member.user_endpoint is not None
    ]


def _partitions(
    numbers: Numbers, subtopologies: Mapping[str, ConfiguredSubtopology], topics: KnownTopics
) -> list[h.TopicPartition]:
    found = []
    for subtopology_id, partitions in numbers.items():
        subtopology = subtopologies.get(subtopology_id)
        if subtopology is not None:
            for name in sorted(subtopology.source_topics | subtopology.repartition_sources.keys()):
                topic = topics.by_name(name)
                count = 0 if topic is None else topic.partition_count
                # A topic with fewer partitions than there are tasks is read by the first of them.
                found.append(h.TopicPartition(name, sorted(partitions)[:count]))
    return found
