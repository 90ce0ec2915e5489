"""DescribeProducers: who writes to a partition idempotently or in transactions, as its leader knows them."""

from __future__ import annotations

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.metadata.topic_names import check_topic_name
from kafkapy.protocol.messages.describe_producers import (
    DESCRIBE_PRODUCERS,
    DescribeProducersRequest,
    DescribeProducersResponse,
    PartitionResponse,
    ProducerState,
    TopicResponse,
)


@serves(DESCRIBE_PRODUCERS)
def describe_producers(request: DescribeProducersRequest, call: Call) -> DescribeProducersResponse:
    topics = [
        TopicResponse(topic.name, [_describe(topic.name, index, call) for index in topic.partition_indexes])
        for topic in request.topics
    ]
    return DescribeProducersResponse(topics=topics)


def _describe(topic: str, index: int, call: Call) -> PartitionResponse:
    answer = PartitionResponse(index)
    try:
        check_topic_name(topic)
        partition = call.node.replicas.leader_of(topic, index)
    except Exception as error:  # one partition's failure is not its neighbours'
        found = refusal(error, call)
        answer.error_code, answer.error_message = found.code, found.why
        return answer
    answer.active_producers = [
        ProducerState(
            producer_id=producer_id,
            producer_epoch=producer.epoch,
            last_sequence=producer.last_sequence,
            last_timestamp=producer.last_timestamp,
            coordinator_epoch=producer.coordinator_epoch,
            current_txn_start_offset=producer.transaction_first_offset,
        )
        for producer_id, producer in partition.log.producers.by_id.items()
    ]
    return answer
