"""EndTxn: commit a transaction, or abort it. The answer does not wait for the markers.

From v5 on the client knows that every transaction has its own epoch, and learns the next one (KIP-890).
"""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.coordinator.transactions.shard import ProducerAnswer
from kafkapy.coordinator.transactions.transaction import EPOCH_PER_TRANSACTION
from kafkapy.handlers.call import Call, serves
from kafkapy.handlers.fenced import told_fenced
from kafkapy.parking import finish_with
from kafkapy.protocol.messages.end_txn import END_TXN, EndTxnRequest, EndTxnResponse

_FIRST_VERSION_WITH_FENCED = 2
_FIRST_VERSION_WITH_EPOCHS = 5


@serves(END_TXN)
def end_txn(request: EndTxnRequest, call: Call) -> EndTxnResponse | Awaitable[EndTxnResponse]:
    version = EPOCH_PER_TRANSACTION if call.version >= _FIRST_VERSION_WITH_EPOCHS else 0
    promise = call.node.transactions.run(
        request.transactional_id,
        lambda shard, now_ms: shard.end(
            request.transactional_id,
            request.producer_id,
            request.producer_epoch,
            commit=request.committed,
            client_version=version,
            now_ms=now_ms,
        ),
    )
    return finish_with(promise, lambda answer: _response(answer, call))


def _response(answer: ProducerAnswer, call: Call) -> EndTxnResponse:
    code = told_fenced(answer.error, call.version, _FIRST_VERSION_WITH_FENCED)
    return EndTxnResponse(error_code=code, producer_id=answer.producer_id, producer_epoch=answer.producer_epoch)
