"""ReadShareGroupState (key 84): the state of share partitions, for the leader of each (KIP-932).

A request between brokers: to the share coordinator. It takes note of the leader's epoch.
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int8, Int16, Int32, Int64, String, Uuid, message, wire


@message()
class PartitionData:
    partition: int = wire(Int32)
    leader_epoch: int = wire(Int32)


@message()
class ReadStateData:
    topic_id: UUID = wire(Uuid)
    partitions: list[PartitionData] = wire(Array(PartitionData))


@message(versions="0", flexible="0+")
class ReadShareGroupStateRequest:
    group_id: str = wire(String)
    topics: list[ReadStateData] = wire(Array(ReadStateData))


@message()
class StateBatch:
    first_offset: int = wire(Int64)
    last_offset: int = wire(Int64)
    delivery_state: int = wire(Int8)  # 0 available, 2 acknowledged, 4 archived
    delivery_count: int = wire(Int16)


@message()
class PartitionResult:
    partition: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)
    state_epoch: int = wire(Int32)
    start_offset: int = wire(Int64)
    state_batches: list[StateBatch] = wire(Array(StateBatch))


@message()
class ReadStateResult:
    topic_id: UUID = wire(Uuid)
    partitions: list[PartitionResult] = wire(Array(PartitionResult))


@message(versions="0", flexible="0+")
class ReadShareGroupStateResponse:
    results: list[ReadStateResult] = wire(Array(ReadStateResult))


READ_SHARE_GROUP_STATE = Api(84, ReadShareGroupStateRequest, ReadShareGroupStateResponse)
