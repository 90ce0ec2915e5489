"""What a broker does from time to time, whoever asks for nothing: checkpoints, flushes, retention, removals.

Each round that fails is logged and comes again; none can end the broker, nor keep another from its time. The cluster's
metadata is no partition here: its log is shortened where its snapshots stand for it. Apache's class:
`LogManager`, whose scheduler's intervals these are.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from kafkapy.cluster import Cluster
from kafkapy.config.broker import BrokerConfig
from kafkapy.protocol.errors import KafkaError
from kafkapy.replication.replicas import Replicas
from kafkapy.storage.flush import due_flush, end_flush
from kafkapy.storage.log_dirs import LogDirs
from kafkapy.storage.retention import delete_old_segments

logger = logging.getLogger(__name__)

_FLUSH_CHECK_S = 1.0
_AT_ONCE = 100  # logs that are looked at before others have their turn
_REMOVAL_CHECK_S = 1.0
_OFFLINE_RETRY_S = 5.0
_SNAPSHOT_CHECK_S = 1.0
_TRIM_CHECK_S = 60.0


class Upkeep:
    """The rounds over one broker's log directories. `aside` runs what takes long without holding up the event loop."""

    def __init__(
        self,
        config: BrokerConfig,
        clock: Callable[[], int],
        log_dirs: LogDirs,
        replicas: Replicas,
        cluster: Cluster,
        aside: Callable[..., Awaitable[Any]] = trio.to_thread.run_sync,
    ) -> None:
        self._config = config
        self._clock = clock
        self._log_dirs = log_dirs
        self._replicas = replicas
        self._cluster = cluster
        self._aside = aside
        self._metadata_snapshots = trio.Lock()  # one is written beside the event loop: none may go meanwhile

    async def run(self) -> None:
        """Make the rounds, for ever."""
        config = self._config
        async with trio.open_nursery() as nursery:
            for seconds, one_round in (
                (config.replica_high_watermark_checkpoint_interval_ms / 1000, self.checkpoint),
                (config.log_retention_check_interval_ms / 1000, self.retain),
                (_FLUSH_CHECK_S, self.flush),
                (_REMOVAL_CHECK_S, self.remove_deleted),
                (config.producer_id_expiration_check_interval_ms / 1000, self.expire_producers),
                (_OFFLINE_RETRY_S, self.open_offline),
                (_SNAPSHOT_CHECK_S, self.snapshot_metadata),
                (_TRIM_CHECK_S, self.trim_metadata),
            ):
                nursery.start_soon(_every, seconds, one_round)

    async def checkpoint(self) -> None:
        """Note on disk how far each log is durable and committed: what a start after a crash need not read again."""
        for write in self._log_dirs.checkpoint(self._replicas.high_watermarks()):
            try:
                await self._aside(write)
            except KafkaError as error:  # of one directory, which keeps no other from it
                logger.error("%s", error)

    async def retain(self) -> None:
        """Delete the segments that no partition's configuration keeps any longer."""
        for partition in list(self._replicas):
            try:
                count = delete_old_segments(partition.log, partition.high_watermark, self._clock())
            except KafkaError as error:
                logger.error("retention of %s-%d: %s", partition.topic, partition.index, error)
                continue
            if count:
                where, start = f"{partition.topic}-{partition.index}", partition.log.log_start_offset
                logger.info("%s: %d old segments are deleted, it begins at offset %d", where, count, start)
            await trio.lowlevel.checkpoint()

    async def flush(self) -> None:
        """Sync the segments that were rolled, and the logs that `flush.ms` says must be, beside the event loop.

        Apache does the first right after each roll, in a thread of its scheduler, and looks after `flush.ms` only if
        log.flush.scheduler.interval.ms is set.
        """
        now_ms = self._clock()
        for number, partition in enumerate(list(self._replicas), 1):
            log = partition.log
            try:
                if (flush := due_flush(log, now_ms)) is not None:
                    await self._aside(flush.sync)
                    end_flush(log, flush)
            except KafkaError as error:
                logger.error("%s", error)
            if number % _AT_ONCE == 0:
                await trio.lowlevel.checkpoint()

    async def expire_producers(self) -> None:
        """Forget the idempotent producers that have been silent for producer.id.expiration.ms."""
        for partition in list(self._replicas):
            partition.log.producers.expire(self._clock())
            await trio.lowlevel.checkpoint()

    async def remove_deleted(self) -> None:
        """Remove the files of deleted topics and segments, beside the event loop: large ones take their time."""
        now_ms = self._clock()
        if self._log_dirs.has_deleted(now_ms):
            await self._aside(self._log_dirs.remove_deleted, now_ms)

    async def open_offline(self) -> None:
        """Try again what could not be written, as on a full disk: logs of new partitions, news for the metadata."""
        self._cluster.open_offline()
        await self._cluster.wait_tell()

    async def snapshot_metadata(self) -> None:
        """Write a snapshot of the cluster's metadata if one is due, beside the event loop; older ones may then go."""
        write = self._cluster.due_snapshot()
        if write is not None:
            async with self._metadata_snapshots:
                await self._aside(write)
                self._cluster.trim_log()

    async def trim_metadata(self) -> None:
        """Forget the metadata's oldest snapshots, and the log before them."""
        async with self._metadata_snapshots:
            self._cluster.trim_log()


async def _every(seconds: float, one_round: Callable[[], Awaitable[Any]]) -> None:
    while True:
        await trio.sleep(seconds)
        try:
            await one_round()
        except KafkaError as error:
            logger.error("%s", error)
        except Exception:
            logger.exception("%s failed, and comes again in %s s", one_round.__name__, seconds)
