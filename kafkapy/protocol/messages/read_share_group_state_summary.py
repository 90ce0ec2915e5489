"""ReadShareGroupStateSummary (key 87): where share partitions begin, without what is in flight (KIP-932).

A request between brokers: to the share coordinator. v1 how much is done beyond the start (KIP-1226).
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, Int64, String, Uuid, message, wire


@message()
class PartitionData:
    partition: int = wire(Int32)
    leader_epoch: int = wire(Int32)


@message()
class ReadStateSummaryData:
    topic_id: UUID = wire(Uuid)
    partitions: list[PartitionData] = wire(Array(PartitionData))


@message(versions="0-1", flexible="0+")
class ReadShareGroupStateSummaryRequest:
    group_id: str = wire(String)
    topics: list[ReadStateSummaryData] = wire(Array(ReadStateSummaryData))


@message()
class PartitionResult:
    partition: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)
    state_epoch: int = wire(Int32)
    leader_epoch: int = wire(Int32)
    start_offset: int = wire(Int64)
    delivery_complete_count: int = wire(Int32, "1+", default=-1)


@message()
class ReadStateSummaryResult:
    topic_id: UUID = wire(Uuid)
    partitions: list[PartitionResult] = wire(Array(PartitionResult))


@message(versions="0-1", flexible="0+")
class ReadShareGroupStateSummaryResponse:
    results: list[ReadStateSummaryResult] = wire(Array(ReadStateSummaryResult))


READ_SHARE_GROUP_STATE_SUMMARY = Api(87, ReadShareGroupStateSummaryRequest, ReadShareGroupStateSummaryResponse)
