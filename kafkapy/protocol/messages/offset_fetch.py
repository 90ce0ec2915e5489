"""OffsetFetch (key 9): the positions that groups have committed.

v0 read ZooKeeper, where v1 and later read the coordinator; v2 null topics ask for all, an error for the group; v3
throttle time; v5 leader epochs (KIP-320); v6 flexible encoding; v7 stable offsets only, no transaction pending
(KIP-447); v8 many groups at once (KIP-709); v9 consumer groups of the new protocol (KIP-848); v10 topic ids for names.
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int16, Int32, Int64, String, Uuid, message, wire


@message()
class OffsetFetchRequestTopic:
    name: str = wire(String, "0-7")
    partition_indexes: list[int] = wire(Array(Int32), "0-7")


@message()
class OffsetFetchRequestTopics:
    """A topic of one of many groups."""

    name: str = wire(String, "8-9")
    topic_id: UUID = wire(Uuid, "10+")
    partition_indexes: list[int] = wire(Array(Int32), "8+")


@message()
class OffsetFetchRequestGroup:
    """One of many groups; null topics ask for all that it has committed."""

    group_id: str = wire(String, "8+")
    member_id: str | None = wire(String, "9+", nullable="9+", default=None)
    member_epoch: int = wire(Int32, "9+", default=-1)
    topics: list[OffsetFetchRequestTopics] | None = wire(Array(OffsetFetchRequestTopics), "8+", nullable="8+")


@message(versions="0-10", flexible="6+")
class OffsetFetchRequest:
    group_id: str = wire(String, "0-7")
    topics: list[OffsetFetchRequestTopic] | None = wire(Array(OffsetFetchRequestTopic), "0-7", nullable="2-7")
    groups: list[OffsetFetchRequestGroup] = wire(Array(OffsetFetchRequestGroup), "8+")
    require_stable: bool = wire(Boolean, "7+")


@message()
class OffsetFetchResponsePartition:
    """-1 where nothing was committed."""

    partition_index: int = wire(Int32, "0-7")
    committed_offset: int = wire(Int64, "0-7")
    committed_leader_epoch: int = wire(Int32, "5-7", default=-1)
    metadata: str | None = wire(String, "0-7", nullable="0-7")
    error_code: int = wire(Int16, "0-7")


@message()
class OffsetFetchResponseTopic:
    name: str = wire(String, "0-7")
    partitions: list[OffsetFetchResponsePartition] = wire(Array(OffsetFetchResponsePartition), "0-7")


@message()
class OffsetFetchResponsePartitions:
    """-1 where nothing was committed."""

    partition_index: int = wire(Int32, "8+")
    committed_offset: int = wire(Int64, "8+")
    committed_leader_epoch: int = wire(Int32, "8+", default=-1)
    metadata: str | None = wire(String, "8+", nullable="8+")
    error_code: int = wire(Int16, "8+")


@message()
class OffsetFetchResponseTopics:
    """A topic of one of many groups."""

    name: str = wire(String, "8-9")
    topic_id: UUID = wire(Uuid, "10+")
    partitions: list[OffsetFetchResponsePartitions] = wire(Array(OffsetFetchResponsePartitions), "8+")


@message()
class OffsetFetchResponseGroup:
    """One of many groups."""

    group_id: str = wire(String, "8+")
    topics: list[OffsetFetchResponseTopics] = wire(Array(OffsetFetchResponseTopics), "8+")
    error_code: int = wire(Int16, "8+")


@message(versions="0-10", flexible="6+")
class OffsetFetchResponse:
    throttle_time_ms: int = wire(Int32, "3+")
    topics: list[OffsetFetchResponseTopic] = wire(Array(OffsetFetchResponseTopic), "0-7")
    error_code: int = wire(Int16, "2-7")
    groups: list[OffsetFetchResponseGroup] = wire(Array(OffsetFetchResponseGroup), "8+")


OFFSET_FETCH = Api(9, OffsetFetchRequest, OffsetFetchResponse)
