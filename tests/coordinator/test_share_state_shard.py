"""The state of share partitions: what is written of it, what survives, and who is refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kafkapy.coordinator.outcome import Outcome
from kafkapy.coordinator.share.state_records import SharePartitionKey, Update, read_record
from kafkapy.coordinator.share.state_shard import ShareStateConfig, ShareStateShard
from kafkapy.protocol.batch import Record, build_batch, read_records
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages import delete_share_group_state as d
from kafkapy.protocol.messages import initialize_share_group_state as i
from kafkapy.protocol.messages import read_share_group_state as r
from kafkapy.protocol.messages import read_share_group_state_summary as rs
from kafkapy.protocol.messages import write_share_group_state as w

TOPIC = UUID(int=7)
AVAILABLE, ACKNOWLEDGED = 0, 2


class Keeper:
    """A shard with a list for a log, which is read again after a crash."""

    def __init__(self, updates: int = 500) -> None:
        self.config = ShareStateConfig(updates, 1000)
        self.log: list[Record] = []
        self.topics = {TOPIC: 4}
        self.now_ms = 1_000
        self.deadlines: dict[str, Any] = {}
        self.restart()

    def restart(self) -> None:
        self.shard = ShareStateShard(self.config, self, self.topics.get)
        for record in self.log:
            self.shard.replay(record)
        self.run(self.shard.loaded(self.now_ms))

    def set(self, key: str, at_ms: int, operation: Any) -> None:
        self.deadlines[key] = (at_ms, operation)

    def cancel(self, key: str) -> None:
        self.deadlines.pop(key, None)

    def run(self, outcome: Outcome[Any]) -> Any:
        for record in outcome.records:
            read_back = read_records(build_batch([record]))[0]
            read_back.offset = len(self.log)
            self.log.append(read_back)
            self.shard.replay(read_back)
        if outcome.appended is not None:
            outcome.appended(None)
        return outcome.reply.result()

    def begin(self, epoch: int = 0, start: int = 0, partition: int = 0) -> int:
        wanted = i.PartitionData(partition, epoch, start)
        return int(self.run(self.shard.initialize("g", TOPIC, wanted, self.now_ms)).error_code)

    def write(
        self, *batches: tuple[int, int, int, int], start: int = -1, state: int = 0, leader: int = 0, partition: int = 0
    ) -> int:
        told = [w.StateBatch(*batch) for batch in batches]
        wanted = w.PartitionData(partition, state, leader, start, 0, told)
        return int(self.run(self.shard.write("g", TOPIC, wanted, self.now_ms)).error_code)

    def read(self, leader: int = -1, partition: int = 0) -> Any:
        return self.run(self.shard.read("g", TOPIC, r.PartitionData(partition, leader), self.now_ms))

    def batches(self) -> list[tuple[int, ...]]:
        return [
            (one.first_offset, one.last_offset, one.delivery_state, one.delivery_count)
            for one in self.read().state_batches
        ]


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


def test_what_is_written_is_read_after_a_crash(keeper: Keeper) -> None:
    assert keeper.begin() == ErrorCode.NONE
    assert keeper.write((0, 9, AVAILABLE, 1)) == ErrorCode.NONE
    assert keeper.write((3, 5, ACKNOWLEDGED, 1), start=2) == ErrorCode.NONE
    expected = [(2, 2, AVAILABLE, 1), (3, 5, ACKNOWLEDGED, 1), (6, 9, AVAILABLE, 1)]
    assert keeper.batches() == expected
    keeper.restart()
    assert keeper.batches() == expected
    assert keeper.read().start_offset == 2


def test_an_older_leader_is_refused(keeper: Keeper) -> None:
    keeper.begin()
    assert keeper.read(leader=3).error_code == ErrorCode.NONE
    keeper.restart()
    assert keeper.read(leader=2).error_code == ErrorCode.FENCED_LEADER_EPOCH
    assert keeper.write(leader=2) == ErrorCode.FENCED_LEADER_EPOCH
    assert keeper.write(leader=3) == ErrorCode.NONE


def test_what_was_begun_anew_forgets_the_rest(keeper: Keeper) -> None:
    keeper.begin(epoch=1)
    keeper.write((0, 9, AVAILABLE, 1), state=1)
    assert keeper.begin(epoch=0) == ErrorCode.FENCED_STATE_EPOCH
    assert keeper.begin(epoch=2, start=5) == ErrorCode.NONE
    assert keeper.write(state=1) == ErrorCode.FENCED_STATE_EPOCH
    assert (keeper.read().start_offset, keeper.batches()) == (5, [])


def test_what_has_no_state_is_refused(keeper: Keeper) -> None:
    assert keeper.write() == ErrorCode.INVALID_REQUEST
    assert keeper.read().error_code == ErrorCode.INVALID_REQUEST
    assert keeper.begin(partition=-1) == ErrorCode.INVALID_REQUEST
    assert keeper.begin(partition=4) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    summary = keeper.run(keeper.shard.read_summary("g", TOPIC, rs.PartitionData(0, -1), 0))
    assert (summary.error_code, summary.start_offset, summary.delivery_complete_count) == (ErrorCode.NONE, -1, -1)


def test_a_snapshot_comes_after_so_many_updates() -> None:
    keeper = Keeper(updates=3)
    keeper.begin()
    for offset in range(5):
        keeper.write((offset, offset, ACKNOWLEDGED, 1))
    kinds = ["update" if isinstance(read_record(record), Update) else "snapshot" for record in keeper.log]
    assert kinds == ["snapshot", "update", "update", "update", "snapshot", "update"]
    assert keeper.shard.needed_from == 4
    keeper.log = keeper.log[4:]
    keeper.restart()
    assert keeper.batches() == [(0, 4, ACKNOWLEDGED, 1)], "what the snapshot replaced is of no use"


def test_the_least_changed_decides_what_is_needed(keeper: Keeper) -> None:
    keeper.begin(partition=0)
    keeper.begin(partition=1)
    keeper.begin(epoch=1, partition=1)
    assert keeper.shard.needed_from == 0
    keeper.now_ms += 2_000
    keeper.run(keeper.deadlines["snapshots of what does not change"][1](keeper.now_ms))
    assert keeper.shard.needed_from == 3, "those that did not change were written again"
    keeper.restart()
    assert keeper.read(partition=1).state_epoch == 1


def test_what_is_deleted_is_gone(keeper: Keeper) -> None:
    keeper.begin()
    for _ in range(2):
        result = keeper.run(keeper.shard.delete("g", TOPIC, d.PartitionData(0), keeper.now_ms))
        assert result.error_code == ErrorCode.NONE
    assert len(keeper.log) == 2
    assert keeper.read().error_code == ErrorCode.INVALID_REQUEST


def test_a_deleted_topic_is_forgotten(keeper: Keeper) -> None:
    keeper.begin(partition=0)
    keeper.begin(partition=1)
    del keeper.topics[TOPIC]
    keeper.run(keeper.shard.remove_topic(TOPIC, keeper.now_ms))
    assert [record.value for record in keeper.log[2:]] == [None, None]


def test_a_key_is_named_as_it_is_hashed() -> None:
    assert str(SharePartitionKey("g", UUID(int=0), 3)) == "g:AAAAAAAAAAAAAAAAAAAAAA:3"
