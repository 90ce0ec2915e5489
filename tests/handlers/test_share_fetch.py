"""Records go out to share consumers and come back: whose they are, for how long, and how often."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import trio

from kafkapy.protocol.batch import read_records, split_batches
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.delete_records import (
    DELETE_RECORDS,
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from kafkapy.protocol.messages.incremental_alter_configs import (
    INCREMENTAL_ALTER_CONFIGS,
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from kafkapy.protocol.messages.share_acknowledge import (
    SHARE_ACKNOWLEDGE,
    AcknowledgementBatch,
    AcknowledgePartition,
    AcknowledgeTopic,
    ShareAcknowledgeRequest,
)
from kafkapy.protocol.messages.share_fetch import (
    SHARE_FETCH,
    ShareFetchPartition,
    ShareFetchRequest,
    ShareFetchTopic,
)
from kafkapy.protocol.messages.share_group_heartbeat import SHARE_GROUP_HEARTBEAT, ShareGroupHeartbeatRequest
from kafkapy.protocol.messages.update_features import UPDATE_FEATURES, FeatureUpdateKey, UpdateFeaturesRequest

ACCEPT, RELEASE, REJECT, RENEW = range(1, 5)
Acquired = list[tuple[int, int, int]]


class Sharer:
    """A member of share group `g`, on a connection of its own."""

    def __init__(self, client: Any, topic_id: UUID, name: str) -> None:
        self._client, self._topic_id, self.name = client, topic_id, name
        self._endings: dict[object, Any] = {}
        self.epoch = 0

    def request(self, *, wait_ms: int = 0, max_records: int = 500, **fields: Any) -> ShareFetchRequest:
        topics = [ShareFetchTopic(self._topic_id, [ShareFetchPartition(0)])]
        made = ShareFetchRequest(
            "g", self.name, self.epoch, wait_ms, 1, 1 << 20, max_records, 500, topics=topics, **fields
        )
        self.epoch += 1
        return made

    def fetch(self, **fields: Any) -> Acquired:
        """What it is given at once."""
        with self._connection():
            return acquired(self._client.send(SHARE_FETCH, 2, self.request(**fields)))

    async def wait_fetch(self, **fields: Any) -> Acquired:
        with self._connection():
            pending = self._client.ask(SHARE_FETCH, 2, self.request(wait_ms=10_000, **fields))
        return acquired(await pending)

    def acknowledge(self, *batches: tuple[int, int, list[int]], is_renew_ack: bool = False) -> int:
        """The error code of the partition."""
        told = [AcknowledgementBatch(*batch) for batch in batches]
        topics = [AcknowledgeTopic(self._topic_id, [AcknowledgePartition(0, told)])]
        request = ShareAcknowledgeRequest("g", self.name, self.epoch, is_renew_ack, topics)
        self.epoch += 1
        response = self._client.send(SHARE_ACKNOWLEDGE, 2, request)
        assert response.error_code == ErrorCode.NONE
        return int(response.responses[0].partitions[0].error_code)

    def disconnect(self) -> None:
        with self._connection():
            self._client.disconnect()

    def _connection(self) -> Any:
        return _As(self._client, self._endings)


class _As:
    """The client's requests go by this connection."""

    def __init__(self, client: Any, endings: dict[object, Any]) -> None:
        self._client, self._endings = client, endings

    def __enter__(self) -> None:
        self._before, self._client.endings = self._client.endings, self._endings

    def __exit__(self, *_: object) -> None:
        self._client.endings = self._before


def acquired(response: Any) -> Acquired:
    assert response.error_code == ErrorCode.NONE
    found = []
    for topic in response.responses:
        for partition in topic.partitions:
            assert partition.error_code == ErrorCode.NONE
            offsets = [
                record.offset
                for at, _ in split_batches(partition.records or b"")
                for record in read_records(partition.records, at)
            ]
            for one in partition.acquired_records:
                assert set(range(one.first_offset, one.last_offset + 1)) <= set(offsets), "they are sent"
                found.append((one.first_offset, one.last_offset, one.delivery_count))
    return found


class Shared:
    """A topic that share group `g` reads from its beginning."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def begin(self, **settings: object) -> None:
        self.topic_id = self.client.create("t")
        self.configure(share_auto_offset_reset="earliest", **settings)
        self.client.send(SHARE_GROUP_HEARTBEAT, 1, ShareGroupHeartbeatRequest("g", "first", 0, None, ["t"]))

    def configure(self, **settings: object) -> None:
        changes = [AlterableConfig(name.replace("_", "."), 0, str(value)) for name, value in settings.items()]
        request = IncrementalAlterConfigsRequest([AlterConfigsResource(32, "g", changes)])
        assert self.client.send(INCREMENTAL_ALTER_CONFIGS, 1, request).responses[0].error_code == ErrorCode.NONE

    def sharer(self, name: str) -> Sharer:
        return Sharer(self.client, self.topic_id, name)


@pytest.fixture
def shared(client: Any) -> Shared:
    return Shared(client)


async def test_each_record_goes_to_one_consumer(client: Any, shared: Shared) -> None:
    shared.begin()
    client.produce("a", "b")
    client.produce("c")
    one, two = shared.sharer("one"), shared.sharer("two")
    assert one.fetch(max_records=2) == [(0, 1, 1)]
    assert two.fetch() == [(2, 2, 1)]
    assert one.fetch() == []


async def test_a_lock_runs_out(client: Any, shared: Shared) -> None:
    shared.begin(share_record_lock_duration_ms=20_000)
    client.produce("a", "b", "c")
    one, two = shared.sharer("one"), shared.sharer("two")
    assert one.fetch() == [(0, 2, 1)]
    assert one.acknowledge((1, 1, [ACCEPT])) == ErrorCode.NONE
    await trio.sleep(19)
    assert two.fetch() == []
    await trio.sleep(2)
    assert two.fetch() == [(0, 0, 2), (2, 2, 2)]
    assert one.acknowledge((0, 0, [ACCEPT])) == ErrorCode.INVALID_RECORD_STATE
    assert two.acknowledge((0, 0, [ACCEPT]), (2, 2, [REJECT])) == ErrorCode.NONE


async def test_a_lock_is_renewed(client: Any, shared: Shared) -> None:
    shared.begin(share_record_lock_duration_ms=20_000)
    client.produce("a", "b")
    one, two = shared.sharer("one"), shared.sharer("two")
    assert one.fetch() == [(0, 1, 1)]
    await trio.sleep(15)
    assert one.acknowledge((0, 0, [RENEW]), is_renew_ack=True) == ErrorCode.NONE
    await trio.sleep(10)
    assert two.fetch() == [(1, 1, 2)]
    await trio.sleep(11)
    assert two.fetch() == [(0, 0, 2)]
    shared.configure(share_renew_acknowledge_enable="false")
    assert two.acknowledge((0, 0, [RENEW]), is_renew_ack=True) == ErrorCode.INVALID_RECORD_STATE


async def test_who_disconnects_gives_back(client: Any, shared: Shared) -> None:
    shared.begin()
    client.produce("a", "b")
    one, two = shared.sharer("one"), shared.sharer("two")
    two.fetch(max_records=0)
    assert one.fetch() == [(0, 1, 1)]
    one.disconnect()
    assert two.fetch() == [(0, 1, 2)]
    assert client.send(SHARE_FETCH, 2, one.request()).error_code == ErrorCode.SHARE_SESSION_NOT_FOUND


async def test_a_fetch_waits_for_records(client: Any, shared: Shared) -> None:
    shared.begin()
    client.produce("a")
    one, two = shared.sharer("one"), shared.sharer("two")
    assert one.fetch() == [(0, 0, 1)]
    got: dict[str, Acquired] = {}

    async def fetch(sharer: Sharer) -> None:
        got[sharer.name] = await sharer.wait_fetch()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fetch, two)
        await trio.testing.wait_all_tasks_blocked()
        assert one.acknowledge((0, 0, [RELEASE])) == ErrorCode.NONE
    assert got == {"two": [(0, 0, 2)]}
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fetch, one)
        nursery.start_soon(fetch, two)
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        client.produce("b")
    assert sorted(map(len, got.values())) == [0, 1], "one of them gets it, the other waits on"
    assert trio.current_time() - began == pytest.approx(10)


async def test_what_became_of_records_is_kept(client: Any, shared: Shared) -> None:
    shared.begin()
    client.produce(*"abcdef")
    one = shared.sharer("one")
    assert one.fetch() == [(0, 5, 1)]
    assert one.acknowledge((0, 1, [ACCEPT]), (2, 4, [RELEASE, REJECT, RELEASE])) == ErrorCode.NONE

    await client.restart()

    # Of the last one nothing was written: it is as if it had not been delivered.
    assert shared.sharer("two").fetch() == [(2, 2, 2), (4, 4, 2), (5, 5, 1)]


async def test_a_record_that_kills_its_consumers_is_given_up(client: Any, shared: Shared) -> None:
    shared.begin(share_delivery_count_limit=2)
    client.produce("a", "b")
    one = shared.sharer("one")
    assert one.fetch() == [(0, 1, 1)]
    assert one.acknowledge((0, 1, [ACCEPT, RELEASE])) == ErrorCode.NONE
    assert one.fetch() == [(1, 1, 2)]
    assert one.acknowledge((1, 1, [RELEASE])) == ErrorCode.NONE
    assert one.fetch() == []


async def test_no_more_are_out_than_may_be(client: Any, shared: Shared) -> None:
    shared.begin(share_partition_max_record_locks=100)
    for _ in range(15):
        client.produce(*map(str, range(10)))
    one = shared.sharer("one")
    assert sum(last - first + 1 for first, last, _ in one.fetch()) == 100
    assert one.fetch() == []
    assert one.acknowledge((0, 9, [ACCEPT])) == ErrorCode.NONE
    assert sum(last - first + 1 for first, last, _ in one.fetch()) == 10


async def test_records_that_are_deleted_are_passed_over(client: Any, shared: Shared) -> None:
    shared.begin()
    for _ in range(3):
        client.produce("a", "b")
    one = shared.sharer("one")
    assert one.fetch(max_records=2) == [(0, 1, 1)]
    topics = [DeleteRecordsTopic("t", [DeleteRecordsPartition(0, 4)])]
    client.send(DELETE_RECORDS, 2, DeleteRecordsRequest(topics))
    assert one.fetch() == [], "it finds out where the log begins"
    assert one.fetch() == [(4, 5, 1)]


async def test_a_group_begins_where_it_is_told(client: Any, shared: Shared) -> None:
    shared.begin()
    client.produce("old", timestamp=client.now() - 7_200_000)
    client.produce("new")
    shared.configure(share_auto_offset_reset="by_duration:PT1H")
    assert shared.sharer("one").fetch() == [(1, 1, 1)]


@pytest.fixture
def one_session(client: Any) -> None:
    client.configure(group_share_max_share_sessions=1)


async def test_sessions_are_limited(client: Any, shared: Shared, one_session: None) -> None:
    shared.begin()
    client.produce("a")
    assert shared.sharer("one").fetch() == [(0, 0, 1)]
    began = trio.current_time()
    response = await client.ask(SHARE_FETCH, 2, shared.sharer("two").request(wait_ms=500))
    assert response.error_code == ErrorCode.SHARE_SESSION_LIMIT_REACHED
    assert trio.current_time() - began == pytest.approx(0.5), "who is told at once asks again at once"


async def test_without_their_feature_share_groups_are_not_served(client: Any, shared: Shared) -> None:
    shared.begin()
    client.produce("a")
    one = shared.sharer("one")
    assert one.fetch() == [(0, 0, 1)]

    def level(wanted: int, how: int) -> None:
        request = UpdateFeaturesRequest(1000, [FeatureUpdateKey("share.version", wanted, upgrade_type=how)])
        assert client.send(UPDATE_FEATURES, 2, request).error_code == ErrorCode.NONE

    level(0, 2)
    assert client.send(SHARE_FETCH, 2, one.request()).error_code == ErrorCode.UNSUPPORTED_VERSION
    beat = client.send(SHARE_GROUP_HEARTBEAT, 1, ShareGroupHeartbeatRequest("g", "first", 1))
    assert beat.error_code == ErrorCode.UNSUPPORTED_VERSION
    level(1, 1)
    assert client.send(SHARE_FETCH, 2, one.request()).error_code == ErrorCode.SHARE_SESSION_NOT_FOUND
    assert shared.sharer("two").fetch() == [(0, 0, 1)], "of the first delivery nothing was written"


@pytest.fixture
def frequent_snapshots(client: Any) -> None:
    client.configure(share_coordinator_snapshot_update_records_per_snapshot=3)


async def test_the_log_of_the_states_does_not_grow_for_ever(
    client: Any, shared: Shared, frequent_snapshots: None
) -> None:
    shared.begin(share_record_lock_duration_ms=60_000)
    client.produce(*map(str, range(10)))
    one = shared.sharer("one")
    assert one.fetch() == [(0, 9, 1)]
    for offset in range(9):
        assert one.acknowledge((offset, offset, [ACCEPT])) == ErrorCode.NONE
    [log] = [
        partition.log
        for partition in client.node.replicas
        if partition.topic == "__share_group_state" and partition.log.log_end_offset
    ]
    assert log.log_start_offset == 0
    await trio.sleep(301)
    assert log.log_start_offset > 0
    await client.restart()
    assert shared.sharer("two").fetch() == [(9, 9, 2)]
