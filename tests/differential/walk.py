"""Requests generated from the declarations: each field's value comes from a pool of valid, borderline and wrong ones.

A walk is a list of steps that hold no broker's ids: a `Ref` stands for the walk's own topics, groups, members and
producers, a `Written` for the records of one. So
the same steps can be walked again from the start, on topics and groups that nobody has used, and with steps left out.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from records import TIME, batch, changed
from sides import Connection, Found, Sides, Two
from transactional import wait_until

from kafkapy.protocol.api import Api, find_apis
from kafkapy.protocol.message import Array, Boolean, Records, String, default_of, wires
from kafkapy.protocol.messages.create_topics import CREATE_TOPICS, CreatableTopic, CreateTopicsRequest
from kafkapy.protocol.messages.describe_transactions import DESCRIBE_TRANSACTIONS, DescribeTransactionsRequest
from kafkapy.protocol.messages.join_group import JOIN_GROUP

TOPICS, GROUPS, PARTITIONS, PRODUCERS = 3, 2, 2, 2
NOWHERE = UUID(int=77)
MAX32, MAX64 = 2**31 - 1, 2**63 - 1
LONG_MS = 10_000  # no session and no rebalance ends by itself within a walk
_UNKNOWN_MEMBER_ID = 25
_CHANGES = {"CreateTopics", "DeleteTopics", "CreatePartitions", "IncrementalAlterConfigs", "AlterConfigs"}

# How often which API is asked, and the lowest version that is sent.
WEIGHTS = {
    "Produce": 10,
    "Fetch": 10,
    "ListOffsets": 6,
    "OffsetForLeaderEpoch": 3,
    "DeleteRecords": 3,
    "Metadata": 3,
    "DescribeTopicPartitions": 2,
    "CreatePartitions": 1,
    "JoinGroup": 6,
    "SyncGroup": 6,
    "Heartbeat": 4,
    "LeaveGroup": 2,
    "OffsetCommit": 8,
    "OffsetFetch": 8,
    "OffsetDelete": 2,
    "DescribeGroups": 4,
    "DeleteGroups": 2,
    "IncrementalAlterConfigs": 1,
    "DescribeConfigs": 2,
    "FindCoordinator": 1,
    "InitProducerId": 4,
    "AddPartitionsToTxn": 5,
    "AddOffsetsToTxn": 2,
    "TxnOffsetCommit": 4,
    "EndTxn": 5,
    "DescribeTransactions": 3,
    "ListTransactions": 1,
    "DescribeProducers": 1,
}
_LOWEST = {"Produce": 3, "Metadata": 4}
_HIGHEST = {"AddPartitionsToTxn": 3}  # what is later is brokers'
_ENDS = {"EndTxn", "InitProducerId"}  # after which markers are written


class Ref(NamedTuple):
    """The walk's own topic, topic id, group, member, transactional id, producer id or epoch, by number."""

    kind: str
    number: int


class Written(NamedTuple):
    """Records of a producer in its transaction."""

    number: int
    values: tuple[str, ...]
    base_sequence: int


class Step(NamedTuple):
    """One request."""

    api: Api
    version: int
    request: Any


class Pool(NamedTuple):
    """What a field may be: mostly one of the first, sometimes one of the others."""

    usual: list[Any]
    odd: list[Any]


_TOPIC = Pool([Ref("topic", index) for index in range(TOPICS)], ["no-such", "", "a b"])
_GROUP = Pool([Ref("group", index) for index in range(GROUPS)], ["no-such", ""])
_PARTITION = Pool([0, 1], [2, -1, MAX32])
_EPOCH = Pool([-1, 0], [1, -2, 5])
_OFFSET = Pool([0, 1, 2, 3, 5, 8], [-1, -2, 100, MAX64])

POOLS: dict[str, Pool] = {
    "topic": _TOPIC,
    "topic_name": _TOPIC,
    "topic_id": Pool([Ref("id", index) for index in range(TOPICS)], [NOWHERE]),
    "group_id": _GROUP,
    "groups": _GROUP,
    "groups_names": _GROUP,
    "coordinator_keys": _GROUP,
    "partition": _PARTITION,
    "partition_index": _PARTITION,
    "index": _PARTITION,
    "partition_indexes": _PARTITION,
    "partitions": _PARTITION,
    "current_leader_epoch": _EPOCH,
    "leader_epoch": _EPOCH,
    "last_fetched_epoch": Pool([-1], [0, 1, 3]),
    "committed_leader_epoch": _EPOCH,
    "fetch_offset": _OFFSET,
    "offset": _OFFSET,
    "committed_offset": _OFFSET,
    "committed_metadata": Pool(["", "m", None], []),
    "timestamp": Pool([-1, -2, -3, TIME, TIME + 1], [0, -4, -5, -6, -7, TIME + 9, MAX64]),
    "partition_max_bytes": Pool([1 << 20], [0, 1, 90, 200]),
    "max_bytes": Pool([1 << 20], [0, 1, 90, 200]),
    "min_bytes": Pool([0], [1, -1]),
    "max_wait_ms": Pool([0], [-1]),
    "isolation_level": Pool([0, 1], []),
    "session_id": Pool([0], [5, -1]),
    "session_epoch": Pool([-1], [1, 5]),
    "replica_id": Pool([-1], [-2]),
    "replica_state": Pool([None], []),
    "cluster_id": Pool([None], []),
    "acks": Pool([-1, 1], [2, -2]),
    "timeout_ms": Pool([5000], []),
    "transactional_ids": Pool([Ref("transaction", index) for index in range(PRODUCERS)], ["no-such", ""]),
    "transaction_timeout_ms": Pool([LONG_MS * 10], [0, MAX32]),
    "state_filters": Pool(["Ongoing", "Empty"], ["CompleteCommit", "no such"]),
    "producer_id_filters": Pool([Ref("producer", index) for index in range(PRODUCERS)], [-1]),
    "duration_filter": Pool([-1], [3_600_000]),
    "transactional_id_pattern": Pool([None, ""], ["("]),
    "generation_id": Pool([1, 2], [0, -1, 3]),
    "generation_id_or_member_epoch": Pool([-1, 1, 2], [0, 3, -2]),
    "member_epoch": Pool([-1], []),
    "group_instance_id": Pool([None], []),
    "session_timeout_ms": Pool([LONG_MS], [0, MAX32]),
    "rebalance_timeout_ms": Pool([LONG_MS], []),
    "protocol_type": Pool(["consumer"], ["connect", ""]),
    "protocol_name": Pool(["range"], ["other", ""]),
    "retention_time_ms": Pool([-1], [100_000]),
    "commit_timestamp": Pool([-1], []),
    "count": Pool([3, 4], [0, -1, 2]),
    "assignments": Pool([None], []),
    "assignment": Pool([b"mine"], [b""]),
    "metadata": Pool([b"x"], [b""]),
    "validate_only": Pool([False], [True]),
    "allow_auto_topic_creation": Pool([False], []),
    "config_operation": Pool([0, 1], [2, 3]),
    "resource_type": Pool([2], [32, 0, 3]),
    "configuration_keys": Pool(["retention.ms", "cleanup.policy"], ["no.such", ""]),
    "value": Pool(["5", "7"], ["x", "", None, "-2"]),
    "key_type": Pool([0], [3]),
    "response_partition_limit": Pool([2000], [1, 2]),
    "cursor": Pool([None], []),
    "replica_directory_id": Pool([UUID(int=0)], []),
    "high_watermark": Pool([MAX64], []),
    "log_start_offset": Pool([-1], []),
    "forgotten_topics_data": Pool([], []),
    "rack_id": Pool([""], ["r"]),
    "include_synonyms": Pool([True], [False]),
}
# Where a field's name does not say enough; by the structure it stands in.
BY_PLACE: dict[tuple[str, str], Pool] = {
    ("JoinGroupRequestProtocol", "name"): Pool(["range", "other"], [""]),
    ("AlterableConfig", "name"): Pool(["retention.ms", "segment.ms", "cleanup.policy"], ["no.such", ""]),
    ("AlterConfigsResource", "resource_name"): _TOPIC,
    ("DescribeConfigsResource", "resource_name"): _TOPIC,
    ("FindCoordinatorRequest", "key"): _GROUP,
    ("SyncGroupRequest", "assignments"): Pool([], []),
}
_COUNTS = {
    ("JoinGroupRequest", "protocols"): (1, 2),
    ("ProduceRequest", "topic_data"): (1, 1),
    ("ListTransactionsRequest", "producer_id_filters"): (1, 2),  # not of what other tests began
}


class Generator:
    """Makes the steps of one seed."""

    def __init__(self, seed: int, versions: Callable[[Api], range]) -> None:
        self._random = random.Random(seed)
        self._versions = versions
        self._apis = {api.name: api for api in find_apis().values()}
        self._producer: int | None = None  # whose request is being made

    def steps(self, count: int) -> list[Step]:
        return [self._step() for _ in range(count)]

    def _step(self) -> Step:
        name = self._random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        api = self._apis[name]
        lowest, highest = _LOWEST.get(name, 0), _HIGHEST.get(name, 99)
        served = [version for version in self._versions(api) if lowest <= version <= highest]
        version = self._random.choice(served)
        return Step(api, version, self._structure(api.request, version))

    def _structure(self, cls: type, version: int) -> Any:
        fields = {}
        group = self._random.randrange(GROUPS)
        if cls.__name__.endswith("Request"):
            is_transactional = cls.__name__ != "ProduceRequest" or self._random.random() < 0.4
            self._producer = self._random.randrange(PRODUCERS) if is_transactional else None
        for name, declared in wires(cls).items():
            if version not in declared.versions:
                continue
            if name.removeprefix("v3_and_below_") in ("transactional_id", "producer_id", "producer_epoch"):
                fields[name] = self._of_producer(cls, name.removeprefix("v3_and_below_"))
            elif name == "member_id":
                fields[name] = self._member(cls, group)
            elif name == "group_id" and "member_id" in wires(cls) and self._random.random() < 0.9:
                fields[name] = Ref("group", group)
            elif cls.__name__ == "LeaveGroupRequest" and name == "members":
                fields[name] = [self._structure(declared.type.of, version)]  # type: ignore[union-attr]
            else:
                fields[name] = self._field(cls, name, declared, version)
        if cls.__name__ == "MetadataRequestTopic" and version >= 12 and self._random.random() < 0.5:
            fields["name"] = None
        elif "topic_id" in fields and cls.__name__ == "MetadataRequestTopic":
            fields["topic_id"] = UUID(int=0)
        return cls(**fields)

    def _of_producer(self, cls: type, name: str) -> Any:
        """Who the request says that it is: mostly one of the walk's own producers."""
        number = self._producer
        if number is None:
            return None
        if name == "transactional_id":
            odd = ["no-such", "", *([None] if cls.__name__ in ("ProduceRequest", "InitProducerIdRequest") else [])]
            return self._draw(Pool([Ref("transaction", number)], odd))
        if cls.__name__ == "InitProducerIdRequest" and self._random.random() < 0.7:
            return -1
        others = [Ref("producer", 1 - number), -1] if name == "producer_id" else [0, -1, 1]
        return self._draw(Pool([Ref("producer" if name == "producer_id" else "epoch", number)], others))

    def _member(self, cls: type, group: int) -> Any:
        odd = ["nobody"] if cls.__name__ in ("JoinGroupRequest", "OffsetFetchRequestGroup") else ["nobody", ""]
        usual: list[Any] = [Ref("member", group)]
        if cls.__name__ in ("OffsetCommitRequest", "TxnOffsetCommitRequest"):
            usual.append("")
        if cls.__name__ == "OffsetFetchRequestGroup":
            usual = [None]
        return self._draw(Pool(usual, odd))

    def _field(self, cls: type, name: str, declared: Any, version: int) -> Any:
        kind = declared.type
        pool = BY_PLACE.get((cls.__name__, name)) or POOLS.get(name)
        if isinstance(kind, Array):
            return self._list(cls, name, kind, version, version in declared.nullable)
        if isinstance(kind, type):
            return None if pool else self._structure(kind, version)
        if kind is Records:
            return self._records()
        if pool is not None:
            value = self._draw(pool)
            return default_of(cls, name) or "" if value is None and version not in declared.nullable else value
        if kind is String:
            return self._draw(_TOPIC) if name == "name" else ""
        return self._random.random() < 0.5 if kind is Boolean else default_of(cls, name)

    def _list(self, cls: type, name: str, kind: Array, version: int, nullable: bool) -> Any:
        place = (cls.__name__, name)
        if place in BY_PLACE or name in ("forgotten_topics_data", "assignments"):
            return None if nullable else []
        if nullable and self._random.random() < 0.2:
            return None
        low, high = _COUNTS.get(place, (0 if self._random.random() < 0.1 else 1, 2))
        count = self._random.randint(low, high)
        if isinstance(kind.of, type):
            return _apart([self._structure(kind.of, version) for _ in range(count)])
        return list(dict.fromkeys(self._draw(POOLS[name]) for _ in range(count)))

    def _records(self) -> Any:
        pick = self._random.choice
        if self._producer is not None and self._random.random() < 0.8:
            return Written(self._producer, pick([("t",), ("u", "v")]), pick([0, 0, 1, 2, 3]))
        if self._random.random() < 0.5:
            return batch(*pick([("a",), ("b", "c"), ("d", "e", "f")]), at=TIME + pick([0, 1, 5, 100]))
        if self._random.random() < 0.2:
            return changed(batch("w"), **pick([{"crc": 1}, {"base_offset": 4}, {"magic": 1}, {"attributes": 0x20}]))
        values = pick([("p",), ("q", "r")])
        return batch(
            *values,
            producer_id=pick([8001, 8002]),
            producer_epoch=pick([0, 0, 0, 1]),
            base_sequence=pick([0, 1, 2, 3, 4]),
        )

    def _draw(self, pool: Pool) -> Any:
        odd = pool.odd and self._random.random() < 0.15
        return self._random.choice(pool.odd if odd else pool.usual)


def _apart(made: list[Any]) -> list[Any]:
    """One of each kind: what a request says twice is for the scenarios, where it is known what becomes of it."""
    seen: dict[str, Any] = {}
    for one in made:
        first = next(iter(wires(type(one))))
        key = [str(getattr(one, name)) for name in (first, "topic_id", "resource_name") if hasattr(one, name)]
        seen.setdefault(str(key), one)
    return list(seen.values())


class Walk:
    """Takes steps on topics and groups of its own."""

    def __init__(self, line: Connection, sides: Sides) -> None:
        self._line = line
        self._sides = sides
        names = [sides.new_name("w") for _ in range(TOPICS)]
        made = line.ask(CREATE_TOPICS, 7, CreateTopicsRequest([CreatableTopic(name, PARTITIONS, 1) for name in names]))
        sides.settle()
        ids = {
            one.name: Two(one.topic_id, next(o.topic_id for o in made.apache.topics if o.name == one.name))
            for one in made.kafkapy.topics
        }
        self._known: dict[Ref, Any] = {Ref("topic", index): name for index, name in enumerate(names)}
        self._known |= {Ref("id", index): ids[name] for index, name in enumerate(names)}
        self._known |= {Ref("group", index): sides.new_name("wg") for index in range(GROUPS)}
        self._known |= {Ref("member", index): "" for index in range(GROUPS)}
        self._transactions = [sides.new_name("wtx") for _ in range(PRODUCERS)]
        for index, name in enumerate(self._transactions):
            self._known |= {Ref("transaction", index): name, Ref("producer", index): -1, Ref("epoch", index): -1}

    def take(self, step: Step) -> list[Found]:
        """Ask both brokers; what differs."""
        before = len(self._sides.found)
        request = self._resolved(step.request)
        answers = self._line.ask(step.api, step.version, request)
        if step.api is JOIN_GROUP and not isinstance(answers.kafkapy, str) and not isinstance(answers.apache, str):
            self._remember(step.request, answers)
        if step.api.name in _ENDS:
            self._take_producer(step.request, answers)
            self._wait_ended()
        if step.api.name in _CHANGES:
            self._sides.settle()
        return self._sides.found[before:]

    def _remember(self, request: Any, answers: Two) -> None:
        group = request.group_id
        if not isinstance(group, Ref) or request.member_id != Ref("member", group.number):
            return  # a second member would wait for the first
        if answers.kafkapy.error_code == _UNKNOWN_MEMBER_ID:
            self._known[Ref("member", group.number)] = ""
        elif answers.kafkapy.member_id and answers.apache.member_id:
            self._known[Ref("member", group.number)] = answers.member_id

    def _take_producer(self, request: Any, answers: Two) -> None:
        """A producer is told who it is from now on."""
        name = request.transactional_id
        ids = answers.map(lambda answer: getattr(answer, "producer_id", -1))
        if isinstance(name, Ref) and min(ids.both()) >= 0:
            self._known[Ref("producer", name.number)] = ids
            self._known[Ref("epoch", name.number)] = answers.kafkapy.producer_epoch

    def _wait_ended(self) -> None:
        request = DescribeTransactionsRequest(self._transactions)
        wait_until(
            lambda: self._line.ask_unseen(DESCRIBE_TRANSACTIONS, 0, request),
            lambda answer: not any(one.transaction_state.startswith("Prepare") for one in answer.transaction_states),
        )

    def _written(self, records: Written) -> Any:
        producer_id, epoch = (self._known[Ref(kind, records.number)] for kind in ("producer", "epoch"))
        options = {"producer_epoch": epoch, "base_sequence": records.base_sequence, "transactional": True}
        if not isinstance(producer_id, Two):
            return batch(*records.values, producer_id=producer_id, **options)
        return producer_id.map(lambda one: batch(*records.values, producer_id=one, **options))

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, Ref):
            return self._known[value]
        if isinstance(value, Written):
            return self._written(value)
        if isinstance(value, list):
            return [self._resolved(item) for item in value]
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {field.name: self._resolved(getattr(value, field.name)) for field in dataclasses.fields(value)}
            return type(value)(**fields)
        return value


def first_difference(line: Connection, sides: Sides, steps: list[Step]) -> int | None:
    """The index of the first step whose answers differ, on topics and groups that are new."""
    sides.forget()
    walk = Walk(line, sides)
    for index, step in enumerate(steps):
        if walk.take(step):
            return index
    return None


def shrunk(line: Connection, sides: Sides, steps: list[Step]) -> list[Step]:
    """The fewest of the steps, found by leaving out ever smaller parts, after which the last one still differs."""
    last = steps[-1]
    before = steps[:-1]
    size = max(1, len(before) // 2)
    while size and before:
        at = 0
        while at < len(before):
            fewer = before[:at] + before[at + size :]
            if first_difference(line, sides, [*fewer, last]) == len(fewer):
                before = fewer
            else:
                at += size
        size //= 2
    first_difference(line, sides, [*before, last])  # so that what is told last is about these
    return [*before, last]
