"""DeleteRecords: partitions begin at a later offset; what lies before is gone for every reader at once.

The files go with the next round of retention. As in Apache the new start is on disk with the next checkpoint, so a
broker that is killed within that time may bring deleted records back.
"""

from __future__ import annotations

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.metadata.topic_names import is_internal
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.delete_records import (
    DELETE_RECORDS,
    DeleteRecordsPartition,
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopicResult,
)

HIGH_WATERMARK = -1
_NO_LOW_WATERMARK = -1


@serves(DELETE_RECORDS)
def delete_records(request: DeleteRecordsRequest, call: Call) -> DeleteRecordsResponse:
    """One answer for each partition; of one that is named twice the last counts, as in Kafka."""
    wanted: dict[str, dict[int, DeleteRecordsPartition]] = {}
    for topic in request.topics:
        wanted.setdefault(topic.name, {}).update({one.partition_index: one for one in topic.partitions})
    return DeleteRecordsResponse(
        topics=[
            DeleteRecordsTopicResult(name, [_delete(name, partition, call) for partition in partitions.values()])
            for name, partitions in wanted.items()
            if partitions
        ]
    )


def _delete(topic: str, wanted: DeleteRecordsPartition, call: Call) -> DeleteRecordsPartitionResult:
    try:
        if is_internal(topic) and call.node.cluster.image.topic(topic) is not None:
            raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"topic {topic!r} is the broker's own")
        partition = call.node.replicas.leader_of(topic, wanted.partition_index)
        start = partition.delete_records(None if wanted.offset == HIGH_WATERMARK else wanted.offset)
    except Exception as error:  # one partition's failure is not its neighbours'
        return DeleteRecordsPartitionResult(wanted.partition_index, _NO_LOW_WATERMARK, refusal(error, call).code)
    return DeleteRecordsPartitionResult(wanted.partition_index, start)
