"""A broker's life: build its parts, open its data, listen, serve until told to stop, and close cleanly.

`ready` is said once every API works: the log directory is recovered, the metadata and the groups are replayed, and the
broker is registered. Whatever keeps it from starting is a StartError, with one line for the user.
"""

from __future__ import annotations

import logging
import random
import signal
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import trio

from kafkapy.broker import Broker
from kafkapy.cluster import Cluster
from kafkapy.config.broker import BrokerConfig
from kafkapy.config.listener import Listener
from kafkapy.config.topic import TopicConfig
from kafkapy.groups import Groups
from kafkapy.handlers.call import Node, find_handlers
from kafkapy.metadata.framing import FramingError
from kafkapy.metadata.image import ClusterImage
from kafkapy.metadata.partitions import ReplayError
from kafkapy.metadata.quorum import QuorumStateError
from kafkapy.metadata_log import MetadataLog
from kafkapy.protocol.errors import KafkaError
from kafkapy.replication.fetch_sessions import FetchSessions
from kafkapy.replication.replicas import Replicas
from kafkapy.runtime import Alarms
from kafkapy.server import Server, open_listeners, port_of
from kafkapy.storage.disk import Disk, RealDisk
from kafkapy.storage.ids import random_id
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.log_dir import LogDir, LogDirError

logger = logging.getLogger(__name__)

HIGH_WATERMARK_CHECKPOINT_S = 5.0


class StartError(Exception):
    """The broker cannot start; the text is one line that says why and what to do."""


def wall_clock() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class Process:
    """A broker and all its parts. `serve` runs it; `stop` ends that."""

    def __init__(
        self, config: BrokerConfig, *, disk: Disk | None = None, clock: Callable[[], int] = wall_clock
    ) -> None:
        self.config = config
        self.clock = clock
        self._log_dir = _open_log_dir(config, disk or RealDisk(), clock)
        self._scope = trio.CancelScope()
        try:
            self._alarms = Alarms(clock)
            self.replicas = Replicas(self._log_dir, config.node_id)
            self.cluster = Cluster(
                MetadataLog(self._log_dir, config.node_id, clock),
                ClusterImage(self._log_dir.cluster_id),
                self.replicas,
                config,
                random_id,
            )
            self.groups = Groups(self.cluster, self.replicas, config, clock, self._alarms, lambda: str(uuid.uuid4()))
        except (QuorumStateError, KafkaError) as error:
            self._log_dir.release()
            raise _unreadable(config, error) from error
        self.node = Node(
            config=config,
            clock=clock,
            cluster=self.cluster,
            replicas=self.replicas,
            groups=self.groups,
            fetch_sessions=FetchSessions(
                config.max_incremental_fetch_session_cache_slots, _EVICTION_MS, lambda: random.randint(1, 2**31 - 1)
            ),
            handlers=find_handlers(),
        )

    async def serve(
        self, ready: Callable[[tuple[Listener, ...]], None], stop_signals: Sequence[signal.Signals] = ()
    ) -> None:
        """Listen, call `ready` with the advertised addresses, and serve until `stop` or one of the signals.

        Raises StartError if the data cannot be read or an address not be listened on.
        """
        self.load()
        try:
            listeners = await _listen(self.config.broker_listeners)
            ports = {name: port_of(listener) for name, listener in listeners}
            advertised = self.config.advertised(_hostname(), ports)
            self.cluster.register(advertised)
            server = Server(Broker(self.node), self.config.socket_request_max_bytes)
            with self._scope:
                async with trio.open_nursery() as nursery:
                    if stop_signals:
                        await nursery.start(self._stop_on, stop_signals)
                    nursery.start_soon(self.keep_time)
                    nursery.start_soon(server.run, listeners)
                    ready(advertised)
        finally:
            self.close()

    def close(self) -> None:
        """Put everything on disk, and mark it as cleanly stopped."""
        self._log_dir.close(self.replicas.high_watermarks())

    async def keep_time(self) -> None:
        """Do what is due, for ever: deadlines of groups, checkpoints, the removal of what was deleted."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._alarms.run)
            nursery.start_soon(_every, HIGH_WATERMARK_CHECKPOINT_S, self._checkpoint)
            nursery.start_soon(_every, self.config.log_retention_check_interval_ms / 1000, self._retain)

    def load(self) -> None:
        """Replay the cluster's metadata and the groups. Raises StartError if they cannot be read."""
        try:
            self.cluster.load()
            self.groups.load()
        except (FramingError, ReplayError, KafkaError) as error:
            # Not closed cleanly: the next start must look at everything again.
            self._log_dir.release()
            raise _unreadable(self.config, error) from error

    def stop(self) -> None:
        """Let `serve` return, with everything on disk."""
        self._scope.cancel()

    async def _stop_on(self, signals: Sequence[signal.Signals], task_status: trio.TaskStatus[None]) -> None:
        with trio.open_signal_receiver(*signals) as received:
            task_status.started()
            async for number in received:
                logger.info("stopping: %s", signal.Signals(number).name)
                self.stop()

    def _checkpoint(self) -> None:
        try:
            self._log_dir.checkpoint(self.replicas.high_watermarks())
        except OSError as error:
            logger.error("the checkpoints of %s cannot be written: %s", self.config.log_dirs[0], error)

    def _retain(self) -> None:
        self._log_dir.remove_deleted(self.clock())


_EVICTION_MS = 120_000


def _unreadable(config: BrokerConfig, error: Exception) -> StartError:
    return StartError(f"{config.log_dirs[0]}: the cluster's metadata cannot be read: {error}")


def _open_log_dir(config: BrokerConfig, disk: Disk, clock: Callable[[], int]) -> LogDir:
    if len(config.log_dirs) > 1:
        raise StartError(f"log.dirs names {len(config.log_dirs)} directories; one is served so far: name only one")
    defaults = LogConfig(index_interval_bytes=TopicConfig({}, config).index_interval_bytes)
    try:
        return LogDir.open(
            Path(config.log_dirs[0]),
            disk=disk,
            node_id=config.node_id,
            clock=clock,
            config_of=lambda _: defaults,
        )
    except LogDirError as error:
        raise StartError(str(error)) from error
    except OSError as error:
        raise StartError(f"{config.log_dirs[0]}: {error.strerror or error}") from error


async def _listen(listeners: Iterable[Listener]) -> list[tuple[str, trio.SocketListener]]:
    opened: list[tuple[str, trio.SocketListener]] = []
    for listener in listeners:
        try:
            found = await open_listeners(listener.host or None, max(listener.port, 0))
        except OSError as error:
            where, reason = f"{listener.host}:{listener.port}", error.strerror or str(error)
            raise StartError(f"cannot listen on {where}: {reason}; is another broker running?") from error
        opened += [(listener.name, one) for one in found]
    return opened


def _hostname() -> str:
    return trio.socket.gethostname()


async def _every(seconds: float, action: Callable[[], None]) -> None:
    while True:
        await trio.sleep(seconds)
        action()
