"""What follows when a log directory fails: its partitions go offline, and the others are served on.

Who uses a disk finds out that it has failed, in whatever thread; from there on it is a matter of the event loop. A
broker whose metadata cannot be written, or that has no directory left, ends. Apache's class: `ReplicaManager`, with its
LogDirFailureHandler.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import trio

from kafkapy.cluster import Cluster
from kafkapy.protocol.errors import KafkaError
from kafkapy.storage.log_dirs import LogDirs, no_action

logger = logging.getLogger(__name__)


async def watch_directories(log_dirs: LogDirs, cluster: Cluster, end: Callable[[str], None]) -> None:
    """Give up directories as they fail, for ever, or `end` the broker, whose argument says why."""
    token = trio.lowlevel.current_trio_token()
    here = trio.lowlevel.ParkingLot()
    log_dirs.on_failure = lambda: token.run_sync_soon(here.unpark_all)
    try:
        while not (why := await _give_up(log_dirs, cluster)):
            await here.park()
        end(why)
    finally:
        log_dirs.on_failure = no_action


async def _give_up(log_dirs: LogDirs, cluster: Cluster) -> str:
    """Why the broker cannot go on; nothing if it can."""
    failed = log_dirs.take_failed()
    metadata = log_dirs.metadata
    if metadata in failed:
        return f"the log directory {metadata.path}, which has the cluster's metadata, has failed: {metadata.failure}"
    if not failed:
        return ""
    if not log_dirs.online:
        return f"all log directories have failed, {failed[-1].path} as the last: {failed[-1].failure}"
    cluster.give_up(failed)
    try:
        await cluster.wait_tell()
    except KafkaError as error:
        logger.error("the metadata does not say yet which partitions are offline: %s", error)
    return ""
