"""Streams groups as clients ask for them: internal topics are there when the answer is, or why they are not."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages import streams_group_heartbeat as h
from kafkapy.protocol.messages.streams_group_describe import STREAMS_GROUP_DESCRIBE, StreamsGroupDescribeRequest
from kafkapy.protocol.messages.streams_group_heartbeat import STREAMS_GROUP_HEARTBEAT, StreamsGroupHeartbeatRequest


async def join(client: Any, *subtopologies: h.Subtopology, member: str = "m") -> Any:
    request = StreamsGroupHeartbeatRequest("g", member, rebalance_timeout_ms=1000, process_id="p")
    request.topology = h.Topology(0, list(subtopologies))
    request.active_tasks, request.standby_tasks, request.warmup_tasks = [], [], []
    return await client.ask(STREAMS_GROUP_HEARTBEAT, 0, request)


def counting(**configs: str) -> h.Subtopology:
    said = [h.KeyValue(key.replace("_", "."), value) for key, value in configs.items()]
    return h.Subtopology("0", ["t"], state_changelog_topics=[h.TopicInfo("counts", topic_configs=said)])


async def test_internal_topics_are_there_when_the_answer_is(client: Any) -> None:
    client.create("t", 3)
    answer = await join(client, counting(cleanup_policy="compact"))
    assert [(one.status_code, one.status_detail) for one in answer.status if one.status_code == 3] == [
        (3, "Internal topics are missing: counts")
    ]
    made = client.node.cluster.image.topic("counts")
    assert len(made.partitions) == 3
    assert client.node.cluster.topic_config("counts").cleanup_policy == ("compact",)
    beat = StreamsGroupHeartbeatRequest("g", "m", answer.member_epoch)
    assert [one.status_code for one in (await client.ask(STREAMS_GROUP_HEARTBEAT, 0, beat)).status] == [5]
    [described] = client.send(STREAMS_GROUP_DESCRIBE, 0, StreamsGroupDescribeRequest(["g"], True)).groups
    assert described.topology.subtopologies[0].state_changelog_topics[0].partitions == 3
    assert described.authorized_operations > 0


async def test_why_a_topic_cannot_be_made_is_told_and_it_is_not_tried_again_at_once(client: Any) -> None:
    client.create("t", 3)
    told = [(await join(client, counting(cleanup_policy="nonsense"), member=member)).status for member in ("m", "n")]
    for status in told:
        [detail] = [one.status_detail for one in status if one.status_code == 3]
        assert detail.startswith("Internal topics are missing: counts; Creation failed: counts (Invalid value nonsense")
    assert client.node.cluster.image.topic("counts") is None


@pytest.mark.parametrize(
    ("subtopology", "why"),
    [
        (h.Subtopology("0", ["__consumer_offsets"]), "Use of Kafka internal topics __consumer_offsets in a"),
        (h.Subtopology("0", ["t"], repartition_sink_topics=["no name"]), "Topic names no name are not valid"),
    ],
)
async def test_topics_that_no_topology_may_have(client: Any, subtopology: h.Subtopology, why: str) -> None:
    answer = await join(client, subtopology)
    assert answer.error_code == ErrorCode.STREAMS_INVALID_TOPOLOGY
    assert answer.error_message.startswith(why)
