"""A topic's configuration, as the logs of its partitions need it."""

from __future__ import annotations

from kafkapy.config.topic import TopicConfig
from kafkapy.storage.log_config import LogConfig


def log_config(config: TopicConfig) -> LogConfig:
    """What a log is told of its topic's configuration."""
    return LogConfig(
        segment_bytes=config.max_segment_bytes,
        segment_ms=config.max_segment_ms,
        segment_jitter_ms=config.segment_jitter_ms,
        segment_index_bytes=config.segment_index_bytes,
        index_interval_bytes=config.index_interval_bytes,
        max_message_bytes=config.max_message_bytes,
        retention_ms=config.retention_ms,
        retention_bytes=config.retention_bytes,
        cleanup_policy=frozenset(config.cleanup_policy),
        min_cleanable_dirty_ratio=config.min_cleanable_dirty_ratio,
        min_compaction_lag_ms=config.min_compaction_lag_ms,
        max_compaction_lag_ms=config.max_compaction_lag_ms,
        delete_retention_ms=config.delete_retention_ms,
        timestamp_type=config.message_timestamp_type,
        timestamp_before_max_ms=config.message_timestamp_before_max_ms,
        timestamp_after_max_ms=config.message_timestamp_after_max_ms,
        compression_type=config.compression_type,
        compression_level=config.compression_level,
        flush_messages=config.flush_messages,
        flush_ms=config.flush_ms,
        preallocate=config.preallocate,
        file_delete_delay_ms=config.file_delete_delay_ms,
    )
