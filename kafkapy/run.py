"""A broker's life: build its parts, open its data, listen, serve until told to stop, and close cleanly.

`ready` is said once every API works: the log directory is recovered, the metadata and the groups are replayed, and the
broker is registered. Whatever keeps it from starting is a StartError, with one line for the user.

A disk that is full does not end a broker: what cannot be written is refused with KAFKA_STORAGE_ERROR, what is there is
served, and when there is room again it is written to again. A log whose file could not be brought back to what it was
takes no more writes until the next start recovers it. (Apache Kafka takes the whole directory offline.) A disk that
fails takes its log directory offline; see `directory_watch`.
"""

from __future__ import annotations

import errno
import logging
import random
import signal
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import trio

from kafkapy.broker import Broker
from kafkapy.cleaning import CleanerSettings, Cleaning
from kafkapy.cluster import Cluster
from kafkapy.config.broker import BrokerConfig
from kafkapy.config.listener import Listener
from kafkapy.config.topic import TopicConfig
from kafkapy.connection_limits import ConnectionLimits
from kafkapy.directory_watch import watch_directories
from kafkapy.groups import Groups
from kafkapy.handlers.call import Node, find_handlers
from kafkapy.listening import ListeningSocket, open_listeners
from kafkapy.metadata.bootstrap import FeatureError
from kafkapy.metadata.changes import Change, ConfigChanged
from kafkapy.metadata.framing import FramingError
from kafkapy.metadata.image import BROKER_RESOURCE, ClusterImage
from kafkapy.metadata.partitions import ReplayError
from kafkapy.metadata.quorum import QuorumStateError
from kafkapy.metadata.snapshot import SnapshotError
from kafkapy.metadata_log import MetadataLog, MetadataLogRules
from kafkapy.moving import Moves
from kafkapy.protocol.errors import KafkaError
from kafkapy.protocol.records.control import VoterEndpoint
from kafkapy.replication.fetch_sessions import FetchSessions
from kafkapy.replication.replicas import Replicas
from kafkapy.runtime import Alarms
from kafkapy.server import Server
from kafkapy.share_coordinator import ShareCoordinator
from kafkapy.share_group_states import ShareGroupStates
from kafkapy.share_partitions import SharePartitions
from kafkapy.storage.cleaner import Cleaner
from kafkapy.storage.disk import Disk, RealDisk
from kafkapy.storage.ids import random_id
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.log_dirs import LogDirs
from kafkapy.storage.survey import LogDirError
from kafkapy.streams_topics import StreamsTopics
from kafkapy.transactions import Transactions
from kafkapy.upkeep import Upkeep

logger = logging.getLogger(__name__)


class StartError(Exception):
    """The broker cannot start; the text is one line that says why and what to do."""


class StopError(Exception):
    """The broker ended, but not cleanly; the text is one line that says what that means."""


def wall_clock() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class Process:
    """A broker and all its parts. `serve` runs it; `stop` ends that."""

    def __init__(
        self,
        config: BrokerConfig,
        *,
        disk: Disk | None = None,
        clock: Callable[[], int] = wall_clock,
        aside: Callable[..., Awaitable[Any]] = trio.to_thread.run_sync,
    ) -> None:
        """`aside` runs what takes long without holding up the event loop."""
        self.config = config
        self.clock = clock
        used = disk or RealDisk()
        self._log_dirs = _open_log_dirs(config, used, clock)
        self._scope = trio.CancelScope()
        self._failure = ""  # of what it cannot go on without
        self._aside = aside
        try:
            self._alarms = Alarms(clock)
            metadata_dir = self._log_dirs.metadata
            self.replicas = Replicas(self._log_dirs, config.node_id)
            self.cluster = Cluster(
                MetadataLog(metadata_dir, config.node_id, clock, _controller(config), _metadata_log_rules(config)),
                ClusterImage(self._log_dirs.cluster_id),
                self.replicas,
                config,
                random_id,
                self._aside,
            )
            self.groups = Groups(self.cluster, self.replicas, config, clock, self._alarms, lambda: str(uuid.uuid4()))
            self.share_coordinator = ShareCoordinator(self.cluster, self.replicas, config, clock, self._alarms)
            self.share_partitions = SharePartitions(
                self.cluster, self.replicas, self.share_coordinator, self._alarms, clock
            )
            self.transactions = Transactions(self.cluster, self.replicas, self.groups, config, clock, self._alarms)
            self._closing_threads = _CLOSING_THREADS if disk is None else 1
            self._moves = Moves(self.replicas, self.cluster, config, self._aside)
            self._upkeep = Upkeep(config, clock, self._log_dirs, self.replicas, self.cluster, self._aside)
            self._cleaning = Cleaning(
                [Cleaner(one.path, used, one.logs) for one in self._log_dirs.online],
                self.replicas.last_stable_offsets,
                clock,
                lambda: CleanerSettings.of(self.cluster.config),
                self._aside,
            )
            self._limits = ConnectionLimits(
                lambda: self.cluster.config, self.cluster.image.client_quotas.connection_rate
            )
            self.cluster.listeners.append(self._cluster_changed)
        except _UNREADABLE as error:
            self.release()
            raise _unreadable(self._log_dirs, error) from error
        self.node = Node(
            clock=clock,
            cluster=self.cluster,
            replicas=self.replicas,
            groups=self.groups,
            share_coordinator=self.share_coordinator,
            share_group_states=ShareGroupStates(self.groups, self.share_coordinator),
            share_partitions=self.share_partitions,
            streams_topics=StreamsTopics(self.cluster, clock),
            transactions=self.transactions,
            moves=self._moves,
            fetch_sessions=FetchSessions(
                config.max_incremental_fetch_session_cache_slots, _EVICTION_MS, lambda: random.randint(1, 2**31 - 1)
            ),
            handlers=find_handlers(),
            aside=self._aside,
        )

    async def serve(
        self, ready: Callable[[tuple[Listener, ...]], None], stop_signals: Sequence[signal.Signals] = ()
    ) -> None:
        """Listen, call `ready` with the advertised addresses, and serve until `stop` or one of the signals.

        Raises StartError if the data cannot be read or an address not be listened on, StopError if what is in memory
        cannot be written at the end.
        """
        with _receiving(stop_signals) as received:
            # The addresses first: who cannot have them leaves the cluster's metadata as it is.
            listeners = await self._listen()
            self.load()
            advertised = self._register({name: listener.port for name, listener in listeners})
            server = Server(Broker(self.node), self.config.socket_request_max_bytes, self._limits.served)
            try:
                with self._scope:
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(self._stop_on, received)
                        nursery.start_soon(self.keep_time)
                        nursery.start_soon(server.run, listeners)
                        ready(advertised)
            finally:
                self.close()

    def _register(self, ports: Mapping[str, int]) -> tuple[Listener, ...]:
        advertised = self.config.advertised(_hostname(), ports)
        try:
            self.cluster.register(advertised)
        except KafkaError as error:
            self.release()
            raise StartError(f"{self._log_dirs.metadata.path}: the broker cannot join its cluster: {error}") from error
        return advertised

    async def _listen(self) -> list[tuple[str, ListeningSocket]]:
        try:
            return await _listen(self.config.broker_listeners)
        except BaseException:
            self._log_dirs.close(self._log_dirs.high_watermarks)
            raise

    def load(self) -> None:
        """Replay the cluster's metadata, the groups and the transactions, and lead them.

        Raises StartError if that cannot be.
        """
        try:
            self.cluster.read()
        except _UNREADABLE as error:
            # Not closed cleanly: the next start must look at everything again.
            self.release()
            raise _unreadable(self._log_dirs, error) from error
        # Until here all was reading, and what cannot be served is as it was.
        try:
            self._log_dirs.begin()
            self.cluster.lead()
        except (KafkaError, OSError) as error:
            self.release()
            why = f"{self._log_dirs.metadata.path}: the cluster's metadata cannot be written: {error}"
            raise StartError(why) from error
        try:
            self.share_coordinator.load()
            self.groups.load()
            self.transactions.load()
        except (KafkaError, OSError) as error:
            self.release()
            raise StartError(f"the groups and transactions cannot be read: {error}") from error

    async def keep_time(self) -> None:
        """Do what is due, for ever: deadlines of groups, and the upkeep of the data."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._alarms.run)
            nursery.start_soon(self._upkeep.run)
            nursery.start_soon(self._moves.run)
            nursery.start_soon(watch_directories, self._log_dirs, self.cluster, self._fail)
            if self.config.log_cleaner_enable:
                nursery.start_soon(self._cleaning.run)

    def _cluster_changed(self, change: Change) -> None:
        if isinstance(change, ConfigChanged) and change.resource_type == BROKER_RESOURCE:
            self._cleaning.wake()
            self._limits.look_again()

    def _fail(self, why: str) -> None:
        self._failure = why
        self.stop()

    def stop(self) -> None:
        """Let `serve` return, with everything on disk."""
        self._scope.cancel()

    def close(self) -> None:
        """Put everything on disk, and mark it as cleanly stopped. Raises StopError."""
        if self._failure:
            self.release()
            raise StopError(f"{self._failure}; mend it and start the broker again")
        with suppress(KafkaError):  # it was unregistered, or its metadata cannot be written: that the next start finds
            self.cluster.leave()
        try:
            self._log_dirs.close(self.replicas.high_watermarks(), threads=self._closing_threads)
        except KafkaError as error:
            names = ", ".join(self.config.log_dirs)
            why = f"{names} could not be closed cleanly, and is recovered at the next start: {error}"
            raise StopError(why) from error

    def release(self) -> None:
        """Let go of the data as it is, as a killed process does; the next start recovers."""
        self._log_dirs.release()

    async def _stop_on(self, received: AsyncIterator[int]) -> None:
        async for number in received:
            logger.info("stopping: %s", signal.Signals(number).name)
            self.stop()


_EVICTION_MS = 120_000
_CLOSING_THREADS = 16  # their syncs end together, in one commit of the file system's journal
_CONTROLLER_PORT = 9093  # where Apache's configuration files have their controller
_UNREADABLE = (FeatureError, FramingError, ReplayError, SnapshotError, QuorumStateError, KafkaError, OSError)


def _unreadable(log_dirs: LogDirs, error: Exception) -> StartError:
    return StartError(f"{log_dirs.metadata.path}: the cluster's metadata cannot be read: {error}")


def _open_log_dirs(config: BrokerConfig, disk: Disk, clock: Callable[[], int]) -> LogDirs:
    defaults = LogConfig(index_interval_bytes=TopicConfig({}, config).index_interval_bytes)
    try:
        return LogDirs.open(
            config.log_dirs,
            config.metadata_log_dir,
            disk=disk,
            node_id=config.node_id,
            clock=clock,
            config_of=lambda _: defaults,
        )
    except LogDirError as error:
        raise StartError(str(error)) from error


async def _listen(listeners: Iterable[Listener]) -> list[tuple[str, ListeningSocket]]:
    opened: list[tuple[str, ListeningSocket]] = []
    for listener in listeners:
        try:
            found = await open_listeners(listener.host or None, max(listener.port, 0))
        except OSError as error:
            for _, one in opened:
                await one.aclose()
            where, reason = f"{listener.host}:{listener.port}", _reason(error)
            raise StartError(f"cannot listen on {where}: {reason}") from error
        opened += [(listener.name, one) for one in found]
    return opened


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "the address is in use; is another broker running? Stop it, or choose another port"
    return error.strerror or str(error)


def _controller(config: BrokerConfig) -> VoterEndpoint | None:
    """Where a controller of this cluster would listen; None if the configuration names the voters itself."""
    if config.controller_quorum_voters:
        return None
    names = [name.upper() for name in config.controller_listener_names]
    for listener in config.listeners:
        if listener.name in names:
            return VoterEndpoint(listener.name, listener.host or _hostname(), listener.port)
    return VoterEndpoint(names[0] if names else "CONTROLLER", "localhost", _CONTROLLER_PORT)


def _metadata_log_rules(config: BrokerConfig) -> MetadataLogRules:
    return MetadataLogRules(
        max_bytes_between_snapshots=config.metadata_log_max_record_bytes_between_snapshots,
        max_snapshot_interval_ms=config.metadata_log_max_snapshot_interval_ms,
        retention_bytes=config.metadata_max_retention_bytes,
        retention_ms=config.metadata_max_retention_ms,
        segment_bytes=config.internal_metadata_log_segment_bytes or config.metadata_log_segment_bytes,
        segment_ms=config.metadata_log_segment_ms,
    )


@contextmanager
def _receiving(signals: Sequence[signal.Signals]) -> Iterator[AsyncIterator[int]]:
    """Take the signals in from here on; without any, no signal is touched."""
    if not signals:
        yield _nothing()
        return
    with trio.open_signal_receiver(*signals) as received:
        yield received


async def _nothing() -> AsyncIterator[int]:
    await trio.sleep_forever()
    yield 0


def _hostname() -> str:
    return trio.socket.gethostname()
