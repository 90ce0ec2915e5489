"""DescribeTransactions: what this coordinator knows of transactional ids; each has its own error."""

from __future__ import annotations

from kafkapy.handlers.call import Call, refusal, serves
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.describe_transactions import (
    DESCRIBE_TRANSACTIONS,
    DescribeTransactionsRequest,
    DescribeTransactionsResponse,
    TransactionState,
)


@serves(DESCRIBE_TRANSACTIONS)
def describe_transactions(request: DescribeTransactionsRequest, call: Call) -> DescribeTransactionsResponse:
    return DescribeTransactionsResponse(
        transaction_states=[_describe(transactional_id, call) for transactional_id in request.transactional_ids]
    )


def _describe(transactional_id: str, call: Call) -> TransactionState:
    if not transactional_id:
        return TransactionState(ErrorCode.INVALID_REQUEST)
    try:
        return call.node.transactions.shard_of(transactional_id).describe(transactional_id)
    except Exception as error:  # one id's failure is not its neighbours'
        return TransactionState(refusal(error, call).code, transactional_id)
