"""AlterReplicaLogDirs (key 34): move replicas of one broker to another of its log directories (KIP-113).

v1 throttle time comes before the delay; v2 flexible encoding. Paths are absolute. The answer comes before the move.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Int16, Int32, String, message, wire


@message()
class AlterReplicaLogDirTopic:
    name: str = wire(String)
    partitions: list[int] = wire(Array(Int32))


@message()
class AlterReplicaLogDir:
    path: str = wire(String)
    topics: list[AlterReplicaLogDirTopic] = wire(Array(AlterReplicaLogDirTopic))


@message(versions="0-2", flexible="2+")
class AlterReplicaLogDirsRequest:
    dirs: list[AlterReplicaLogDir] = wire(Array(AlterReplicaLogDir))


@message()
class AlterReplicaLogDirPartitionResult:
    partition_index: int = wire(Int32)
    error_code: int = wire(Int16)


@message()
class AlterReplicaLogDirTopicResult:
    topic_name: str = wire(String)
    partitions: list[AlterReplicaLogDirPartitionResult] = wire(Array(AlterReplicaLogDirPartitionResult))


@message(versions="0-2", flexible="2+")
class AlterReplicaLogDirsResponse:
    throttle_time_ms: int = wire(Int32)
    results: list[AlterReplicaLogDirTopicResult] = wire(Array(AlterReplicaLogDirTopicResult))


ALTER_REPLICA_LOG_DIRS = Api(34, AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse)
