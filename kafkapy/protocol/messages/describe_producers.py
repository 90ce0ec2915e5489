"""DescribeProducers (key 61): who writes to a partition idempotently or in transactions (KIP-664)."""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, Int64, String, message, wire


@message()
class TopicRequest:
    name: str = wire(String)
    partition_indexes: list[int] = wire(Array(Int32))


@message(versions="0", flexible="0+")
class DescribeProducersRequest:
    topics: list[TopicRequest] = wire(Array(TopicRequest))


@message()
class ProducerState:
    producer_id: int = wire(Int64)
    producer_epoch: int = wire(Int32)
    last_sequence: int = wire(Int32, default=-1)
    last_timestamp: int = wire(Int64, default=-1)  # ms since the epoch
    coordinator_epoch: int = wire(Int32)
    current_txn_start_offset: int = wire(Int64, default=-1)  # -1: no transaction is open


@message()
class PartitionResponse:
    partition_index: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+", default=None)
    active_producers: list[ProducerState] = wire(Array(ProducerState))


@message()
class TopicResponse:
    name: str = wire(String)
    partitions: list[PartitionResponse] = wire(Array(PartitionResponse))


@message(versions="0", flexible="0+")
class DescribeProducersResponse:
    throttle_time_ms: int = wire(Int32)
    topics: list[TopicResponse] = wire(Array(TopicResponse))


DESCRIBE_PRODUCERS = Api(61, DescribeProducersRequest, DescribeProducersResponse)
