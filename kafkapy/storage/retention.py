"""Retention: which old segments a log gives up, by the age of their records, by the log's size, or by its start.

Only whole segments go, oldest first, and only what every replica has: nothing at or above the high watermark. The
active segment goes too once all of it is too old; the log then begins anew at its end. A log that is only compacted
keeps everything above its start offset. Apache's class: `UnifiedLog.deleteOldSegments`.
"""

from __future__ import annotations

from kafkapy.storage.log import Log
from kafkapy.storage.segment import Segment

_UNLIMITED = -1


def delete_old_segments(log: Log, high_watermark: int, now_ms: int) -> int:
    """Delete what the log's configuration no longer keeps; how many segments went.

    Advances `log_start_offset` with them. Raises KafkaError(KAFKA_STORAGE_ERROR).
    """
    try:
        count = _deletable(log, high_watermark, now_ms)
    except OSError as error:
        raise log.disk_error("looking for old segments", error) from error
    if count == len(log.segments):
        if not log.active.size:
            count -= 1
        else:
            log.roll(now_ms)
    log.drop_oldest(count)
    return count


def _deletable(log: Log, high_watermark: int, now_ms: int) -> int:
    """How many of the oldest segments may go."""
    deletes = "delete" in log.config.cleanup_policy
    ends = [segment.base_offset for segment in log.segments[1:]] + [log.log_end_offset]
    surplus = log.size - log.config.retention_bytes if log.config.retention_bytes != _UNLIMITED else 0
    for count, (segment, end) in enumerate(zip(log.segments, ends, strict=True)):
        if end > high_watermark or (segment is log.active and not segment.size):
            return count
        surplus -= segment.size
        before_start = end <= log.log_start_offset and segment is not log.active
        if not (before_start or (deletes and (surplus >= 0 or _is_old(log, segment, now_ms)))):
            return count
    return len(log.segments)


def _is_old(log: Log, segment: Segment, now_ms: int) -> bool:
    retention_ms = log.config.retention_ms
    return retention_ms != _UNLIMITED and now_ms - segment.largest_timestamp > retention_ms
