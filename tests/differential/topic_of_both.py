"""A topic that both brokers have."""

from __future__ import annotations

from typing import Any

from sides import Connection, Sides

from kafkapy.protocol.messages.create_topics import (
    CREATE_TOPICS,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from kafkapy.protocol.messages.fetch import FetchPartition, FetchTopic
from kafkapy.protocol.messages.produce import PRODUCE, PartitionProduceData, ProduceRequest, TopicProduceData


class Topic:
    """A topic of both brokers."""

    def __init__(self, line: Connection, sides: Sides, partitions: int = 1, **configs: str) -> None:
        self.line = line
        self.name = sides.new_name()
        given = [CreatableTopicConfig(name.replace("_", "."), value) for name, value in configs.items()]
        made = line.ask(CREATE_TOPICS, 7, CreateTopicsRequest([CreatableTopic(self.name, partitions, 1, [], given)]))
        self.id = made.topics[0].topic_id
        sides.settle()

    def produce(self, version: int, *data: tuple[int, bytes | None], acks: int = -1, **options: Any) -> Any:
        return self.line.ask(PRODUCE, version, self.produce_request(version, *data, acks=acks, **options))

    def produce_request(
        self, version: int, *data: tuple[int, bytes | None], acks: int = -1, transactional_id: str | None = None
    ) -> ProduceRequest:
        partitions = [PartitionProduceData(index, records) for index, records in data]
        topic = TopicProduceData(self.name, self.id, partitions)  # type: ignore[arg-type]  # each its own
        return ProduceRequest(transactional_id, acks, 5000, [topic])

    def wanted(self, partition: int = 0, offset: int = 0, **options: Any) -> FetchTopic:
        at = FetchPartition(partition, fetch_offset=offset, **({"partition_max_bytes": 1 << 20} | options))
        return FetchTopic(self.name, self.id, [at])  # type: ignore[arg-type]  # each its own
