"""A log directory: the partitions of one broker on one disk, its identity, its checkpoints, and who may use it.

One process at a time holds the directory, by its `.lock`, which keeps Apache Kafka out too. A directory says in
`meta.properties` whose it is, and is refused to anyone else. A clean stop leaves a marker that is taken away at the
next start: with it logs are opened as they are, without it each is recovered. Deleting a partition renames its
directory at once and removes it later. Apache's class: `LogManager`.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import UUID, uuid4

from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.id_text import IdError, id_text
from kafkapy.storage.checkpoint import (
    HIGH_WATERMARK_FILE,
    LOG_START_OFFSET_FILE,
    RECOVERY_POINT_FILE,
    CheckpointError,
    TopicPartition,
    read_offsets,
    replace_file,
)
from kafkapy.storage.checkpoints import Checkpoints
from kafkapy.storage.discarded import DISCARDED_SUFFIX, Discarded, discarded_name, remove_directory
from kafkapy.storage.disk import Disk, File, is_passing
from kafkapy.storage.epochs import LEADER_EPOCH_FILE, LeaderEpochs
from kafkapy.storage.ids import (
    META_PROPERTIES_FILE,
    METADATA_TOPIC,
    METADATA_TOPIC_ID,
    PARTITION_METADATA_FILE,
    ZERO_ID,
    MetaProperties,
    decode_partition_metadata,
    encode_partition_metadata,
    random_id,
)
from kafkapy.storage.log import Log
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.producers import DEFAULT_EXPIRATION_MS, Producers
from kafkapy.storage.recovery import LastKnown, open_log
from kafkapy.storage.segment import Segment, storage_error
from kafkapy.storage.survey import (
    FUTURE,
    FUTURE_SUFFIX,
    PARTITION,
    LogDirError,
    Survey,
    UnusableError,
    check_identity,
    survey,
)

LOCK_FILE = ".lock"
CLEAN_SHUTDOWN_FILE = ".kafka_cleanshutdown"
_CLEAN_SHUTDOWN = b'{"version":0,"brokerEpoch":-1}'
logger = logging.getLogger(__name__)


def future_name(topic: str, partition: int) -> str:
    """A new name for the directory of a partition's future log."""
    return f"{topic}-{partition}.{uuid4().hex}{FUTURE_SUFFIX}"


class LogDir:
    """The partitions in one directory. Made by `open`."""

    def __init__(
        self,
        path: str,
        disk: Disk,
        clock: Callable[[], int],
        lock: File,
        cluster_id: str,
        directory_id: UUID,
        was_clean: bool,
        producer_id_expiration_ms: int,
    ) -> None:
        self.path = path
        self.cluster_id = cluster_id
        self.directory_id = directory_id
        self.was_clean = was_clean
        self.logs: dict[TopicPartition, Log] = {}
        self.futures: dict[TopicPartition, Log] = {}  # what is on its way from another directory to here
        self.high_watermarks: dict[TopicPartition, int] = {}
        self.is_cordoned = False  # new logs are to keep out
        self.failure = ""  # why the directory cannot be used any more
        self.on_failure: Callable[[], object] = lambda: None
        self._disk = disk
        self._clock = clock
        self._lock = lock
        self._producer_id_expiration_ms = producer_id_expiration_ms
        self._promises_too_much = False  # a checkpoint file says of a log that it is durable beyond its end
        self._checkpoints = Checkpoints(disk, path)
        self._discarded = Discarded(disk, self.disk_failed)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        disk: Disk,
        node_id: int,
        clock: Callable[[], int],
        config_of: Callable[[str], LogConfig],
        cluster_id: str | None = None,
        producer_id_expiration_ms: int = DEFAULT_EXPIRATION_MS,
    ) -> LogDir:
        """Hold the directory and open all its logs; a new one is made, with a random cluster id if none is given.

        Raises LogDirError if another process holds it or if it is another node's or cluster's, UnusableError if it
        cannot be read or made.
        """
        root = str(path)
        surveyed = survey(disk, root)
        check_identity(surveyed, node_id, cluster_id)
        try:
            _make(disk, path)
            lock = disk.lock(f"{root}/{LOCK_FILE}")
        except OSError as error:
            raise UnusableError(f"the data directory {root} cannot be used: {error.strerror or error}") from error
        if lock is None:
            raise LogDirError(f"the data directory {root} is in use by another broker; stop it, or name another one")
        try:
            ids = _settle_identity(disk, surveyed, node_id, cluster_id)
            was_clean = disk.exists(f"{root}/{CLEAN_SHUTDOWN_FILE}")
            found = cls(root, disk, clock, lock, *ids, was_clean, producer_id_expiration_ms)
            found._open_logs(config_of)
        except OSError as error:
            lock.close()
            raise UnusableError(f"the data directory {root} cannot be read: {error}") from error
        except BaseException:
            lock.close()
            raise
        return found

    def begin(self) -> None:
        """Take away the marker of a clean stop; comes before anything is written. Raises OSError, KafkaError."""
        if self.was_clean:
            self._disk.unlink(f"{self.path}/{CLEAN_SHUTDOWN_FILE}")
        self._disk.sync_dir(self.path)  # an earlier start may have taken it away, and died before this
        if self._promises_too_much:
            self.checkpoint()()

    def disk_failed(self, error: OSError) -> None:
        """Take note of what the disk refused: unless that passes, the directory has failed, and `on_failure` is called.

        May be called in any thread.
        """
        if self.failure or is_passing(error):
            return
        self.failure = str(error)
        logger.error("the log directory %s has failed: %s", self.path, error)
        self.on_failure()

    def _disk_error(self, doing: str, error: OSError) -> KafkaError:
        self.disk_failed(error)
        return storage_error(doing, error)

    def _open_logs(self, config_of: Callable[[str], LogConfig]) -> None:
        recovery_points = self._read_offsets(RECOVERY_POINT_FILE)
        start_offsets = self._read_offsets(LOG_START_OFFSET_FILE)
        high_watermarks = self._read_offsets(HIGH_WATERMARK_FILE)
        self._checkpoints = Checkpoints(self._disk, self.path, {*recovery_points, *start_offsets})
        now_ms = self._clock()
        for name in sorted(self._disk.list(self.path)):
            directory = f"{self.path}/{name}"
            if name.endswith(DISCARDED_SUFFIX) and self._disk.is_dir(directory):
                self._discarded.add(directory, now_ms)
                continue
            match = PARTITION.fullmatch(name) or FUTURE.fullmatch(name)
            if match is None or not self._disk.is_dir(directory):
                continue
            key = (match[1], int(match[2]))
            last_known = LastKnown(self.was_clean, recovery_points.get(key, 0), start_offsets.get(key, 0))
            log = self._open_log(directory, key, config_of(key[0]), last_known, now_ms)
            if log.recovery_point < recovery_points.get(key, 0):
                # What is appended now must not be taken for durable at the next start.
                self._promises_too_much = True
            if name.endswith(FUTURE_SUFFIX):
                self.futures[key] = log
                continue
            self.logs[key] = log
            if key in high_watermarks:
                self.high_watermarks[key] = min(high_watermarks[key], log.log_end_offset)

    def _open_log(
        self, directory: str, key: TopicPartition, config: LogConfig, last_known: LastKnown, now_ms: int
    ) -> Log:
        log = open_log(
            self._disk,
            directory,
            *key,
            self._topic_id(directory, key[0]),
            config,
            last_known=last_known,
            now_ms=now_ms,
            producer_id_expiration_ms=self._producer_id_expiration_ms,
        )
        self._adopt(log)
        return log

    def _adopt(self, log: Log) -> None:
        log.on_disk_error = self.disk_failed
        log.discard = lambda path: self._discarded.add(path, self._clock() + log.config.file_delete_delay_ms)

    def _read_offsets(self, name: str) -> dict[TopicPartition, int]:
        try:
            return read_offsets(self._disk, f"{self.path}/{name}")
        except CheckpointError as error:
            # Without recovery points more is read at the start; without the others the logs themselves tell.
            logger.warning("a checkpoint is passed over: %s", error)
            return {}

    def _topic_id(self, directory: str, topic: str) -> UUID:
        try:
            return decode_partition_metadata(self._disk.read(f"{directory}/{PARTITION_METADATA_FILE}"))
        except FileNotFoundError:
            return METADATA_TOPIC_ID if topic == METADATA_TOPIC else ZERO_ID
        except IdError as error:
            # A power failure right after creation can leave the file empty; the cluster's metadata knows the id.
            logger.warning("%s/%s is passed over: %s", directory, PARTITION_METADATA_FILE, error)
            return METADATA_TOPIC_ID if topic == METADATA_TOPIC else ZERO_ID

    def space(self) -> tuple[int, int]:
        """Bytes of the volume that the directory is on: all of them, and those still free. Raises OSError."""
        return self._disk.space(self.path)

    def create(self, topic: str, partition: int, topic_id: UUID, config: LogConfig) -> Log:
        """A new, empty log; or the one that is here, if a crash at its creation lost the topic's id.

        Nothing is synced: what is not durable yet is made again by those who know that the topic exists. Raises
        KafkaError: TOPIC_ALREADY_EXISTS, KAFKA_STORAGE_ERROR.
        """
        key = (topic, partition)
        found = self.logs.get(key)
        if found is not None and found.topic_id == ZERO_ID:
            self._write_topic_id(found.directory, topic_id)
            found.topic_id, found.config = topic_id, config
            return found
        if found is not None:
            raise KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, f"{topic}-{partition} is in {self.path} already")
        log = self._make_log(f"{self.path}/{topic}-{partition}", key, topic_id, config)
        self.logs[key] = log
        return log

    def create_future(self, topic: str, partition: int, topic_id: UUID, config: LogConfig) -> Log:
        """A new, empty log that is to take the place of one in another directory. Raises as `create`."""
        key = (topic, partition)
        log = self._make_log(f"{self.path}/{future_name(topic, partition)}", key, topic_id, config)
        # Nobody could tell whose copy it is, if a power failure took that.
        self._write_topic_id(log.directory, topic_id, sync=True)
        self.futures[key] = log
        return log

    def _make_log(self, directory: str, key: TopicPartition, topic_id: UUID, config: LogConfig) -> Log:
        topic, partition = key
        if self._checkpoints.may_name(key):
            # They name a deleted log of the same name: after a crash this one would be taken to begin where that did.
            self.checkpoint()()
        now_ms = self._clock()
        disk = self._disk
        try:
            disk.mkdir(directory)
        except OSError as error:
            raise self._disk_error(f"creating {directory}", error) from error
        try:
            self._write_topic_id(directory, topic_id)
            segment = Segment.create(
                disk, directory, 0, config.index_interval_bytes, now_ms, reserved_bytes=config.reserved_bytes
            )
        except (KafkaError, OSError) as error:
            # What is half made must not stand in the way of the next attempt, as when a full disk has room again.
            with contextlib.suppress(OSError):
                remove_directory(disk, directory)
            if isinstance(error, KafkaError):
                raise
            raise self._disk_error(f"creating {directory}", error) from error
        segment.release()
        log = Log(
            disk,
            directory,
            topic,
            partition,
            topic_id,
            config,
            segments=[segment],
            producers=Producers(disk, directory, f"{topic}-{partition}", self._producer_id_expiration_ms),
            epochs=LeaderEpochs(disk, f"{directory}/{LEADER_EPOCH_FILE}"),
            log_start_offset=0,
            log_end_offset=0,
            recovery_point=0,
            now_ms=now_ms,
        )
        self._adopt(log)
        return log

    def _write_topic_id(self, directory: str, topic_id: UUID, *, sync: bool = False) -> None:
        path = f"{directory}/{PARTITION_METADATA_FILE}"
        try:
            replace_file(self._disk, path, encode_partition_metadata(topic_id), sync=sync)
        except OSError as error:
            raise self._disk_error(f"writing {path}", error) from error

    def delete(self, topic: str, partition: int) -> None:
        """Take the log away; its files go with `remove_deleted`. Raises KafkaError(KAFKA_STORAGE_ERROR), KeyError."""
        self._retire(self.logs[topic, partition])
        del self.logs[topic, partition]
        self.high_watermarks.pop((topic, partition), None)

    def delete_future(self, topic: str, partition: int) -> None:
        """Take the future log away as `delete` does the present one."""
        self._retire(self.futures[topic, partition])
        del self.futures[topic, partition]

    def _retire(self, log: Log) -> None:
        directory = f"{self.path}/{discarded_name(log.topic, log.partition)}"
        # A flush may be under way, and another log may have the directory's name before it is done.
        with log.epochs.writing:
            try:
                self._disk.rename(log.directory, directory)
            except OSError as error:
                raise self._disk_error(f"deleting {log.directory}", error) from error
            log.move(directory)
        self._discarded.add(directory, self._clock() + log.config.file_delete_delay_ms)

    def promote(self, topic: str, partition: int) -> Log:
        """Let the future log, which is closed, be the present one. Raises KafkaError(KAFKA_STORAGE_ERROR)."""
        key = (topic, partition)
        future = self.futures[key]
        directory = f"{self.path}/{topic}-{partition}"
        try:
            self._disk.rename(future.directory, directory)
            self._disk.sync_dir(self.path)
            log = self._open_log(
                directory, key, future.config, LastKnown(True, 0, future.log_start_offset), self._clock()
            )
        except OSError as error:
            raise self._disk_error(f"moving {future.directory} to {directory}", error) from error
        del self.futures[key]
        self.logs[key] = log
        return log

    def sync(self) -> None:
        """Make durable which partitions are here. Raises KafkaError(KAFKA_STORAGE_ERROR)."""
        try:
            self._disk.sync_dir(self.path)
        except OSError as error:
            raise self._disk_error(f"syncing {self.path}", error) from error

    def remove_deleted(self, now_ms: int) -> None:
        """Remove the files of partitions and segments deleted `file_delete_delay_ms` ago; see `Discarded.remove`."""
        self._discarded.remove(now_ms)

    def has_deleted(self, now_ms: int) -> bool:
        """Whether there is something to do for `remove_deleted`."""
        return self._discarded.is_due(now_ms)

    def checkpoint(self, high_watermarks: Mapping[TopicPartition, int] | None = None) -> Callable[[], None]:
        """What notes on disk how far each log is durable now, where it begins, and, if given, how far it is committed.

        It may run in a thread of its own. Raises KafkaError(KAFKA_STORAGE_ERROR) there.
        """
        known = None
        if high_watermarks is not None:
            known = {key: offset for key, offset in high_watermarks.items() if key in self.logs}
        write = self._checkpoints.take({**self.futures, **self.logs}, known)

        def write_or_fail() -> None:
            try:
                write()
            except OSError as error:
                raise self._disk_error(f"writing the checkpoints of {self.path}", error) from error

        return write_or_fail

    def close(self, high_watermarks: Mapping[TopicPartition, int], *, threads: int = 1) -> None:
        """Stop cleanly: all durable, all checkpoints written, the marker set, the directory free for another.

        Logs are closed by so many `threads` at once: what takes the time is the disk's answer to each sync. A log that
        cannot be closed leaves the marker unset, so that the next start recovers. Raises
        KafkaError(KAFKA_STORAGE_ERROR) after everything else has been closed.
        """
        logs = [*self.logs.values(), *self.futures.values()]
        if threads > 1:
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # needed only now, and not free to import

            with ThreadPoolExecutor(threads) as pool:
                failures = list(pool.map(_failure_of_closing, logs))
        else:
            failures = [_failure_of_closing(log) for log in logs]
        failure = next(filter(None, failures), None)
        try:
            self.checkpoint(high_watermarks)()
            if failure is None and not any(log.is_failed for log in logs):
                marker = f"{self.path}/{CLEAN_SHUTDOWN_FILE}"
                replace_file(self._disk, marker, _CLEAN_SHUTDOWN)
        except OSError as error:
            raise self._disk_error(f"closing {self.path}", error) from error
        finally:
            self._lock.close()
        if failure is not None:
            raise failure

    def release(self) -> None:
        """Let go of everything as it is, as a killed process does; the next start recovers."""
        for log in (*self.logs.values(), *self.futures.values()):
            log.release()
        self._lock.close()

    def give_up(self) -> None:
        """Let go of everything, for good: the directory has failed. There are no logs in it any more."""
        for log in (*self.logs.values(), *self.futures.values()):
            log.give_up(f"its directory has failed: {self.failure}")
        self.logs.clear()
        self.futures.clear()
        self._discarded.forget()
        self._lock.close()


def _failure_of_closing(log: Log) -> KafkaError | None:
    try:
        log.close()
    except KafkaError as error:
        return error
    return None


def _make(disk: Disk, path: Path) -> None:
    for directory in (*reversed(path.parents), path):
        if not disk.exists(str(directory)):
            disk.mkdir(str(directory))


def _settle_identity(disk: Disk, found: Survey, node_id: int, cluster_id: str | None) -> tuple[str, UUID]:
    """The cluster's id and the directory's. One that does not say them all yet is told."""
    known = found.identity
    if known is not None and known.directory_id is not None:
        return known.cluster_id, known.directory_id
    cluster = known.cluster_id if known is not None else cluster_id or id_text(random_id())
    directory_id = random_id()
    path = f"{found.path}/{META_PROPERTIES_FILE}"
    replace_file(disk, path, MetaProperties(cluster, node_id, directory_id).encode())
    return cluster, directory_id
