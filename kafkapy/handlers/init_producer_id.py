"""InitProducerId: a producer id for idempotent producing.

Transactional ids are refused: there are no transactions yet.
"""

from __future__ import annotations

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest, InitProducerIdResponse

_NONE = -1


@serves(INIT_PRODUCER_ID)
def init_producer_id(request: InitProducerIdRequest, call: Call) -> InitProducerIdResponse:
    """A fresh id with epoch 0."""
    try:
        _check(request)
        producer_id = call.node.cluster.next_producer_id()
    except Exception as error:  # -1 in both places is what says that there is no producer
        return InitProducerIdResponse(error_code=refusal(error, call).code, producer_epoch=_NONE)
    # Without a transactional id nobody fences anybody: as in Kafka, a producer that had an id gets another one.
    return InitProducerIdResponse(producer_id=producer_id, producer_epoch=0)


def _check(request: InitProducerIdRequest) -> None:
    if request.transactional_id is not None:
        if not request.transactional_id:
            raise KafkaError(ErrorCode.INVALID_REQUEST, "the transactional id is empty")
        why = f"transactional id {request.transactional_id!r}: transactions are not served yet"
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, why)
    if (request.producer_id == _NONE) != (request.producer_epoch == _NONE):
        raise KafkaError(ErrorCode.INVALID_REQUEST, "producer id and producer epoch come together or not at all")
