"""DescribeShareGroupOffsets (key 90): where the share partitions of groups begin (KIP-932).

v1 the lag (KIP-1226).
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, Int64, String, Uuid, message, wire


@message()
class DescribeShareGroupOffsetsRequestTopic:
    topic_name: str = wire(String)
    partitions: list[int] = wire(Array(Int32))


@message()
class DescribeShareGroupOffsetsRequestGroup:
    group_id: str = wire(String)
    topics: list[DescribeShareGroupOffsetsRequestTopic] | None = wire(
        Array(DescribeShareGroupOffsetsRequestTopic), nullable="0+"
    )


@message(versions="0-1", flexible="0+")
class DescribeShareGroupOffsetsRequest:
    groups: list[DescribeShareGroupOffsetsRequestGroup] = wire(Array(DescribeShareGroupOffsetsRequestGroup))


@message()
class DescribeShareGroupOffsetsResponsePartition:
    partition_index: int = wire(Int32)
    start_offset: int = wire(Int64)
    leader_epoch: int = wire(Int32)
    lag: int = wire(Int64, "1+", default=-1)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)


@message()
class DescribeShareGroupOffsetsResponseTopic:
    topic_name: str = wire(String)
    topic_id: UUID = wire(Uuid)
    partitions: list[DescribeShareGroupOffsetsResponsePartition] = wire(
        Array(DescribeShareGroupOffsetsResponsePartition)
    )


@message()
class DescribeShareGroupOffsetsResponseGroup:
    group_id: str = wire(String)
    topics: list[DescribeShareGroupOffsetsResponseTopic] = wire(Array(DescribeShareGroupOffsetsResponseTopic))
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)


@message(versions="0-1", flexible="0+")
class DescribeShareGroupOffsetsResponse:
    throttle_time_ms: int = wire(Int32)
    groups: list[DescribeShareGroupOffsetsResponseGroup] = wire(Array(DescribeShareGroupOffsetsResponseGroup))


DESCRIBE_SHARE_GROUP_OFFSETS = Api(90, DescribeShareGroupOffsetsRequest, DescribeShareGroupOffsetsResponse)
