"""Properties of older Kafka releases that 4.x has dropped, back to 0.8: accepted, so that old files still load.

Each is either translated into what took its place, or ignored with a reason to tell. A property that 4.x still knows is
never here. Source: `KafkaConfig` of releases 0.8 to 3.9.
"""

from __future__ import annotations

from collections.abc import Mapping

_ZOOKEEPER = "the broker keeps its own metadata, without ZooKeeper"
_PASSWORD_ENCODER = "passwords are not kept in ZooKeeper any more"  # noqa: S105  # a reason, not a password
_FORMAT = "records are always kept in the newest format"

IGNORED: Mapping[str, str] = {
    "advertised.host.name": "advertised.listeners is set and decides",
    "advertised.port": "advertised.listeners is set and decides",
    "broker.id.generation.enable": "node ids are not generated",
    "control.plane.listener.name": _ZOOKEEPER,
    "controlled.shutdown.max.retries": _ZOOKEEPER,
    "controlled.shutdown.retry.backoff.ms": _ZOOKEEPER,
    "controller.message.queue.size": _ZOOKEEPER,
    "delegation.token.master.key": "use delegation.token.secret.key",
    "eligible.leader.replicas.enable": "it is a feature of the cluster and no longer a property",
    "group.coordinator.new.enable": "there is one group coordinator",
    "host.name": "listeners is set and decides",
    "inter.broker.protocol.version": "it follows from the cluster's metadata.version",
    "leader.imbalance.per.broker.percentage": "leaders are always balanced fully",
    "log.cleaner.min.cleanable.dirty.ratio": "use log.cleaner.min.cleanable.ratio",
    "log.delete.delay.ms": "use log.segment.delete.delay.ms",
    "log.message.downconversion.enable": _FORMAT,
    "log.message.format.version": _FORMAT,
    "log.message.timestamp.difference.max.ms": (
        "use log.message.timestamp.before.max.ms and log.message.timestamp.after.max.ms"
    ),
    "max.id.map.snapshots": "snapshots are deleted by metadata.max.retention.bytes and metadata.max.retention.ms",
    "metadata.log.segment.min.bytes": "use metadata.log.segment.bytes",
    "offsets.commit.required.acks": "a commit is always written to all in-sync replicas",
    "port": "listeners is set and decides",
    "quota.consumer.default": "default quotas are set per cluster and no longer in the broker's file",
    "quota.producer.default": "default quotas are set per cluster and no longer in the broker's file",
    "reserved.broker.max.id": "node ids are not generated",
    "unstable.metadata.versions.enable": "use unstable.feature.versions.enable",
}
_IGNORED_FAMILIES: Mapping[str, str] = {
    "zookeeper.": _ZOOKEEPER,
    "password.encoder.": _PASSWORD_ENCODER,
}


def reason_to_ignore(name: str) -> str | None:
    """Why the property `name` has no effect any more, or None if it is not one that was dropped."""
    reason = IGNORED.get(name)
    if reason is None:
        reason = next((why for stem, why in _IGNORED_FAMILIES.items() if name.startswith(stem)), None)
    return reason


def translate(given: Mapping[str, str]) -> dict[str, str]:
    """`given` with what took the place of dropped properties; what has no such place is left as it is.

    host.name and port become listeners, and their advertised kin advertised.listeners, unless those are given: where
    the old and the new are both there, the old was always the weaker.
    """
    new = dict(given)
    if "listeners" not in new and new.keys() & {"host.name", "port"}:
        new["listeners"] = f"PLAINTEXT://{new.pop('host.name', '').strip()}:{new.pop('port', '9092').strip()}"
    if "advertised.listeners" not in new and new.keys() & {"advertised.host.name", "advertised.port"}:
        _, _, bound = new.get("listeners", "PLAINTEXT://localhost:9092").split(",")[0].strip().partition("://")
        host, _, port = bound.rpartition(":")
        host = new.pop("advertised.host.name", host).strip()
        new["advertised.listeners"] = f"PLAINTEXT://{host}:{new.pop('advertised.port', port).strip()}"
    return new
