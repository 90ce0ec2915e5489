"""Up to where a log's transactions are decided for good: their markers are durable, as the batches before them are.

A marker that a loss of power takes back leaves its transaction open, and what the transaction wrote may come to nothing
then. Until the marker is durable, no older record may make way for one of the transaction's, and none of an aborted one
may go: the log cleaner keeps below this offset.
"""

from __future__ import annotations

from kafkapy.storage.producers import Producers


class Decided:
    """The offset for one log, told of what happens to it. It may lag behind; it is never too high."""

    __slots__ = ("_noted", "_producers", "offset")

    def __init__(self, producers: Producers, log_start_offset: int, log_end_offset: int, recovery_point: int) -> None:
        self._producers = producers
        self._noted: dict[int, int] = {}  # where the log may be durable to, and what is decided once it is
        first = producers.first_met
        if recovery_point == log_end_offset or not producers.by_id:
            self.offset = producers.first_open(recovery_point)
        elif recovery_point < producers.snapshot_offset:
            self.offset = log_start_offset  # nothing tells what ended between the two
        else:
            self.offset = recovery_point if first is None else min(recovery_point, first)

    def note(self, end_offset: int) -> None:
        """The log ends there now, and may be made durable up to there."""
        self._noted[end_offset] = self._producers.first_open(end_offset)

    def became_durable(self, offset: int) -> None:
        """All below `offset` is durable."""
        first = self._producers.first_met
        if first is None:
            decided = offset
        else:
            decided = max([self._noted[end] for end in self._noted if end <= offset], default=min(offset, first))
        self._noted = {end: stable for end, stable in self._noted.items() if end > offset}
        self.offset = max(self.offset, decided)

    def truncated(self, end_offset: int) -> None:
        """The log ends there now; transactions may be open again."""
        self._noted = {end: stable for end, stable in self._noted.items() if end <= end_offset}
        self.offset = min(self.offset, self._producers.first_open(end_offset))
