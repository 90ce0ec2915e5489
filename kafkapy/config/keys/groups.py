"""Groups of consumers and of streams applications, and where their offsets are kept."""

from __future__ import annotations

from kafkapy.config.define import (
    CLUSTER_WIDE,
    HIGH,
    INT_MAX,
    MEDIUM,
    Config,
    integer,
    long,
    names,
    short,
    string,
)
from kafkapy.config.rule import (
    at_least,
    items,
    one_of_any_case,
)


class GroupKeys(Config):
    """Keys of a broker: groups."""

    group_coordinator_rebalance_protocols = names(
        "group.coordinator.rebalance.protocols",
        ("classic", "consumer", "streams"),
        MEDIUM,
        "Kinds of group that are served.",
        items("consumer", "classic", "share", "streams", empty=False),
    )
    group_coordinator_threads = integer(
        "group.coordinator.threads", 4, HIGH, "Threads that run group coordinators.", at_least(1)
    )
    group_coordinator_background_threads = integer(
        "group.coordinator.background.threads",
        2,
        HIGH,
        "Threads that compute assignments for group coordinators.",
        at_least(1),
    )
    group_coordinator_append_linger_ms = integer(
        "group.coordinator.append.linger.ms",
        -1,
        MEDIUM,
        "How long a coordinator gathers records before it appends them; -1 chooses by load.",
        at_least(-1),
    )
    group_coordinator_cached_buffer_max_bytes = integer(
        "group.coordinator.cached.buffer.max.bytes",
        1_048_588,
        MEDIUM,
        "Largest buffer a coordinator keeps for its next append.",
        at_least(524_288),
        CLUSTER_WIDE,
    )
    offset_metadata_max_bytes = integer(
        "offset.metadata.max.bytes", 4096, HIGH, "Longest text that may be committed along with an offset."
    )
    offsets_commit_timeout_ms = integer(
        "offsets.commit.timeout.ms",
        5000,
        HIGH,
        "How long a commit waits until all in-sync replicas have it.",
        at_least(1),
    )
    offsets_load_buffer_size = integer(
        "offsets.load.buffer.size", 5_242_880, HIGH, "Bytes read at a time while offsets are loaded.", at_least(1)
    )
    offsets_topic_replication_factor = short(
        "offsets.topic.replication.factor",
        1,
        HIGH,
        "Replicas of __consumer_offsets.",
        at_least(1),
        differs="one broker holds every replica",
    )
    offsets_topic_num_partitions = integer(
        "offsets.topic.num.partitions",
        50,
        HIGH,
        "Partitions of __consumer_offsets; must not change once there are groups.",
        at_least(1),
    )
    offsets_topic_segment_bytes = integer(
        "offsets.topic.segment.bytes", 104_857_600, HIGH, "Segment size of __consumer_offsets.", at_least(1)
    )
    offsets_topic_compression_codec = integer(
        "offsets.topic.compression.codec",
        0,
        HIGH,
        "Compression of __consumer_offsets, by number: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.",
    )
    offsets_retention_minutes = integer(
        "offsets.retention.minutes",
        10_080,
        HIGH,
        "How long the offsets of a group without members are kept.",
        at_least(1),
    )
    offsets_retention_check_interval_ms = long(
        "offsets.retention.check.interval.ms", 600_000, HIGH, "How often expired offsets are looked for.", at_least(1)
    )
    group_min_session_timeout_ms = integer(
        "group.min.session.timeout.ms", 6000, MEDIUM, "Shortest session timeout a classic member may ask for."
    )
    group_max_session_timeout_ms = integer(
        "group.max.session.timeout.ms", 1_800_000, MEDIUM, "Longest session timeout a classic member may ask for."
    )
    group_initial_rebalance_delay_ms = integer(
        "group.initial.rebalance.delay.ms",
        0,
        MEDIUM,
        "How long an empty classic group waits for more members before its first rebalance.",
        differs="a lone developer waits three seconds for nothing",
    )
    group_max_size = integer("group.max.size", INT_MAX, MEDIUM, "Most members of a classic group.", at_least(1))
    group_consumer_session_timeout_ms = integer(
        "group.consumer.session.timeout.ms",
        45_000,
        MEDIUM,
        "A consumer group member silent for this long is removed.",
        at_least(1),
    )
    group_consumer_min_session_timeout_ms = integer(
        "group.consumer.min.session.timeout.ms",
        45_000,
        MEDIUM,
        "Shortest session timeout a consumer group can be configured with.",
        at_least(1),
    )
    group_consumer_max_session_timeout_ms = integer(
        "group.consumer.max.session.timeout.ms",
        60_000,
        MEDIUM,
        "Longest session timeout a consumer group can be configured with.",
        at_least(1),
    )
    group_consumer_heartbeat_interval_ms = integer(
        "group.consumer.heartbeat.interval.ms",
        5000,
        MEDIUM,
        "How often a consumer group's members are to send a heartbeat.",
        at_least(1),
    )
    group_consumer_min_heartbeat_interval_ms = integer(
        "group.consumer.min.heartbeat.interval.ms",
        5000,
        MEDIUM,
        "Shortest heartbeat interval a consumer group can be configured with.",
        at_least(1),
    )
    group_consumer_max_heartbeat_interval_ms = integer(
        "group.consumer.max.heartbeat.interval.ms",
        15_000,
        MEDIUM,
        "Longest heartbeat interval a consumer group can be configured with.",
        at_least(1),
    )
    group_consumer_max_size = integer(
        "group.consumer.max.size", INT_MAX, MEDIUM, "Most members of a consumer group.", at_least(1)
    )
    group_consumer_assignors = names(
        "group.consumer.assignors",
        ("uniform", "range"),
        MEDIUM,
        "Assignors the broker offers, the default first: uniform and range, or Apache Kafka's classes of these.",
        items(
            "uniform",
            "range",
            "org.apache.kafka.coordinator.group.assignor.UniformAssignor",
            "org.apache.kafka.coordinator.group.assignor.RangeAssignor",
            empty=False,
        ),
    )
    group_consumer_migration_policy = string(
        "group.consumer.migration.policy",
        "bidirectional",
        MEDIUM,
        "Which way a group may change between the classic and the consumer protocol while it has members.",
        one_of_any_case("DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"),
    )
    group_consumer_assignment_interval_ms = integer(
        "group.consumer.assignment.interval.ms",
        1000,
        MEDIUM,
        "Shortest time from one assignment of a consumer group to the next.",
        at_least(0),
        CLUSTER_WIDE,
    )
    group_consumer_min_assignment_interval_ms = integer(
        "group.consumer.min.assignment.interval.ms",
        0,
        MEDIUM,
        "Shortest assignment interval a consumer group can be configured with.",
        at_least(0),
    )
    group_consumer_max_assignment_interval_ms = integer(
        "group.consumer.max.assignment.interval.ms",
        15_000,
        MEDIUM,
        "Longest assignment interval a consumer group can be configured with.",
        at_least(0),
    )
    group_consumer_regex_refresh_interval_ms = integer(
        "group.consumer.regex.refresh.interval.ms",
        600_000,
        MEDIUM,
        "How often a subscribed pattern is matched against topics again.",
        at_least(10_000),
        internal=True,
    )
    group_streams_session_timeout_ms = integer(
        "group.streams.session.timeout.ms",
        45_000,
        MEDIUM,
        "A streams group member silent for this long is removed.",
        at_least(1),
    )
    group_streams_min_session_timeout_ms = integer(
        "group.streams.min.session.timeout.ms",
        45_000,
        MEDIUM,
        "Shortest session timeout a streams group can be configured with.",
        at_least(1),
    )
    group_streams_max_session_timeout_ms = integer(
        "group.streams.max.session.timeout.ms",
        60_000,
        MEDIUM,
        "Longest session timeout a streams group can be configured with.",
        at_least(1),
    )
    group_streams_heartbeat_interval_ms = integer(
        "group.streams.heartbeat.interval.ms",
        5000,
        MEDIUM,
        "How often a streams group's members are to send a heartbeat.",
        at_least(1),
    )
    group_streams_min_heartbeat_interval_ms = integer(
        "group.streams.min.heartbeat.interval.ms",
        5000,
        MEDIUM,
        "Shortest heartbeat interval a streams group can be configured with.",
        at_least(1),
    )
    group_streams_max_heartbeat_interval_ms = integer(
        "group.streams.max.heartbeat.interval.ms",
        15_000,
        MEDIUM,
        "Longest heartbeat interval a streams group can be configured with.",
        at_least(1),
    )
    group_streams_max_size = integer(
        "group.streams.max.size", INT_MAX, MEDIUM, "Most members of a streams group.", at_least(1)
    )
    group_streams_num_standby_replicas = integer(
        "group.streams.num.standby.replicas", 0, MEDIUM, "Standby copies of each task's state.", at_least(0)
    )
    group_streams_max_standby_replicas = integer(
        "group.streams.max.standby.replicas",
        2,
        MEDIUM,
        "Most standby copies a streams group can be configured with.",
        at_least(0),
    )
    group_streams_initial_rebalance_delay_ms = integer(
        "group.streams.initial.rebalance.delay.ms",
        3000,
        MEDIUM,
        "How long an empty streams group waits for more members before its first assignment.",
        at_least(0),
    )
    group_streams_assignment_interval_ms = integer(
        "group.streams.assignment.interval.ms",
        1000,
        MEDIUM,
        "Shortest time from one assignment of a streams group to the next.",
        at_least(0),
        CLUSTER_WIDE,
    )
    group_streams_min_assignment_interval_ms = integer(
        "group.streams.min.assignment.interval.ms",
        0,
        MEDIUM,
        "Shortest assignment interval a streams group can be configured with.",
        at_least(0),
    )
    group_streams_max_assignment_interval_ms = integer(
        "group.streams.max.assignment.interval.ms",
        15_000,
        MEDIUM,
        "Longest assignment interval a streams group can be configured with.",
        at_least(0),
    )
