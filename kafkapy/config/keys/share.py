"""Share groups (KIP-932) and where their state is kept."""

from __future__ import annotations

from kafkapy.config.define import (
    CLUSTER_WIDE,
    HIGH,
    LOW,
    MEDIUM,
    Config,
    integer,
    names,
    short,
    string,
)
from kafkapy.config.rule import (
    at_least,
    between,
    items,
)


class ShareKeys(Config):
    """Keys of a broker: share."""

    group_share_session_timeout_ms = integer(
        "group.share.session.timeout.ms",
        45_000,
        MEDIUM,
        "A share group member silent for this long is removed.",
        at_least(1),
    )
    group_share_min_session_timeout_ms = integer(
        "group.share.min.session.timeout.ms",
        45_000,
        MEDIUM,
        "Shortest session timeout a share group can be configured with.",
        at_least(1),
    )
    group_share_max_session_timeout_ms = integer(
        "group.share.max.session.timeout.ms",
        60_000,
        MEDIUM,
        "Longest session timeout a share group can be configured with.",
        at_least(1),
    )
    group_share_heartbeat_interval_ms = integer(
        "group.share.heartbeat.interval.ms",
        5000,
        MEDIUM,
        "How often a share group's members are to send a heartbeat.",
        at_least(1),
    )
    group_share_min_heartbeat_interval_ms = integer(
        "group.share.min.heartbeat.interval.ms",
        5000,
        MEDIUM,
        "Shortest heartbeat interval a share group can be configured with.",
        at_least(1),
    )
    group_share_max_heartbeat_interval_ms = integer(
        "group.share.max.heartbeat.interval.ms",
        15_000,
        MEDIUM,
        "Longest heartbeat interval a share group can be configured with.",
        at_least(1),
    )
    group_share_max_size = integer(
        "group.share.max.size", 200, MEDIUM, "Most members of a share group.", between(1, 1000)
    )
    group_share_assignors = names(
        "group.share.assignors", ("simple",), MEDIUM, "Assignors for share groups; one.", items(empty=False)
    )
    group_share_assignment_interval_ms = integer(
        "group.share.assignment.interval.ms",
        1000,
        MEDIUM,
        "Shortest time from one assignment of a share group to the next.",
        at_least(0),
        CLUSTER_WIDE,
    )
    group_share_min_assignment_interval_ms = integer(
        "group.share.min.assignment.interval.ms",
        0,
        MEDIUM,
        "Shortest assignment interval a share group can be configured with.",
        at_least(0),
    )
    group_share_max_assignment_interval_ms = integer(
        "group.share.max.assignment.interval.ms",
        15_000,
        MEDIUM,
        "Longest assignment interval a share group can be configured with.",
        at_least(0),
    )
    group_share_initialize_retry_interval_ms = integer(
        "group.share.initialize.retry.interval.ms",
        30_000,
        LOW,
        "How long until the setting up of a share partition is tried again.",
        at_least(1),
        internal=True,
    )
    group_share_delivery_count_limit = integer(
        "group.share.delivery.count.limit",
        5,
        MEDIUM,
        "How often a record is delivered before it is given up.",
        between(2, 10),
    )
    group_share_max_delivery_count_limit = integer(
        "group.share.max.delivery.count.limit",
        10,
        MEDIUM,
        "Largest delivery limit a share group can be configured with.",
        between(5, 25),
    )
    group_share_min_delivery_count_limit = integer(
        "group.share.min.delivery.count.limit",
        2,
        MEDIUM,
        "Smallest delivery limit a share group can be configured with.",
        between(2, 5),
    )
    group_share_record_lock_duration_ms = integer(
        "group.share.record.lock.duration.ms",
        30_000,
        MEDIUM,
        "How long a delivered record stays with its consumer before others may get it.",
        between(1000, 3_600_000),
    )
    group_share_min_record_lock_duration_ms = integer(
        "group.share.min.record.lock.duration.ms",
        15_000,
        MEDIUM,
        "Shortest lock a share group can be configured with.",
        between(1000, 30_000),
    )
    group_share_max_record_lock_duration_ms = integer(
        "group.share.max.record.lock.duration.ms",
        60_000,
        MEDIUM,
        "Longest lock a share group can be configured with.",
        between(30_000, 3_600_000),
    )
    group_share_partition_max_record_locks = integer(
        "group.share.partition.max.record.locks",
        2000,
        MEDIUM,
        "Most records of a share partition that are out with consumers at a time.",
        between(100, 10_000),
    )
    group_share_max_partition_max_record_locks = integer(
        "group.share.max.partition.max.record.locks",
        4000,
        MEDIUM,
        "Largest such number a share group can be configured with.",
        between(2000, 10_000),
    )
    group_share_min_partition_max_record_locks = integer(
        "group.share.min.partition.max.record.locks",
        100,
        MEDIUM,
        "Smallest such number a share group can be configured with.",
        between(100, 2000),
    )
    group_share_max_share_sessions = integer(
        "group.share.max.share.sessions", 2000, MEDIUM, "Most share sessions a broker keeps.", at_least(1)
    )
    group_share_persister_class_name = string(
        "group.share.persister.class.name",
        "org.apache.kafka.server.share.persister.DefaultStatePersister",
        MEDIUM,
        "Class that keeps the state of share groups.",
        internal=True,
    )
    share_fetch_purgatory_purge_interval_requests = integer(
        "share.fetch.purgatory.purge.interval.requests",
        1000,
        MEDIUM,
        "Finished share fetches that may pile up in the waiting list before it is swept.",
    )
    share_coordinator_state_topic_num_partitions = integer(
        "share.coordinator.state.topic.num.partitions",
        50,
        HIGH,
        "Partitions of __share_group_state; must not change once it exists.",
        at_least(1),
    )
    share_coordinator_state_topic_replication_factor = short(
        "share.coordinator.state.topic.replication.factor",
        1,
        HIGH,
        "Replicas of __share_group_state.",
        at_least(1),
        differs="one broker holds every replica",
    )
    share_coordinator_state_topic_min_isr = short(
        "share.coordinator.state.topic.min.isr",
        1,
        HIGH,
        "min.insync.replicas of __share_group_state.",
        at_least(1),
        differs="one broker holds every replica",
    )
    share_coordinator_state_topic_segment_bytes = integer(
        "share.coordinator.state.topic.segment.bytes",
        104_857_600,
        HIGH,
        "Segment size of __share_group_state.",
        at_least(1),
    )
    share_coordinator_threads = integer(
        "share.coordinator.threads", 1, MEDIUM, "Threads that run share coordinators.", at_least(1)
    )
    share_coordinator_snapshot_update_records_per_snapshot = integer(
        "share.coordinator.snapshot.update.records.per.snapshot",
        500,
        MEDIUM,
        "Updates of a share partition's state from one snapshot to the next.",
        between(0, 500),
    )
    share_coordinator_load_buffer_size = integer(
        "share.coordinator.load.buffer.size",
        5_242_880,
        HIGH,
        "Bytes read at a time while the state of share groups is loaded.",
        at_least(1),
    )
    share_coordinator_state_topic_compression_codec = integer(
        "share.coordinator.state.topic.compression.codec", 0, HIGH, "Compression of __share_group_state, by number."
    )
    share_coordinator_append_linger_ms = integer(
        "share.coordinator.append.linger.ms",
        -1,
        MEDIUM,
        "How long a share coordinator gathers records before it appends them; -1 chooses by load.",
        at_least(-1),
    )
    share_coordinator_write_timeout_ms = integer(
        "share.coordinator.write.timeout.ms",
        5000,
        HIGH,
        "How long a share coordinator waits until its write is replicated.",
        at_least(1),
    )
    share_coordinator_state_topic_prune_interval_ms = integer(
        "share.coordinator.state.topic.prune.interval.ms",
        300_000,
        LOW,
        "How often state that nobody needs any more is deleted.",
        at_least(1),
        internal=True,
    )
    share_coordinator_cold_partition_snapshot_interval_ms = integer(
        "share.coordinator.cold.partition.snapshot.interval.ms",
        300_000,
        LOW,
        "How often a share partition without traffic gets a snapshot.",
        at_least(1),
        internal=True,
    )
    share_coordinator_cached_buffer_max_bytes = integer(
        "share.coordinator.cached.buffer.max.bytes",
        1_048_588,
        MEDIUM,
        "Largest buffer a share coordinator keeps for its next append.",
        at_least(524_288),
        CLUSTER_WIDE,
    )
