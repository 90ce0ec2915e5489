"""Fetch: what is read, how much of it, and how long the reply may wait."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import trio

from kafkapy.protocol.batch import split_batches
from kafkapy.protocol.compression import Compression
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.legacy import parse_message_set
from kafkapy.protocol.messages.delete_topics import DELETE_TOPICS, DeleteTopicsRequest
from kafkapy.protocol.messages.fetch import FETCH

LAST = FETCH.versions.last
WITH_BATCHES = [4, 7, 11, 12, 13, LAST]


def request(client: Any, version: int, *wanted: tuple[str, int, int], **options: Any) -> Any:
    """A fetch of (topic, partition, offset), by id where the version wants that."""
    image = client.node.cluster.image
    topics = {name: image.topic(name) for name, _, _ in wanted}
    ids = {name: UUID(int=4000) if topic is None else topic.topic_id for name, topic in topics.items()}
    return client.fetch_request(*((ids[name] if version >= 13 else name, *at) for name, *at in wanted), **options)


def fetch(client: Any, version: int, *wanted: tuple[str, int, int], **options: Any) -> Any:
    return client.send(FETCH, version, request(client, version, *wanted, **options))


def only(response: Any) -> Any:
    [topic] = response.responses
    [partition] = topic.partitions
    return partition


def offsets(data: Any) -> list[int]:
    return [header.base_offset for _, header in split_batches(data.records)]


@pytest.fixture
def three(client: Any) -> Any:
    """Puts three batches of two records in a topic t."""

    def put(**configs: Any) -> int:
        client.create("t", 2, **configs)
        for pair in ("ab", "cd", "ef"):
            client.produce(*pair)
        return len(client.batch("a", "b"))

    return put


@pytest.mark.parametrize("version", WITH_BATCHES)
async def test_reading_begins_with_the_batch_that_holds_the_offset(client: Any, three: Any, version: int) -> None:
    three()
    found = {offset: offsets(only(fetch(client, version, ("t", 0, offset)))) for offset in (0, 1, 3, 5, 6)}
    assert found == {0: [0, 2, 4], 1: [0, 2, 4], 3: [2, 4], 5: [4], 6: []}
    data = only(fetch(client, version, ("t", 0, 6)))
    assert (data.error_code, data.high_watermark, data.last_stable_offset) == (ErrorCode.NONE, 6, 6)


@pytest.mark.parametrize("version", [0, 1, *WITH_BATCHES])
@pytest.mark.parametrize("offset", [-1, 7])
async def test_an_offset_outside_of_the_log(client: Any, three: Any, version: int, offset: int) -> None:
    three()
    data = only(fetch(client, version, ("t", 0, offset), max_wait_ms=1000, min_bytes=1))
    assert (data.error_code, data.high_watermark) == (ErrorCode.OFFSET_OUT_OF_RANGE, -1)


@pytest.mark.parametrize("version", [4, 12])
@pytest.mark.parametrize("isolation_level", [0, 1])
async def test_aborted_transactions_are_listed_for_readers_of_committed_records(
    client: Any, three: Any, version: int, isolation_level: int
) -> None:
    three()
    data = only(fetch(client, version, ("t", 0, 0), isolation_level=isolation_level))
    assert data.aborted_transactions == ([] if isolation_level else None)
    assert offsets(data) == [0, 2, 4]


class TestLimits:
    @pytest.mark.parametrize("version", [3, *WITH_BATCHES])
    async def test_the_first_batch_comes_however_large_it_is(self, client: Any, three: Any, version: int) -> None:
        three()
        for limits in ({"max_bytes": 1}, {"partition_max_bytes": 1}, {"max_bytes": 0}):
            data = only(fetch(client, version, ("t", 0, 0), **limits))
            assert len(data.records) > 60

    @pytest.mark.parametrize("version", WITH_BATCHES)
    async def test_what_follows_is_cut(self, client: Any, three: Any, version: int) -> None:
        size = three()
        data = only(fetch(client, version, ("t", 0, 0), partition_max_bytes=2 * size + 9))
        assert len(data.records) == 2 * size + 9
        client.produce("other", partition=1)
        response = fetch(client, version, ("t", 0, 0), ("t", 1, 0), max_bytes=3 * size + 9)
        first, second = response.responses[0].partitions
        assert (len(first.records), len(second.records)) == (3 * size, 0), "no batch is torn at its begin"

    @pytest.mark.parametrize("version", [0, 1, 2])
    async def test_before_version_3_the_first_message_may_be_cut(self, client: Any, three: Any, version: int) -> None:
        three()
        assert len(only(fetch(client, version, ("t", 0, 0), partition_max_bytes=10)).records) == 10

    async def test_in_version_3_no_message_is_torn_at_its_begin(self, client: Any, three: Any) -> None:
        three()
        client.produce("other", partition=1)
        response = fetch(client, 3, ("t", 0, 0), ("t", 1, 0), partition_max_bytes=10)
        assert [len(data.records) > 0 for data in response.responses[0].partitions] == [True, False]

    async def test_partitions_are_served_in_the_order_of_the_request(self, client: Any, three: Any) -> None:
        size = three()
        client.produce("other", partition=1)
        response = fetch(client, 12, ("t", 1, 0), ("t", 0, 0), max_bytes=size)
        assert [len(data.records) > 0 for data in response.responses[0].partitions] == [True, False]

    async def test_the_brokers_own_limit(self, client: Any) -> None:
        client.create("t")
        for _ in range(3):
            client.produce("x" * 400)
        assert len(only(fetch(client, 12, ("t", 0, 0))).records) == 1024

    @pytest.fixture(autouse=True)
    def limit(self, client: Any, request: Any) -> None:
        if "brokers_own" in request.node.name:
            client.configure(fetch_max_bytes=1024)


class TestOldFormats:
    @pytest.mark.parametrize(("version", "magic"), [(0, 0), (1, 0), (2, 1), (3, 1)])
    @pytest.mark.parametrize("codec", [Compression.NONE, Compression.GZIP])
    async def test_batches_become_message_sets(self, client: Any, version: int, magic: int, codec: Any) -> None:
        client.create("t")
        client.produce("a", "b", compression=codec)
        client.produce("c", compression=codec)
        data = only(fetch(client, version, ("t", 0, 2)))
        assert data.records[16] == magic
        found = parse_message_set(data.records)
        assert found is not None
        assert [record.value for record in found.records][-1] == b"c"

    @pytest.mark.parametrize("version", [0, 1, 2, 3])
    async def test_zstd_is_more_than_they_know(self, client: Any, version: int) -> None:
        client.create("t")
        client.produce("a", compression=Compression.ZSTD)
        assert only(fetch(client, version, ("t", 0, 0))).error_code == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
        assert offsets(only(fetch(client, 4, ("t", 0, 0)))) == [0]


class TestErrors:
    @pytest.mark.parametrize("version", [0, 3, *WITH_BATCHES])
    async def test_what_does_not_exist_harms_no_neighbour(self, client: Any, three: Any, version: int) -> None:
        three()
        response = fetch(client, version, ("nowhere", 0, 0), ("t", 9, 0), ("t", 0, 0))
        missing, known = response.responses
        code = ErrorCode.UNKNOWN_TOPIC_ID if version >= 13 else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert [data.error_code for data in missing.partitions] == [code]
        assert [data.error_code for data in known.partitions] == [
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            ErrorCode.NONE,
        ]
        assert len(known.partitions[1].records) > 0

    @pytest.mark.parametrize("version", [9, 12, LAST])
    async def test_leader_epochs(self, client: Any, version: int) -> None:
        client.create("t")
        client.node.replicas.get("t", 0).become(leader=1, leader_epoch=5, isr=[1])
        codes = {
            epoch: only(fetch(client, version, ("t", 0, 0), current_leader_epoch=epoch)).error_code
            for epoch in (-1, 4, 5, 6)
        }
        assert codes == {
            -1: ErrorCode.NONE,
            4: ErrorCode.FENCED_LEADER_EPOCH,
            5: ErrorCode.NONE,
            6: ErrorCode.UNKNOWN_LEADER_EPOCH,
        }

    @pytest.mark.parametrize("version", [12, LAST])
    async def test_a_client_that_went_astray_learns_where(self, client: Any, three: Any, version: int) -> None:
        three()
        client.node.replicas.get("t", 0).become(leader=1, leader_epoch=2, isr=[1])
        client.produce("g")  # offset 6, the first of epoch 2
        story = {(0, 6): None, (0, 7): (0, 6), (1, 6): (0, 6), (2, 7): None, (2, 9): (2, 7)}
        for (epoch, offset), expected in story.items():
            wanted = request(client, version, ("t", 0, offset), last_fetched_epoch=epoch, max_wait_ms=9, min_bytes=1)
            data = only(await client.ask(FETCH, version, wanted))
            diverging = data.diverging_epoch
            assert (diverging and (diverging.epoch, diverging.end_offset)) == expected
            assert data.aborted_transactions is None, "nothing was read"
        data = only(fetch(client, version, ("t", 0, 0), last_fetched_epoch=3))
        assert data.error_code == ErrorCode.OFFSET_OUT_OF_RANGE, "an epoch that nobody led"

    async def test_an_empty_log_is_nobodys_reason_to_go_astray(self, client: Any) -> None:
        client.create("t")
        data = only(fetch(client, 12, ("t", 0, 0), last_fetched_epoch=0))
        assert (data.error_code, data.diverging_epoch) == (ErrorCode.NONE, None)

    @pytest.mark.parametrize("version", [16, LAST])
    async def test_who_is_at_the_wrong_broker_is_told_the_right_one(self, client: Any, version: int) -> None:
        client.create("t")
        client.node.replicas.get("t", 0).leader = 7
        response = fetch(client, version, ("t", 0, 0))
        assert only(response).error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        # What the cluster's metadata says: it has not changed.
        assert only(response).current_leader.leader_id == 1
        assert [(node.node_id, node.host, node.port) for node in response.node_endpoints] == [(1, "localhost", 9092)]


class TestWaiting:
    """The mock clock stands still until everybody waits, and then jumps to the next deadline."""

    async def waited(self, client: Any, *wanted: Any, version: int = 12, **options: Any) -> tuple[Any, float]:
        start = trio.current_time()
        response = await client.ask(FETCH, version, request(client, version, *wanted, **options))
        return response, round(trio.current_time() - start, 3)

    @pytest.mark.parametrize("version", [0, 3, *WITH_BATCHES])
    async def test_nothing_to_read_is_an_empty_success_when_time_is_up(self, client: Any, version: int) -> None:
        client.create("t")
        response, seconds = await self.waited(client, ("t", 0, 0), version=version, max_wait_ms=500, min_bytes=1)
        assert (only(response).error_code, bytes(only(response).records), seconds) == (ErrorCode.NONE, b"", 0.5)

    @pytest.mark.parametrize(
        "options",
        [
            {"max_wait_ms": 0, "min_bytes": 10**6},
            {"max_wait_ms": 500, "min_bytes": 0},
            {"max_wait_ms": 500, "min_bytes": 1},
            {"max_wait_ms": 500, "min_bytes": 10**6, "max_bytes": 100},  # more than may be sent is not waited for
        ],
    )
    async def test_who_has_enough_need_not_wait(self, client: Any, three: Any, options: dict[str, int]) -> None:
        three()
        response, seconds = await self.waited(client, ("t", 0, 0), **options)
        assert len(only(response).records) > 0
        assert seconds == 0

    async def test_errors_and_empty_requests_are_answered_at_once(self, client: Any, three: Any) -> None:
        three()
        assert (await self.waited(client, ("t", 0, 99), max_wait_ms=500, min_bytes=1))[1] == 0
        assert (await self.waited(client, ("t", 1, 0), ("nowhere", 0, 0), max_wait_ms=500, min_bytes=1))[1] == 0
        assert (await self.waited(client, max_wait_ms=500, min_bytes=1))[1] == 0

    async def test_less_than_min_bytes_comes_when_time_is_up(self, client: Any, three: Any) -> None:
        three()
        response, seconds = await self.waited(client, ("t", 0, 0), max_wait_ms=500, min_bytes=10**6)
        assert (offsets(only(response)), seconds) == ([0, 2, 4], 0.5)

    async def after(self, delay: float, action: Any) -> None:
        await trio.sleep(delay)
        action()

    async def test_records_wake_the_fetch_that_waits_for_them(self, client: Any) -> None:
        client.create("t", 2)
        size = len(client.batch("x"))
        async with trio.open_nursery() as nursery:
            for second in (1, 2, 3):
                nursery.start_soon(self.after, second, lambda: client.produce("x", partition=1))
            response, seconds = await self.waited(
                client, ("t", 0, 0), ("t", 1, 0), max_wait_ms=9000, min_bytes=size + 1
            )
            assert seconds == 2
            assert offsets(response.responses[0].partitions[1]) == [0, 1]

    async def test_a_topic_that_is_deleted_wakes_who_waits(self, client: Any) -> None:
        client.create("t")
        delete = lambda: client.send(DELETE_TOPICS, 5, DeleteTopicsRequest(topic_names=["t"]))  # noqa: E731  # short
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.after, 1, delete)
            response, seconds = await self.waited(client, ("t", 0, 0), max_wait_ms=9000, min_bytes=1)
        assert (only(response).error_code, seconds) == (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 1)

    async def test_nobody_watches_when_the_wait_is_over(self, client: Any) -> None:
        client.create("t")
        await self.waited(client, ("t", 0, 0), max_wait_ms=500, min_bytes=1)
        assert not client.node.replicas.get("t", 0).watchers
