"""Where each leader epoch began: the start offset of every epoch in the log, kept in `leader-epoch-checkpoint`.

Epochs and their start offsets both ascend. The file is written when the log is synced, never before: a file that is
replaced but not synced may be empty after a power failure, and with it the epochs below the recovery point lost. Those
above it recovery reads from the batches themselves. Apache's classes: `LeaderEpochFileCache`,
`LeaderEpochCheckpointFile`. KIP-101, KIP-279.
"""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from threading import Lock

from kafkapy.storage.checkpoint import CheckpointError, read_checkpoint, write_checkpoint
from kafkapy.storage.disk import Disk

LEADER_EPOCH_FILE = "leader-epoch-checkpoint"
UNDEFINED_EPOCH = -1
UNDEFINED_OFFSET = -1
_ENTRY_WORDS = 2
logger = logging.getLogger(__name__)


class LeaderEpochs:
    """The epochs of one log, oldest first."""

    __slots__ = ("_changes", "_disk", "_durable_changes", "_epochs", "_starts", "path", "writing")

    def __init__(self, disk: Disk, path: str) -> None:
        self._disk = disk
        self.path = path
        self._epochs: list[int] = []
        self._starts: list[int] = []
        self._changes = self._durable_changes = 0
        self.writing = Lock()  # held while the file is written, to `path`

    def load(self) -> None:
        """Read the file; one that cannot be read counts as empty, and is written anew from what the batches say."""
        try:
            entries = [(int(e), int(o)) for e, o in read_checkpoint(self._disk, self.path, _ENTRY_WORDS)]
        except (CheckpointError, ValueError) as error:
            logger.warning("leader epochs are read from the batches again: %s", error)
            entries = []
            self._changes += 1
        self._epochs = [epoch for epoch, _ in entries]
        self._starts = [offset for _, offset in entries]

    @property
    def entries(self) -> list[tuple[int, int]]:
        """Each epoch and its start offset."""
        return list(zip(self._epochs, self._starts, strict=True))

    @property
    def latest(self) -> int:
        """The newest epoch, -1 if there is none."""
        return self._epochs[-1] if self._epochs else UNDEFINED_EPOCH

    def assign(self, epoch: int, start_offset: int) -> None:
        """Begin `epoch` at `start_offset` unless it began before; entries that contradict it are dropped."""
        if self._epochs and epoch == self._epochs[-1] and start_offset >= self._starts[-1]:
            return
        while self._epochs and (self._epochs[-1] >= epoch or self._starts[-1] >= start_offset):
            self._epochs.pop()
            self._starts.pop()
        self._epochs.append(epoch)
        self._starts.append(start_offset)
        self._changes += 1

    def truncate_from_end(self, end_offset: int) -> None:
        """Forget the epochs that began at `end_offset` or later."""
        keep = bisect_left(self._starts, end_offset)
        if keep < len(self._starts):
            del self._epochs[keep:], self._starts[keep:]
            self._changes += 1

    def truncate_from_start(self, start_offset: int) -> None:
        """Forget the epochs that ended before `start_offset`; the one that holds it now begins there."""
        keep = bisect_right(self._starts, start_offset) - 1
        if keep >= 0 and (keep > 0 or self._starts[0] < start_offset):
            del self._epochs[:keep], self._starts[:keep]
            self._starts[0] = start_offset
            self._changes += 1

    def clear(self) -> None:
        """Forget all epochs."""
        if self._epochs:
            self._epochs.clear()
            self._starts.clear()
            self._changes += 1

    def end_offset_for(self, epoch: int, log_end_offset: int) -> tuple[int, int]:
        """The largest known epoch not above `epoch`, and where it ends; (-1, -1) if that is not known."""
        if epoch == UNDEFINED_EPOCH or not self._epochs:
            return UNDEFINED_EPOCH, UNDEFINED_OFFSET
        if epoch == self._epochs[-1]:
            return epoch, log_end_offset
        higher = bisect_right(self._epochs, epoch)
        if higher == len(self._epochs):
            return UNDEFINED_EPOCH, UNDEFINED_OFFSET
        return (self._epochs[higher - 1] if higher else epoch), self._starts[higher]

    def epoch_of(self, offset: int) -> int:
        """The epoch that `offset` belongs to, -1 if it is older than all that is known."""
        at = bisect_right(self._starts, offset)
        return self._epochs[at - 1] if at else UNDEFINED_EPOCH

    def flush(self) -> None:
        """Make what has changed durable."""
        self.begin_flush()()

    def begin_flush(self) -> Callable[[], None]:
        """What makes durable what has changed until now; it may run in a thread of its own. Raises OSError there."""
        changes, entries = self._changes, self.entries

        def write() -> None:
            with self.writing:
                if changes > self._durable_changes:
                    write_checkpoint(self._disk, self.path, entries)
                    self._durable_changes = changes

        return write
