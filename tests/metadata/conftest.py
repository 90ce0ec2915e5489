"""A small cluster, and a controller whose records are replayed at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from kafkapy.metadata import framing
from kafkapy.metadata.brokers import Endpoint
from kafkapy.metadata.changes import Change
from kafkapy.metadata.controller import Controller
from kafkapy.metadata.image import ClusterImage
from kafkapy.metadata.registration import Registration
from kafkapy.metadata.topic_changes import TopicRules


@dataclass
class Cluster:
    """An image, its controller, and the log of all records: committed goes through the framing, as on disk."""

    rules: TopicRules = field(default_factory=TopicRules)
    image: ClusterImage = field(default_factory=lambda: ClusterImage("cluster"))
    log: list[Any] = field(default_factory=list)
    ids: int = 1 << 64

    def __post_init__(self) -> None:
        self.controller = Controller(self.image, self.rules, self.new_id)

    def new_id(self) -> UUID:
        self.ids += 1
        return UUID(int=self.ids)

    def commit(self, records: list[Any]) -> list[Change]:
        self.log += records
        changes = []
        for record in records:
            changes += self.image.replay(framing.decode(framing.encode(record)))
        return changes

    def add_broker(self, broker_id: int, rack: str | None = None) -> int:
        """Register and unfence; the broker's epoch."""
        registration = Registration(
            broker_id,
            UUID(int=5000 + len(self.log)),
            [Endpoint("PLAINTEXT", f"host{broker_id}", 9092)],
            [UUID(int=9000 + broker_id)],
            {"metadata.version": (30, 30)},
            rack,
        )
        records, epoch = self.controller.register_broker(registration, len(self.log))
        self.commit(records)
        self.commit(self.controller.unfence_broker(broker_id, epoch))
        return epoch


@pytest.fixture
def cluster() -> Cluster:
    """One active broker, 1."""
    made = Cluster()
    made.add_broker(1)
    return made


@pytest.fixture
def make_cluster() -> Callable[..., Cluster]:
    """A cluster of so many brokers, 1 to n, under the rules given."""

    def make(brokers: int, rules: TopicRules | None = None) -> Cluster:
        made = Cluster(rules or TopicRules())
        for broker_id in range(1, brokers + 1):
            made.add_broker(broker_id)
        return made

    return make
