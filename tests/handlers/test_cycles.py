"""Nothing that requests leave must be looked for: the collector may leave out what has stayed."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
import trio

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.delete_topics import DELETE_TOPICS, DeleteTopicsRequest
from kafkapy.protocol.messages.fetch import FETCH
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest
from kafkapy.protocol.messages.leave_group import LEAVE_GROUP, LeaveGroupRequest
from kafkapy.protocol.messages.produce import PRODUCE


@pytest.fixture
def _uncollected() -> Iterator[None]:
    """Nothing is collected on its own."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def work(client: Any, name: str) -> None:
    """Records, a fetch that waits, a group that comes and goes, what is refused, a topic that is deleted."""
    client.create(name, partitions=3)
    client.produce("a", "b", topic=name)
    assert client.read(name) == ["a", "b"]
    await client.ask(FETCH, 12, client.fetch_request((name, 0, 2), max_wait_ms=100, min_bytes=1))
    with trio.move_on_after(0.01):
        await client.ask(FETCH, 12, client.fetch_request((name, 0, 2), max_wait_ms=5000, min_bytes=1))
    joined = await client.join(name)
    await client.sync(name, joined, **{joined.member_id: b"all"})
    client.commit(f"other {name}", name, 0, 1)
    client.send(LEAVE_GROUP, 0, LeaveGroupRequest(name, joined.member_id))
    client.send(INIT_PRODUCER_ID, 4, InitProducerIdRequest(None, 0))
    refused = client.send(PRODUCE, 9, client.produce_request(b"no batch", name))
    assert client.only_partition(refused).error_code == ErrorCode.INVALID_RECORD
    client.send(DELETE_TOPICS, 5, DeleteTopicsRequest(topic_names=[name]))
    await trio.sleep(120)


@pytest.mark.usefixtures("_uncollected")
async def test_requests_leave_no_cycles(client: Any) -> None:
    await work(client, "before")
    gc.collect()
    for number in range(3):
        await work(client, f"t{number}")
    assert gc.collect() == 0
