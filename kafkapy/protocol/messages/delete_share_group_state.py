"""DeleteShareGroupState (key 86): the state of share partitions is forgotten (KIP-932).

A request between brokers: from the group coordinator to the share coordinator.
"""

from __future__ import annotations

from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, String, Uuid, message, wire


@message()
class PartitionData:
    partition: int = wire(Int32)


@message()
class DeleteStateData:
    topic_id: UUID = wire(Uuid)
    partitions: list[PartitionData] = wire(Array(PartitionData))


@message(versions="0", flexible="0+")
class DeleteShareGroupStateRequest:
    group_id: str = wire(String)
    topics: list[DeleteStateData] = wire(Array(DeleteStateData))


@message()
class PartitionResult:
    partition: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)


@message()
class DeleteStateResult:
    topic_id: UUID = wire(Uuid)
    partitions: list[PartitionResult] = wire(Array(PartitionResult))


@message(versions="0", flexible="0+")
class DeleteShareGroupStateResponse:
    results: list[DeleteStateResult] = wire(Array(DeleteStateResult))


DELETE_SHARE_GROUP_STATE = Api(86, DeleteShareGroupStateRequest, DeleteShareGroupStateResponse)
