"""DescribeLogDirs (key 35): the log directories of a broker, and how many bytes each partition takes (KIP-113).

v1 throttle time comes before the delay; v2 flexible encoding; v3 an error for the request as a whole; v4 the size of
the volume and what is free of it (KIP-827); v5 whether a directory is closed to new partitions (KIP-1066). Sizes are in
bytes.
"""

from __future__ import annotations

from kafkapy.protocol.api import Api
from kafkapy.protocol.message import Array, Boolean, Int16, Int32, Int64, String, message, wire


@message()
class DescribableLogDirTopic:
    topic: str = wire(String)
    partitions: list[int] = wire(Array(Int32))


@message(versions="0-5", flexible="2+")
class DescribeLogDirsRequest:
    topics: list[DescribableLogDirTopic] | None = wire(Array(DescribableLogDirTopic), nullable="0+")


@message()
class DescribeLogDirsPartition:
    partition_index: int = wire(Int32)
    partition_size: int = wire(Int64)
    offset_lag: int = wire(Int64)
    is_future_key: bool = wire(Boolean)


@message()
class DescribeLogDirsTopic:
    name: str = wire(String)
    partitions: list[DescribeLogDirsPartition] = wire(Array(DescribeLogDirsPartition))


@message()
class DescribeLogDirsResult:
    error_code: int = wire(Int16)
    log_dir: str = wire(String)
    topics: list[DescribeLogDirsTopic] = wire(Array(DescribeLogDirsTopic))
    total_bytes: int = wire(Int64, "4+", default=-1)
    usable_bytes: int = wire(Int64, "4+", default=-1)
    is_cordoned: bool = wire(Boolean, "5+")


@message(versions="0-5", flexible="2+")
class DescribeLogDirsResponse:
    throttle_time_ms: int = wire(Int32)
    error_code: int = wire(Int16, "3+")
    results: list[DescribeLogDirsResult] = wire(Array(DescribeLogDirsResult))


DESCRIBE_LOG_DIRS = Api(35, DescribeLogDirsRequest, DescribeLogDirsResponse)
