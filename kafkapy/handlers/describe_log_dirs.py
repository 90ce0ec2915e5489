"""DescribeLogDirs: how much of the disk each partition takes, and how much is left."""

from __future__ import annotations

from collections.abc import Iterator

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


@serves(DESCRIBE_LOG_DIRS)
def describe_log_dirs(request: DescribeLogDirsRequest, call: Call) -> DescribeLogDirsResponse:
    log_dir = call.node.replicas.log_dir
    topics: dict[str, DescribeLogDirsTopic] = {}
    for partition in _asked(request, call):
        topic = topics.setdefault(partition.topic, DescribeLogDirsTopic(partition.topic))
        lag = max(partition.log.log_end_offset - partition.high_watermark, 0)
        topic.partitions.append(DescribeLogDirsPartition(partition.index, partition.log.size, lag))
    try:
        total, usable = log_dir.space()
    except OSError:
        return DescribeLogDirsResponse(results=[DescribeLogDirsResult(ErrorCode.KAFKA_STORAGE_ERROR, log_dir.path)])
    return DescribeLogDirsResponse(
        results=[
            DescribeLogDirsResult(
                log_dir=log_dir.path, topics=list(topics.values()), total_bytes=total, usable_bytes=usable
            )
        ]
    )


def _asked(request: DescribeLogDirsRequest, call: Call) -> Iterator[Partition]:
    """The partitions of the request that are here; all of them if it names none."""
    replicas = call.node.replicas
    if request.topics is None:
        yield from replicas
        return
    for topic in request.topics:
        for index in topic.partitions:
            partition = replicas.get(topic.topic, index)
            if partition is not None:
                yield partition
