"""What the cluster's metadata does not know yet of this broker's log directories, until it does.

The broker chooses where a partition is and finds out which directory fails; then the metadata has to say so. Where that
cannot be written at once, as on a full disk, it stays news. Apache's classes: `AssignmentsManager`, and
`BrokerLifecycleManager`, whose heartbeats tell of directories.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from kafkapy.metadata.controller import Controller

_MOST_ASSIGNMENTS = 2250  # in one batch of the metadata log, as Apache has it


class DirectoryNews:
    """`chosen` maps topic id and partition to the directory that has it, `lost` are directories that have failed."""

    def __init__(self) -> None:
        self.chosen: dict[tuple[UUID, int], UUID] = {}
        self.lost: set[UUID] = set()

    def batches(self, controller: Controller, broker_id: int, broker_epoch: int) -> Iterator[list[Any]]:
        """The records that say it, a batch at a time: once the next is asked for, that is no news any more."""
        while self.chosen:
            some = dict(islice(self.chosen.items(), _MOST_ASSIGNMENTS))
            yield controller.assign_to_directories(broker_id, some)
            for key in some:  # also where following the records has found a log not there yet: it is about to be
                self.chosen.pop(key, None)
        if self.lost:
            lost = set(self.lost)  # more may come while it is being written
            yield controller.lose_directories(broker_id, broker_epoch, lost)
            self.lost -= lost
