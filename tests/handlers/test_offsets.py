"""OffsetCommit, OffsetFetch and OffsetDelete: by topic name, by topic id, and for what does not exist."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.delete_topics import DELETE_TOPICS, DeleteTopicsRequest
from kafkapy.protocol.messages.offset_commit import (
    OFFSET_COMMIT,
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from kafkapy.protocol.messages.offset_delete import (
    OFFSET_DELETE,
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from kafkapy.protocol.messages.offset_fetch import (
    OFFSET_FETCH,
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)

COMMIT = range(OFFSET_COMMIT.versions.last + 1)
FETCH = range(OFFSET_FETCH.versions.last + 1)
UNKNOWN_ID = UUID(int=4000)
UNKNOWN = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
NOTHING = (-1, -1, "", ErrorCode.NONE)


def id_of(client: Any, name: str) -> UUID:
    topic = client.node.cluster.image.topic(name)
    return UNKNOWN_ID if topic is None else topic.topic_id


def commit(client: Any, version: int, *topics: tuple[str, dict[int, int]], **options: Any) -> list[dict[int, int]]:
    """Commit offsets by partition; the result is the error codes by partition, topic by topic."""
    asked = [
        OffsetCommitRequestTopic(
            name,
            id_of(client, name),
            [OffsetCommitRequestPartition(at, offset, 3, -1, f"m{at}") for at, offset in offsets.items()],
        )
        for name, offsets in topics
    ]
    response = client.send(OFFSET_COMMIT, version, OffsetCommitRequest("g", topics=asked, **options))
    assert [topic.name or topic.topic_id for topic in response.topics] == [
        id_of(client, name) if version >= 10 else name for name, _ in topics
    ]
    return [{one.partition_index: one.error_code for one in topic.partitions} for topic in response.topics]


def fetch(client: Any, version: int, topics: dict[str, list[int]] | None, group: str = "g") -> dict[Any, Any]:
    """Offset, leader epoch, metadata and error code by topic and partition."""
    if version < 8:
        asked = None if topics is None else [OffsetFetchRequestTopic(*topic) for topic in topics.items()]
        answer = client.send(OFFSET_FETCH, version, OffsetFetchRequest(group, asked))
    else:
        by_id = None
        if topics is not None:
            by_id = [OffsetFetchRequestTopics(name, id_of(client, name), parts) for name, parts in topics.items()]
        request = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group, topics=by_id)])
        [answer] = client.send(OFFSET_FETCH, version, request).groups
    assert answer.error_code == ErrorCode.NONE
    return {
        (topic.name if version < 10 else topic.topic_id, one.partition_index): (
            one.committed_offset,
            one.committed_leader_epoch,
            one.metadata,
            one.error_code,
        )
        for topic in answer.topics
        for one in topic.partitions
    }


@pytest.mark.parametrize("version", COMMIT)
async def test_what_is_committed_is_fetched(client: Any, version: int) -> None:
    client.create("t", 2)
    client.create("u")
    assert commit(client, version, ("t", {0: 5, 1: 6}), ("u", {0: 7})) == [{0: 0, 1: 0}, {0: 0}]
    epoch = 3 if version >= 6 else -1
    assert fetch(client, 7, {"t": [0, 1], "u": [0]}) == {
        ("t", 0): (5, epoch, "m0", 0),
        ("t", 1): (6, epoch, "m1", 0),
        ("u", 0): (7, epoch, "m0", 0),
    }


@pytest.mark.parametrize("version", COMMIT)
async def test_what_does_not_exist_harms_no_neighbour(client: Any, version: int) -> None:
    client.create("t")
    missing = ErrorCode.UNKNOWN_TOPIC_ID if version >= 10 else UNKNOWN
    assert commit(client, version, ("nowhere", {0: 5})) == [{0: missing}]
    assert commit(client, version, ("nowhere", {0: 5}), ("t", {9: 5, 0: 5})) == [{0: missing}, {0: 0, 9: UNKNOWN}]
    assert fetch(client, 7, {"t": [0, 9]}) == {("t", 0): (5, 3 if version >= 6 else -1, "m0", 0), ("t", 9): NOTHING}


@pytest.mark.parametrize("version", COMMIT[1:])
async def test_a_refused_commit_tells_every_partition(client: Any, version: int) -> None:
    client.create("t", 2)
    joined = await client.join("g")
    await client.sync("g", joined)
    wrong = {"generation_id_or_member_epoch": 7, "member_id": joined.member_id}
    code = ErrorCode.STALE_MEMBER_EPOCH if version >= 9 else ErrorCode.ILLEGAL_GENERATION
    refused = commit(client, version, ("t", {0: 5, 1: 6}), **wrong)
    assert refused in ([dict.fromkeys((0, 1), ErrorCode.ILLEGAL_GENERATION)], [dict.fromkeys((0, 1), code)])
    right = {"generation_id_or_member_epoch": 1, "member_id": joined.member_id}
    assert commit(client, version, ("t", {0: 5, 1: 6}), **right) == [{0: 0, 1: 0}]


@pytest.mark.parametrize("version", FETCH)
async def test_fetching(client: Any, version: int) -> None:
    client.create("t", 2)
    commit(client, 8, ("t", {0: 5}))
    t = id_of(client, "t") if version >= 10 else "t"
    epoch = 3 if version >= 5 else -1
    assert fetch(client, version, {"t": [0, 1]}) == {(t, 0): (5, epoch, "m0", 0), (t, 1): NOTHING}
    assert fetch(client, version, {"t": [0]}, "nobody") == {(t, 0): NOTHING}
    if version >= 2:
        assert fetch(client, version, None) == {(t, 0): (5, epoch, "m0", 0)}
        assert fetch(client, version, None, "nobody") == {}
    if version >= 10:
        assert fetch(client, version, {"nowhere": [0]}) == {
            (UNKNOWN_ID, 0): (-1, -1, "", ErrorCode.UNKNOWN_TOPIC_ID),
        }
    else:
        assert fetch(client, version, {"nowhere": [0]}) == {("nowhere", 0): NOTHING}


@pytest.mark.parametrize("version", FETCH[8:])
async def test_many_groups_at_once(client: Any, version: int) -> None:
    client.create("t")
    client.commit("a", "t", 0, 1)
    client.commit("b", "t", 0, 2)
    topics = [OffsetFetchRequestTopics("t", id_of(client, "t"), [0])]
    request = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group, topics=topics) for group in "bca"])
    groups = client.send(OFFSET_FETCH, version, request).groups
    found = [(group.group_id, group.topics[0].partitions[0].committed_offset) for group in groups]
    assert found == [("b", 2), ("c", -1), ("a", 1)]


@pytest.mark.parametrize("version", FETCH)
async def test_offsets_go_with_their_topic(client: Any, version: int) -> None:
    client.create("t")
    client.commit("g", "t", 0, 5)
    client.send(DELETE_TOPICS, 5, DeleteTopicsRequest(topic_names=["t"]))
    client.create("t")
    key = id_of(client, "t") if version >= 10 else "t"
    assert fetch(client, version, {"t": [0]}) == {(key, 0): NOTHING}


async def test_offsets_outlive_the_broker(client: Any) -> None:
    client.create("t")
    client.commit("g", "t", 0, 5)
    await client.restart()
    assert fetch(client, 5, {"t": [0]}) == {("t", 0): (5, -1, "", 0)}


async def test_offsets_are_deleted_where_there_are_partitions(client: Any) -> None:
    client.create("t", 2)
    client.commit("g", "t", 0, 5)

    def delete(group: str, *topics: tuple[str, list[int]]) -> Any:
        asked = [OffsetDeleteRequestTopic(n, [OffsetDeleteRequestPartition(at) for at in parts]) for n, parts in topics]
        response = client.send(OFFSET_DELETE, 0, OffsetDeleteRequest(group, asked))
        found = [{one.partition_index: one.error_code for one in topic.partitions} for topic in response.topics]
        return response.error_code, found

    assert delete("g", ("nowhere", [0]), ("t", [9, 0, 1])) == (0, [{0: UNKNOWN}, {0: 0, 1: 0, 9: UNKNOWN}])
    assert fetch(client, 7, {"t": [0]}) == {("t", 0): NOTHING}
    assert delete("nobody", ("t", [0])) == (ErrorCode.GROUP_ID_NOT_FOUND, [])
