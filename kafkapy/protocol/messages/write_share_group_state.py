"""WriteShareGroupState (key 85): what has changed of the state of share partitions (KIP-932).

A request between brokers: to the share coordinator. v1 how much is done beyond the start (KIP-1226).
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int8, Int16, Int32, Int64, String, Uuid, message, wire


@message()
class StateBatch:
    first_offset: int = wire(Int64)
    last_offset: int = wire(Int64)
    delivery_state: int = wire(Int8)  # 0 available, 2 acknowledged, 4 archived
    delivery_count: int = wire(Int16)


@message()
class PartitionData:
    partition: int = wire(Int32)
    state_epoch: int = wire(Int32)
    leader_epoch: int = wire(Int32)
    start_offset: int = wire(Int64)  # -1: as before
    delivery_complete_count: int = wire(Int32, "1+", default=-1)
    state_batches: list[StateBatch] = wire(Array(StateBatch))


@message()
class WriteStateData:
    topic_id: UUID = wire(Uuid)
    partitions: list[PartitionData] = wire(Array(PartitionData))


@message(versions="0-1", flexible="0+")
class WriteShareGroupStateRequest:
    group_id: str = wire(String)
    topics: list[WriteStateData] = wire(Array(WriteStateData))


@message()
class PartitionResult:
    partition: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)


@message()
class WriteStateResult:
    topic_id: UUID = wire(Uuid)
    partitions: list[PartitionResult] = wire(Array(PartitionResult))


@message(versions="0-1", flexible="0+")
class WriteShareGroupStateResponse:
    results: list[WriteStateResult] = wire(Array(WriteStateResult))


WRITE_SHARE_GROUP_STATE = Api(85, WriteShareGroupStateRequest, WriteShareGroupStateResponse)
