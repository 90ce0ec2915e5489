"""The topology of a streams group: the parts of the application, and which topics each has (KIP-1071).

Apache: StreamsTopology.
"""

from __future__ import annotations

from functools import cached_property

from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages import streams_group_heartbeat as h
from kafkapy.protocol.records import streams_groups as s


class Topology:
    """What a member said that it runs; equal ones have the same epoch and the same subtopologies, in any order."""

    def __init__(self, value: s.StreamsGroupTopologyValue) -> None:
        self.value = value
        self.subtopologies = {one.subtopology_id: one for one in value.subtopologies}

    @property
    def epoch(self) -> int:
        return self.value.epoch

    @cached_property
    def subtopology_by_source(self) -> dict[str, str]:
        """For each topic that is read, the id of the subtopology that does."""
        return {
            topic: subtopology_id
            for subtopology_id, one in self.subtopologies.items()
            for topic in (*one.source_topics, *(info.name for info in one.repartition_source_topics))
        }

    @cached_property
    def required_topics(self) -> frozenset[str]:
        """Every topic that is read, or keeps state."""
        changelogs = (info.name for one in self.subtopologies.values() for info in one.state_changelog_topics)
        return frozenset((*self.subtopology_by_source, *changelogs))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Topology):
            return NotImplemented
        return (self.epoch, self.subtopologies) == (other.epoch, other.subtopologies)

    __hash__ = None  # type: ignore[assignment]


def topology_of(said: h.Topology) -> Topology:
    """What a heartbeat brings. Raises KafkaError(UNKNOWN_SERVER_ERROR) for what makes no topology, as Apache does."""
    topology = Topology(s.StreamsGroupTopologyValue(said.epoch, [_subtopology(one) for one in said.subtopologies]))
    if topology.epoch < 0 or len(topology.subtopologies) < len(said.subtopologies):
        why = "a topology's epoch is not negative, and each of its subtopologies has an id of its own"
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, why)
    return topology


def _subtopology(said: h.Subtopology) -> s.Subtopology:
    return s.Subtopology(
        subtopology_id=said.subtopology_id,
        source_topics=said.source_topics,
        source_topic_regex=said.source_topic_regex,
        state_changelog_topics=[_topic(info) for info in said.state_changelog_topics],
        repartition_sink_topics=said.repartition_sink_topics,
        repartition_source_topics=[_topic(info) for info in said.repartition_source_topics],
        copartition_groups=[
            s.CopartitionGroup(one.source_topics, one.source_topic_regex, one.repartition_source_topics)
            for one in said.copartition_groups
        ],
    )


def _topic(info: h.TopicInfo) -> s.TopicInfo:
    configs = [s.TopicConfig(one.key, one.value) for one in info.topic_configs]
    return s.TopicInfo(info.name, info.partitions, info.replication_factor, configs)
