"""The broker's configuration: every property of Apache Kafka 4.3, checked one by one and against each other.

Values are those of the server's start; `changed` gives another configuration for a change while it runs. Where a
default is not Apache's, the key's `differs` says why. Source: Apache's `AbstractKafkaConfig`, `KafkaConfig`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import ClassVar

from kafkapy.config.define import ConfigError
from kafkapy.config.keys.groups import GroupKeys
from kafkapy.config.keys.log import LogKeys
from kafkapy.config.keys.metrics import MetricsKeys
from kafkapy.config.keys.network import NetworkKeys
from kafkapy.config.keys.quorum import QuorumKeys
from kafkapy.config.keys.replication import ReplicationKeys
from kafkapy.config.keys.sasl import SaslKeys
from kafkapy.config.keys.security import SecurityKeys
from kafkapy.config.keys.server import ServerKeys
from kafkapy.config.keys.share import ShareKeys
from kafkapy.config.keys.tiered import TieredStorageKeys
from kafkapy.config.keys.transactions import TransactionKeys
from kafkapy.config.listener import Listener, check_distinct_ports, parse_listeners, parse_protocol_map

_LOCALHOST = ("127.0.0.1", "::1")
_MEBIBYTE = 1024 * 1024
_KEY_BYTES = 24  # of a key and its newest offset in the cleaner's table


class BrokerConfig(
    ServerKeys,
    NetworkKeys,
    LogKeys,
    ReplicationKeys,
    GroupKeys,
    ShareKeys,
    TransactionKeys,
    QuorumKeys,
    TieredStorageKeys,
    MetricsKeys,
    SecurityKeys,
    SaslKeys,
):
    """Every property of the broker, typed; ConfigError if one, or two together, cannot be accepted.

    `ignored` holds notices, one line each, about properties that were given and have no effect.
    """

    # Names that mean the same in different units, the one that wins first.
    SYNONYMS: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("log.roll.ms", "log.roll.hours"),
        ("log.roll.jitter.ms", "log.roll.jitter.hours"),
        ("log.retention.ms", "log.retention.minutes", "log.retention.hours"),
        ("log.flush.interval.ms", "log.flush.scheduler.interval.ms"),
    )

    listeners: tuple[Listener, ...]
    """Where to listen, controllers' listeners included."""
    broker_listeners: tuple[Listener, ...]
    """Where clients and brokers connect: `listeners` without those of controller.listener.names."""
    advertised_listeners: tuple[Listener, ...]
    """What clients are told, controllers' listeners not included; see `advertised` for empty hosts."""
    log_dirs: tuple[str, ...]
    """Directories of the logs: log.dirs, or else log.dir."""
    ignored: tuple[str, ...]
    of_listeners: Mapping[str, str]
    """What is said of one listener alone, by full name, `listener.name.NAME.property`; see `limit_of`."""

    def __init__(
        self,
        given: Mapping[str, str] | None = None,
        ignored: Iterable[str] = (),
        of_listeners: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(given or {})
        values = vars(self)
        values["ignored"] = tuple(ignored)
        values["of_listeners"] = of_listeners
        values["log_dirs"] = self.log_dirs_given or self.log_dir
        self._settle_node_id(values)
        self._settle_listeners(values)
        self._check_logs()
        self._check_limits()
        self._check_groups()

    @classmethod
    def unknown(cls, name: str) -> str:
        return f"Unknown broker property: {name}"

    def changed(
        self, changes: Mapping[str, str], of_listeners: Mapping[str, str] = MappingProxyType({})
    ) -> BrokerConfig:
        """This configuration with changes over what was given; ConfigError if the whole is then not valid."""
        return BrokerConfig({**self.given, **changes}, self.ignored, {**self.of_listeners, **of_listeners})

    def limit_of(self, listener: str, name: str) -> int:
        """What a property of `LISTENER_LIMITS` is for a listener: its own value, or else the broker's."""
        own = self.of_listeners.get(f"listener.name.{listener.lower()}.{name}")
        found: int = self.value(name) if own is None else self.KEYS[name].parse(own)
        return found

    def is_protected(self, listener: str) -> bool:
        """Whether brokers connect there, and clients elsewhere: then the broker's limits are the others' alone."""
        own = self.inter_broker_listener_name or self.security_inter_broker_protocol
        return len(self.broker_listeners) > 1 and listener == own.upper()

    def advertised(self, hostname: str, bound_ports: Mapping[str, int]) -> tuple[Listener, ...]:
        """What to tell clients, once sockets are bound: `hostname` for an empty host, the bound port for port 0.

        `bound_ports` is by listener name. Apache takes the machine's canonical host name for `hostname`.
        """
        return tuple(
            listener._replace(host=listener.host or hostname, port=listener.port or bound_ports.get(listener.name, 0))
            for listener in self.advertised_listeners
        )

    def _settle_node_id(self, values: dict[str, object]) -> None:
        if self.broker_id < 0:  # not given, or to be generated as ZooKeeper once did
            values["broker_id"] = self.node_id
            if "node.id" in self.given:
                values["given"] = {**self.given, "broker.id": self.given["node.id"]}
        elif "node.id" not in self.given:
            values["node_id"] = self.broker_id
            values["given"] = {**self.given, "node.id": self.given["broker.id"]}
        elif self.broker_id != self.node_id:
            raise ConfigError(f"node.id={self.node_id} and broker.id={self.broker_id} must be equal: set only node.id")

    def _settle_listeners(self, values: dict[str, object]) -> None:
        controllers = {name.upper() for name in self.controller_listener_names}
        protocols = parse_protocol_map(self.listener_security_protocol_map)
        if "listener.security.protocol.map" not in self.given:
            protocols = {**dict.fromkeys(controllers, "PLAINTEXT"), **protocols}
        listeners = parse_listeners("listeners", self.listeners_given, protocols)
        check_distinct_ports("listeners", listeners)
        broker_listeners = tuple(listener for listener in listeners if listener.name not in controllers)
        if not broker_listeners:
            raise ConfigError("listeners must contain one that is not in controller.listener.names, for clients")
        advertised = broker_listeners
        if self.advertised_listeners_given is not None:
            advertised = parse_listeners("advertised.listeners", self.advertised_listeners_given, protocols)
            advertised = tuple(listener for listener in advertised if listener.name not in controllers)
        self._check_advertised({listener.name for listener in broker_listeners}, advertised)
        values["listeners"] = listeners
        values["broker_listeners"] = broker_listeners
        values["advertised_listeners"] = advertised

    def _check_advertised(self, bound: set[str], advertised: tuple[Listener, ...]) -> None:
        for listener in advertised:
            if listener.name not in bound:
                raise ConfigError(f"advertised.listeners names {listener.name}, which listeners does not: add it there")
            if listener.host in {"0.0.0.0", "::"} and self.advertised_listeners_given is not None:  # noqa: S104  # refused
                raise ConfigError(
                    f"advertised.listeners cannot use the nonroutable address {listener.host}: "
                    "give a name or address that clients can connect to"
                )
        if self.inter_broker_listener_name is not None:
            if "security.inter.broker.protocol" in self.given:
                raise ConfigError(
                    "Only one of inter.broker.listener.name and security.inter.broker.protocol may be set"
                )
            name, source = self.inter_broker_listener_name.upper(), "inter.broker.listener.name"
        else:
            name, source = self.security_inter_broker_protocol, "security.inter.broker.protocol"
        names = [listener.name for listener in advertised]
        # One broker talks to no other, so only what was asked for must exist.
        if source in self.given and name not in names:
            raise ConfigError(f"{source}={name} must be one of the advertised listeners: {', '.join(names)}")

    def _check_logs(self) -> None:
        for names, low in (self.SYNONYMS[0], 1), (self.SYNONYMS[1], 0), (self.SYNONYMS[2], 1):
            name = next(name for name in names if self.value(name) is not None)
            value = self.value(name)
            if value < low and not name.startswith("log.retention"):
                raise ConfigError(f"Invalid value {value} for configuration {name}: Value must be at least {low}")
            if value == 0 and low == 1:
                raise ConfigError(f"Invalid value 0 for configuration {name}: give -1 for no limit, or at least 1")
        self._check_cleaner()
        if self.remote_log_storage_system_enable:
            raise ConfigError("remote.log.storage.system.enable=true is not supported: segments stay on local disks")

    def _check_cleaner(self) -> None:
        if self.log_cleaner_threads < 1:
            raise ConfigError(
                "log.cleaner.threads=0 must be at least 1; log.cleaner.enable=false says to clean nothing"
            )
        share = self.log_cleaner_dedupe_buffer_size // self.log_cleaner_threads
        if share <= _MEBIBYTE:
            raise ConfigError(
                "log.cleaner.dedupe.buffer.size must be more than 1 MiB per thread of log.cleaner.threads"
            )
        # Apache's threads do not start then.
        if share // _KEY_BYTES * self.log_cleaner_io_buffer_load_factor <= 1:
            raise ConfigError(
                f"log.cleaner.io.buffer.load.factor={self.log_cleaner_io_buffer_load_factor} leaves no room for a key: "
                "give more, such as 0.9"
            )
        self._check_cordoned()

    def _check_cordoned(self) -> None:
        if "*" in self.cordoned_log_dirs and len(self.cordoned_log_dirs) > 1:
            raise ConfigError("When cordoned.log.dirs is set to *, it must not contain other values")
        unknown = [path for path in self.cordoned_log_dirs if path not in ("*", *self.log_dirs)]
        if unknown:
            raise ConfigError(
                "All entries in cordoned.log.dirs must be present in log.dirs or log.dir. "
                f"Missing entries : {', '.join(unknown)}"
            )

    def _check_limits(self) -> None:
        if self.authorizer_class_name.strip():
            raise ConfigError(
                f"authorizer.class.name={self.authorizer_class_name} is not supported: everybody would be let do "
                "everything; leave it out if that is meant"
            )
        for name in "replica.socket.timeout.ms", "replica.lag.time.max.ms":
            if self.replica_fetch_wait_max_ms > self.value(name):
                raise ConfigError(
                    f"replica.fetch.wait.max.ms={self.replica_fetch_wait_max_ms} must not be more than "
                    f"{name}={self.value(name)}"
                )
        if 0 < self.queued_max_request_bytes < self.socket_request_max_bytes:
            raise ConfigError(
                f"queued.max.request.bytes={self.queued_max_request_bytes} must be -1, or at least "
                f"socket.request.max.bytes={self.socket_request_max_bytes}"
            )
        for pair in filter(None, self.max_connections_per_ip_overrides.split(",")):
            host, colon, count = pair.strip().rpartition(":")
            if not (host and colon and count.strip().isdecimal()):
                raise ConfigError(
                    f"Invalid value {pair} for configuration max.connections.per.ip.overrides: give host:count"
                )
        if self.max_connections_per_ip == 0 and not self.max_connections_per_ip_overrides:
            raise ConfigError("max.connections.per.ip=0 lets nobody in: name who in max.connections.per.ip.overrides")

    def max_connections_of(self, address: str) -> int:
        """How many connections an IP address may have: as max.connections.per.ip.overrides says, else as for all.

        Apache looks up host names in the overrides; here localhost is the only one that is known.
        """
        for pair in filter(None, self.max_connections_per_ip_overrides.split(",")):
            host, _, count = pair.strip().rpartition(":")
            if address == host.strip() or (host.strip() == "localhost" and address in _LOCALHOST):
                return int(count)
        return self.max_connections_per_ip

    def _check_groups(self) -> None:
        if not 0 <= self.offsets_topic_compression_codec <= 4:
            raise ConfigError(
                f"Invalid value {self.offsets_topic_compression_codec} for configuration "
                "offsets.topic.compression.codec: give 0 to 4"
            )
        if "classic" not in self.group_coordinator_rebalance_protocols:
            raise ConfigError("group.coordinator.rebalance.protocols must contain classic")
        for stem in (
            *(f"group.{kind}.{what}" for kind in ("consumer", "share", "streams") for what in _RANGED),
            "group.share.delivery.count.limit",
            "group.share.record.lock.duration.ms",
            "group.share.partition.max.record.locks",
        ):
            self._check_range(stem)
        for kind in "consumer", "share", "streams":
            heartbeat, session = f"group.{kind}.heartbeat.interval.ms", f"group.{kind}.session.timeout.ms"
            if self.value(heartbeat) >= self.value(session):
                raise ConfigError(
                    f"{heartbeat}={self.value(heartbeat)} must be less than {session}={self.value(session)}"
                )

    def _check_range(self, name: str) -> None:
        """The property `name` must lie between its own .min and .max properties."""
        group, kind, rest = name.split(".", 2)
        low, high = f"{group}.{kind}.min.{rest}", f"{group}.{kind}.max.{rest}"
        if not self.value(low) <= self.value(name) <= self.value(high):
            raise ConfigError(
                f"{name}={self.value(name)} must be from {low}={self.value(low)} to {high}={self.value(high)}"
            )


_RANGED = ("session.timeout.ms", "heartbeat.interval.ms", "assignment.interval.ms")
