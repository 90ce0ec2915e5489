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
from kafkapy.storage.ids import METADATA_TOPIC
from kafkapy.storage.log import Log
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
    for log, is_future in [
        *((log, False) for log in log_dir.logs.values()),
        *((log, True) for log in log_dir.futures.values()),
    ]:
        key = (log.topic, log.partition)
        if log.topic != METADATA_TOPIC and (asked is None or key in asked):
            described = DescribeLogDirsPartition(log.partition, log.size, _lag(log, is_future, call), is_future)
            topics.setdefault(log.topic, DescribeLogDirsTopic(log.topic)).partitions.append(described)
    return DescribeLogDirsResult(
        log_dir=log_dir.path,
        topics=list(topics.values()),
        total_bytes=total,
        usable_bytes=usable,
        is_cordoned=log_dir.is_cordoned,
    )


def _lag(log: Log, is_future: bool, call: Call) -> int:
    """How far the log is behind: a future one behind the present one, that one behind what is committed."""
    partition = call.node.replicas.get(log.topic, log.partition)
    if partition is None:
        return _UNKNOWN_LAG
    if is_future:
        return partition.log.log_end_offset - log.log_end_offset
    return max(partition.high_watermark - log.log_end_offset, 0)


_UNKNOWN_LAG = -1
