"""A broker under load: idempotent producers, a group that reads along, and what must hold whatever happens to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clients import Account, Hammer, Where
from hammer import value_of

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.create_topics import (
    CREATE_TOPICS,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from kafkapy.protocol.messages.offset_fetch import OFFSET_FETCH, OffsetFetchRequest, OffsetFetchRequestTopic

PARTITIONS = 3
TARGETS = [(topic, partition) for topic in ("plain", "compacted") for partition in range(PARTITIONS)]
OURS = ("plain", PARTITIONS)  # where a producer of the test's own may write
GROUP = "g"
MEMBERS = 3
SESSION_TIMEOUT_MS = 3000
SETTINGS = (
    # Segments and snapshots as small, and checkpoints and rounds of the cleaner as frequent, as they may be.
    "log.segment.bytes=1048576",
    "log.cleaner.backoff.ms=20",
    "replica.high.watermark.checkpoint.interval.ms=50",
    "metadata.log.max.record.bytes.between.snapshots=1000",
    "offsets.topic.num.partitions=2",
    "group.initial.rebalance.delay.ms=0",
    "group.min.session.timeout.ms=1000",
)


class Load:
    """The broker, which it starts, and the clients of one library."""

    def __init__(
        self, broker: Any, library: str, folder: Path, *more: str, session_timeout_ms: int = SESSION_TIMEOUT_MS
    ) -> None:
        self.broker = broker
        self.account = Account()
        broker.options = [word for one in (*SETTINGS, *more) for word in ("--override", one)]
        broker.start()
        self._create_topics()
        self._names = [f"member-{number}" for number in range(MEMBERS)]
        self._joined = MEMBERS
        self.producing, self.consuming = (
            Hammer(library, broker.port, self.account, folder / f"{name}.err", session_timeout_ms=session_timeout_ms)
            for name in ("producers", "members")
        )

    def _create_topics(self) -> None:
        # Every key is another, so that compaction rewrites segments without dropping a record.
        settings = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01", "segment.ms": "500"}
        topics = [
            CreatableTopic("plain", PARTITIONS + 1, 1),
            CreatableTopic(
                "compacted", PARTITIONS, 1, configs=[CreatableTopicConfig(*one) for one in settings.items()]
            ),
        ]
        for result in self.broker.client().ask(CREATE_TOPICS, 7, CreateTopicsRequest(topics=topics)).topics:
            assert result.error_code == ErrorCode.NONE, result.error_message

    def begin(self) -> None:
        for number, compression in enumerate(("none", "lz4", "gzip")):
            self.producing.produce(f"producer-{number}", TARGETS, compression)
        for name in self._names:
            self.consuming.consume(name, GROUP, ["plain", "compacted"])

    def after(self, event: str, count: int) -> None:
        """Wait until it has come so many times more."""
        goal = self.account.counts[event] + count
        self.account.wait_until(lambda: self.account.counts[event] >= goal, f"{goal} times {event!r}")

    def change_members(self, leaving: int) -> None:
        """One leaves, another joins."""
        self.consuming.stop(self._names.pop(leaving))
        self._names.append(f"member-{self._joined}")
        self._joined += 1
        self.consuming.consume(self._names[-1], GROUP, ["plain", "compacted"])

    # What must hold:

    def check_offsets(self) -> None:
        """What the group has committed has not gone back."""
        before = dict(self.account.committed)  # while we ask, members commit
        topics = [OffsetFetchRequestTopic(topic, list(range(PARTITIONS))) for topic in ("plain", "compacted")]
        for topic in self.broker.client().ask(OFFSET_FETCH, 3, OffsetFetchRequest(GROUP, topics)).topics:
            for found in topic.partitions:
                assert found.error_code == ErrorCode.NONE
                where = (topic.name, found.partition_index)
                assert max(found.committed_offset, 0) >= before.get(where, 0), f"what is committed of {where} went back"
                self.account.raise_committed(where, found.committed_offset)

    def end(self) -> None:
        """Let everything be delivered and read, and compare it with what is on the disk."""
        self.producing.stop()
        ends = {where: max(found) + 1 for where, found in self.account.acked.items() if where != OURS}
        assert set(ends) == set(TARGETS)
        self.account.wait_until(lambda: self._all_committed(ends), f"the group at {ends}")
        for where, end in ends.items():
            assert self.account.read[where].issuperset(range(end)), f"the group has not read all of {where}"
        self.consuming.stop()
        self.check_offsets()
        assert not self.account.problems, self.account.problems
        self.check_records()
        assert self.broker.end() == 0, self.broker.log()
        assert "Traceback" not in self.broker.log()
        self.broker.start()
        self.check_records()

    def _all_committed(self, ends: dict[Where, int]) -> bool:
        return all(self.account.committed.get(where) == end for where, end in ends.items())

    def check_records(self) -> None:
        """Every acknowledged record is where it was said to be, no other is, and each producer's are in order."""
        client = self.broker.client()
        for where, acked in self.account.acked.items():
            values = client.read(*where)
            found = {offset: value.partition(" ")[0] for offset, value in values}
            assert found == acked, difference(where, found, acked)
            assert all(value == value_of(found[offset]) for offset, value in values), f"{where}: a record is cut"
            assert list(found) == list(range(len(values))), f"{where}: offsets are missing or come twice"
            numbers: dict[str, int] = {}
            for head in found.values():
                who, number = head.partition("/")[0], int(head.rpartition("/")[2])
                assert number == numbers.get(who, -1) + 1, f"{where}: {head} follows {numbers.get(who)}"
                numbers[who] = number

    def close(self) -> None:
        self.producing.close()
        self.consuming.close()


def difference(where: Where, found: dict[int, str], acked: dict[int, str]) -> str:
    offsets = sorted(offset for offset in found.keys() | acked.keys() if found.get(offset) != acked.get(offset))
    shown = [(offset, found.get(offset), acked.get(offset)) for offset in offsets[:5]]
    return f"{where}: {len(offsets)} offsets differ; each with what is there and what was acknowledged: {shown}"
