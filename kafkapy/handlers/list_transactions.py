"""ListTransactions: the transactional ids that this broker coordinates, those that pass the filters."""

from __future__ import annotations

from kafkapy.coordinator.transactions.transaction import TransactionState
from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.messages.list_transactions import (
    LIST_TRANSACTIONS,
    ListTransactionsRequest,
    ListTransactionsResponse,
)

_STATES = frozenset(state.text for state in TransactionState)


@serves(LIST_TRANSACTIONS)
def list_transactions(request: ListTransactionsRequest, call: Call) -> ListTransactionsResponse:
    response = ListTransactionsResponse()
    response.unknown_state_filters = [name for name in request.state_filters if name not in _STATES]
    try:
        for shard in call.node.transactions.shards():
            response.transaction_states += shard.list_transactions(request, call.node.clock())
    except Exception as error:  # a pattern that is none: the rest of the response would pass for an answer
        return ListTransactionsResponse(error_code=refusal(error, call).code)
    return response
