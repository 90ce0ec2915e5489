"""The configuration of a log: plain values, which the broker takes from its own and the topic's properties."""

from __future__ import annotations

from dataclasses import dataclass

NO_LIMIT = 2**63 - 1


@dataclass(frozen=True, slots=True)
class LogConfig:
    """The topic configuration that the log heeds, in Kafka's names and units; the defaults are Apache's."""

    segment_bytes: int = 1073741824
    segment_ms: int = 604800000
    segment_jitter_ms: int = 0
    segment_index_bytes: int = 10485760
    index_interval_bytes: int = 4096
    max_message_bytes: int = 1048588
    retention_ms: int = 604800000
    retention_bytes: int = -1
    cleanup_policy: frozenset[str] = frozenset({"delete"})
    min_cleanable_dirty_ratio: float = 0.5
    min_compaction_lag_ms: int = 0
    max_compaction_lag_ms: int = NO_LIMIT
    delete_retention_ms: int = 86400000
    timestamp_type: str = "CreateTime"
    timestamp_before_max_ms: int = NO_LIMIT
    timestamp_after_max_ms: int = 3600000
    compression_type: str = "producer"
    compression_level: int | None = None  # of that codec; None is the codec's own default
    flush_messages: int = NO_LIMIT
    flush_ms: int = NO_LIMIT
    preallocate: bool = False
    file_delete_delay_ms: int = 60000

    @property
    def reserved_bytes(self) -> int:
        """How long the file of a new segment is made at once."""
        return self.segment_bytes if self.preallocate else 0
