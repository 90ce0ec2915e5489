"""What a log's batches say of its producers, read from its segments: all that a snapshot does not hold.

A snapshot holds a producer's last batch; those before it, and whatever lies behind the snapshot, are in the log alone.
The ones before are read only when somebody repeats one. Only headers are read, and the markers of transactions.
Apache's class: `UnifiedLog.rebuildProducerState`.
"""

from __future__ import annotations

from collections.abc import Sequence

from kafkapy.storage.producers import Producer, Producers, has_producer
from kafkapy.storage.segment import Segment

_RECALLED_BYTES = 256 * 1024


def recall_batches(producers: Producers, segments: Sequence[Segment]) -> None:
    """Give producers that come from a snapshot, which has only their last batch, the ones before it.

    Producers repeat what they have in flight when a broker comes back, so only the log's last `_RECALLED_BYTES` before
    the snapshot are looked at, and only once.
    """
    before, producers.recall_before = producers.recall_before, 0
    ranges: list[tuple[Segment, int, int]] = []
    left = _RECALLED_BYTES
    for segment in reversed(segments):
        if segment.base_offset >= before or not segment.size:
            continue
        beyond = segment.locate(before)
        end = segment.size if beyond is None else beyond[0]
        start = segment.offset_index.before(max(end - left, 0)) if end > left else 0
        ranges.append((segment, start, end))
        left -= end - start
        if left <= 0:
            break
    known: dict[int, Producer] = {}
    for segment, start, end in reversed(ranges):
        for _, header in segment.headers(start, end):
            if has_producer(header) and not header.is_control:
                known.setdefault(header.producer_id, Producer()).add(header)
    for producer_id, found in known.items():
        producer = producers.by_id.get(producer_id)
        if producer is not None and producer.epoch == found.epoch:
            producer.recall(found)


def replay_producers(producers: Producers, segments: Sequence[Segment], offset: int) -> None:
    """Take in the batches from the producers' `end_offset` to before `offset`."""
    for segment in segments:
        if not segment.size or (found := segment.locate(producers.end_offset)) is None:
            continue
        behind = segment.base_offset
        for position, header in segment.headers(found[0]):
            if not behind <= header.base_offset < offset:
                return  # of a batch that is not durable, its offset may have been lost
            behind = header.next_offset
            if has_producer(header):
                control = segment.records_at(position, header) if header.is_control else ()
                producers.update(header, control)
    producers.end_offset = offset
