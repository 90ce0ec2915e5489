"""DescribeLogDirs: how much of each directory the partitions take, and how much of it is left."""

from __future__ import annotations

from kafkapy.handlers.call import Call, serves
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.describe_log_dirs import (
    DESCRIBE_LOG_DIRS,
    DescribeLogDirsPartition,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
    DescribeLogDirsTopic,
)
from kafkapy.replication.partition import Partition
from kafkapy.storage.log_dir import LogDir

Asked = set[tuple[str, int]] | None  # every partition, if None


@serves(DESCRIBE_LOG_DIRS)
def describe_log_dirs(request: DescribeLogDirsRequest, call: Call) -> DescribeLogDirsResponse:
    asked = None
    if request.topics is not None:
        asked = {(topic.topic, index) for topic in request.topics for index in topic.partitions}
    log_dirs = call.node.replicas.log_dirs
    results = []
    for log_dir in log_dirs.online:
        try:
            results.append(_describe(log_dir, asked, call))
        except OSError as error:
            log_dir.disk_failed(error)
            results.append(DescribeLogDirsResult(ErrorCode.KAFKA_STORAGE_ERROR, log_dir.path))
    results += [DescribeLogDirsResult(ErrorCode.KAFKA_STORAGE_ERROR, path) for path in log_dirs.offline]
    return DescribeLogDirsResponse(results=results)


def _describe(log_dir: LogDir, asked: Asked, call: Call) -> DescribeLogDirsResult:
    """Raises OSError."""
    total, usable = log_dir.space()
    topics: dict[str, DescribeLogDirsTopic] = {}
    for topic, index in log_dir.logs:
        partition = call.node.replicas.get(topic, index)
        if partition is not None and (asked is None or (topic, index) in asked):
            found = topics.setdefault(topic, DescribeLogDirsTopic(topic))
            found.partitions.append(_describe_partition(partition))
    return DescribeLogDirsResult(
        log_dir=log_dir.path, topics=list(topics.values()), total_bytes=total, usable_bytes=usable
    )


def _describe_partition(partition: Partition) -> DescribeLogDirsPartition:
    lag = max(partition.high_watermark - partition.log.log_end_offset, 0)
    return DescribeLogDirsPartition(partition.index, partition.log.size, lag)
