"""The log directories of one broker: which there are, which of them still work, and where a new log goes.

A partition is in one directory. A new one goes to the directory that it is assigned to, to the one that was asked for,
or to the one with the fewest logs. The cluster's metadata is in a directory of its own choosing, `metadata`, which is
mostly one of these. Apache's class: `LogManager`.
"""

from __future__ import annotations

import errno
import logging
import os.path
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.id_text import id_text
from kafkapy.storage.checkpoint import TopicPartition
from kafkapy.storage.disk import Disk
from kafkapy.storage.ids import METADATA_TOPIC, random_id
from kafkapy.storage.log import Log
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.log_dir import LogDir
from kafkapy.storage.survey import Survey, UnusableError, check_together, survey

_METADATA = (METADATA_TOPIC, 0)
logger = logging.getLogger(__name__)


def no_action() -> None:
    """What `on_failure` does while nobody watches."""


class LogDirs:
    """Made by `open`. `online` are the directories for partitions, in the order in which they were named.

    `offline` are those that cannot be used, and why. One that fails while it is used stays `online` until
    `take_failed`, to which `on_failure` calls, from whatever thread.
    """

    def __init__(self, online: Sequence[LogDir], metadata: LogDir, offline: Mapping[str, str]) -> None:
        self.online = list(online)
        self.metadata = metadata
        self.offline = dict(offline)
        self.preferred: dict[TopicPartition, str] = {}  # where to make logs that somebody wants elsewhere
        self.on_failure: Callable[[], object] = no_action
        self._all = [*online] if metadata in online else [*online, metadata]
        for one in self._all:
            one.on_failure = self._one_failed

    @classmethod
    def open(
        cls,
        paths: Sequence[str],
        metadata_path: str | None,
        *,
        disk: Disk,
        node_id: int,
        clock: Callable[[], int],
        config_of: Callable[[str], LogConfig],
    ) -> LogDirs:
        """Hold the directories and open all their logs; see `LogDir.open`.

        What contradicts itself is refused before anything is changed. One that cannot be used is left out, if there are
        others and the metadata is not to be in it. Raises LogDirError.
        """
        named = list(dict.fromkeys(map(os.path.abspath, paths)))
        metadata_path = os.path.abspath(metadata_path) if metadata_path else named[0]
        every = [*named, metadata_path] if metadata_path not in named else named
        offline: dict[str, UnusableError] = {}
        surveys: list[Survey] = []
        opened: dict[str, LogDir] = {}
        try:
            for path in every:
                with _left_out(path, offline):
                    surveys.append(survey(disk, path))
            check_together(surveys, node_id, metadata_path)
            cluster_ids = [found.identity.cluster_id for found in surveys if found.identity is not None]
            cluster_id = cluster_ids[0] if cluster_ids else id_text(random_id())
            for path in (found.path for found in surveys):
                with _left_out(path, offline):
                    opened[path] = LogDir.open(
                        Path(path), disk=disk, node_id=node_id, clock=clock, config_of=config_of, cluster_id=cluster_id
                    )
            if metadata_path in offline:
                raise offline[metadata_path]
            if not opened.keys() & set(named):
                raise next(iter(offline.values()))
        except BaseException:
            for one in opened.values():
                one.release()
            raise
        for error in offline.values():
            logger.error("%s; the other directories are served without it", error)
        online = [opened[path] for path in named if path in opened]
        return cls(online, opened[metadata_path], {path: str(error) for path, error in offline.items()})

    def begin(self) -> None:
        """Take away the markers of a clean stop; comes before anything is written. Raises OSError, KafkaError."""
        for one in self._all:
            try:
                one.begin()
            except (OSError, KafkaError) as error:
                if isinstance(error, OSError):
                    one.disk_failed(error)
                if not one.failure or one is self.metadata:
                    raise
        for one in self.take_failed():
            one.give_up()
        if not self.online:
            raise OSError(errno.EIO, "no log directory can be written to")

    def _one_failed(self) -> None:
        self.on_failure()

    def take_failed(self) -> list[LogDir]:
        """Those that have failed since, which are not `online` any more; the caller gives them up."""
        failed = [one for one in self._all if one.failure]
        for one in failed:
            self._all.remove(one)
            self.offline[one.path] = one.failure
            if one in self.online:
                self.online.remove(one)
        return failed

    @property
    def cluster_id(self) -> str:
        return self.metadata.cluster_id

    @property
    def was_clean(self) -> bool:
        """Whether no log can have lost its end: each directory was closed, or has only just been made."""
        return all(one.was_clean or not one.logs for one in self._all)

    @property
    def high_watermarks(self) -> dict[TopicPartition, int]:
        """What the checkpoints said at the start."""
        return {key: offset for one in self._all for key, offset in one.high_watermarks.items()}

    def cordon(self, paths: Sequence[str]) -> None:
        """Let new logs keep out of these directories, and of no others; "*" stands for all."""
        named = set(map(os.path.abspath, paths))
        for one in self._all:
            one.is_cordoned = "*" in paths or one.path in named

    # --- the logs

    def find(self, topic: str, partition: int) -> Log | None:
        """The partition's log, if it is in one of the directories."""
        for one in self.online:
            if (found := one.logs.get((topic, partition))) is not None:
                return found
        return None

    def logs(self) -> list[Log]:
        """The logs of all partitions."""
        return [log for one in self.online for log in one.logs.values()]

    def home_of(self, log: Log) -> LogDir:
        """The directory that the log is in, and works."""
        path = os.path.dirname(log.directory)
        return next(one for one in self._all if one.path == path)

    def with_id(self, directory_id: UUID) -> LogDir | None:
        """The directory of that id, if it works."""
        return next((one for one in self.online if one.directory_id == directory_id), None)

    def create(
        self, topic: str, partition: int, topic_id: UUID, config: LogConfig, assigned: UUID | None = None
    ) -> Log:
        """A new log in the preferred directory, or in the one `assigned`, or in the one with the fewest logs.

        Cordoned directories are not chosen. Where the disk refuses it the next one is tried. Raises what
        `LogDir.create` does, and KafkaError(KAFKA_STORAGE_ERROR) if the assigned directory is not there: what is in it
        must not be lost.
        """
        if (found := self.find(topic, partition)) is not None:
            return self.home_of(found).create(topic, partition, topic_id, config)
        preferred = self.preferred.get((topic, partition))
        for one in self.online:
            if one.path == preferred:
                log = one.create(topic, partition, topic_id, config)
                del self.preferred[topic, partition]
                return log
        if assigned is not None:
            if (home := self.with_id(assigned)) is None:
                why = (
                    f"it is in a log directory that is offline, or not in log.dirs: the one with id {id_text(assigned)}"
                )
                raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, why)
            return home.create(topic, partition, topic_id, config)
        refused = KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, "all log directories have failed")
        # Where all are cordoned somebody has assigned it to this broker by hand: it must be somewhere.
        choice = [one for one in self.online if not one.is_cordoned] or self.online[:1]
        for one in sorted(choice, key=lambda one: len(one.logs.keys() - {_METADATA})):
            try:
                return one.create(topic, partition, topic_id, config)
            except KafkaError as error:
                refused = error
        raise refused

    def delete(self, topic: str, partition: int) -> None:
        """Take away the partition's logs, the present and the future one. Raises KafkaError(KAFKA_STORAGE_ERROR)."""
        self.delete_future(topic, partition)
        if (found := self.find(topic, partition)) is not None:
            self.home_of(found).delete(topic, partition)

    # --- moving

    def named(self, path: str) -> LogDir:
        """The directory of that path, which must be as the broker has it, absolute.

        Raises KafkaError: LOG_DIR_NOT_FOUND, KAFKA_STORAGE_ERROR if it is offline.
        """
        if path in self.offline:
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"the log directory {path} is offline")
        found = next((one for one in self.online if one.path == path), None)
        if found is None:
            raise KafkaError(ErrorCode.LOG_DIR_NOT_FOUND, f"log.dirs does not name {path!r}")
        return found

    def find_future(self, topic: str, partition: int) -> Log | None:
        """The log that is to take the place of the partition's, if there is one."""
        for one in self.online:
            if (found := one.futures.get((topic, partition))) is not None:
                return found
        return None

    def futures(self) -> list[Log]:
        """All logs that are on their way to another directory."""
        return [log for one in self.online for log in one.futures.values()]

    def delete_future(self, topic: str, partition: int) -> None:
        """Take the future log away, if there is one. Raises KafkaError(KAFKA_STORAGE_ERROR)."""
        for one in self.online:
            if (topic, partition) in one.futures:
                one.delete_future(topic, partition)

    def promote(self, topic: str, partition: int) -> Log:
        """Let the future log take the place of the present one, if there still is one, which goes.

        Present before future, and each step durable before the next: a crash leaves one of the two under the
        partition's name, or none, and never both. Raises KafkaError(KAFKA_STORAGE_ERROR), and then neither may be of
        use any more.
        """
        future = self.find_future(topic, partition)
        assert future is not None, f"{topic}-{partition} is not on its way"
        try:
            future.close()
        except KafkaError as error:
            future.give_up(str(error))
            raise
        if (present := self.find(topic, partition)) is not None:
            home = self.home_of(present)
            home.delete(topic, partition)
            home.sync()
        return self.home_of(future).promote(topic, partition)

    def has_deleted(self, now_ms: int) -> bool:
        """Whether there is something to do for `remove_deleted`."""
        return any(one.has_deleted(now_ms) for one in self.online)

    def remove_deleted(self, now_ms: int) -> None:
        """Remove the files of deleted partitions and segments whose time has come; see `LogDir.remove_deleted`."""
        for one in self.online:
            one.remove_deleted(now_ms)

    # --- all of them

    def checkpoint(self, high_watermarks: Mapping[TopicPartition, int]) -> list[Callable[[], None]]:
        """Do `LogDir.checkpoint` with each."""
        return [one.checkpoint(high_watermarks) for one in self._all]

    def close(self, high_watermarks: Mapping[TopicPartition, int], *, threads: int = 1) -> None:
        """Do `LogDir.close` with each; the first failure is raised once all have had their turn."""
        self._do_with_all(lambda one: one.close(high_watermarks, threads=threads))

    def release(self) -> None:
        """Let go of everything as it is, as a killed process does; the next start recovers."""
        for one in self._all:
            one.release()

    def _do_with_all(self, action: Callable[[LogDir], None]) -> None:
        failures = []
        for one in self._all:
            try:
                action(one)
            except KafkaError as error:
                failures.append(error)
        if failures:
            raise failures[0]


@contextmanager
def _left_out(path: str, offline: dict[str, UnusableError]) -> Iterator[None]:
    """Take note of a directory that cannot be used instead of failing with it."""
    try:
        yield
    except UnusableError as error:
        offline[path] = error
