"""Logs: where they live, how they are cut into segments, kept, flushed and compacted."""

from __future__ import annotations

from kafkapy.config.define import (
    CLUSTER_WIDE,
    DOUBLE_MAX,
    HIGH,
    LONG_MAX,
    LOW,
    MEDIUM,
    PER_BROKER,
    Config,
    boolean,
    double,
    integer,
    long,
    names,
    string,
)
from kafkapy.config.rule import (
    at_least,
    between,
    items,
    one_of,
)


class LogKeys(Config):
    """Keys of a broker: log."""

    log_dir = names(
        "log.dir",
        ("./kafkapy-data",),
        HIGH,
        "Directories of the logs, used if log.dirs is unset.",
        items(empty=False),
        differs="next to where it was started, and not lost at reboot as /tmp is",
    )
    log_dirs_given = names("log.dirs", None, HIGH, "Directories of the logs.", items(empty=False))
    cordoned_log_dirs = names(
        "cordoned.log.dirs", (), MEDIUM, "Log directories that get no new partitions; * for all.", items(), PER_BROKER
    )
    log_segment_bytes = integer(
        "log.segment.bytes",
        1_073_741_824,
        HIGH,
        "Size at which a segment is closed and the next begun.",
        at_least(1_048_576),
        CLUSTER_WIDE,
    )
    log_roll_ms = long(
        "log.roll.ms",
        None,
        HIGH,
        "Age at which a segment is closed even if it is small; before log.roll.hours.",
        scope=CLUSTER_WIDE,
    )
    log_roll_hours = integer(
        "log.roll.hours",
        168,
        HIGH,
        "Age in hours at which a segment is closed even if it is small; used if log.roll.ms is unset.",
        at_least(1),
    )
    log_roll_jitter_ms = long(
        "log.roll.jitter.ms",
        None,
        HIGH,
        "Most that is taken off a segment's age limit at random, so that segments do not all close at once.",
        scope=CLUSTER_WIDE,
    )
    log_roll_jitter_hours = integer(
        "log.roll.jitter.hours", 0, HIGH, "The same in hours; used if log.roll.jitter.ms is unset.", at_least(0)
    )
    log_retention_ms = long(
        "log.retention.ms",
        None,
        HIGH,
        "How long records are kept; -1 for ever. Comes before the same in minutes and hours.",
        scope=CLUSTER_WIDE,
    )
    log_retention_minutes = integer(
        "log.retention.minutes", None, HIGH, "How long records are kept, in minutes; used if log.retention.ms is unset."
    )
    log_retention_hours = integer(
        "log.retention.hours",
        168,
        HIGH,
        "How long records are kept, in hours; used if neither milliseconds nor minutes are set.",
    )
    log_retention_bytes = long(
        "log.retention.bytes",
        -1,
        HIGH,
        "Size of a partition above which its oldest segments are deleted; -1 for no limit.",
        scope=CLUSTER_WIDE,
    )
    log_retention_check_interval_ms = long(
        "log.retention.check.interval.ms",
        300_000,
        MEDIUM,
        "How often logs are checked for segments to delete.",
        at_least(1),
    )
    log_cleanup_policy = names(
        "log.cleanup.policy",
        ("delete",),
        MEDIUM,
        "What happens to old records: delete drops them, compact keeps the last of each key; empty keeps all.",
        items("compact", "delete"),
        CLUSTER_WIDE,
    )
    log_index_size_max_bytes = integer(
        "log.index.size.max.bytes", 10_485_760, MEDIUM, "Largest size of an index file.", at_least(4), CLUSTER_WIDE
    )
    log_index_interval_bytes = integer(
        "log.index.interval.bytes",
        4096,
        MEDIUM,
        "Bytes of log from one entry of the offset index to the next.",
        at_least(0),
        CLUSTER_WIDE,
    )
    log_flush_interval_messages = long(
        "log.flush.interval.messages",
        LONG_MAX,
        HIGH,
        "Records appended to a partition before it is forced to disk.",
        at_least(1),
        CLUSTER_WIDE,
    )
    log_flush_interval_ms = long(
        "log.flush.interval.ms",
        None,
        HIGH,
        "How long a record may wait to be forced to disk; unset follows log.flush.scheduler.interval.ms.",
        scope=CLUSTER_WIDE,
    )
    log_flush_scheduler_interval_ms = long(
        "log.flush.scheduler.interval.ms",
        LONG_MAX,
        HIGH,
        "How often logs are checked for being due to be forced to disk.",
    )
    log_flush_offset_checkpoint_interval_ms = integer(
        "log.flush.offset.checkpoint.interval.ms",
        60_000,
        HIGH,
        "How often the recovery point is written down.",
        at_least(0),
    )
    log_flush_start_offset_checkpoint_interval_ms = integer(
        "log.flush.start.offset.checkpoint.interval.ms",
        60_000,
        HIGH,
        "How often the log start offset is written down.",
        at_least(0),
    )
    log_segment_delete_delay_ms = long(
        "log.segment.delete.delay.ms",
        60_000,
        HIGH,
        "How long a file stays on disk after its segment was deleted.",
        at_least(0),
        CLUSTER_WIDE,
    )
    log_preallocate = boolean(
        "log.preallocate",
        False,
        MEDIUM,
        "Whether the whole segment file is reserved when it is created.",
        scope=CLUSTER_WIDE,
    )
    log_message_timestamp_type = string(
        "log.message.timestamp.type",
        "CreateTime",
        MEDIUM,
        "Whether a record carries the time it was made (CreateTime) or stored (LogAppendTime).",
        one_of("CreateTime", "LogAppendTime"),
        CLUSTER_WIDE,
    )
    log_message_timestamp_before_max_ms = long(
        "log.message.timestamp.before.max.ms",
        LONG_MAX,
        MEDIUM,
        "How far a record's timestamp may lie before the broker's clock.",
        at_least(0),
        CLUSTER_WIDE,
    )
    log_message_timestamp_after_max_ms = long(
        "log.message.timestamp.after.max.ms",
        3_600_000,
        MEDIUM,
        "How far a record's timestamp may lie after the broker's clock.",
        at_least(0),
        CLUSTER_WIDE,
    )
    log_dir_failure_timeout_ms = long(
        "log.dir.failure.timeout.ms",
        30_000,
        LOW,
        "How long a broker lives on if it cannot tell the controller about a failed directory.",
        at_least(1),
    )
    log_initial_task_delay_ms = long(
        "log.initial.task.delay.ms",
        30_000,
        LOW,
        "How long after start the chores of the logs begin.",
        at_least(0),
        internal=True,
    )
    min_insync_replicas = integer(
        "min.insync.replicas",
        1,
        HIGH,
        "Replicas that must be in sync for a write with acks=all to be taken.",
        at_least(1),
        CLUSTER_WIDE,
    )
    log_cleaner_enable = boolean("log.cleaner.enable", True, MEDIUM, "Whether logs are compacted at all.")
    log_cleaner_threads = integer(
        "log.cleaner.threads", 1, MEDIUM, "Threads that compact logs.", at_least(0), CLUSTER_WIDE
    )
    log_cleaner_io_max_bytes_per_second = double(
        "log.cleaner.io.max.bytes.per.second",
        DOUBLE_MAX,
        MEDIUM,
        "Most bytes per second that compaction reads and writes.",
        scope=CLUSTER_WIDE,
    )
    log_cleaner_dedupe_buffer_size = long(
        "log.cleaner.dedupe.buffer.size",
        134_217_728,
        MEDIUM,
        "Bytes for the table of keys while compacting, over all threads.",
        scope=CLUSTER_WIDE,
    )
    log_cleaner_io_buffer_size = integer(
        "log.cleaner.io.buffer.size",
        524_288,
        MEDIUM,
        "Bytes of the buffers that compaction reads and writes through.",
        at_least(0),
        CLUSTER_WIDE,
    )
    log_cleaner_io_buffer_load_factor = double(
        "log.cleaner.io.buffer.load.factor", 0.9, MEDIUM, "How full the table of keys may get.", scope=CLUSTER_WIDE
    )
    log_cleaner_backoff_ms = long(
        "log.cleaner.backoff.ms",
        15_000,
        MEDIUM,
        "How long to rest when there is nothing to compact.",
        at_least(0),
        CLUSTER_WIDE,
    )
    log_cleaner_min_cleanable_ratio = double(
        "log.cleaner.min.cleanable.ratio",
        0.5,
        MEDIUM,
        "Share of a log that must be uncompacted before it is compacted.",
        between(0, 1),
        CLUSTER_WIDE,
    )
    log_cleaner_delete_retention_ms = long(
        "log.cleaner.delete.retention.ms",
        86_400_000,
        MEDIUM,
        "How long a tombstone is kept after compaction reached it.",
        at_least(0),
        CLUSTER_WIDE,
    )
    log_cleaner_min_compaction_lag_ms = long(
        "log.cleaner.min.compaction.lag.ms",
        0,
        MEDIUM,
        "Age a record must have before it can be compacted away.",
        at_least(0),
        CLUSTER_WIDE,
    )
    log_cleaner_max_compaction_lag_ms = long(
        "log.cleaner.max.compaction.lag.ms",
        LONG_MAX,
        MEDIUM,
        "Age at which a record must have been considered by compaction.",
        at_least(1),
        CLUSTER_WIDE,
    )
