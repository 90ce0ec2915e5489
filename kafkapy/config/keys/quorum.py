"""The quorum of controllers (KRaft), the metadata log it keeps, and how brokers register with it."""

from __future__ import annotations

from kafkapy.config.define import (
    HIGH,
    LOW,
    MEDIUM,
    Config,
    boolean,
    integer,
    long,
    names,
    string,
)
from kafkapy.config.rule import (
    at_least,
    items,
)


class QuorumKeys(Config):
    """Keys of a broker: quorum."""

    controller_listener_names = names(
        "controller.listener.names",
        ("CONTROLLER",),
        HIGH,
        "Names of the listeners that controllers use.",
        items(empty=False),
        differs="Apache has none; one process needs no address for its controller",
    )
    controller_quorum_voters = names(
        "controller.quorum.voters",
        (),
        HIGH,
        "The voting controllers, as id@host:port, for a quorum of fixed members.",
        items(),
    )
    controller_quorum_bootstrap_servers = names(
        "controller.quorum.bootstrap.servers",
        (),
        HIGH,
        "Addresses at which the quorum can be found, as host:port.",
        items(),
    )
    controller_quorum_election_timeout_ms = integer(
        "controller.quorum.election.timeout.ms",
        1000,
        HIGH,
        "How long a candidate waits for votes before the next election.",
        at_least(0),
    )
    controller_quorum_fetch_timeout_ms = integer(
        "controller.quorum.fetch.timeout.ms",
        2000,
        HIGH,
        "How long a voter goes without hearing of the leader before it calls an election.",
        at_least(0),
    )
    controller_quorum_election_backoff_max_ms = integer(
        "controller.quorum.election.backoff.max.ms",
        1000,
        HIGH,
        "Longest rest after an election without a winner.",
        at_least(0),
    )
    controller_quorum_append_linger_ms = integer(
        "controller.quorum.append.linger.ms",
        25,
        MEDIUM,
        "How long the leader gathers records before it writes them to disk.",
        at_least(0),
    )
    controller_quorum_request_timeout_ms = integer(
        "controller.quorum.request.timeout.ms",
        2000,
        MEDIUM,
        "How long a request within the quorum waits for its answer.",
        at_least(0),
    )
    controller_quorum_retry_backoff_ms = integer(
        "controller.quorum.retry.backoff.ms", 20, LOW, "Pause before such a request is tried again.", at_least(0)
    )
    controller_quorum_auto_join_enable = boolean(
        "controller.quorum.auto.join.enable", False, LOW, "Whether a controller that is not a voter makes itself one."
    )
    controller_quorum_fetch_snapshot_max_bytes = integer(
        "controller.quorum.fetch.snapshot.max.bytes",
        1_048_576,
        LOW,
        "Most bytes of a snapshot fetched at a time.",
        at_least(1),
    )
    controller_quorum_fetch_max_bytes = integer(
        "controller.quorum.fetch.max.bytes",
        1_048_576,
        LOW,
        "Most bytes of the metadata log fetched at a time.",
        at_least(1),
    )
    controller_performance_sample_period_ms = long(
        "controller.performance.sample.period.ms",
        60_000,
        MEDIUM,
        "How often the controller logs how fast its events are.",
        at_least(100),
        internal=True,
    )
    controller_performance_always_log_threshold_ms = long(
        "controller.performance.always.log.threshold.ms",
        2000,
        MEDIUM,
        "An event of the controller that takes this long is always logged.",
        at_least(0),
        internal=True,
    )
    sasl_mechanism_controller_protocol = string(
        "sasl.mechanism.controller.protocol", "GSSAPI", HIGH, "SASL mechanism for talking to controllers."
    )
    initial_broker_registration_timeout_ms = integer(
        "initial.broker.registration.timeout.ms",
        60_000,
        MEDIUM,
        "How long a starting broker tries to register before it gives up.",
    )
    broker_heartbeat_interval_ms = integer(
        "broker.heartbeat.interval.ms", 2000, MEDIUM, "How often a broker sends a heartbeat to the controller."
    )
    broker_session_timeout_ms = integer(
        "broker.session.timeout.ms", 9000, MEDIUM, "A broker silent for this long is fenced."
    )
    metadata_log_dir = string(
        "metadata.log.dir", None, HIGH, "Directory of the metadata log; unset is the first log directory."
    )
    metadata_log_max_record_bytes_between_snapshots = long(
        "metadata.log.max.record.bytes.between.snapshots",
        1_048_576,
        HIGH,
        "Bytes of metadata written since the last snapshot that call for the next.",
        at_least(1),
        differs="a start replays what is behind the snapshot: twenty times as much would take seconds",
    )
    metadata_log_max_snapshot_interval_ms = long(
        "metadata.log.max.snapshot.interval.ms",
        3_600_000,
        HIGH,
        "Time since the last snapshot that calls for the next, if anything changed; 0 for never.",
        at_least(0),
    )
    metadata_log_segment_bytes = integer(
        "metadata.log.segment.bytes", 1_073_741_824, HIGH, "Segment size of the metadata log.", at_least(8_388_608)
    )
    metadata_log_segment_ms = long(
        "metadata.log.segment.ms", 604_800_000, HIGH, "Age at which a segment of the metadata log is closed."
    )
    metadata_max_retention_bytes = long(
        "metadata.max.retention.bytes",
        104_857_600,
        HIGH,
        "Size of metadata log and snapshots above which the oldest are deleted.",
    )
    metadata_max_retention_ms = long(
        "metadata.max.retention.ms",
        604_800_000,
        HIGH,
        "How long metadata log and snapshots are kept once a newer snapshot exists.",
    )
    metadata_max_idle_interval_ms = integer(
        "metadata.max.idle.interval.ms",
        500,
        LOW,
        "How often the leader writes an empty record when nothing else happens; 0 for never.",
        at_least(0),
    )
    internal_metadata_log_segment_bytes = integer(
        "internal.metadata.log.segment.bytes",
        None,
        LOW,
        "Segment size of the metadata log without its lower bound, for tests.",
        internal=True,
    )
    internal_metadata_max_batch_size_in_bytes = integer(
        "internal.metadata.max.batch.size.in.bytes",
        8_388_608,
        LOW,
        "Largest batch of the metadata log, for tests.",
        internal=True,
    )
    internal_metadata_delete_delay_millis = long(
        "internal.metadata.delete.delay.millis",
        60_000,
        LOW,
        "How long deleted files of the metadata log stay, for tests.",
        internal=True,
    )
