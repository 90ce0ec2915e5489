"""What a replayed record changed, for those who must follow: the storage, the group coordinator, the configuration."""

from __future__ import annotations

from dataclasses import dataclass

from kafkapy.metadata.brokers import Broker
from kafkapy.metadata.partitions import PartitionState
from kafkapy.metadata.topics import Topic


@dataclass(frozen=True, slots=True)
class TopicCreated:
    """The topic exists; its partitions follow, one change each."""

    topic: Topic


@dataclass(frozen=True, slots=True)
class TopicDeleted:
    """The topic is gone, with its configuration; `topic` is how it last was."""

    topic: Topic


@dataclass(frozen=True, slots=True)
class PartitionCreated:
    topic: Topic
    partition: PartitionState


@dataclass(frozen=True, slots=True)
class PartitionChanged:
    """Leader, replicas or in-sync set are others now."""

    topic: Topic
    before: PartitionState
    after: PartitionState


@dataclass(frozen=True, slots=True)
class ConfigChanged:
    """One setting of one resource; None where it went back to its default."""

    resource_type: int
    resource_name: str
    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class BrokerChanged:
    """A broker came (`before` is None), changed, or was unregistered (`after` is None)."""

    before: Broker | None
    after: Broker | None


@dataclass(frozen=True, slots=True)
class FeatureChanged:
    """A feature's finalized level; 0 where it was switched off."""

    name: str
    level: int


Change = (
    TopicCreated | TopicDeleted | PartitionCreated | PartitionChanged | ConfigChanged | BrokerChanged | FeatureChanged
)
