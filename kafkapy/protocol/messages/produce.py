"""Produce (key 0): record batches for partitions.

v1 throttle time; v2 message format 1, log-append time; v3 message format 2, transactions; v4 KAFKA_STORAGE_ERROR; v5
log start offset; v7 zstd (KIP-110); v8 which records were refused, and why (KIP-467); v9 flexible encoding; v10 who
leads now (KIP-951); v11 TRANSACTION_ABORTABLE; v12 joins a transaction by itself (both KIP-890); v13 topic ids for
names (KIP-516). With acks 0 there is no answer.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, Int64, Records, String, Uuid, message, wire


@message()
class PartitionProduceData:
    index: int = wire(Int32)
    records: Any = wire(Records, nullable="0+")


@message()
class TopicProduceData:
    name: str = wire(String, "0-12")
    topic_id: UUID = wire(Uuid, "13+")
    partition_data: list[PartitionProduceData] = wire(Array(PartitionProduceData))


@message(versions="0-13", flexible="9+")
class ProduceRequest:
    transactional_id: str | None = wire(String, "3+", nullable="3+", default=None)
    acks: int = wire(Int16)  # 0 none, 1 the leader, -1 all in sync
    timeout_ms: int = wire(Int32)
    topic_data: list[TopicProduceData] = wire(Array(TopicProduceData))


@message()
class BatchIndexAndErrorMessage:
    """A record that was refused, by its place in the batch."""

    batch_index: int = wire(Int32, "8+")
    batch_index_error_message: str | None = wire(String, "8+", nullable="8+", default=None)


@message()
class LeaderIdAndEpoch:
    """Who leads now, as far as this broker knows."""

    leader_id: int = wire(Int32, "10+", default=-1)
    leader_epoch: int = wire(Int32, "10+", default=-1)


@message()
class PartitionProduceResponse:
    index: int = wire(Int32)
    error_code: int = wire(Int16)
    base_offset: int = wire(Int64)  # of the first record; -1 with an error
    # since the epoch; -1: the records keep the producer's times
    log_append_time_ms: int = wire(Int64, "2+", default=-1)
    log_start_offset: int = wire(Int64, "5+", default=-1)
    record_errors: list[BatchIndexAndErrorMessage] = wire(Array(BatchIndexAndErrorMessage), "8+")
    error_message: str | None = wire(String, "8+", nullable="8+", default=None)
    current_leader: LeaderIdAndEpoch | None = wire(LeaderIdAndEpoch, "10+", default=None, tag=0)


@message()
class TopicProduceResponse:
    name: str = wire(String, "0-12")
    topic_id: UUID = wire(Uuid, "13+")
    partition_responses: list[PartitionProduceResponse] = wire(Array(PartitionProduceResponse))


@message()
class NodeEndpoint:
    """Where a leader listens that this response tells of."""

    node_id: int = wire(Int32, "10+")
    host: str = wire(String, "10+")
    port: int = wire(Int32, "10+")
    rack: str | None = wire(String, "10+", nullable="10+", default=None)


@message(versions="0-13", flexible="9+")
class ProduceResponse:
    responses: list[TopicProduceResponse] = wire(Array(TopicProduceResponse))
    throttle_time_ms: int = wire(Int32, "1+")
    node_endpoints: list[NodeEndpoint] = wire(Array(NodeEndpoint), "10+", tag=0)


PRODUCE = Api(0, ProduceRequest, ProduceResponse)
