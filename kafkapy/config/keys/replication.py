"""Replicas: how followers fetch, when they count as in sync, how leaders are chosen and balanced."""

from __future__ import annotations

from kafkapy.config.define import (
    CLUSTER_WIDE,
    HIGH,
    MEDIUM,
    Config,
    boolean,
    integer,
    long,
    string,
)
from kafkapy.config.rule import (
    at_least,
)


class ReplicationKeys(Config):
    """Keys of a broker: replication."""

    replica_lag_time_max_ms = long(
        "replica.lag.time.max.ms",
        30_000,
        HIGH,
        "A follower that has not caught up for this long leaves the in-sync replicas.",
    )
    replica_socket_timeout_ms = integer(
        "replica.socket.timeout.ms",
        30_000,
        HIGH,
        "How long a follower waits for its leader on a socket; at least replica.fetch.wait.max.ms.",
    )
    replica_socket_receive_buffer_bytes = integer(
        "replica.socket.receive.buffer.bytes", 65_536, HIGH, "SO_RCVBUF of a follower's connections."
    )
    replica_fetch_max_bytes = integer(
        "replica.fetch.max.bytes",
        1_048_576,
        MEDIUM,
        "Bytes a follower asks for per partition; a larger batch still passes.",
        at_least(0),
    )
    replica_fetch_wait_max_ms = integer(
        "replica.fetch.wait.max.ms",
        500,
        HIGH,
        "How long a leader may hold a follower's fetch that has nothing to return.",
    )
    replica_fetch_backoff_ms = integer(
        "replica.fetch.backoff.ms", 1000, MEDIUM, "How long a follower rests after a failed fetch.", at_least(0)
    )
    replica_fetch_min_bytes = integer(
        "replica.fetch.min.bytes", 1, HIGH, "Bytes a follower wants before its fetch is answered."
    )
    replica_fetch_response_max_bytes = integer(
        "replica.fetch.response.max.bytes",
        10_485_760,
        MEDIUM,
        "Bytes a follower asks for per fetch; a larger batch still passes.",
        at_least(0),
    )
    replica_high_watermark_checkpoint_interval_ms = long(
        "replica.high.watermark.checkpoint.interval.ms", 5000, HIGH, "How often high watermarks are written down."
    )
    replica_selector_class = string(
        "replica.selector.class",
        None,
        MEDIUM,
        "Class that picks the replica a consumer should read from; unset is always the leader.",
    )
    num_replica_fetchers = integer(
        "num.replica.fetchers", 1, HIGH, "Threads that fetch from each leader.", at_least(1), CLUSTER_WIDE
    )
    auto_leader_rebalance_enable = boolean(
        "auto.leader.rebalance.enable", True, HIGH, "Whether leadership goes back to preferred replicas by itself."
    )
    leader_imbalance_check_interval_seconds = long(
        "leader.imbalance.check.interval.seconds",
        300,
        HIGH,
        "How often the balance of leaders is checked.",
        at_least(1),
    )
    unclean_leader_election_enable = boolean(
        "unclean.leader.election.enable",
        False,
        HIGH,
        "Whether a replica that is not in sync may lead when no other can, losing records.",
        scope=CLUSTER_WIDE,
    )
    unclean_leader_election_interval_ms = long(
        "unclean.leader.election.interval.ms",
        300_000,
        MEDIUM,
        "How often partitions without a leader are tried for such an election.",
        at_least(1),
        internal=True,
    )
    controller_socket_timeout_ms = integer(
        "controller.socket.timeout.ms", 30_000, MEDIUM, "How long a controller's channel to a broker waits."
    )
    follower_fetch_last_tiered_offset_enable = boolean(
        "follower.fetch.last.tiered.offset.enable",
        False,
        MEDIUM,
        "Whether a new follower starts at the end of what is in remote storage.",
        scope=CLUSTER_WIDE,
    )
