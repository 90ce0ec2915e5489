"""What kafka-topics --describe shows: a topic, its partitions, and the lines they are printed as.

Built from four answers of the broker: partitions, settings, live brokers and reassignments; none is asked for twice.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import BrokerResponseError, IncompatibleBrokerVersion


@dataclass(frozen=True)
class PartitionDescription:
    """One partition; `leader` is None where no broker leads it, `adding` and `removing` where nobody moves it.

    `elr` and `last_known_elr`, its eligible leader replicas (KIP-966), are None where the broker does not tell them.
    """

    topic: str
    index: int
    leader: int | None
    replicas: list[int]
    isr: list[int]
    elr: list[int] | None
    last_known_elr: list[int] | None
    adding: list[int] | None
    removing: list[int] | None
    leader_is_alive: bool

    @property
    def replication_factor(self) -> int:
        """How many replicas it has when a reassignment under way is done or given up."""
        moving = {*(self.adding or []), *(self.removing or [])}
        return len(self.replicas) - len(self.adding or []) if moving & set(self.replicas) else len(self.replicas)

    def is_reported(self, report: str, min_isr: int) -> bool:
        """Whether it belongs into `report`, an option of kafka-topics."""
        match report:
            case "under-replicated-partitions":
                return len(self.isr) < self.replication_factor
            case "under-min-isr-partitions":
                return self.leader is None or len(self.isr) < min_isr
            case "at-min-isr-partitions":
                return len(self.isr) == min_isr
            case _:
                return not self.leader_is_alive


@dataclass(frozen=True)
class TopicDescription:
    """One topic; `configs` are its settings that are not Kafka's defaults, in the broker's order."""

    name: str
    topic_id: uuid.UUID | None
    configs: dict[str, str]
    min_isr: int
    partitions: list[PartitionDescription]


def describe(admin: Any, names: list[str], partition_limit: int) -> list[TopicDescription]:
    """Ask the broker about the topics `names`, in their order; at most `partition_limit` partitions an answer."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    settings = admin.describe_configs(resources, config_filter="all")["topic"]
    alive = {broker["broker_id"] for broker in admin.describe_cluster()["brokers"]}
    moves = _reassignments(admin)
    described = []
    for topic in _partitions(admin, names, partition_limit):
        name = topic["name"]
        config = settings[name]
        partitions = [
            PartitionDescription(
                topic=name,
                index=partition["partition_index"],
                leader=partition["leader_id"] if partition["leader_id"] >= 0 else None,
                replicas=partition["replica_nodes"],
                isr=partition["isr_nodes"],
                elr=partition["eligible_leader_replicas"],
                last_known_elr=partition["last_known_elr"],
                adding=move["adding_replicas"] if move else None,
                removing=move["removing_replicas"] if move else None,
                leader_is_alive=partition["leader_id"] in alive,
            )
            for partition in sorted(topic["partitions"], key=lambda partition: int(partition["partition_index"]))
            for move in [moves.get(TopicPartition(name, partition["partition_index"]))]
        ]
        described.append(
            TopicDescription(
                name=name,
                topic_id=uuid.UUID(str(topic["topic_id"])) if topic.get("topic_id") else None,
                configs={key: entry["value"] for key, entry in config.items() if _is_own(entry)},
                min_isr=int(config.get("min.insync.replicas", {}).get("value") or 1),
                partitions=partitions,
            )
        )
    return sorted(described, key=lambda topic: topic.name)


def topic_lines(topic: TopicDescription, report: str | None, only_overridden: bool, old_style: bool) -> Iterator[str]:
    """The lines to print; with a `report` only its partitions, with `only_overridden` only topics with settings.

    `old_style` is the way of 0.10: no topic id, no eligible leader replicas, no space after the topic line's colons.
    """
    configs = ",".join(f"{key}={value}" for key, value in topic.configs.items())
    if report is None and (topic.configs or not only_overridden):
        factor = topic.partitions[0].replication_factor
        count = len(topic.partitions)
        if old_style:
            yield f"Topic:{topic.name}\tPartitionCount:{count}\tReplicationFactor:{factor}\tConfigs:{configs}"
        else:
            identity = f"\tTopicId: {encoded(topic.topic_id)}" if topic.topic_id else ""
            counts = f"\tPartitionCount: {count}\tReplicationFactor: {factor}"
            yield f"Topic: {topic.name}{identity}{counts}\tConfigs: {configs}"
    if only_overridden:
        return
    for partition in topic.partitions:
        if report is None or partition.is_reported(report, topic.min_isr):
            yield _partition_line(partition, old_style)


def encoded(topic_id: uuid.UUID) -> str:
    """A topic's id as Kafka writes it: base64 for URLs, unpadded."""
    return base64.urlsafe_b64encode(topic_id.bytes).decode().rstrip("=")


def _partition_line(partition: PartitionDescription, old_style: bool) -> str:
    leader = "none" if partition.leader is None else partition.leader
    fields = [
        f"\tTopic: {partition.topic}",
        f"Partition: {partition.index}",
        f"Leader: {leader}",
        f"Replicas: {_listed(partition.replicas)}",
        f"Isr: {_listed(partition.isr)}",
    ]
    if partition.adding is not None:
        fields.append(f"Adding Replicas: {_listed(partition.adding)}")
        fields.append(f"Removing Replicas: {_listed(partition.removing or [])}")
    if not old_style:
        fields.append(f"Elr: {'N/A' if partition.elr is None else _listed(partition.elr)}")
        fields.append(
            f"LastKnownElr: {'N/A' if partition.last_known_elr is None else _listed(partition.last_known_elr)}"
        )
    return "\t".join(fields)


def _listed(brokers: list[int]) -> str:
    return ",".join(map(str, brokers))


def _is_own(entry: dict[str, Any]) -> bool:
    return bool(entry["config_source"] != "DEFAULT_CONFIG")


def _reassignments(admin: Any) -> dict[TopicPartition, dict[str, list[int]]]:
    # A broker that cannot move partitions, or does not let this user see it, has none to show.
    try:
        return dict(admin.list_partition_reassignments())
    except (IncompatibleBrokerVersion, BrokerResponseError):
        return {}


def _partitions(admin: Any, names: list[str], limit: int) -> list[dict[str, Any]]:
    """The topics with all their partitions, however many answers that takes."""
    topics: dict[str, dict[str, Any]] = {}
    cursor = None
    try:
        while True:
            answer = admin.describe_topic_partitions(names, limit, cursor)
            for topic in answer["topics"]:
                for partition in topic["partitions"]:
                    # kafka-python has None for an empty list here; this API always tells them.
                    partition["eligible_leader_replicas"] = partition["eligible_leader_replicas"] or []
                    partition["last_known_elr"] = partition["last_known_elr"] or []
                if topic["name"] in topics:
                    topics[topic["name"]]["partitions"].extend(topic["partitions"])
                elif topic["error_code"] == 0:
                    topics[topic["name"]] = topic
            cursor = answer["next_cursor"]
            if cursor is None:
                return list(topics.values())
    except IncompatibleBrokerVersion:
        unknown = {"eligible_leader_replicas": None, "last_known_elr": None}
        described = admin.describe_topics(names)
        return [
            topic | {"partitions": [unknown | partition for partition in topic["partitions"]]} for topic in described
        ]
