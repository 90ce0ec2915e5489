"""Every answer can be written in every version of its API: nulls stand only where the version has room for them."""

from __future__ import annotations

from typing import Any

from kafkapy.coordinator.caller import Caller
from kafkapy.protocol.codec import encode_bytes
from kafkapy.protocol.message import versions_of
from kafkapy.protocol.messages.consumer_group_describe import ConsumerGroupDescribeResponse
from kafkapy.protocol.messages.describe_groups import DescribeGroupsResponse
from kafkapy.protocol.messages.list_groups import ListGroupsResponse
from kafkapy.protocol.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup


def encode_all(message: Any, first: int = 0, last: int | None = None) -> None:
    for version in range(first, (versions_of(type(message)).last if last is None else last) + 1):
        assert encode_bytes(message, version)


def test_answers_encode(broker: Any) -> None:
    leader, follower = broker.stable(2)
    for join in (
        leader,
        follower,
        broker.join().result(),
        broker.join("nobody").result(),
        broker.join(group="").result(),
    ):
        encode_all(join)
    encode_all(broker.sync(follower).result())
    encode_all(broker.sync(follower, generation=9).result())
    encode_all(broker.commit_async({("t", 0): 5}, leader.member_id, 1).result())
    encode_all(broker.commit_async({("t", 0): 5}).result())
    caller = Caller("c", "/h", 5)
    for group in ("g", "none"):
        encode_all(DescribeGroupsResponse(groups=[broker.shard.describe(group, caller)]))
        encode_all(broker.shard.fetch_offsets(OffsetFetchRequest(group, None), caller), last=7)
        batch = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group, topics=None)])
        encode_all(broker.shard.fetch_offsets(batch, Caller("c", "/h", 9)), first=8)
    encode_all(ListGroupsResponse(groups=broker.shard.list_groups()))
    encode_all(broker.leave("nobody"), first=3)
    encode_all(broker.leave(follower.member_id, version=0), last=2)


def test_answers_about_consumer_groups_encode(consumers_with: Any) -> None:
    broker = consumers_with()
    broker.topics.create("t", 2)
    encode_all(broker.beat("m1", 0, instance_id="i", rack_id="r"))
    encode_all(broker.beat("m1", 2))
    encode_all(broker.beat("nobody", 2))
    encode_all(broker.beat("m1", -2, instance_id="i"))
    broker.beat("m2", 0, subscribed_topic_regex="t")
    groups = [broker.shard.describe_consumer_group(group) for group in ("g", "none")]
    encode_all(ConsumerGroupDescribeResponse(groups=groups))
