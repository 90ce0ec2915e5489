"""Brokers come, become able to lead, and go: the records of a broker's life.

A broker registers fenced, and is unfenced once it has caught up with the metadata; its epoch is the offset of its
registration record, so a later life always has a higher one. Apache's class: `ClusterControlManager`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from kafkapy.metadata.brokers import ENTER_CONTROLLED_SHUTDOWN, FENCE, UNFENCE, Broker, Endpoint, is_online
from kafkapy.metadata.elections import lead_what_nobody_leads, leave_to_others
from kafkapy.metadata.image import ClusterImage
from kafkapy.metadata.partitions import NO_LEADER
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.records import metadata as m


@dataclass(frozen=True, slots=True)
class Registration:
    """What a broker says of itself. `features` maps a name to the lowest and highest level it supports."""

    broker_id: int
    incarnation_id: UUID
    endpoints: list[Endpoint]
    log_dirs: list[UUID]
    features: dict[str, tuple[int, int]] = field(default_factory=dict)
    rack: str | None = None
    cluster_id: str | None = None
    stopped_cleanly: bool = False  # the incarnation before this one, with all its logs synced


def register(image: ClusterImage, broker: Registration, broker_epoch: int) -> tuple[list[Any], int]:
    """The records of a registration, and the epoch it gives; the same incarnation keeps the epoch it has.

    What is assigned to a directory that the broker does not have any more gets another leader, or none. What a broker
    led before it died it leads in a new epoch, since it may have lost the end of its logs. (Apache Kafka
    takes a new epoch after a clean stop too: `ClusterControlManager.registerBroker`. Here that would only make the
    metadata log grow with every start.)
    Raises KafkaError: INCONSISTENT_CLUSTER_ID, UNSUPPORTED_VERSION if a finalized feature level is outside of what
    the broker supports, INVALID_REGISTRATION if it cannot be reached or has no log directory.
    """
    _check(image, broker)
    known = image.broker(broker.broker_id)
    changes: list[Any] = []
    if known is not None and known.incarnation_id == broker.incarnation_id:
        broker_epoch = known.epoch
    elif known is not None and not broker.stopped_cleanly:
        changes = leave_to_others(image, broker.broker_id)
    elif known is not None:
        changes = leave_to_others(image, broker.broker_id, lambda directory: not is_online(directory, broker.log_dirs))
    record = m.RegisterBrokerRecord(
        broker_id=broker.broker_id,
        incarnation_id=broker.incarnation_id,
        broker_epoch=broker_epoch,
        end_points=[m.BrokerEndpoint(*endpoint) for endpoint in broker.endpoints],
        features=[m.BrokerFeature(name, low, high) for name, (low, high) in broker.features.items()],
        rack=broker.rack,
        fenced=True,
        log_dirs=sorted(broker.log_dirs),
    )
    return [*changes, record], broker_epoch


def unfence(image: ClusterImage, broker_id: int, broker_epoch: int) -> list[Any]:
    """The broker is able to lead; it leads what has no leader and counts it in sync."""
    broker = check_broker_epoch(image, broker_id, broker_epoch)
    if not broker.is_fenced:
        return []
    change = m.BrokerRegistrationChangeRecord(broker_id=broker_id, broker_epoch=broker_epoch, fenced=UNFENCE)
    return [change, *lead_what_nobody_leads(image, broker_id)]


def fence(image: ClusterImage, broker_id: int, broker_epoch: int) -> list[Any]:
    """The broker must not lead; where others are in sync, they lead and it leaves the in-sync set."""
    broker = check_broker_epoch(image, broker_id, broker_epoch)
    if broker.is_fenced:
        return []
    change = m.BrokerRegistrationChangeRecord(broker_id=broker_id, broker_epoch=broker_epoch, fenced=FENCE)
    return [*leave_to_others(image, broker_id), change]


def stop(image: ClusterImage, broker_id: int, broker_epoch: int) -> list[Any]:
    """As `fence`, but what nobody else can lead waits for the broker, which has stopped and will come again.

    A broker that is not known to have stopped is waited for: Apache Kafka's controller refuses its next registration,
    for as long as its session might last.
    """
    changes = fence(image, broker_id, broker_epoch)
    return [one for one in changes if not isinstance(one, m.PartitionChangeRecord) or one.leader != NO_LEADER]


def begin_controlled_shutdown(image: ClusterImage, broker_id: int, broker_epoch: int) -> list[Any]:
    """As `fence`, but the broker still answers while others take over."""
    broker = check_broker_epoch(image, broker_id, broker_epoch)
    if broker.in_controlled_shutdown:
        return []
    change = m.BrokerRegistrationChangeRecord(
        broker_id=broker_id, broker_epoch=broker_epoch, in_controlled_shutdown=ENTER_CONTROLLED_SHUTDOWN
    )
    return [change, *leave_to_others(image, broker_id)]


def unregister(image: ClusterImage, broker_id: int) -> list[Any]:
    """The broker is no longer part of the cluster; others lead what it led.

    Raises KafkaError(BROKER_ID_NOT_REGISTERED).
    """
    broker = image.broker(broker_id)
    if broker is None:
        raise KafkaError(ErrorCode.BROKER_ID_NOT_REGISTERED, f"Broker ID {broker_id} is not currently registered")
    return [
        *leave_to_others(image, broker_id),
        m.UnregisterBrokerRecord(broker_id=broker_id, broker_epoch=broker.epoch),
    ]


def check_broker_epoch(image: ClusterImage, broker_id: int, broker_epoch: int) -> Broker:
    """The broker. Raises KafkaError(BROKER_ID_NOT_REGISTERED or STALE_BROKER_EPOCH) if it is another one by now."""
    broker = image.broker(broker_id)
    if broker is None:
        raise KafkaError(ErrorCode.BROKER_ID_NOT_REGISTERED, f"broker {broker_id} is not registered")
    if broker.epoch != broker_epoch:
        why = f"broker {broker_id} speaks for epoch {broker_epoch}, but is registered at epoch {broker.epoch}"
        raise KafkaError(ErrorCode.STALE_BROKER_EPOCH, why)
    return broker


def _check(image: ClusterImage, broker: Registration) -> None:
    if broker.cluster_id is not None and broker.cluster_id != image.cluster_id:
        why = f"broker {broker.broker_id} belongs to cluster {broker.cluster_id}, this is {image.cluster_id}"
        raise KafkaError(ErrorCode.INCONSISTENT_CLUSTER_ID, why)
    if not broker.endpoints:
        raise KafkaError(ErrorCode.INVALID_REGISTRATION, f"broker {broker.broker_id} names no listener")
    if not broker.log_dirs:
        raise KafkaError(ErrorCode.INVALID_REGISTRATION, f"broker {broker.broker_id} names no log directory")
    for name, level in sorted(image.features.items()):
        low, high = broker.features.get(name, (0, 0))
        if not low <= level <= high:
            why = f"the cluster runs {name} at level {level}, broker {broker.broker_id} supports {low} to {high}"
            raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, why)
