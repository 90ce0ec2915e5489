"""InitializeShareGroupState (key 83): the state of share partitions begins, or begins anew at another offset (KIP-932).

A request between brokers: from the group coordinator to the share coordinator.
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, Int64, String, Uuid, message, wire


@message()
class PartitionData:
    partition: int = wire(Int32)
    state_epoch: int = wire(Int32)
    start_offset: int = wire(Int64)


@message()
class InitializeStateData:
    topic_id: UUID = wire(Uuid)
    partitions: list[PartitionData] = wire(Array(PartitionData))


@message(versions="0", flexible="0+")
class InitializeShareGroupStateRequest:
    group_id: str = wire(String)
    topics: list[InitializeStateData] = wire(Array(InitializeStateData))


@message()
class PartitionResult:
    partition: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)


@message()
class InitializeStateResult:
    topic_id: UUID = wire(Uuid)
    partitions: list[PartitionResult] = wire(Array(PartitionResult))


@message(versions="0", flexible="0+")
class InitializeShareGroupStateResponse:
    results: list[InitializeStateResult] = wire(Array(InitializeStateResult))


INITIALIZE_SHARE_GROUP_STATE = Api(83, InitializeShareGroupStateRequest, InitializeShareGroupStateResponse)
