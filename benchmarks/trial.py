"""One broker doing one work: connections and topics of its own, and a watch on time and processor."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks.brokers import Broker
from benchmarks.driver import Connection, WrongAnswerError
from kafkapy.protocol.api import Api
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.create_topics import CREATE_TOPICS, CreatableTopic, CreateTopicsRequest
from kafkapy.protocol.messages.delete_topics import DELETE_TOPICS, DeleteTopicsRequest, DeleteTopicState
from kafkapy.protocol.messages.list_offsets import (
    LIST_OFFSETS,
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)

LATEST = -1
LIST_OFFSETS_VERSION = 7  # Apache Kafka 3.9 has it too
LIMIT_S = 120.0
TIMEOUT_MS = 120_000
RETRY_S = 0.05
NOT_YET = (ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_COORDINATOR)
_numbers = count(1)


@dataclass(frozen=True)
class Topic:
    """A topic that is there for one work."""

    name: str
    id: UUID


@dataclass
class Span:
    """What `Trial.watch` saw; complete once its block is over."""

    seconds: float = 0.0
    cpu_s: float = 0.0


@dataclass
class Trial:
    """One broker doing one work once. `scale` says how much of it, 1.0 being a whole run's."""

    broker: Broker
    folder: Path
    scale: float = 1.0
    _connections: list[Connection] = field(default_factory=list)
    _topics: list[str] = field(default_factory=list)
    _brokers: list[Broker] = field(default_factory=list)

    def amount(self, whole: int, least: int = 1) -> int:
        """How many there are of what a whole run has so many of."""
        return max(least, round(whole * self.scale))

    def connect(self) -> Connection:
        self._connections.append(Connection(self.broker.address))
        return self._connections[-1]

    def spawn(self) -> Broker:
        """Another broker of the same kind, not started, with an empty directory."""
        self._brokers.append(type(self.broker)(self.folder / f"broker-{next(_numbers)}"))
        return self._brokers[-1]

    def topic(self, partitions: int = 1) -> Topic:
        """A new topic, ready for use."""
        name = f"topic-{next(_numbers)}"
        self._topics.append(name)
        connection = self.connect()
        topic = create(connection, {name: partitions})[0]
        wait_until_served(connection, {name: partitions})
        return topic

    @contextmanager
    def watch(self) -> Iterator[Span]:
        """The time that a block takes, and the processor time that the broker spends meanwhile."""
        span = Span()
        cpu_before, begun = self.broker.cpu_s(), time.perf_counter()
        yield span
        span.seconds = time.perf_counter() - begun
        span.cpu_s = self.broker.cpu_s() - cpu_before

    def close(self) -> None:
        """Delete what was made."""
        for broker in self._brokers:
            broker.remove()
        if self._topics:
            delete(self.connect(), self._topics)
        for connection in self._connections:
            connection.close()


def ask_until_ready(connection: Connection, api: Api, message: object, error_of: Callable[[Any], int]) -> Any:
    """The answer, once what it needs is there: a coordinator, or the topic that one keeps its groups in."""
    end = time.monotonic() + LIMIT_S
    while True:
        answer = connection.ask(api, message)
        error = error_of(answer)
        if error == ErrorCode.NONE:
            return answer
        if error not in NOT_YET or time.monotonic() > end:
            raise WrongAnswerError(f"{api.name} was refused with error {error}")
        time.sleep(RETRY_S)


def create(connection: Connection, partitions: dict[str, int]) -> list[Topic]:
    """Create topics with so many partitions each, in one request."""
    wanted = [CreatableTopic(name, many, 1) for name, many in partitions.items()]
    answer = connection.ask(CREATE_TOPICS, CreateTopicsRequest(wanted))
    for topic in answer.topics:
        if topic.error_code != ErrorCode.NONE:
            raise WrongAnswerError(f"CreateTopics of {topic.name}: {topic.error_code} {topic.error_message}")
    return [Topic(topic.name, topic.topic_id) for topic in answer.topics]


def delete(connection: Connection, names: list[str]) -> None:
    """Delete topics, in one request."""
    answer = connection.ask(
        DELETE_TOPICS, DeleteTopicsRequest([DeleteTopicState(name) for name in names], timeout_ms=TIMEOUT_MS)
    )
    for topic in answer.responses:
        if topic.error_code != ErrorCode.NONE:
            raise WrongAnswerError(f"DeleteTopics of {topic.name}: {topic.error_code} {topic.error_message}")


def wait_until_served(connection: Connection, partitions: dict[str, int]) -> None:
    """Until every partition tells its end. Apache Kafka answers CreateTopics before the broker has made the logs."""
    topics = [
        ListOffsetsTopic(name, [ListOffsetsPartition(index, timestamp=LATEST) for index in range(many)])
        for name, many in partitions.items()
    ]
    end = time.monotonic() + LIMIT_S
    while topics:
        answer = connection.ask(LIST_OFFSETS, ListOffsetsRequest(-1, topics=topics), LIST_OFFSETS_VERSION)
        late = {topic.name for topic in answer.topics if any(one.error_code for one in topic.partitions)}
        topics = [topic for topic in topics if topic.name in late]
        if time.monotonic() > end:
            raise WrongAnswerError(f"{len(topics)} topics are not served after {LIMIT_S} s, {topics[0].name} for one")
