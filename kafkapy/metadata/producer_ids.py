"""Blocks of producer ids: each broker takes one and hands its ids out, so that no id is ever given twice (KIP-730).

Ids of a block that its broker lost in a crash are never given again. Apache's class: `ProducerIdControlManager`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kafkapy.metadata.image import ClusterImage
from kafkapy.metadata.registration import check_broker_epoch
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.records.metadata import ProducerIdsRecord

BLOCK_SIZE = 1000
_MAX_INT64 = 2**63 - 1


class ProducerIds(NamedTuple):
    """The ids from `first` up to and including `last`."""

    first: int
    last: int


def allocate_producer_ids(image: ClusterImage, broker_id: int, broker_epoch: int) -> tuple[list[Any], ProducerIds]:
    """The next block, and the record that takes it. Raises KafkaError if the broker is unknown or registered anew."""
    check_broker_epoch(image, broker_id, broker_epoch)
    first = image.next_producer_id
    if first > _MAX_INT64 - BLOCK_SIZE:
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, "all producer ids of this cluster are used up")
    record = ProducerIdsRecord(broker_id=broker_id, broker_epoch=broker_epoch, next_producer_id=first + BLOCK_SIZE)
    return [record], ProducerIds(first, first + BLOCK_SIZE - 1)
