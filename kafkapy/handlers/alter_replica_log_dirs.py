"""AlterReplicaLogDirs: replicas begin to move to other log directories. The answer does not wait for them."""

from __future__ import annotations

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.alter_replica_log_dirs import (
    ALTER_REPLICA_LOG_DIRS,
    AlterReplicaLogDirPartitionResult,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
    AlterReplicaLogDirTopicResult,
)


@serves(ALTER_REPLICA_LOG_DIRS)
def alter_replica_log_dirs(request: AlterReplicaLogDirsRequest, call: Call) -> AlterReplicaLogDirsResponse:
    # Where two directories are asked for, the last counts, as Apache has it.
    wanted = {
        (topic.name, index): one.path for one in request.dirs for topic in one.topics for index in topic.partitions
    }
    results: dict[str, AlterReplicaLogDirTopicResult] = {}
    for (topic, index), path in wanted.items():
        code = _ask(topic, index, path, call)
        result = results.setdefault(topic, AlterReplicaLogDirTopicResult(topic))
        result.partitions.append(AlterReplicaLogDirPartitionResult(index, code))
    return AlterReplicaLogDirsResponse(results=list(results.values()))


def _ask(topic: str, index: int, path: str, call: Call) -> ErrorCode:
    try:
        call.node.moves.ask(topic, index, path)
    except Exception as error:
        return refusal(error, call).code
    return ErrorCode.NONE
