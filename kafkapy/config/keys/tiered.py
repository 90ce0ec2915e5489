"""Remote (tiered) storage (KIP-405), which is accepted and described, and refused when switched on."""

from __future__ import annotations

from kafkapy.config.define import (
    CLUSTER_WIDE,
    LONG_MAX,
    LOW,
    MEDIUM,
    Config,
    boolean,
    double,
    integer,
    long,
    string,
)
from kafkapy.config.rule import (
    at_least,
    between,
    not_blank,
)


class TieredStorageKeys(Config):
    """Keys of a broker: tiered."""

    remote_log_storage_system_enable = boolean(
        "remote.log.storage.system.enable", False, MEDIUM, "Whether old segments can move to remote storage."
    )
    remote_log_storage_manager_impl_prefix = string(
        "remote.log.storage.manager.impl.prefix",
        "rsm.config.",
        MEDIUM,
        "Prefix of the properties handed to the remote storage class.",
        not_blank(),
    )
    remote_log_metadata_manager_impl_prefix = string(
        "remote.log.metadata.manager.impl.prefix",
        "rlmm.config.",
        MEDIUM,
        "Prefix of the properties handed to the remote metadata class.",
        not_blank(),
    )
    remote_log_storage_manager_class_name = string(
        "remote.log.storage.manager.class.name", None, MEDIUM, "Class that stores segments remotely.", not_blank()
    )
    remote_log_storage_manager_class_path = string(
        "remote.log.storage.manager.class.path", None, MEDIUM, "Where to load that class from."
    )
    remote_log_metadata_manager_class_name = string(
        "remote.log.metadata.manager.class.name",
        "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager",
        MEDIUM,
        "Class that remembers which segments are remote.",
        not_blank(),
    )
    remote_log_metadata_manager_class_path = string(
        "remote.log.metadata.manager.class.path", None, MEDIUM, "Where to load that class from."
    )
    remote_log_metadata_manager_listener_name = string(
        "remote.log.metadata.manager.listener.name", None, MEDIUM, "Listener that class connects to.", not_blank()
    )
    remote_log_metadata_custom_metadata_max_bytes = integer(
        "remote.log.metadata.custom.metadata.max.bytes",
        128,
        LOW,
        "Most extra metadata a remote segment may have.",
        at_least(0),
    )
    remote_log_index_file_cache_total_size_bytes = long(
        "remote.log.index.file.cache.total.size.bytes",
        1_073_741_824,
        LOW,
        "Bytes of remote indexes kept on local disk.",
        at_least(1),
        CLUSTER_WIDE,
    )
    remote_log_index_file_cache_ttl_ms = long(
        "remote.log.index.file.cache.ttl.ms",
        900_000,
        LOW,
        "How long an unused remote index is kept on local disk; -1 for no limit.",
        at_least(-1),
        internal=True,
    )
    remote_log_manager_thread_pool_size = integer(
        "remote.log.manager.thread.pool.size", 2, MEDIUM, "Threads of the remote log manager.", at_least(1)
    )
    remote_log_manager_copier_thread_pool_size = integer(
        "remote.log.manager.copier.thread.pool.size",
        10,
        MEDIUM,
        "Threads that copy segments to remote storage.",
        at_least(1),
        CLUSTER_WIDE,
    )
    remote_log_manager_expiration_thread_pool_size = integer(
        "remote.log.manager.expiration.thread.pool.size",
        10,
        MEDIUM,
        "Threads that delete expired remote segments.",
        at_least(1),
        CLUSTER_WIDE,
    )
    remote_log_manager_follower_thread_pool_size = integer(
        "remote.log.manager.follower.thread.pool.size",
        2,
        MEDIUM,
        "Threads that follow remote progress on followers.",
        at_least(1),
        CLUSTER_WIDE,
    )
    remote_log_manager_task_interval_ms = long(
        "remote.log.manager.task.interval.ms", 30_000, LOW, "How often the remote log manager's tasks run.", at_least(1)
    )
    remote_log_manager_task_retry_backoff_ms = long(
        "remote.log.manager.task.retry.backoff.ms",
        500,
        LOW,
        "Pause before a failed task is tried again.",
        at_least(1),
        internal=True,
    )
    remote_log_manager_task_retry_backoff_max_ms = long(
        "remote.log.manager.task.retry.backoff.max.ms", 30_000, LOW, "Longest such pause.", at_least(1), internal=True
    )
    remote_log_manager_task_retry_jitter = double(
        "remote.log.manager.task.retry.jitter",
        0.2,
        LOW,
        "Share of that pause that is left to chance.",
        between(0, 0.5),
        internal=True,
    )
    remote_log_reader_threads = integer(
        "remote.log.reader.threads", 10, MEDIUM, "Threads that read from remote storage.", at_least(1), CLUSTER_WIDE
    )
    remote_log_reader_max_pending_tasks = integer(
        "remote.log.reader.max.pending.tasks", 100, MEDIUM, "Remote reads that may wait.", at_least(1)
    )
    log_local_retention_ms = long(
        "log.local.retention.ms",
        -2,
        MEDIUM,
        "How long segments stay local once they are remote; -2 follows log.retention.ms.",
        at_least(-2),
        CLUSTER_WIDE,
    )
    log_local_retention_bytes = long(
        "log.local.retention.bytes",
        -2,
        MEDIUM,
        "Local bytes of a partition whose segments are remote; -2 follows log.retention.bytes.",
        at_least(-2),
        CLUSTER_WIDE,
    )
    remote_log_manager_copy_max_bytes_per_second = long(
        "remote.log.manager.copy.max.bytes.per.second",
        LONG_MAX,
        MEDIUM,
        "Most bytes per second copied to remote storage.",
        at_least(1),
        CLUSTER_WIDE,
    )
    remote_log_manager_copy_quota_window_num = integer(
        "remote.log.manager.copy.quota.window.num",
        11,
        MEDIUM,
        "Windows over which the copy rate is measured.",
        at_least(1),
    )
    remote_log_manager_copy_quota_window_size_seconds = integer(
        "remote.log.manager.copy.quota.window.size.seconds", 1, MEDIUM, "Length of each such window.", at_least(1)
    )
    remote_log_manager_fetch_max_bytes_per_second = long(
        "remote.log.manager.fetch.max.bytes.per.second",
        LONG_MAX,
        MEDIUM,
        "Most bytes per second fetched from remote storage.",
        at_least(1),
        CLUSTER_WIDE,
    )
    remote_log_manager_fetch_quota_window_num = integer(
        "remote.log.manager.fetch.quota.window.num",
        11,
        MEDIUM,
        "Windows over which the fetch rate is measured.",
        at_least(1),
    )
    remote_log_manager_fetch_quota_window_size_seconds = integer(
        "remote.log.manager.fetch.quota.window.size.seconds", 1, MEDIUM, "Length of each such window.", at_least(1)
    )
    remote_fetch_max_wait_ms = integer(
        "remote.fetch.max.wait.ms", 500, MEDIUM, "How long a fetch waits for remote storage.", at_least(1), CLUSTER_WIDE
    )
    remote_list_offsets_request_timeout_ms = long(
        "remote.list.offsets.request.timeout.ms",
        30_000,
        MEDIUM,
        "How long a search for offsets waits for remote storage.",
        at_least(1),
        CLUSTER_WIDE,
    )
