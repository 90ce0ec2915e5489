"""Where the broker listens, what it tells clients its address is, and what a connection may do."""

from __future__ import annotations

from kafkapy.config.define import (
    CLUSTER_WIDE,
    HIGH,
    INT_MAX,
    LOW,
    MEDIUM,
    PER_BROKER,
    Config,
    integer,
    long,
    names,
    string,
)
from kafkapy.config.rule import (
    at_least,
    items,
    one_of,
)


class NetworkKeys(Config):
    """Keys of a broker: network."""

    listeners_given = names(
        "listeners",
        ("PLAINTEXT://localhost:9092",),
        HIGH,
        "Addresses to listen on, as NAME://host:port; an empty host means every interface.",
        items(empty=False),
        PER_BROKER,
        differs="a broker without authentication is not offered to the network unasked",
    )
    advertised_listeners_given = names(
        "advertised.listeners",
        None,
        HIGH,
        "Addresses clients are told to connect to; unset means the same as listeners.",
        items(empty=False),
    )
    listener_security_protocol_map = string(
        "listener.security.protocol.map",
        "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
        LOW,
        "Which security protocol each listener name uses, as NAME:PROTOCOL.",
        scope=PER_BROKER,
    )
    inter_broker_listener_name = string(
        "inter.broker.listener.name",
        None,
        MEDIUM,
        "Listener that brokers use to talk to each other; unset follows security.inter.broker.protocol.",
    )
    security_inter_broker_protocol = string(
        "security.inter.broker.protocol",
        "PLAINTEXT",
        MEDIUM,
        "Security protocol between brokers; not together with inter.broker.listener.name.",
        one_of("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
    )
    socket_send_buffer_bytes = integer(
        "socket.send.buffer.bytes", 102_400, HIGH, "SO_SNDBUF of connections; -1 leaves it to the system."
    )
    socket_receive_buffer_bytes = integer(
        "socket.receive.buffer.bytes", 102_400, HIGH, "SO_RCVBUF of connections; -1 leaves it to the system."
    )
    socket_request_max_bytes = integer(
        "socket.request.max.bytes",
        104_857_600,
        HIGH,
        "Largest request; a connection that announces a larger one is closed.",
        at_least(1),
    )
    socket_listen_backlog_size = integer(
        "socket.listen.backlog.size",
        50,
        MEDIUM,
        "Connections the system may hold until they are accepted.",
        at_least(1),
    )
    max_connections = integer(
        "max.connections", INT_MAX, MEDIUM, "Most connections at a time, over all addresses.", at_least(0), CLUSTER_WIDE
    )
    max_connections_per_ip = integer(
        "max.connections.per.ip",
        INT_MAX,
        MEDIUM,
        "Most connections at a time from one address.",
        at_least(0),
        CLUSTER_WIDE,
    )
    max_connections_per_ip_overrides = string(
        "max.connections.per.ip.overrides",
        "",
        MEDIUM,
        "Addresses with their own limit of connections, as host:count.",
        scope=CLUSTER_WIDE,
    )
    max_connection_creation_rate = integer(
        "max.connection.creation.rate", INT_MAX, MEDIUM, "Most new connections per second.", at_least(0), CLUSTER_WIDE
    )
    connections_max_idle_ms = long(
        "connections.max.idle.ms", 600_000, MEDIUM, "A connection silent for this long is closed."
    )
    connection_failed_authentication_delay_ms = integer(
        "connection.failed.authentication.delay.ms",
        100,
        LOW,
        "How long a connection that failed to authenticate is held before it is closed.",
        at_least(0),
    )
    socket_connection_setup_timeout_ms = long(
        "socket.connection.setup.timeout.ms", 10_000, MEDIUM, "How long to wait for a connection this broker opens."
    )
    socket_connection_setup_timeout_max_ms = long(
        "socket.connection.setup.timeout.max.ms",
        30_000,
        MEDIUM,
        "Upper bound of that wait while it doubles with every failure.",
    )
