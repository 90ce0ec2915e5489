"""What a topic can be configured with, and which broker properties give the defaults."""

from __future__ import annotations

from kafkapy.config.define import (
    LONG_MAX,
    MEDIUM,
    Config,
    Synonym,
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
    between_or,
    items,
    one_of,
    throttled_replicas,
)


class TopicKeys(Config):
    """The keys of a topic."""

    segment_bytes = integer(
        "segment.bytes",
        1_073_741_824,
        MEDIUM,
        "Size at which a segment is closed and the next begun.",
        at_least(1_048_576),
        synonyms=(Synonym("log.segment.bytes"),),
    )
    segment_ms = long(
        "segment.ms",
        604_800_000,
        MEDIUM,
        "Age at which a segment is closed even if it is small.",
        at_least(1),
        synonyms=(Synonym("log.roll.ms"), Synonym("log.roll.hours", 3_600_000)),
    )
    segment_jitter_ms = long(
        "segment.jitter.ms",
        0,
        MEDIUM,
        "Most that is taken off that age at random, so that segments do not all close at once.",
        at_least(0),
        synonyms=(Synonym("log.roll.jitter.ms"), Synonym("log.roll.jitter.hours", 3_600_000)),
    )
    segment_index_bytes = integer(
        "segment.index.bytes",
        10_485_760,
        MEDIUM,
        "Largest size of an index file.",
        at_least(4),
        synonyms=(Synonym("log.index.size.max.bytes"),),
    )
    flush_messages = long(
        "flush.messages",
        LONG_MAX,
        MEDIUM,
        "Records appended before the log is forced to disk.",
        at_least(1),
        synonyms=(Synonym("log.flush.interval.messages"),),
    )
    flush_ms = long(
        "flush.ms",
        LONG_MAX,
        MEDIUM,
        "How long a record may wait to be forced to disk.",
        at_least(0),
        synonyms=(Synonym("log.flush.interval.ms"), Synonym("log.flush.scheduler.interval.ms")),
    )
    retention_bytes = long(
        "retention.bytes",
        -1,
        MEDIUM,
        "Size of a partition above which its oldest segments are deleted; -1 for no limit.",
        synonyms=(Synonym("log.retention.bytes"),),
    )
    retention_ms = long(
        "retention.ms",
        604_800_000,
        MEDIUM,
        "How long records are kept; -1 for ever.",
        at_least(-1),
        synonyms=(
            Synonym("log.retention.ms"),
            Synonym("log.retention.minutes", 60_000),
            Synonym("log.retention.hours", 3_600_000),
        ),
    )
    max_message_bytes = integer(
        "max.message.bytes",
        1_048_588,
        MEDIUM,
        "Largest record batch, after compression, that is taken.",
        at_least(0),
        synonyms=(Synonym("message.max.bytes"),),
    )
    index_interval_bytes = integer(
        "index.interval.bytes",
        4096,
        MEDIUM,
        "Bytes of log from one entry of the offset index to the next.",
        at_least(0),
        synonyms=(Synonym("log.index.interval.bytes"),),
    )
    delete_retention_ms = long(
        "delete.retention.ms",
        86_400_000,
        MEDIUM,
        "How long a tombstone is kept after compaction reached it.",
        at_least(0),
        synonyms=(Synonym("log.cleaner.delete.retention.ms"),),
    )
    min_compaction_lag_ms = long(
        "min.compaction.lag.ms",
        0,
        MEDIUM,
        "Age a record must have before it can be compacted away.",
        at_least(0),
        synonyms=(Synonym("log.cleaner.min.compaction.lag.ms"),),
    )
    max_compaction_lag_ms = long(
        "max.compaction.lag.ms",
        LONG_MAX,
        MEDIUM,
        "Age at which a record must have been considered by compaction.",
        at_least(1),
        synonyms=(Synonym("log.cleaner.max.compaction.lag.ms"),),
    )
    file_delete_delay_ms = long(
        "file.delete.delay.ms",
        60_000,
        MEDIUM,
        "How long a file stays on disk after its segment was deleted.",
        at_least(0),
        synonyms=(Synonym("log.segment.delete.delay.ms"),),
    )
    min_cleanable_dirty_ratio = double(
        "min.cleanable.dirty.ratio",
        0.5,
        MEDIUM,
        "Share of the log that must be uncompacted before it is compacted.",
        between(0, 1),
        synonyms=(Synonym("log.cleaner.min.cleanable.ratio"),),
    )
    cleanup_policy = names(
        "cleanup.policy",
        ("delete",),
        MEDIUM,
        "What happens to old records: delete drops them, compact keeps the last of each key; empty keeps all.",
        items("compact", "delete"),
        synonyms=(Synonym("log.cleanup.policy"),),
    )
    unclean_leader_election_enable = boolean(
        "unclean.leader.election.enable",
        False,
        MEDIUM,
        "Whether a replica that is not in sync may lead when no other can, losing records.",
        synonyms=(Synonym("unclean.leader.election.enable"),),
    )
    min_insync_replicas = integer(
        "min.insync.replicas",
        1,
        MEDIUM,
        "Replicas that must be in sync for a write with acks=all to be taken.",
        at_least(1),
        synonyms=(Synonym("min.insync.replicas"),),
    )
    compression_type = string(
        "compression.type",
        "producer",
        MEDIUM,
        "How batches are stored: producer keeps what the producer chose, a codec's name recompresses.",
        one_of("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"),
        synonyms=(Synonym("compression.type"),),
    )
    compression_gzip_level = integer(
        "compression.gzip.level",
        -1,
        MEDIUM,
        "Level used when the broker compresses with gzip; -1 is gzip's own default.",
        between_or(1, 9, -1),
        synonyms=(Synonym("compression.gzip.level"),),
    )
    compression_lz4_level = integer(
        "compression.lz4.level",
        9,
        MEDIUM,
        "Level used when the broker compresses with lz4.",
        between(1, 17),
        synonyms=(Synonym("compression.lz4.level"),),
    )
    compression_zstd_level = integer(
        "compression.zstd.level",
        3,
        MEDIUM,
        "Level used when the broker compresses with zstd.",
        between(-131_072, 22),
        synonyms=(Synonym("compression.zstd.level"),),
    )
    preallocate = boolean(
        "preallocate",
        False,
        MEDIUM,
        "Whether the whole segment file is reserved when it is created.",
        synonyms=(Synonym("log.preallocate"),),
    )
    message_timestamp_type = string(
        "message.timestamp.type",
        "CreateTime",
        MEDIUM,
        "Whether a record carries the time it was made (CreateTime) or stored (LogAppendTime).",
        one_of("CreateTime", "LogAppendTime"),
        synonyms=(Synonym("log.message.timestamp.type"),),
    )
    message_timestamp_before_max_ms = long(
        "message.timestamp.before.max.ms",
        LONG_MAX,
        MEDIUM,
        "How far a record's timestamp may lie before the broker's clock.",
        at_least(0),
        synonyms=(Synonym("log.message.timestamp.before.max.ms"),),
    )
    message_timestamp_after_max_ms = long(
        "message.timestamp.after.max.ms",
        3_600_000,
        MEDIUM,
        "How far a record's timestamp may lie after the broker's clock.",
        at_least(0),
        synonyms=(Synonym("log.message.timestamp.after.max.ms"),),
    )
    leader_replication_throttled_replicas = names(
        "leader.replication.throttled.replicas",
        (),
        MEDIUM,
        "Replicas whose leader throttles replication, as partition:broker, or * for all.",
        throttled_replicas(),
    )
    follower_replication_throttled_replicas = names(
        "follower.replication.throttled.replicas",
        (),
        MEDIUM,
        "Replicas whose follower throttles replication, as partition:broker, or * for all.",
        throttled_replicas(),
    )
    remote_storage_enable = boolean(
        "remote.storage.enable", False, MEDIUM, "Whether old segments move to remote storage."
    )
    local_retention_ms = long(
        "local.retention.ms",
        -2,
        MEDIUM,
        "How long segments stay local once they are remote; -2 follows retention.ms.",
        at_least(-2),
        synonyms=(Synonym("log.local.retention.ms"),),
    )
    local_retention_bytes = long(
        "local.retention.bytes",
        -2,
        MEDIUM,
        "Local bytes of a partition whose segments are remote; -2 follows retention.bytes.",
        at_least(-2),
        synonyms=(Synonym("log.local.retention.bytes"),),
    )
    remote_log_copy_disable = boolean(
        "remote.log.copy.disable", False, MEDIUM, "Whether remote data is only read and nothing new is copied."
    )
    remote_log_delete_on_disable = boolean(
        "remote.log.delete.on.disable",
        False,
        MEDIUM,
        "Whether remote data is deleted when remote storage is switched off.",
    )
    internal_segment_bytes = integer(
        "internal.segment.bytes", None, MEDIUM, "Segment size without its lower bound, for tests.", internal=True
    )
