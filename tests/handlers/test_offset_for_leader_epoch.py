"""OffsetForLeaderEpoch: where epochs end, so that a client finds out whether its log is still this one."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.offset_for_leader_epoch import (
    OFFSET_FOR_LEADER_EPOCH,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)

VERSIONS = range(OFFSET_FOR_LEADER_EPOCH.versions.last + 1)


def ask(client: Any, version: int, epoch: int, topic: str = "t", partition: int = 0, current: int = -1) -> Any:
    wanted = OffsetForLeaderPartition(partition, current, epoch)
    request = OffsetForLeaderEpochRequest(-1, [OffsetForLeaderTopic(topic, [wanted])])
    return client.send(OFFSET_FOR_LEADER_EPOCH, version, request).topics[0].partitions[0]


@pytest.mark.parametrize("version", VERSIONS)
async def test_epochs_end_where_the_next_begins(client: Any, version: int) -> None:
    client.create("t")
    partition = client.node.replicas.get("t", 0)
    client.produce("a", "b")
    partition.become(leader=1, leader_epoch=2, isr=[1])
    client.produce("c")
    partition.become(leader=1, leader_epoch=5, isr=[1])  # nothing is written in epoch 5 yet
    expected = {-1: (-1, -1), 0: (0, 2), 1: (0, 2), 2: (2, 3), 4: (2, 3), 5: (5, 3), 6: (-1, -1)}
    found = {epoch: ask(client, version, epoch) for epoch in expected}
    assert {epoch: answer.error_code for epoch, answer in found.items()} == dict.fromkeys(expected, ErrorCode.NONE)
    assert {epoch: answer.end_offset for epoch, answer in found.items()} == {e: o for e, (_, o) in expected.items()}
    if version >= 1:
        assert {e: answer.leader_epoch for e, answer in found.items()} == {e: at for e, (at, _) in expected.items()}


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_does_not_exist(client: Any, version: int) -> None:
    client.create("t")
    for topic, partition in (("nowhere", 0), ("t", 9)):
        answer = ask(client, version, 0, topic, partition)
        assert (answer.error_code, answer.end_offset) == (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1)


@pytest.mark.parametrize("version", range(2, OFFSET_FOR_LEADER_EPOCH.versions.last + 1))
async def test_a_client_with_another_epoch_is_fenced(client: Any, version: int) -> None:
    client.create("t")
    client.node.replicas.get("t", 0).become(leader=1, leader_epoch=5, isr=[1])
    codes = [ask(client, version, 0, current=epoch).error_code for epoch in (4, 5, 6)]
    assert codes == [ErrorCode.FENCED_LEADER_EPOCH, ErrorCode.NONE, ErrorCode.UNKNOWN_LEADER_EPOCH]
