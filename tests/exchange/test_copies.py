"""Both brokers are given copies of the same logs: what they clean away, and what they make of files that are lost."""

from __future__ import annotations

import random
import select
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from apache import LIMIT_S, ApacheNode, Tools, free_ports
from conftest import _processes
from copies import HOUR_MS, READ_COMMITTED, READ_UNCOMMITTED, Writer, logs_in, on_disk, read

from kafkapy.protocol.batch import Record, build_batch, split_batches
from kafkapy.protocol.messages.create_topics import (
    CREATE_TOPICS,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from kafkapy.protocol.messages.describe_producers import DESCRIBE_PRODUCERS, DescribeProducersRequest, TopicRequest
from kafkapy.protocol.messages.fetch import FETCH, FetchPartition, FetchRequest, FetchTopic
from kafkapy.protocol.messages.list_offsets import (
    LIST_OFFSETS,
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from kafkapy.protocol.messages.offset_for_leader_epoch import (
    OFFSET_FOR_LEADER_EPOCH,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from kafkapy.storage.log import Log

PARTITIONS = 5
# Tombstones and markers may go at once in the first, never in the second.
TOPICS = {"at-once": "0", "later": "86400000"}
CONFIG = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0",
    "segment.bytes": "1048576",
    "segment.ms": "600000",
    "index.interval.bytes": "4096",
}
CLEANER = {"log.cleaner.backoff.ms": 100, "log.initial.task.delay.ms": 100}
KEYS = [f"key-{number}".encode() for number in range(6)]


def fill(writer: Writer, rng: random.Random) -> None:
    """Transactions in each other's midst, tombstones, markers of nothing, new epochs, and what is still open."""
    epochs = dict.fromkeys(range(1, 5), 0)
    is_open: set[int] = set()

    def items() -> list[tuple[bytes, bytes | None]]:
        sizes = [0, rng.randrange(1, 50), rng.randrange(20_000, 60_000)]
        value = rng.randbytes(rng.choice(sizes))
        return [(rng.choice(KEYS), value if rng.random() < 0.8 else None) for _ in range(rng.randrange(1, 4))]

    for _ in range(rng.randrange(60, 120)):
        what, producer_id = rng.random(), rng.choice(list(epochs))
        if what < 0.45:
            writer.send(producer_id, *items(), epoch=epochs[producer_id])
            is_open.add(producer_id)
        elif what < 0.75:
            writer.end(producer_id, commit=rng.random() < 0.5, epoch=epochs[producer_id])
            is_open.discard(producer_id)
        elif what < 0.85:
            writer.send(rng.choice([-1, 9]), *items(), transactional=False)
        elif what < 0.9 and producer_id not in is_open:
            epochs[producer_id] += 1
        else:
            writer.roll()
    for producer_id in sorted(is_open):
        if rng.random() < 0.8:
            writer.end(producer_id, commit=rng.random() < 0.5, epoch=epochs[producer_id])


def lose(suffix: str) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        found = list(folder.glob(f"*{suffix}"))
        assert found
        for path in found:
            path.unlink()

    return harm


def spoil(suffix: str, at: int, content: bytes) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        for path in folder.glob(f"*{suffix}"):
            data = bytearray(path.read_bytes())
            data[at : at + len(content)] = content
            path.write_bytes(data)

    return harm


def lose_both(folder: Path) -> None:
    lose(".index")(folder)
    lose(".txnindex")(folder)


# What befalls a partition of "harmed" while no broker has it; the first is as it was.
HARMS: dict[str, Callable[[Path], None]] = {
    "nothing": lambda folder: None,
    "no transaction index": lose(".txnindex"),
    "a transaction index of another segment": spoil(".txnindex", 18, bytes([255] * 8)),
    "no offset index": lose(".index"),
    "neither": lose_both,
    "no time index": lose(".timeindex"),
    "no producers": lose(".snapshot"),
    "damaged producers": spoil(".snapshot", 20, b"harm"),
    "no epochs": lose("leader-epoch-checkpoint"),
}
# It gives aborted records to readers of committed ones, finds no time, and forgets producers and what is open.
WRONG_IN_APACHE = ["no transaction index", "no time index", "no producers"]


def fill_alike(log: Log) -> None:
    """Transactions through three segments, the last of them open, and a producer without any."""
    writer = Writer(log)
    for number in range(3):
        for producer_id in (1, 2):
            writer.send(producer_id, (None, b"of %d" % producer_id))
        writer.send(9, (None, b"plain"), transactional=False)
        writer.end(1, commit=False)
        writer.roll()
        writer.send(9, (None, b"plain"), transactional=False)
        writer.end(2, commit=number == 1)
    writer.send(3, (None, b"open"))
    writer.send(9, (None, b"behind"), transactional=False)


class Side:
    """A broker with its copy, and of each partition the first offset of a transaction that stays open, if there is."""

    def __init__(self, client: Any, data: Path, opened: dict[tuple[str, int], int | None]) -> None:
        self.client, self.data = client, data
        self._cleanable = {key: self._end(key, first) for key, first in opened.items()}

    def _bases(self, key: tuple[str, int]) -> list[int]:
        return sorted(int(path.stem) for path in (self.data / f"{key[0]}-{key[1]}").glob("*.log"))

    def _end(self, key: tuple[str, int], first_open: int | None) -> int | None:
        """The last segment's base that lies below what is open; None where nothing is, and the active one's counts."""
        return None if first_open is None else max(base for base in self._bases(key) if base <= first_open)

    def append(self, timestamp: int) -> None:
        """A record to each partition, which begins a segment."""
        for topic, partition in self._cleanable:
            batch = build_batch([Record(0, timestamp, b"last", b"x")])
            assert self.client.produce(batch, topic, partition).error_code == 0

    def is_clean(self) -> bool:
        path = self.data / "cleaner-offset-checkpoint"
        entries = [line.split() for line in path.read_text().splitlines()[2:]] if path.exists() else []
        done = {(topic, int(partition)): int(offset) for topic, partition, offset in entries}
        return all(
            done.get(key, 0) == (self._bases(key)[-1] if end is None else end) for key, end in self._cleanable.items()
        )


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Iterator[list[Side]]:
    tmp_path = tmp_path_factory.mktemp("copies")
    kafkapy = _processes().Broker(tmp_path)
    kafkapy.start("--override=log.cleaner.enable=false")
    for topic, retention in TOPICS.items():
        configs = CONFIG | {"delete.retention.ms": retention}
        created = CreatableTopic(topic, PARTITIONS, 1, [], [CreatableTopicConfig(*one) for one in configs.items()])
        [made] = kafkapy.client().ask(CREATE_TOPICS, 7, CreateTopicsRequest(topics=[created])).topics
        assert made.error_code == 0, made.error_message
    kafkapy.client().create("harmed", len(HARMS))
    kafkapy.end()
    opened = {}
    with logs_in(kafkapy.data) as logs:
        for topic, partition in [key for key in logs if key[0] in TOPICS]:
            log = logs[topic, partition]
            fill(Writer(log), random.Random(partition))
            opened[topic, partition] = next(iter(log.producers.open.values()), None)
        for partition in range(len(HARMS)):
            fill_alike(logs["harmed", partition])
    for partition, harm in enumerate(HARMS.values()):
        harm(kafkapy.data / f"harmed-{partition}")
    shutil.copytree(kafkapy.data, tmp_path / "theirs")
    (port,) = free_ports(1)
    settings = {name.replace(".", "_"): value for name, value in CLEANER.items()}
    apache = ApacheNode(tmp_path, tmp_path / "theirs", port, **settings)
    try:
        kafkapy.start(*(f"--override={name}={value}" for name, value in CLEANER.items()))
        apache.start()
        client = _processes().Client("localhost", port)
        yield [Side(kafkapy.client(), kafkapy.data, opened), Side(client, tmp_path / "theirs", opened)]
        client.close()
    finally:
        kafkapy.close()
        apache.kill()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end
        select.select([], [], [], 0.05)  # nothing tells how far a cleaner is


def test_the_same_is_left(sides: list[Side]) -> None:
    now_ms = time.time_ns() // 1_000_000
    keys = [(topic, partition) for topic in TOPICS for partition in range(PARTITIONS)]
    before = {key: read(sides[0].client, *key, READ_COMMITTED) for key in keys}
    for at in range(4):
        for side in sides:
            if at:
                side.append(now_ms + at * HOUR_MS // 5)
        for side in sides:
            wait_until(side.is_clean)
        for key in keys:
            ours, theirs = [on_disk(side.data, *key) for side in sides]
            assert ours == theirs, key
            for isolation in (READ_UNCOMMITTED, READ_COMMITTED) if at in (0, 3) else ():
                ours, theirs = [read(side.client, *key, isolation) for side in sides]
                assert ours == theirs, key
                known = before[key] if isolation == READ_COMMITTED else ours
                assert set(ours[: len(ours) - at]) <= set(known), "what was aborted is not seen"


def look(client: Any, partition: int) -> Any:
    """All that the files beside the log may have a say in."""
    found: list[Any] = [read(client, "harmed", partition, level) for level in (READ_UNCOMMITTED, READ_COMMITTED)]
    topics = [FetchTopic("harmed", partitions=[FetchPartition(partition, partition_max_bytes=1 << 20)])]
    request = FetchRequest(max_wait_ms=0, min_bytes=0, max_bytes=1 << 20, topics=topics)
    records = client.ask(FETCH, 12, request).responses[0].partitions[0].records
    first = next(header for _, header in split_batches(bytes(records), cut_is_end=True))
    for level in (READ_UNCOMMITTED, READ_COMMITTED):
        for timestamp in (-3, -2, -1, *(first.base_timestamp + offset for offset in (0, 3, 9, 15))):
            topics = [ListOffsetsTopic("harmed", [ListOffsetsPartition(partition, timestamp=timestamp)])]
            answer = client.ask(LIST_OFFSETS, 7, ListOffsetsRequest(-1, level, topics)).topics[0].partitions[0]
            found.append((timestamp if timestamp < 0 else "", answer.error_code, answer.offset))
    of_epoch = [OffsetForLeaderTopic("harmed", [OffsetForLeaderPartition(partition, leader_epoch=0)])]
    asked = OffsetForLeaderEpochRequest(-1, of_epoch)
    answer = client.ask(OFFSET_FOR_LEADER_EPOCH, 4, asked).topics[0].partitions[0]
    found.append((answer.error_code, answer.leader_epoch, answer.end_offset))
    described = client.ask(DESCRIBE_PRODUCERS, 0, DescribeProducersRequest([TopicRequest("harmed", [partition])]))
    producers = described.topics[0].partitions[0].active_producers
    found += sorted(
        (one.producer_id, one.producer_epoch, one.last_sequence, one.coordinator_epoch, one.current_txn_start_offset)
        for one in producers
    )
    return found


def test_files_that_were_lost(sides: list[Side]) -> None:
    ours, theirs = ({harm: look(side.client, at) for at, harm in enumerate(HARMS)} for side in sides)
    assert ours["nothing"] == theirs["nothing"]
    assert [harm for harm in HARMS if ours[harm] != ours["nothing"]] == []
    assert [harm for harm in HARMS if theirs[harm] != theirs["nothing"]] == WRONG_IN_APACHE
