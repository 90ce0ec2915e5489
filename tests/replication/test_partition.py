"""A partition's high watermark, its leader, and those who wait for it."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing

from kafkapy.parking import wait_committed, wait_for_data
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.replication.partition import ACKS_LEADER

NOW = 1_700_000_000_000


def refusal(call: Any, *arguments: Any, **options: Any) -> ErrorCode:
    with pytest.raises(KafkaError) as caught:
        call(*arguments, **options)
    return caught.value.code


class Watcher:
    def __init__(self) -> None:
        self.sizes: list[int] = []

    def grew(self, size: int) -> None:
        self.sizes.append(size)


class TestHighWatermark:
    def test_alone_it_follows_every_append(self, partition: Any, batch: Any) -> None:
        alone = partition()
        for end in (2, 4):
            alone.append(batch("a", "b"), NOW)
            assert alone.high_watermark == alone.last_stable_offset == end

    def test_it_is_what_all_in_sync_have(self, partition: Any, batch: Any) -> None:
        shared = partition(isr=(1, 2, 3))
        shared.append(batch("a", "b"), NOW)
        shared.append(batch("c"), NOW)
        assert shared.high_watermark == 0
        shared.replica_reached(2, 3)
        assert shared.high_watermark == 0
        shared.replica_reached(3, 2)
        assert shared.high_watermark == 2
        shared.become(leader=1, leader_epoch=0, isr=[1, 2])
        assert shared.high_watermark == 3, "one that lags no longer counts once it is out of sync"

    def test_it_never_goes_back(self, partition: Any, batch: Any) -> None:
        shared = partition()
        shared.append(batch("a"), NOW)
        shared.become(leader=1, leader_epoch=0, isr=[1, 2])
        assert shared.high_watermark == 1

    def test_consumers_read_up_to_it(self, partition: Any, batch: Any) -> None:
        shared = partition(isr=(1, 2))
        shared.append(batch("a"), NOW)
        assert shared.read(0, 1000) is None
        shared.replica_reached(2, 1)
        assert len(shared.read(0, 1000)) > 0

    def test_what_waits_for_an_offset_is_told_once_and_in_order(self, partition: Any, batch: Any) -> None:
        shared = partition(isr=(1, 2))
        told: list[int] = []
        for offset in (2, 0, 1):
            shared.when_committed(offset, lambda offset=offset: told.append(offset))
        shared.append(batch("a", "b", "c"), NOW)
        assert told == []
        shared.replica_reached(2, 2)
        assert told == [0, 1]
        shared.replica_reached(2, 3)
        shared.replica_reached(2, 3)
        assert told == [0, 1, 2]
        shared.when_committed(1, lambda: told.append(1))
        assert told == [0, 1, 2, 1], "what is committed already is told at once"

    def test_watchers_hear_of_bytes_once_they_may_be_read(self, partition: Any, batch: Any) -> None:
        shared = partition(isr=(1, 2))
        watcher = Watcher()
        shared.watchers.add(watcher)
        records = batch("a")
        shared.append(records, NOW)
        assert watcher.sizes == []
        shared.replica_reached(2, 1, len(records))
        assert watcher.sizes == [len(records)]


class TestLeadership:
    def test_only_the_leader_appends(self, partition: Any, batch: Any) -> None:
        follower = partition(leader=2)
        assert refusal(follower.append, batch("a"), NOW) == ErrorCode.NOT_LEADER_OR_FOLLOWER

    @pytest.mark.parametrize(
        ("epoch", "code"),
        [(-1, None), (5, None), (4, ErrorCode.FENCED_LEADER_EPOCH), (6, ErrorCode.UNKNOWN_LEADER_EPOCH)],
    )
    def test_a_client_with_another_epoch(self, partition: Any, epoch: int, code: ErrorCode | None) -> None:
        leader = partition(leader_epoch=5)
        if code is None:
            leader.check_leader(epoch)
        else:
            assert refusal(leader.check_leader, epoch) == code

    def test_too_few_in_sync_for_all_but_not_for_one(self, partition: Any, batch: Any) -> None:
        leader = partition()
        leader.min_insync_replicas = 2
        assert refusal(leader.append, batch("a"), NOW) == ErrorCode.NOT_ENOUGH_REPLICAS
        assert leader.append(batch("a"), NOW, acks=ACKS_LEADER).base_offset == 0

    def test_an_epoch_begins_when_its_leader_does(self, partition: Any, batch: Any) -> None:
        leader = partition(leader_epoch=3)
        assert leader.end_offset_for_epoch(3) == (3, 0)
        leader.append(batch("a"), NOW)
        leader.become(leader=1, leader_epoch=7, isr=[1])
        assert [leader.end_offset_for_epoch(epoch) for epoch in (3, 5, 7, 8)] == [(3, 1), (3, 1), (7, 1), (-1, -1)]

    def test_watchers_are_woken_when_it_changes_hands_and_when_it_is_gone(self, partition: Any) -> None:
        watched = partition()
        watcher = Watcher()
        watched.watchers.add(watcher)
        watched.become(leader=1, leader_epoch=0, isr=[1])
        assert watcher.sizes == []
        watched.become(leader=2, leader_epoch=1, isr=[2])
        watched.close()
        assert watcher.sizes == [0, 0]
        assert refusal(watched.check_leader) == ErrorCode.NOT_LEADER_OR_FOLLOWER


class TestParking:
    """Waiting, under a clock that jumps to the next deadline once everybody waits."""

    def run(self, test: Any) -> None:
        trio.run(test, clock=trio.testing.MockClock(autojump_threshold=0))

    def test_a_commit_is_waited_for_until_time_is_up(self, partition: Any, batch: Any) -> None:
        on_time, late = partition(isr=(1, 2)), partition(isr=(1, 2))

        async def test() -> None:
            for one in (on_time, late):
                one.append(batch("a"), NOW)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(catch_up)
                assert await wait_committed([(on_time, 0), (late, 0)], 1500) == {late}
                assert trio.current_time() == pytest.approx(1.5)

        async def catch_up() -> None:
            await trio.sleep(1)
            on_time.replica_reached(2, 1)

        self.run(test)

    def test_a_commit_that_comes_ends_the_wait(self, partition: Any, batch: Any) -> None:
        shared = partition(isr=(1, 2))

        async def test() -> None:
            shared.append(batch("a"), NOW)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(catch_up)
                assert await wait_committed([(shared, 0)], 9000) == set()
                assert trio.current_time() == pytest.approx(1)

        async def catch_up() -> None:
            await trio.sleep(1)
            shared.replica_reached(2, 1)

        self.run(test)

    def test_data_is_counted_over_all_partitions(self, partition: Any, batch: Any) -> None:
        first, second = partition(), partition()
        size = len(batch("a"))

        async def test() -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(produce)
                await wait_for_data([first, second], 2 * size, 9000)
                assert trio.current_time() == pytest.approx(2)
            assert not first.watchers | second.watchers

        async def produce() -> None:
            for one in (first, second):
                await trio.sleep(1)
                one.append(batch("a"), NOW)

        self.run(test)
