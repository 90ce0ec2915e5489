"""InitProducerId: a producer id for idempotent producing, or that of a transactional id in a new epoch.

Who had the transactional id's last epoch is fenced. Up to v3 clients know that as INVALID_PRODUCER_EPOCH.
"""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.coordinator.transactions.shard import ProducerAnswer
from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.handlers.fenced import told_fenced
from kafkapy.parking import finish_with
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest, InitProducerIdResponse

_NONE = -1
_FIRST_VERSION_WITH_FENCED = 4


@serves(INIT_PRODUCER_ID)
def init_producer_id(
    request: InitProducerIdRequest, call: Call
) -> InitProducerIdResponse | Awaitable[InitProducerIdResponse]:
    """Without a transactional id a fresh id with epoch 0: nobody fences anybody, whatever id the producer had."""
    name = request.transactional_id
    try:
        expected = _expected(request)
        if name is None:
            return _wait_any_id(call)
        if not name:
            raise KafkaError(ErrorCode.INVALID_REQUEST, "the transactional id is empty")
        _check_timeout(request.transaction_timeout_ms, call.node.config.transaction_max_timeout_ms)
        promise = call.node.transactions.run(
            name, lambda shard, now_ms: shard.init_producer_id(name, request.transaction_timeout_ms, expected, now_ms)
        )
    except Exception as error:  # -1 in both places is what says that there is no producer
        return _response(ProducerAnswer(refusal(error, call).code), call)
    return finish_with(promise, lambda answer: _response(answer, call))


async def _wait_any_id(call: Call) -> InitProducerIdResponse:
    try:
        return InitProducerIdResponse(producer_id=await call.node.cluster.wait_producer_id(), producer_epoch=0)
    except Exception as error:
        return _response(ProducerAnswer(refusal(error, call).code), call)


def _expected(request: InitProducerIdRequest) -> tuple[int, int] | None:
    if (request.producer_id == _NONE) != (request.producer_epoch == _NONE):
        raise KafkaError(ErrorCode.INVALID_REQUEST, "producer id and producer epoch come together or not at all")
    return None if request.producer_id == _NONE else (request.producer_id, request.producer_epoch)


def _check_timeout(timeout_ms: int, most_ms: int) -> None:
    if not 0 < timeout_ms <= most_ms:
        why = f"a transaction timeout of {timeout_ms} ms; transaction.max.timeout.ms allows {most_ms}"
        raise KafkaError(ErrorCode.INVALID_TRANSACTION_TIMEOUT, why)


def _response(answer: ProducerAnswer, call: Call) -> InitProducerIdResponse:
    code = told_fenced(answer.error, call.version, _FIRST_VERSION_WITH_FENCED)
    return InitProducerIdResponse(error_code=code, producer_id=answer.producer_id, producer_epoch=answer.producer_epoch)
