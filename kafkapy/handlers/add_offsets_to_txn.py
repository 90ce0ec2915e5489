"""AddOffsetsToTxn: the partition of the offsets topic that has a group becomes part of a transaction."""

from __future__ import annotations

from collections.abc import Awaitable

from kafkapy.cluster import OFFSETS_TOPIC
from kafkapy.coordinator.transactions.transaction import TopicPartition
from kafkapy.handlers.call import Call, serves
from kafkapy.handlers.fenced import told_fenced
from kafkapy.parking import finish_with
from kafkapy.protocol.messages.add_offsets_to_txn import (
    ADD_OFFSETS_TO_TXN,
    AddOffsetsToTxnRequest,
    AddOffsetsToTxnResponse,
)

_FIRST_VERSION_WITH_FENCED = 2


@serves(ADD_OFFSETS_TO_TXN)
def add_offsets_to_txn(
    request: AddOffsetsToTxnRequest, call: Call
) -> AddOffsetsToTxnResponse | Awaitable[AddOffsetsToTxnResponse]:
    wanted = frozenset((TopicPartition(OFFSETS_TOPIC, call.node.groups.partition_of(request.group_id)),))
    promise = call.node.transactions.run(
        request.transactional_id,
        lambda shard, now_ms: shard.add_partitions(
            request.transactional_id, request.producer_id, request.producer_epoch, wanted, 0, now_ms
        ),
    )
    return finish_with(
        promise,
        lambda code: AddOffsetsToTxnResponse(error_code=told_fenced(code, call.version, _FIRST_VERSION_WITH_FENCED)),
    )
