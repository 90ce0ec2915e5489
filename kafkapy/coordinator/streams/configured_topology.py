"""A topology as the cluster's topics let it run: how many tasks each subtopology has, and which topics are to be made.

Sources must be there, internal topics get as many partitions as what they are filled from, and topics that are read
together must have equally many. Apache: InternalTopicManager, RepartitionTopics, CopartitionedTopicsEnforcer,
ChangelogTopics, ConfiguredTopology.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from kafkapy.coordinator.java_hash import java_order
from kafkapy.coordinator.known_topics import KnownTopics
from kafkapy.coordinator.streams.topology import Topology
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.create_topics import CreatableTopic, CreatableTopicConfig
from kafkapy.protocol.records import streams_groups as s

_SHOWN_TOPICS = 3


class StatusCode(IntEnum):
    """What holds a group up, as heartbeats are told."""

    STALE_TOPOLOGY = 0
    MISSING_SOURCE_TOPICS = 1
    INCORRECTLY_PARTITIONED_TOPICS = 2
    MISSING_INTERNAL_TOPICS = 3
    SHUTDOWN_APPLICATION = 4
    ASSIGNMENT_DELAYED = 5


class TopicsError(Exception):
    """The topics are not as the topology needs them."""

    def __init__(self, code: StatusCode, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class InternalTopic:
    """A topic that the coordinator makes; replication factor 0: as the broker has it."""

    name: str
    partition_count: int
    replication_factor: int
    configs: Mapping[str, str]

    def to_create(self) -> CreatableTopic:
        return CreatableTopic(
            name=self.name,
            num_partitions=self.partition_count,
            replication_factor=self.replication_factor or -1,
            configs=[CreatableTopicConfig(name, value) for name, value in self.configs.items()],
        )


@dataclass(frozen=True, slots=True)
class ConfiguredSubtopology:
    """A subtopology that has what it needs, or for which it can be made."""

    task_count: int
    source_topics: frozenset[str]
    repartition_sources: Mapping[str, InternalTopic]
    repartition_sinks: frozenset[str]
    changelogs: Mapping[str, InternalTopic]

    @property
    def is_stateful(self) -> bool:
        return bool(self.changelogs)


@dataclass(frozen=True, slots=True)
class ConfiguredTopology:
    """What became of a topology; `problem` says why it cannot run."""

    epoch: int
    subtopologies: Mapping[str, ConfiguredSubtopology] | None = None  # in the order of their ids
    to_create: Sequence[CreatableTopic] = field(default_factory=list)
    problem: TopicsError | None = None

    @property
    def is_ready(self) -> bool:
        return self.problem is None


def configure(topology: Topology, topics: KnownTopics) -> ConfiguredTopology:
    """Hold the topology against the topics that there are.

    Raises KafkaError: STREAMS_INVALID_TOPOLOGY for one that no topics could serve, UNKNOWN_SERVER_ERROR for one that
    makes no sense.
    """
    try:
        return _Configuring(topology, topics).configure()
    except TopicsError as problem:
        return ConfiguredTopology(topology.epoch, problem=problem)


class _Configuring:
    def __init__(self, topology: Topology, topics: KnownTopics) -> None:
        self._topology = topology
        self._topics = topics
        # In the order in which Apache comes upon them, which may decide how many partitions a topic gets.
        self._subtopologies = [topology.subtopologies[one] for one in java_order(topology.subtopologies)]
        self._decided: dict[str, int] = {}

    def configure(self) -> ConfiguredTopology:
        sources = {topic for one in self._subtopologies for topic in one.source_topics}
        missing = sorted(topic for topic in sources if self._topics.by_name(topic) is None)
        if missing:
            raise TopicsError(StatusCode.MISSING_SOURCE_TOPICS, f"Source topics {_summary(missing)} are missing.")
        copartitioned = [_copartitioned(one) for one in self._subtopologies]
        self._decided |= self._repartition_counts()
        for groups in copartitioned:
            for group in groups:
                self._decided |= self._enforce(group)
        self._decided |= self._changelog_counts()
        subtopologies = {one.subtopology_id: self._configured(one) for one in self._subtopologies}
        internal = {
            name: topic
            for one in subtopologies.values()
            for name, topic in (*one.repartition_sources.items(), *one.changelogs.items())
        }
        to_create = self._missing(internal)
        problem = None
        if to_create:
            names = _summary([topic.name for topic in to_create])
            problem = TopicsError(StatusCode.MISSING_INTERNAL_TOPICS, f"Internal topics are missing: {names}")
        return ConfiguredTopology(self._topology.epoch, dict(sorted(subtopologies.items())), to_create, problem)

    def _count(self, topic: str) -> int | None:
        known = self._topics.by_name(topic)
        return self._decided.get(topic) if known is None else known.partition_count

    def _must_count(self, topic: str) -> int:
        count = self._count(topic)
        if count is None:
            why = f"nothing says how many partitions topic {topic} of the topology has"
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, why)
        return count

    def _repartition_counts(self) -> dict[str, int]:
        """Every repartition topic gets as many partitions as the subtopology that fills it reads at most."""
        infos = [info for one in self._subtopologies for info in one.repartition_source_topics]
        counts = {info.name: info.partitions for info in infos if info.partitions}
        while True:
            undecided = [
                (one, topic)
                for one in self._subtopologies
                for topic in one.repartition_sink_topics
                if topic not in counts
            ]
            has_decided = False
            for one, topic in undecided:
                count = self._filling_count(one, counts)
                if topic not in counts and count is not None:
                    counts[topic] = count
                    has_decided = True
            if all(topic in counts for _, topic in undecided):
                break
            if not has_decided:
                raise _invalid(
                    "Failed to compute number of partitions for all repartition topics. There may be loops in the "
                    "topology that cannot be resolved."
                )
        if any(info.name not in counts for info in infos):
            raise _invalid(
                "Failed to compute number of partitions for all repartition topics, because a repartition source topic "
                "is never used as a sink topic."
            )
        return counts

    def _filling_count(self, one: s.Subtopology, counts: Mapping[str, int]) -> int | None:
        found = [counts[info.name] for info in one.repartition_source_topics if info.name in counts]
        found += [count for topic in one.source_topics if (count := self._count(topic)) is not None]
        return max(found, default=None)

    def _enforce(self, group: Collection[str]) -> dict[str, int]:
        """The partitions of the repartition topics of a group that is read together."""
        infos = [info for one in self._subtopologies for info in one.repartition_source_topics]
        fixed = {info.name for info in infos if info.partitions}
        internal = {info.name for info in infos}
        counts = {topic: self._must_count(topic) for topic in java_order(group)}
        repartition = {topic: count for topic, count in counts.items() if topic in internal}
        external = {topic: count for topic, count in counts.items() if topic not in internal}
        if not counts:
            return {}
        if external:
            count = _same(external.values(), external)
        elif fixed:
            count = _same([self._must_count(topic) for topic in java_order(fixed)], repartition)
        else:
            count = max(repartition.values())
            if not count:
                raise _invalid(f"All topics in the copartition group had undefined partition number: {repartition}")
        for topic, planned in repartition.items():
            if topic in fixed and planned != count:
                detail = (
                    f"Number of partitions [{planned}] of repartition topic [{topic}] doesn't match number of "
                    f"partitions [{count}] of the source topic."
                )
                raise TopicsError(StatusCode.INCORRECTLY_PARTITIONED_TOPICS, detail)
        return dict.fromkeys(repartition, count)

    def _changelog_counts(self) -> dict[str, int]:
        """Every changelog has a partition for each task that keeps state."""
        counts: dict[str, int] = {}
        for one in self._subtopologies:
            count = self._task_count(one)
            counts |= dict.fromkeys((info.name for info in one.state_changelog_topics), count)
        return counts

    def _task_count(self, one: s.Subtopology) -> int:
        sources = [*one.source_topics, *(info.name for info in one.repartition_source_topics)]
        if not sources:
            raise _invalid(f"No source topics found for subtopology {one.subtopology_id}")
        return max(map(self._must_count, sources))

    def _configured(self, one: s.Subtopology) -> ConfiguredSubtopology:
        return ConfiguredSubtopology(
            task_count=self._task_count(one),
            source_topics=frozenset(one.source_topics),
            repartition_sources=self._internal(one.repartition_source_topics),
            repartition_sinks=frozenset(one.repartition_sink_topics),
            changelogs=self._internal(one.state_changelog_topics),
        )

    def _internal(self, infos: Iterable[s.TopicInfo]) -> dict[str, InternalTopic]:
        found: dict[str, InternalTopic] = {}
        for info in infos:
            count = info.partitions or self._decided.get(info.name, 0)
            if count < 1 or info.name in found:
                why = f"topic {info.name} of the topology is there twice, or would have {count} partitions"
                raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, why)
            configs = {one.key: one.value for one in info.topic_configs}
            found[info.name] = InternalTopic(info.name, count, info.replication_factor, configs)
        return found

    def _missing(self, internal: Mapping[str, InternalTopic]) -> list[CreatableTopic]:
        to_create = []
        for name in java_order(internal):
            known, topic = self._topics.by_name(name), internal[name]
            if known is None:
                to_create.append(topic.to_create())
            elif known.partition_count != topic.partition_count:
                detail = (
                    f"Existing topic {name} has different number of partitions: expected {topic.partition_count}, "
                    f"found {known.partition_count}"
                )
                raise TopicsError(StatusCode.INCORRECTLY_PARTITIONED_TOPICS, detail)
        return to_create


def _copartitioned(one: s.Subtopology) -> list[set[str]]:
    """The topics that must have equally many partitions, group by group."""
    repartition = [info.name for info in one.repartition_source_topics]
    try:
        return [
            {_at(one.source_topics, index) for index in group.source_topics}
            | {_at(repartition, index) for index in group.repartition_source_topics}
            for group in one.copartition_groups
        ]
    except IndexError:
        why = f"a copartition group of subtopology {one.subtopology_id} names a topic that is not in its lists"
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, why) from None


def _at(topics: Sequence[str], index: int) -> str:
    if index < 0:
        raise IndexError(index)
    return topics[index]


def _same(counts: Iterable[int], told: Mapping[str, int]) -> int:
    count, *more = set(counts)
    if more:
        found = ", ".join(f"{topic}={partitions}" for topic, partitions in sorted(told.items()))
        detail = f"Following topics do not have the same number of partitions: [{{{found}}}]"
        raise TopicsError(StatusCode.INCORRECTLY_PARTITIONED_TOPICS, detail)
    return count


def _invalid(why: str) -> KafkaError:
    return KafkaError(ErrorCode.STREAMS_INVALID_TOPOLOGY, why)


def _summary(topics: Sequence[str]) -> str:
    more = len(topics) - _SHOWN_TOPICS
    return ", ".join(topics[:_SHOWN_TOPICS]) + (f" and {more} additional topics" if more > 0 else "")
