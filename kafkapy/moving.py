"""Moving replicas to other log directories of this broker while they are served (KIP-113).

A move copies a partition's log beside the event loop, a chunk at a time, until the copy has all of it. Then, in one
step of the event loop, the metadata says where the partition is, and the copy takes the log's place. A copy that was
cut short by a stop or a crash goes on at the next start. A move ends early when another directory is asked for, when
the partition is deleted, or when one of the two directories fails. Apache's classes: `ReplicaAlterLogDirsManager`,
`ReplicaAlterLogDirsThread`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from kafkapy.cluster import Cluster
from kafkapy.config.broker import BrokerConfig
from kafkapy.parking import wait_warm
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.replication.partition import Partition
from kafkapy.replication.replicas import Replicas
from kafkapy.storage.discarded import LONGEST_NAME
from kafkapy.storage.disk import ColdError
from kafkapy.storage.future_copy import CHUNK_BYTES, FutureCopy
from kafkapy.storage.log import Log
from kafkapy.storage.log_dir import future_name
from kafkapy.storage.segment import FileSlice

logger = logging.getLogger(__name__)

_RATE = "replica.alter.log.dirs.io.max.bytes.per.second"
_RETRY_S = 5.0
_STANDSTILL_S = 1.0  # how often a rate of 0 is looked at again


class Moves:
    """The replicas on their way. `ask` begins a move or ends one, `run` is the task that carries them out.

    `aside` runs what takes long without holding up the event loop.
    """

    def __init__(
        self,
        replicas: Replicas,
        cluster: Cluster,
        config: BrokerConfig,
        aside: Callable[..., Awaitable[Any]] = trio.to_thread.run_sync,
    ) -> None:
        self._replicas = replicas
        self._log_dirs = replicas.log_dirs
        self._cluster = cluster
        self._aside = aside
        self._at_once = config.num_replica_alter_log_dirs_threads or len(config.log_dirs)
        self._asked: list[Log] = []
        self._woken = trio.Event()

    def ask(self, topic: str, index: int, path: str) -> None:
        """Let the partition's replica move to the directory `path`, if it is not there or on its way there.

        A partition that is not here yet will be made there. Raises KafkaError: INVALID_TOPIC_EXCEPTION if the name is
        too long for a copy, LOG_DIR_NOT_FOUND, INVALID_REPLICA_ASSIGNMENT if the directory is cordoned,
        KAFKA_STORAGE_ERROR if the partition or any directory is offline, UNKNOWN_TOPIC_OR_PARTITION,
        REPLICA_NOT_AVAILABLE if it is not here. Apache: ReplicaManager.alterReplicaLogDirs.
        """
        log_dirs = self._log_dirs
        if len(future_name(topic, index)) > LONGEST_NAME:
            raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"the name of topic {topic!r} is too long to be moved")
        target = log_dirs.named(path)
        if target.is_cordoned:
            raise KafkaError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, f"the log directory {path} is cordoned")
        if (topic, index) in self._replicas.offline:
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"{topic}-{index} is offline")
        future = log_dirs.find_future(topic, index)
        if future is not None and log_dirs.home_of(future) is not target:
            log_dirs.delete_future(topic, index)
            future = None
        partition = self._replicas.get(topic, index)
        if partition is None:
            log_dirs.preferred[topic, index] = path
            known = self._cluster.image.partition(topic, index) is not None
            code = ErrorCode.REPLICA_NOT_AVAILABLE if known else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            raise KafkaError(code, f"there is no replica of {topic}-{index} here; if one comes, it will be in {path}")
        if log_dirs.home_of(partition.log) is target or future is not None:
            return
        if log_dirs.offline:
            why = f"{', '.join(log_dirs.offline)} may have a copy of {topic}-{index} already, and is offline"
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, why)
        self._begin(target.create_future(topic, index, partition.topic_id, partition.log.config))

    def _begin(self, future: Log) -> None:
        self._asked.append(future)
        self._woken.set()

    async def run(self) -> None:
        """Carry out the moves that are asked for, for ever, and before that those which an earlier life began."""
        for future in self._log_dirs.futures():
            self._begin(future)
        limit = trio.CapacityLimiter(self._at_once)
        async with trio.open_nursery() as nursery:
            while True:
                await self._woken.wait()
                self._woken = trio.Event()
                for future in self._asked:
                    nursery.start_soon(self._move, future, limit)
                self._asked.clear()

    async def _move(self, future: Log, limit: trio.CapacityLimiter) -> None:
        async with limit:
            while (partition := self._partition_of(future)) is not None:
                try:
                    await self._copy(FutureCopy(partition.log, future))
                except KafkaError as error:
                    if self._partition_of(future) is None:
                        return
                    logger.error("%s cannot be moved to %s: %s", future, future.directory, error)
                    if error.code is not ErrorCode.KAFKA_STORAGE_ERROR:
                        return
                    if future.is_failed:
                        self._log_dirs.delete_future(future.topic, future.partition)
                        return
                    await trio.sleep(_RETRY_S)
                except Exception:
                    logger.exception("%s cannot be moved to %s", future, future.directory)
                    return

    def _partition_of(self, future: Log) -> Partition | None:
        """The partition that is being moved; None if that is over, or was given up."""
        partition = self._replicas.get(future.topic, future.partition)
        is_wanted = self._log_dirs.find_future(future.topic, future.partition) is future
        return partition if is_wanted else None

    async def _copy(self, copy: FutureCopy) -> None:
        """Copy until the copy has taken the log's place, or is not wanted any more. Raises KafkaError."""
        copy.begin()
        is_near = was_cold = False
        while (partition := self._partition_of(copy.future)) is not None and partition.log is copy.source:
            rate = self._bytes_per_second()
            if rate <= 0:
                await trio.sleep(_STANDSTILL_S)
                continue
            try:
                found = copy.next(min(CHUNK_BYTES, rate), cached_only=not was_cold)
            except ColdError as cold:
                await wait_warm([cold], self._aside)
                was_cold = True  # and if it was forgotten again, it is read all the same
                continue
            was_cold = False
            is_rest = copy.is_rest(found)
            if is_rest and is_near:
                self._swap(partition, copy, found)
                return
            if found is not None:
                taken: int = await self._aside(copy.take, found)
                await trio.sleep(taken / rate)
            if is_rest:
                # What comes until this is done will be little enough to take without leaving the event loop.
                await self._aside(copy.flush)
            is_near = is_rest

    def _swap(self, partition: Partition, copy: FutureCopy, rest: FileSlice | None) -> None:
        """With nothing appended meanwhile: take the rest, and let the copy be the partition's log."""
        log_dirs = self._log_dirs
        if rest is not None:
            copy.take(rest)
        assert copy.future.log_end_offset == copy.source.log_end_offset, f"{copy.future} is not all of {copy.source}"
        copy.finish()
        before, after = log_dirs.home_of(copy.source), log_dirs.home_of(copy.future)
        self._cluster.assign(partition, after.directory_id)
        try:
            log = log_dirs.promote(partition.topic, partition.index)
        except KafkaError:
            if log_dirs.find(partition.topic, partition.index) is copy.source:
                self._cluster.assign(partition, before.directory_id)
            else:  # the next start finds the copy, and that the metadata has the partition there
                self._replicas.put_offline(partition.topic, partition.index)
            raise
        log.producers.expiration_ms = copy.source.producers.expiration_ms
        partition.log = log
        logger.info("%s has moved from %s to %s", log, before.path, after.path)

    def _bytes_per_second(self) -> int:
        changed = self._cluster.dynamic_configs
        return int(changed.broker.get(_RATE) or changed.default.get(_RATE) or 2**63 - 1)
