"""Which brokers hold the replicas of new partitions.

Leaders go round the brokers, followers go to the brokers after the leader, and consecutive brokers stand in different
racks as long as there are such, so that a rack's loss costs few replicas. Active brokers lead; fenced ones come last.
Apache's class: `StripedReplicaPlacer`, which starts at a random broker; here the start is handed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from uuid import UUID

from kafkapy.metadata.brokers import Broker
from kafkapy.metadata.partitions import UNASSIGNED_DIRECTORY
from kafkapy.protocol.errors import ErrorCode, KafkaError


def place_replicas(brokers: Sequence[Broker], count: int, replication_factor: int, start: int = 0) -> list[list[int]]:
    """The replicas of `count` new partitions, leader first; `start` turns the round.

    Raises KafkaError(INVALID_REPLICATION_FACTOR) if there are not enough brokers, or none that is active. One whose
    directories are all cordoned does not count.
    """
    brokers = [broker for broker in brokers if broker.has_room]
    if replication_factor > len(brokers):
        why = (
            f"a replication factor of {replication_factor} cannot be reached: {len(brokers)} broker(s) have room for it"
        )
        raise KafkaError(ErrorCode.INVALID_REPLICATION_FACTOR, why)
    active = _stripe([broker for broker in brokers if broker.is_active])
    fenced = _stripe([broker for broker in brokers if not broker.is_active])
    if not active:
        why = f"no replica can be placed: all {len(brokers)} broker(s) are fenced or shutting down"
        raise KafkaError(ErrorCode.INVALID_REPLICATION_FACTOR, why)
    placed = []
    for turn in range(start, start + count):
        # Each full round moves the followers on by one, so that a lost broker's partitions spread over all others.
        first, shift = turn % len(active), turn // len(active)
        others = active[first + 1 :] + active[:first]
        at = shift % len(others) if others else 0
        order = [active[first], *others[at:], *others[:at], *fenced]
        placed.append(order[:replication_factor])
    return placed


def default_directory(broker: Broker | None) -> UUID:
    """Where a new replica is: a broker with one log directory puts it there, one with several chooses (KIP-858)."""
    return broker.log_dirs[0] if broker is not None and len(broker.log_dirs) == 1 else UNASSIGNED_DIRECTORY


def _stripe(brokers: list[Broker]) -> list[int]:
    """Broker ids, one of each rack in turn; brokers without a rack count as a rack together."""
    racks: dict[str, list[int]] = {}
    for broker in sorted(brokers, key=lambda broker: broker.id):
        racks.setdefault(broker.rack or "", []).append(broker.id)
    rounds = zip_longest(*(racks[rack] for rack in sorted(racks)))
    return [broker_id for one_of_each in rounds for broker_id in one_of_each if broker_id is not None]
