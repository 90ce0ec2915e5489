"""What the server is and how it works inside: its identity, threads and general limits."""

from __future__ import annotations

from kafkapy.config.define import (
    CLUSTER_WIDE,
    HIGH,
    LONG_MAX,
    LOW,
    MEDIUM,
    Config,
    boolean,
    integer,
    java_class,
    long,
    names,
    string,
)
from kafkapy.config.rule import (
    at_least,
    between,
    between_or,
    items,
    one_of,
)


class ServerKeys(Config):
    """Keys of a broker: server."""

    node_id = integer(
        "node.id",
        1,
        HIGH,
        "This node's number in the cluster, unique among brokers and controllers.",
        at_least(0),
        differs="Apache has none; a server without a file must start",
    )
    broker_id = integer(
        "broker.id",
        -1,
        HIGH,
        "The number of this broker, from before node.id existed; if both are set they must be equal.",
    )
    broker_rack = string(
        "broker.rack",
        None,
        MEDIUM,
        "The rack or zone this broker stands in, used to spread replicas and to pick near ones for fetching.",
    )
    process_roles = names(
        "process.roles",
        ("broker", "controller"),
        HIGH,
        "What this process is: broker, controller, or both.",
        items("broker", "controller", empty=False),
        differs="Apache has none; one process is both",
    )
    message_max_bytes = integer(
        "message.max.bytes",
        1_048_588,
        HIGH,
        "Largest record batch, after compression, that a partition takes; topics override it with max.message.bytes.",
        at_least(0),
        CLUSTER_WIDE,
    )
    num_io_threads = integer(
        "num.io.threads",
        8,
        HIGH,
        "Threads that would handle requests; one loop does it here.",
        at_least(1),
        CLUSTER_WIDE,
    )
    num_network_threads = integer(
        "num.network.threads",
        3,
        HIGH,
        "Threads that would read and write sockets; one loop does it here.",
        at_least(1),
        CLUSTER_WIDE,
    )
    background_threads = integer(
        "background.threads", 10, HIGH, "Threads for chores such as deleting files.", at_least(1), CLUSTER_WIDE
    )
    num_recovery_threads_per_data_dir = integer(
        "num.recovery.threads.per.data.dir",
        2,
        HIGH,
        "Threads per log directory that load logs at start and flush them at stop.",
        at_least(1),
        CLUSTER_WIDE,
    )
    num_replica_alter_log_dirs_threads = integer(
        "num.replica.alter.log.dirs.threads",
        None,
        HIGH,
        "Threads that move replicas between log directories; unset means one per directory.",
    )
    request_timeout_ms = integer(
        "request.timeout.ms", 30_000, HIGH, "How long this broker waits for the answer to a request it sent itself."
    )
    queued_max_requests = integer(
        "queued.max.requests",
        500,
        HIGH,
        "Requests that may wait to be handled before sockets are no longer read.",
        at_least(1),
    )
    queued_max_request_bytes = long(
        "queued.max.request.bytes",
        -1,
        MEDIUM,
        "Bytes of requests that may wait before sockets are no longer read; -1 for no limit.",
    )
    delete_topic_enable = boolean("delete.topic.enable", True, HIGH, "Whether topics can be deleted.")
    auto_create_topics_enable = boolean(
        "auto.create.topics.enable", True, HIGH, "Whether a topic is created when a client first asks for its metadata."
    )
    num_partitions = integer(
        "num.partitions", 1, MEDIUM, "Partitions of a topic that was created without a count.", at_least(1)
    )
    default_replication_factor = integer(
        "default.replication.factor", 1, MEDIUM, "Replicas of a topic that was created without a count."
    )
    compression_type = string(
        "compression.type",
        "producer",
        HIGH,
        "How batches are stored: producer keeps what the producer chose, a codec's name recompresses.",
        one_of("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"),
        CLUSTER_WIDE,
    )
    compression_gzip_level = integer(
        "compression.gzip.level",
        -1,
        MEDIUM,
        "Level used when the broker compresses with gzip; -1 is gzip's own default.",
        between_or(1, 9, -1),
        CLUSTER_WIDE,
    )
    compression_lz4_level = integer(
        "compression.lz4.level",
        9,
        MEDIUM,
        "Level used when the broker compresses with lz4.",
        between(1, 17),
        CLUSTER_WIDE,
    )
    compression_zstd_level = integer(
        "compression.zstd.level",
        3,
        MEDIUM,
        "Level used when the broker compresses with zstd.",
        between(-131_072, 22),
        CLUSTER_WIDE,
    )
    fetch_max_bytes = integer(
        "fetch.max.bytes",
        57_671_680,
        MEDIUM,
        "Most bytes one Fetch request gets, whatever it asks for.",
        at_least(1024),
    )
    max_incremental_fetch_session_cache_slots = integer(
        "max.incremental.fetch.session.cache.slots",
        1000,
        MEDIUM,
        "How many fetch sessions are remembered.",
        at_least(0),
    )
    max_request_partition_size_limit = integer(
        "max.request.partition.size.limit",
        2000,
        MEDIUM,
        "Most partitions one request may carry, where the request is paged.",
        at_least(1),
    )
    fetch_purgatory_purge_interval_requests = integer(
        "fetch.purgatory.purge.interval.requests",
        1000,
        MEDIUM,
        "Finished fetches that may pile up in the waiting list before it is swept.",
    )
    producer_purgatory_purge_interval_requests = integer(
        "producer.purgatory.purge.interval.requests",
        1000,
        MEDIUM,
        "Finished produces that may pile up in the waiting list before it is swept.",
    )
    delete_records_purgatory_purge_interval_requests = integer(
        "delete.records.purgatory.purge.interval.requests",
        1,
        MEDIUM,
        "Finished record deletions that may pile up in the waiting list before it is swept.",
    )
    controlled_shutdown_enable = boolean(
        "controlled.shutdown.enable", True, MEDIUM, "Whether leadership is handed over before the broker stops."
    )
    config_providers = names(
        "config.providers",
        (),
        LOW,
        "Names of the providers that resolve ${...} references in property values.",
        items(),
        CLUSTER_WIDE,
    )
    authorizer_class_name = string(
        "authorizer.class.name", "", LOW, "Class that decides who may do what; empty lets everybody do everything."
    )
    create_topic_policy_class_name = java_class(
        "create.topic.policy.class.name", None, LOW, "Class that may refuse the creation of a topic."
    )
    alter_config_policy_class_name = java_class(
        "alter.config.policy.class.name", None, LOW, "Class that may refuse a change of configuration."
    )
    early_start_listeners = names(
        "early.start.listeners", None, HIGH, "Listeners that open before the authorizer is ready.", items()
    )
    unstable_api_versions_enable = boolean(
        "unstable.api.versions.enable",
        False,
        HIGH,
        "Whether API versions still in development are offered.",
        internal=True,
    )
    unstable_feature_versions_enable = boolean(
        "unstable.feature.versions.enable",
        False,
        HIGH,
        "Whether feature versions still in development are offered.",
        internal=True,
    )
    server_max_startup_time_ms = long(
        "server.max.startup.time.ms",
        LONG_MAX,
        MEDIUM,
        "How long the start may take before it counts as failed.",
        at_least(0),
        internal=True,
    )
