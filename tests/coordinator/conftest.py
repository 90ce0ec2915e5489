"""A shard with a runtime around it that has no I/O: a list for a log, a clock that is set by hand, and no luck."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

import pytest

from kafkapy.coordinator.caller import Caller
from kafkapy.coordinator.classic.rebalance import GroupConfig
from kafkapy.coordinator.consumer.settings import (
    ConsumerGroupConfig,
    ConsumerGroupContext,
    MigrationPolicy,
)
from kafkapy.coordinator.group_settings import GroupSettings
from kafkapy.coordinator.group_shard import GroupShard
from kafkapy.coordinator.known_topics import KnownTopic
from kafkapy.coordinator.outcome import Outcome
from kafkapy.coordinator.promise import Promise
from kafkapy.coordinator.records import read_record
from kafkapy.coordinator.share.membership import ShareGroupConfig, ShareGroupContext
from kafkapy.coordinator.streams.settings import StreamsGroupConfig, StreamsGroupContext, StreamsGroupSettings
from kafkapy.protocol.batch import Record, build_batch, read_records
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.consumer_group_describe import DescribedConsumerGroup
from kafkapy.protocol.messages.consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
    HeartbeatTopicPartitions,
)
from kafkapy.protocol.messages.heartbeat import HeartbeatRequest
from kafkapy.protocol.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse
from kafkapy.protocol.messages.leave_group import LeaveGroupRequest, LeaveGroupResponse, MemberIdentity
from kafkapy.protocol.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from kafkapy.protocol.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestTopic
from kafkapy.protocol.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse

T = TypeVar("T")
START_MS = 1_700_000_000_000


class FakeTimers:
    def __init__(self) -> None:
        self.deadlines: dict[str, tuple[int, int, Callable[[int], Outcome[None]]]] = {}
        self._order = count()

    def set(self, key: str, at_ms: int, operation: Callable[[int], Outcome[None]]) -> None:
        self.deadlines[key] = (at_ms, next(self._order), operation)

    def cancel(self, key: str) -> None:
        self.deadlines.pop(key, None)

    def next_due(self, until_ms: int) -> tuple[int, Callable[[int], Outcome[None]]] | None:
        due = min(((at, order, key) for key, (at, order, _) in self.deadlines.items() if at <= until_ms), default=None)
        if due is None:
            return None
        return due[0], self.deadlines.pop(due[2])[2]


def subscription(*topics: str) -> bytes:
    names = b"".join(len(t).to_bytes(2) + t.encode() for t in topics)
    return b"\0\1" + len(topics).to_bytes(4) + names + b"\xff\xff\xff\xff" + bytes(4)


def as_read(record: Record) -> Record:
    """The record as it comes back from a log."""
    return read_records(build_batch([record]))[0]


class FakeTopics:
    """The cluster's topics, which tests make, widen and delete."""

    def __init__(self) -> None:
        self.version = self.created_version = 100
        self.change_count = 0
        self._by_name: dict[str, KnownTopic] = {}

    def create(self, name: str, partitions: int = 1) -> UUID:
        """A topic of that name and size: a new one, or with more partitions than before."""
        self.version += 1
        self.change_count += 1
        before = self._by_name.get(name)
        if before is None:
            self.created_version = self.version
        topic_id = UUID(int=self.version) if before is None else before.topic_id
        self._by_name[name] = KnownTopic(name, topic_id, ((),) * partitions)
        return topic_id

    def delete(self, name: str) -> None:
        self.version += 1
        self.change_count += 1
        del self._by_name[name]

    def names(self) -> list[str]:
        return list(self._by_name)

    def by_name(self, name: str) -> KnownTopic | None:
        return self._by_name.get(name)

    def by_id(self, topic_id: UUID) -> KnownTopic | None:
        return next((topic for topic in self._by_name.values() if topic.topic_id == topic_id), None)


class Broker:
    """What users see of a coordinator: requests go in, answers come out, and it can be killed."""

    def __init__(
        self,
        config: GroupConfig | None = None,
        consumers: ConsumerGroupConfig | None = None,
        settings: GroupSettings | None = None,
    ) -> None:
        self.config = config or GroupConfig()
        self.consumer_config = consumers or ConsumerGroupConfig()
        self.settings = settings or GroupSettings()
        self.share_config, self.share_settings = ShareGroupConfig(), GroupSettings()
        self.streams_config, self.streams_settings = StreamsGroupConfig(), StreamsGroupSettings()
        self.topics = FakeTopics()
        self.now_ms = START_MS
        self.log: list[Record] = []
        self.refuse: KafkaError | None = None
        self.held: list[Callable[[], None]] | None = None
        self._suffixes = count(1)
        self._start()

    def _start(self) -> None:
        self.timers = FakeTimers()
        context = ConsumerGroupContext(self.consumer_config, lambda _: self.settings, self.topics, self._new_id)
        shares = ShareGroupContext(self.share_config, lambda _: self.share_settings, self.topics)
        streams = StreamsGroupContext(self.streams_config, lambda _: self.streams_settings, self.topics)
        self.shard = GroupShard(self.config, self.timers, self._new_id, context, shares, streams)
        for record in self.log:
            self.shard.replay(record)
        self.run(self.shard.loaded(self.now_ms))

    def _new_id(self) -> str:
        return f"uuid{next(self._suffixes)}"

    def kill_and_restart(self) -> None:
        self._start()

    def run(self, outcome: Outcome[T]) -> Promise[T]:
        if outcome.records and self.refuse is not None:
            if outcome.appended is not None:
                outcome.appended(self.refuse)
            return outcome.reply
        for record in outcome.records:
            record.offset = len(self.log)
            # What is read from a log at a restart is bytes, whatever the record was when it was written.
            self.log.append(as_read(record))
            assert read_record(self.log[-1]) == read_record(record)
            self.shard.replay(record)
        if outcome.appended is not None:
            appended = outcome.appended
            if self.held is not None and outcome.records:
                self.held.append(lambda: appended(None))
            else:
                appended(None)
        return outcome.reply

    def commit_held(self) -> None:
        held, self.held = self.held or [], None
        for commit in held:
            commit()

    def advance(self, ms: int) -> None:
        until = self.now_ms + ms
        while (due := self.timers.next_due(until)) is not None:
            self.now_ms = max(self.now_ms, due[0])
            self.run(due[1](self.now_ms))
        self.now_ms = until

    # Requests, with what most tests do not care about filled in

    def join(
        self,
        member_id: str = "",
        *,
        group: str = "g",
        instance: str | None = None,
        protocols: list[tuple[str, bytes]] | None = None,
        protocol_type: str = "consumer",
        session_ms: int = 10_000,
        rebalance_ms: int = 60_000,
        version: int = 5,
        client: str = "c",
    ) -> Promise[JoinGroupResponse]:
        offered = [("range", subscription("t"))] if protocols is None else protocols
        request = JoinGroupRequest(
            group_id=group,
            session_timeout_ms=session_ms,
            rebalance_timeout_ms=rebalance_ms,
            member_id=member_id,
            group_instance_id=instance,
            protocol_type=protocol_type,
            protocols=[JoinGroupRequestProtocol(name, metadata) for name, metadata in offered],
        )
        return self.run(self.shard.join_group(request, Caller(client, "/127.0.0.1", version), self.now_ms))

    def enter(self, **options: Any) -> Promise[JoinGroupResponse]:
        """Join as a dynamic client of today does: first for an id, then with it."""
        refused = self.join(**options).result()
        assert refused.error_code == ErrorCode.MEMBER_ID_REQUIRED
        return self.join(refused.member_id, **options)

    def sync(
        self,
        joined: JoinGroupResponse,
        assignments: dict[str, bytes] | None = None,
        *,
        group: str = "g",
        generation: int | None = None,
        **fields: Any,
    ) -> Promise[SyncGroupResponse]:
        request = SyncGroupRequest(
            group_id=group,
            generation_id=joined.generation_id if generation is None else generation,
            member_id=joined.member_id,
            assignments=[SyncGroupRequestAssignment(k, v) for k, v in (assignments or {}).items()],
            **fields,
        )
        return self.run(self.shard.sync_group(request, Caller("c", "/127.0.0.1", 5), self.now_ms))

    def heartbeat(self, member_id: str, generation: int, *, group: str = "g", instance: str | None = None) -> ErrorCode:
        request = HeartbeatRequest(group, generation, member_id, instance)
        outcome = self.shard.heartbeat(request, Caller("c", "/127.0.0.1", 4), self.now_ms)
        return ErrorCode(self.run(outcome).result().error_code)

    def leave(self, *members: str | MemberIdentity, group: str = "g", version: int = 5) -> LeaveGroupResponse:
        named = [MemberIdentity(m) if isinstance(m, str) else m for m in members]
        request = LeaveGroupRequest(group, named[0].member_id if version < 3 else "", named if version >= 3 else [])
        return self.run(self.shard.leave_group(request, Caller("c", "/127.0.0.1", version), self.now_ms)).result()

    # The consumer protocol

    def beat_async(
        self,
        member_id: str,
        epoch: int,
        *,
        group: str = "g",
        topics: list[str] | None = None,
        owned: dict[UUID, list[int]] | None = None,
        rebalance_ms: int = -1,
        version: int = 1,
        **fields: Any,
    ) -> Promise[ConsumerGroupHeartbeatResponse]:
        """A heartbeat; one that joins says all that it must, and reads topic `t` unless told otherwise."""
        if epoch == 0:
            owned = {} if owned is None else owned
            topics = ["t"] if topics is None and "subscribed_topic_regex" not in fields else topics
            rebalance_ms = 60_000 if rebalance_ms < 0 else rebalance_ms
        request = ConsumerGroupHeartbeatRequest(
            group_id=group,
            member_id=member_id,
            member_epoch=epoch,
            rebalance_timeout_ms=rebalance_ms,
            subscribed_topic_names=topics,
            topic_partitions=None if owned is None else [HeartbeatTopicPartitions(t, p) for t, p in owned.items()],
            **fields,
        )
        return self.run(self.shard.consumer_group_heartbeat(request, Caller("c", "/127.0.0.1", version), self.now_ms))

    def beat(self, *args: Any, **options: Any) -> ConsumerGroupHeartbeatResponse:
        return self.beat_async(*args, **options).result()

    def assigned(self, response: ConsumerGroupHeartbeatResponse) -> dict[str, list[int]] | None:
        """What a heartbeat's answer lets its member read, by topic; None if it does not say."""
        if response.assignment is None:
            return None
        return {
            found.name: sorted(topic.partitions)
            for topic in response.assignment.topic_partitions
            if (found := self.topics.by_id(topic.topic_id)) is not None
        }

    def consumers(self, group: str = "g") -> DescribedConsumerGroup:
        return self.shard.describe_consumer_group(group)

    def commit_async(
        self,
        offsets: dict[tuple[str, int], int],
        member_id: str = "",
        generation: int = -1,
        *,
        group: str = "g",
        metadata: str | None = "",
        version: int = 9,
        retention_ms: int = -1,
        at_ms: int = -1,
        instance: str | None = None,
    ) -> Promise[Any]:
        topics: dict[str, OffsetCommitRequestTopic] = {}
        for (topic, partition), offset in offsets.items():
            topics.setdefault(topic, OffsetCommitRequestTopic(topic)).partitions.append(
                OffsetCommitRequestPartition(partition, offset, 7, at_ms, metadata)
            )
        request = OffsetCommitRequest(group, generation, member_id, instance, retention_ms, list(topics.values()))
        return self.run(self.shard.commit_offsets(request, Caller("c", "/127.0.0.1", version), self.now_ms))

    def commit(self, offsets: dict[tuple[str, int], int], *args: Any, **options: Any) -> set[ErrorCode]:
        response = self.commit_async(offsets, *args, **options).result()
        return {ErrorCode(p.error_code) for t in response.topics for p in t.partitions}

    def committed(self, topic: str, partition: int, *, group: str = "g") -> tuple[int, str | None]:
        request = OffsetFetchRequest(group, [OffsetFetchRequestTopic(topic, [partition])])
        response = self.shard.fetch_offsets(request, Caller("c", "/127.0.0.1", 5))
        found = response.topics[0].partitions[0]
        assert found.error_code == 0
        return found.committed_offset, found.metadata

    def state(self, group: str = "g") -> str:
        return self.shard.describe(group, Caller("c", "/127.0.0.1", 5)).group_state

    def stable(self, size: int, **options: Any) -> list[JoinGroupResponse]:
        """A Stable group of `size` members, the leader first; each member's assignment is its id."""
        pending = [self.enter(**options) for _ in range(size)]
        self.advance(0)
        joined = sorted((p.result() for p in pending), key=lambda j: j.leader != j.member_id)
        followers = [self.sync(j) for j in joined[1:]]
        leader = self.sync(joined[0], {j.member_id: j.member_id.encode() for j in joined})
        for response, promise in zip(joined, [leader, *followers], strict=True):
            assert promise.result().assignment == response.member_id.encode()
        assert self.state() == "Stable"
        return joined

    def stable_consumers(self, size: int, assignment: bytes = b"", **options: Any) -> list[JoinGroupResponse]:
        """A Stable classic group of consumers that have nothing yet, or all the same."""
        pending = [self.enter(**options) for _ in range(size)]
        self.advance(0)
        joined = sorted((p.result() for p in pending), key=lambda j: j.leader != j.member_id)
        for one in joined:
            parts = {j.member_id: assignment for j in joined} if one.leader == one.member_id else {}
            assert self.sync(one, parts).result().error_code == 0
        return joined


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def broker_with() -> Callable[..., Broker]:
    return lambda **config: Broker(GroupConfig(**config))


@pytest.fixture
def consumers_with() -> Callable[..., Broker]:
    """A broker whose consumer groups are so configured; assignments need not wait for each other."""

    def make(settings: dict[str, int] | None = None, classic: dict[str, int] | None = None, **config: Any) -> Broker:
        chosen = {"assignment_interval_ms": 0} | (settings or {})
        if "migration_policy" in config:
            config["migration_policy"] = MigrationPolicy(config["migration_policy"])
        return Broker(GroupConfig(**(classic or {})), ConsumerGroupConfig(**config), GroupSettings(**chosen))

    return make
