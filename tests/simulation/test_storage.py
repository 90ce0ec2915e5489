"""Seeded runs of the storage layer alone, on a disk that fails: what was promised is there after every recovery.

Each run is a few lives of a log directory: appends of all kinds, flushes, rolls, retention, compaction, truncation,
deletion, with writes that fail or tear, a disk that fills up, syncs that fail, bytes that rot; each ends with a clean
stop, the death of the process in the midst of any change, or a loss of power that keeps what it likes of what was not
synced. A seed is one run, exactly: `--simulation-seed N --simulation-runs 1`.
"""

from __future__ import annotations

import pytest
from storage_world import World

LIVES = 4


@pytest.mark.runs(2000)
def test_what_was_promised_stays(seed: int) -> None:
    world = World(seed)
    for _ in range(LIVES):
        world.live()
    world.end()
