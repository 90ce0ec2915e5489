"""The brokers of an image: how each is reached, and whether it may lead.

A broker is frozen and replaced when it changes. Its epoch is the offset of its registration in the metadata log; a
change that names another epoch belongs to an earlier life of the broker and is refused. Apache's class:
`BrokerRegistration`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from kafkapy.metadata.partitions import LOST_DIRECTORY, MIGRATING_DIRECTORY, UNASSIGNED_DIRECTORY, ReplayError
from kafkapy.protocol.records import metadata as m

FENCE = 1
UNFENCE = -1
ENTER_CONTROLLED_SHUTDOWN = 1


class Endpoint(NamedTuple):
    """Where a listener is reached. Security protocols: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL."""

    name: str
    host: str
    port: int
    security_protocol: int = 0


@dataclass(frozen=True, slots=True)
class Broker:
    """One registered broker. `features` maps a name to the lowest and highest level it supports."""

    id: int
    epoch: int
    incarnation_id: UUID
    endpoints: tuple[Endpoint, ...]
    features: dict[str, tuple[int, int]]
    rack: str | None
    is_fenced: bool
    in_controlled_shutdown: bool
    log_dirs: tuple[UUID, ...]
    cordoned_log_dirs: tuple[UUID, ...] | None = None

    @property
    def is_active(self) -> bool:
        """Whether it may hold a replica in sync and lead."""
        return not self.is_fenced and not self.in_controlled_shutdown

    @property
    def has_room(self) -> bool:
        """Whether new partitions may come: not all of its directories are cordoned."""
        return not self.cordoned_log_dirs or not set(self.log_dirs) <= set(self.cordoned_log_dirs)

    def has_online(self, directory: UUID) -> bool:
        """Whether what is assigned to the directory can be there; see `is_online`."""
        return is_online(directory, self.log_dirs)

    def endpoint(self, listener: str) -> Endpoint | None:
        """The endpoint of that listener name."""
        for found in self.endpoints:
            if found.name == listener:
                return found
        return None

    def to_record(self) -> m.RegisterBrokerRecord:
        """The registration that replays to this broker, for a snapshot."""
        return m.RegisterBrokerRecord(
            broker_id=self.id,
            incarnation_id=self.incarnation_id,
            broker_epoch=self.epoch,
            end_points=[m.BrokerEndpoint(*endpoint) for endpoint in self.endpoints],
            features=[m.BrokerFeature(name, low, high) for name, (low, high) in sorted(self.features.items())],
            rack=self.rack,
            fenced=self.is_fenced,
            in_controlled_shutdown=self.in_controlled_shutdown,
            log_dirs=list(self.log_dirs),
            cordoned_log_dirs=None if self.cordoned_log_dirs is None else list(self.cordoned_log_dirs),
        )


def is_online(directory: UUID, log_dirs: Collection[UUID]) -> bool:
    """Whether a broker with these directories can have what is assigned to `directory`. Apache: DirectoryId.isOnline.

    What has no directory yet can be. Brokers from before directories had ids name none, and have all.
    """
    if directory in (UNASSIGNED_DIRECTORY, MIGRATING_DIRECTORY):
        return True
    return directory != LOST_DIRECTORY and (not log_dirs or directory in log_dirs)


def register_broker(record: m.RegisterBrokerRecord) -> Broker:
    """The broker that a registration describes."""
    return Broker(
        id=record.broker_id,
        epoch=record.broker_epoch,
        incarnation_id=record.incarnation_id,
        endpoints=tuple(Endpoint(e.name, e.host, e.port, e.security_protocol) for e in record.end_points),
        features={f.name: (f.min_supported_version, f.max_supported_version) for f in record.features},
        rack=record.rack,
        is_fenced=record.fenced,
        in_controlled_shutdown=record.in_controlled_shutdown,
        log_dirs=tuple(record.log_dirs),
        cordoned_log_dirs=None if record.cordoned_log_dirs is None else tuple(record.cordoned_log_dirs),
    )


def change_broker(
    broker: Broker | None, record: m.BrokerRegistrationChangeRecord | m.FenceBrokerRecord | m.UnfenceBrokerRecord
) -> Broker:
    """The broker after the change. Raises ReplayError if it is not registered, or was again since."""
    if isinstance(record, m.BrokerRegistrationChangeRecord):
        broker_id, epoch = record.broker_id, record.broker_epoch
    else:
        broker_id, epoch = record.id, record.epoch
    if broker is None:
        raise ReplayError(f"broker {broker_id} changes but was never registered")
    if broker.epoch != epoch:
        raise ReplayError(f"broker {broker_id} changes at epoch {epoch}, but is registered at epoch {broker.epoch}")
    if isinstance(record, m.FenceBrokerRecord):
        return dataclasses.replace(broker, is_fenced=True)
    if isinstance(record, m.UnfenceBrokerRecord):
        return dataclasses.replace(broker, is_fenced=False)
    return dataclasses.replace(
        broker,
        is_fenced=record.fenced == FENCE if record.fenced else broker.is_fenced,
        in_controlled_shutdown=broker.in_controlled_shutdown
        or record.in_controlled_shutdown == ENTER_CONTROLLED_SHUTDOWN,
        log_dirs=tuple(record.log_dirs) or broker.log_dirs,
        cordoned_log_dirs=(
            broker.cordoned_log_dirs if record.cordoned_log_dirs is None else tuple(record.cordoned_log_dirs)
        ),
    )
