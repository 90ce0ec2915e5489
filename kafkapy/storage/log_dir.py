"""A log directory: the partitions of one broker on one disk, its identity, its checkpoints, and who may use it.

One process at a time holds the directory, by its `.lock`, which keeps Apache Kafka out too. A directory says in
`meta.properties` whose it is, and is refused to anyone else. A clean stop leaves a marker that is taken away at the
next start: with it logs are opened as they are, without it each is recovered. Deleting a partition renames its
directory at once and removes it later. Apache's class: `LogManager`.
"""

from __future__ import annotations

import contextlib
import logging
import re
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
    write_offsets,
)
from kafkapy.storage.disk import Disk, File
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

LOCK_FILE = ".lock"
CLEAN_SHUTDOWN_FILE = ".kafka_cleanshutdown"
_CLEAN_SHUTDOWN = b'{"version":0,"brokerEpoch":-1}'
_DELETED = "-delete"
_LONGEST_NAME = 255
_PARTITION = re.compile(r"([A-Za-z0-9._-]+)-(\d+)")
# What Kafka has directories for: partitions, on their way out or in too, and a cache of its tiered storage.
_KAFKAS = re.compile(r"[A-Za-z0-9._-]+-\d+(\.[0-9a-f]{32}-(delete|future|stray))?|remote-log-index-cache")
logger = logging.getLogger(__name__)


class LogDirError(Exception):
    """A log directory that cannot be used; one line for the person who starts the broker."""


class LogDir:
    """The partitions in one directory. Made by `open`."""

    def __init__(
        self,
        path: str,
        disk: Disk,
        clock: Callable[[], int],
        lock: File,
        identity: MetaProperties,
        was_clean: bool,
        producer_id_expiration_ms: int,
    ) -> None:
        self.path = path
        self.cluster_id = identity.cluster_id
        self.node_id = identity.node_id
        self.directory_id = identity.directory_id
        self.was_clean = was_clean
        self.logs: dict[TopicPartition, Log] = {}
        self.high_watermarks: dict[TopicPartition, int] = {}
        self._disk = disk
        self._clock = clock
        self._lock = lock
        self._producer_id_expiration_ms = producer_id_expiration_ms
        self._deleted: list[tuple[int, str]] = []  # when to remove which directory
        self._promises_too_much = False  # a checkpoint file says of a log that it is durable beyond its end
        self._checkpointed: set[TopicPartition] = set()  # the logs that the checkpoint files name

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

        Raises LogDirError if another process holds it, if it is another node's or cluster's, or if it cannot be read.
        """
        root = str(path)
        try:
            _make(disk, path)
            lock = disk.lock(f"{root}/{LOCK_FILE}")
        except OSError as error:
            raise LogDirError(f"the data directory {root} cannot be used: {error.strerror or error}") from error
        if lock is None:
            raise LogDirError(f"the data directory {root} is in use by another broker; stop it, or name another one")
        try:
            _check_directories(disk, root)
            identity = _identify(disk, root, node_id, cluster_id)
            marker = f"{root}/{CLEAN_SHUTDOWN_FILE}"
            was_clean = disk.exists(marker)
            found = cls(root, disk, clock, lock, identity, was_clean, producer_id_expiration_ms)
            found._open_logs(config_of)
        except OSError as error:
            lock.close()
            raise LogDirError(f"the data directory {root} cannot be read: {error}") from error
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
            self._write_offsets()

    def _open_logs(self, config_of: Callable[[str], LogConfig]) -> None:
        recovery_points = self._read_offsets(RECOVERY_POINT_FILE)
        start_offsets = self._read_offsets(LOG_START_OFFSET_FILE)
        high_watermarks = self._read_offsets(HIGH_WATERMARK_FILE)
        self._checkpointed = {*recovery_points, *start_offsets}
        now_ms = self._clock()
        for name in sorted(self._disk.list(self.path)):
            directory = f"{self.path}/{name}"
            if name.endswith(_DELETED) and self._disk.is_dir(directory):
                self._deleted.append((now_ms, directory))
                continue
            match = _PARTITION.fullmatch(name)
            if match is None or not self._disk.is_dir(directory):
                continue
            key = (match[1], int(match[2]))
            last_known = LastKnown(self.was_clean, recovery_points.get(key, 0), start_offsets.get(key, 0))
            self.logs[key] = open_log(
                self._disk,
                directory,
                *key,
                self._topic_id(directory, key[0]),
                config_of(key[0]),
                last_known=last_known,
                now_ms=now_ms,
                producer_id_expiration_ms=self._producer_id_expiration_ms,
            )
            if self.logs[key].recovery_point < recovery_points.get(key, 0):
                # What is appended now must not be taken for durable at the next start.
                self._promises_too_much = True
            if key in high_watermarks:
                self.high_watermarks[key] = min(high_watermarks[key], self.logs[key].log_end_offset)

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
        if key in self._checkpointed:
            # They name a deleted log of the same name: after a crash this one would be taken to begin where that did.
            self._write_offsets()
        directory = f"{self.path}/{topic}-{partition}"
        now_ms = self._clock()
        disk = self._disk
        try:
            disk.mkdir(directory)
        except OSError as error:
            raise storage_error(f"creating {directory}", error) from error
        try:
            self._write_topic_id(directory, topic_id)
            segment = Segment.create(
                disk, directory, 0, config.index_interval_bytes, now_ms, reserved_bytes=config.reserved_bytes
            )
        except (KafkaError, OSError) as error:
            # What is half made must not stand in the way of the next attempt, as when a full disk has room again.
            with contextlib.suppress(OSError):
                self._remove(directory)
            if isinstance(error, KafkaError):
                raise
            raise storage_error(f"creating {directory}", error) from error
        segment.release()
        log = self.logs[key] = Log(
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
        return log

    def _write_topic_id(self, directory: str, topic_id: UUID) -> None:
        path = f"{directory}/{PARTITION_METADATA_FILE}"
        try:
            replace_file(self._disk, path, encode_partition_metadata(topic_id), sync=False)
        except OSError as error:
            raise storage_error(f"writing {path}", error) from error

    def delete(self, topic: str, partition: int) -> None:
        """Take the log away; its files go with `remove_deleted`. Raises KafkaError(KAFKA_STORAGE_ERROR), KeyError."""
        key = (topic, partition)
        log = self.logs[key]
        ending = f"-{partition}.{uuid4().hex}{_DELETED}"
        directory = f"{self.path}/{topic[: _LONGEST_NAME - len(ending)]}{ending}"
        try:
            self._disk.rename(log.directory, directory)
        except OSError as error:
            raise storage_error(f"deleting {log.directory}", error) from error
        log.move(directory)
        del self.logs[key]
        self.high_watermarks.pop(key, None)
        self._deleted.append((self._clock() + log.config.file_delete_delay_ms, directory))

    def remove_deleted(self, now_ms: int) -> None:
        """Remove the files of partitions deleted `file_delete_delay_ms` ago; what fails is tried again next time.

        May run in a thread of its own, beside everything else here: large files take their time.
        """
        for entry in [entry for entry in self._deleted if entry[0] <= now_ms]:
            try:
                self._remove(entry[1])
            except OSError as error:
                logger.warning("%s cannot be removed: %s", entry[1], error)
                continue
            self._deleted.remove(entry)

    def has_deleted(self, now_ms: int) -> bool:
        """Whether there is something to do for `remove_deleted`."""
        return any(due_ms <= now_ms for due_ms, _ in self._deleted)

    def _remove(self, directory: str) -> None:
        for name in self._disk.list(directory):
            self._disk.unlink(f"{directory}/{name}")
        self._disk.rmdir(directory)

    def checkpoint(self, high_watermarks: Mapping[TopicPartition, int]) -> None:
        """Sync the closed segments, and note how far each log is durable, begins, and is committed.

        A log that cannot be synced keeps no other from it. Raises KafkaError(KAFKA_STORAGE_ERROR) once all are done.
        """
        failures = []
        for log in self.logs.values():
            if not log.is_failed:
                try:
                    log.flush_rolled()
                except KafkaError as error:
                    failures.append(error)
        self._write_checkpoints(high_watermarks)
        if failures:
            raise failures[0]

    def _write_checkpoints(self, high_watermarks: Mapping[TopicPartition, int]) -> None:
        self._write_offsets()
        known = {key: offset for key, offset in high_watermarks.items() if key in self.logs}
        try:
            write_offsets(self._disk, f"{self.path}/{HIGH_WATERMARK_FILE}", known)
        except OSError as error:
            raise storage_error(f"writing the checkpoints of {self.path}", error) from error

    def _write_offsets(self) -> None:
        points = {key: log.recovery_point for key, log in self.logs.items()}
        starts = {
            key: log.log_start_offset
            for key, log in self.logs.items()
            if log.log_start_offset > log.segments[0].base_offset
        }
        self._checkpointed.update(points)
        try:
            write_offsets(self._disk, f"{self.path}/{RECOVERY_POINT_FILE}", points)
            write_offsets(self._disk, f"{self.path}/{LOG_START_OFFSET_FILE}", starts)
            self._checkpointed.intersection_update(points)
        except OSError as error:
            raise storage_error(f"writing the checkpoints of {self.path}", error) from error

    def close(self, high_watermarks: Mapping[TopicPartition, int], *, threads: int = 1) -> None:
        """Stop cleanly: all durable, all checkpoints written, the marker set, the directory free for another.

        Logs are closed by so many `threads` at once: what takes the time is the disk's answer to each sync. A log that
        cannot be closed leaves the marker unset, so that the next start recovers. Raises
        KafkaError(KAFKA_STORAGE_ERROR) after everything else has been closed.
        """
        if threads > 1:
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # needed only now, and not free to import

            with ThreadPoolExecutor(threads) as pool:
                failures = list(pool.map(_failure_of_closing, self.logs.values()))
        else:
            failures = [_failure_of_closing(log) for log in self.logs.values()]
        failure = next(filter(None, failures), None)
        try:
            self._write_checkpoints(high_watermarks)
            if failure is None and not any(log.is_failed for log in self.logs.values()):
                marker = f"{self.path}/{CLEAN_SHUTDOWN_FILE}"
                replace_file(self._disk, marker, _CLEAN_SHUTDOWN)
        except OSError as error:
            raise storage_error(f"closing {self.path}", error) from error
        finally:
            self._lock.close()
        if failure is not None:
            raise failure

    def release(self) -> None:
        """Let go of everything as it is, as a killed process does; the next start recovers."""
        for log in self.logs.values():
            log.release()
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
    if not disk.is_dir(str(path)):
        raise NotADirectoryError(20, "it is not a directory", str(path))


def _check_directories(disk: Disk, root: str) -> None:
    """Refuse a directory that others use as well, as Apache does: not all in it is ours to rename and delete."""
    for name in sorted(disk.list(root)):
        if _KAFKAS.fullmatch(name) is None and disk.is_dir(f"{root}/{name}"):
            why = f"{root}/{name} is no directory of Kafka's; move it elsewhere, or name another data directory"
            raise LogDirError(why)


def _identify(disk: Disk, root: str, node_id: int, cluster_id: str | None) -> MetaProperties:
    """What the directory says of itself, if it agrees; a directory that says nothing is told."""
    path = f"{root}/{META_PROPERTIES_FILE}"
    try:
        data = disk.read(path)
    except FileNotFoundError:
        partitions = [name for name in disk.list(root) if _PARTITION.fullmatch(name)]
        if partitions:
            why = f"{path} is missing, but {min(partitions)} is there: bring it back, or name another data directory"
            raise LogDirError(why) from None
        identity = MetaProperties(cluster_id or id_text(random_id()), node_id, random_id())
        replace_file(disk, path, identity.encode())
        return identity
    try:
        identity = MetaProperties.decode(data)
    except IdError as error:
        raise LogDirError(f"{path} cannot be read: {error}") from error
    if identity.node_id != node_id:
        why = (
            f"{root} belongs to node {identity.node_id}, this is node {node_id}; set node.id, or name another directory"
        )
        raise LogDirError(why)
    if cluster_id is not None and identity.cluster_id != cluster_id:
        why = f"{root} belongs to cluster {identity.cluster_id}, this is {cluster_id}; name another directory"
        raise LogDirError(why)
    return identity
