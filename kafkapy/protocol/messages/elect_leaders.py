"""ElectLeaders (key 43): partitions are led by their first replica again, or by whoever is there (KIP-183, KIP-460).

v1 unclean elections, and an error for the request as a whole; v2 flexible encoding.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int8, Int16, Int32, String, message, wire


@message()
class TopicPartitions:
    topic: str = wire(String)
    partitions: list[int] = wire(Array(Int32))


@message(versions="0-2", flexible="2+")
class ElectLeadersRequest:
    election_type: int = wire(Int8, "1+")  # 0 the preferred replica, 1 any that is alive
    topic_partitions: list[TopicPartitions] | None = wire(Array(TopicPartitions), nullable="0+")  # null: all
    timeout_ms: int = wire(Int32, default=60_000)


@message()
class PartitionResult:
    partition_id: int = wire(Int32)
    error_code: int = wire(Int16)
    error_message: str | None = wire(String, nullable="0+")


@message()
class ReplicaElectionResult:
    topic: str = wire(String)
    partition_result: list[PartitionResult] = wire(Array(PartitionResult))


@message(versions="0-2", flexible="2+")
class ElectLeadersResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16, "1+")
    replica_election_results: list[ReplicaElectionResult] = wire(Array(ReplicaElectionResult))


ELECT_LEADERS = Api(43, ElectLeadersRequest, ElectLeadersResponse)
