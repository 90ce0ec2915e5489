"""The cluster's metadata at work: its log, its image, and what follows from a change.

One broker is its own controller. A change is in the log and on disk before anything follows from it; then it is
replayed into the image, partitions are opened or deleted, and whoever listens is told. Changes come one after the
other: while one is being synced, beside the event loop, everybody still sees what was before it. At start the same log
is replayed first. Apache's classes: QuorumController, BrokerMetadataPublisher.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import trio

from kafkapy.config.broker import BrokerConfig
from kafkapy.config.define import ConfigError
from kafkapy.config.describe import describe_topic
from kafkapy.config.dynamic import DynamicConfigs
from kafkapy.config.listener import Listener
from kafkapy.config.topic import TopicConfig
from kafkapy.config_check import ConfigCheck
from kafkapy.directory_news import DirectoryNews
from kafkapy.metadata.bootstrap import KRAFT_VERSION, SUPPORTED_FEATURES, check_features
from kafkapy.metadata.brokers import Endpoint
from kafkapy.metadata.changes import (
    BrokerChanged,
    Change,
    ConfigChanged,
    PartitionChanged,
    PartitionCreated,
    TopicDeleted,
)
from kafkapy.metadata.controller import Controller
from kafkapy.metadata.framing import FramingError
from kafkapy.metadata.image import BROKER_RESOURCE, TOPIC_RESOURCE, ClusterImage
from kafkapy.metadata.partitions import PartitionState
from kafkapy.metadata.producer_ids import ProducerIds
from kafkapy.metadata.registration import Registration
from kafkapy.metadata.snapshot import records_of
from kafkapy.metadata.topic_changes import TopicRules
from kafkapy.metadata.topics import Topic
from kafkapy.metadata_log import MetadataLog, QuorumView
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfig,
    CreatableTopicConfigs,
    CreateTopicsRequest,
)
from kafkapy.protocol.records.metadata import AbortTransactionRecord, FeatureLevelRecord
from kafkapy.replication.partition import Partition
from kafkapy.replication.replicas import Replicas
from kafkapy.replication.topic_log_config import log_config
from kafkapy.storage.flush import BatchSync
from kafkapy.storage.ids import METADATA_TOPIC, ZERO_ID
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.log_dir import LogDir

R = TypeVar("R")
logger = logging.getLogger(__name__)

OFFSETS_TOPIC = "__consumer_offsets"
SHARE_STATE_TOPIC = "__share_group_state"
TRANSACTIONS_TOPIC = "__transaction_state"


class Address(NamedTuple):
    """Where clients of one listener reach a broker."""

    node_id: int
    host: str
    port: int
    rack: str | None


def _log_untold(error: KafkaError) -> None:
    """What was asked for is done, and a later change or round brings this."""
    logger.error("the metadata does not know yet what is new of this broker's directories: %s", error)


def _configured(changes: Sequence[Change]) -> Iterable[tuple[int, str]]:
    """The resources, each once, on which something was set."""
    found = [change for change in changes if isinstance(change, ConfigChanged)]
    return dict.fromkeys((change.resource_type, change.resource_name) for change in found)


class Cluster:
    """What the cluster is (`image`), and the way to change it (`wait_change`; `change` for who cannot wait).

    `config` is this broker's configuration as it is now, `started_with` without what was changed since. `aside` runs
    what takes long without holding up the event loop.
    """

    def __init__(
        self,
        log: MetadataLog,
        image: ClusterImage,
        replicas: Replicas,
        config: BrokerConfig,
        new_id: Callable[[], UUID],
        aside: Callable[..., Awaitable[Any]] = trio.to_thread.run_sync,
    ) -> None:
        self.image = image
        self.listeners: list[Callable[[Change], None]] = []
        self._log = log
        self._replicas = replicas
        self._config = self.started_with = config
        self._new_id = new_id
        self._aside = aside
        self._turn = trio.Lock()  # of who waits for a change
        self._in_flight: Sequence[Any] = ()  # records that are in the log, and true once they are synced
        check = ConfigCheck(config, lambda: self.dynamic_configs)
        self._controller = Controller(image, self._rules(), new_id, check.rules())
        self._producer_ids = ProducerIds(0, -1)
        self._news = DirectoryNews()
        self._is_registered = False
        self._first_records: Sequence[Any] = ()

    def read(self) -> None:
        """Replay the log; nothing is changed.

        Raises FramingError, SnapshotError, ReplayError, FeatureError for levels that are not served, KafkaError.
        """
        self._first_records = self._log.first_records()
        try:
            for message in self._log.replay():
                self.image.replay(message)
        except FramingError:
            # A level that is too new says more than the first record that comes of it.
            check_features(self.image.features)
            raise
        chosen = {one.name: one.feature_level for one in self._first_records if isinstance(one, FeatureLevelRecord)}
        check_features(self.image.features or chosen)

    def lead(self) -> None:
        """After `read`: lead the log in a new epoch, and open the partitions that are this broker's."""
        self._log.begin_epoch()
        if self.image.is_in_transaction:
            # Its controller died before the end of it.
            self._append([AbortTransactionRecord("the controller that began it is gone")])
        if not self.image.features:
            self._append(self._first_records)
        self._take_broker_config()
        self._remove_strays()
        self._settle_futures()
        for topic in self.image.topics():
            for partition in topic.partitions:
                self._open(topic, partition)
        self._tell()

    def register(self, advertised: Sequence[Listener]) -> None:
        """Make this broker known under its addresses, and let it lead."""
        endpoints = [Endpoint(listener.name, listener.host, listener.port) for listener in advertised]
        broker = Registration(
            self._config.node_id,
            self._new_id(),
            endpoints,
            [one.directory_id for one in self._replicas.log_dirs.online],
            SUPPORTED_FEATURES,
            self._config.broker_rack,
            stopped_cleanly=self._replicas.log_dirs.was_clean,
        )
        self.change(lambda controller: controller.register_broker(broker, self._log.end_offset))
        self._is_registered = True
        self.change(lambda controller: (controller.unfence_broker(self._config.node_id, self._epoch), None))

    def leave(self) -> None:
        """Let the metadata say that this broker has stopped."""
        if self._is_registered:
            self.change(lambda controller: (controller.stop_broker(self._config.node_id, self._epoch), None))

    @property
    def _epoch(self) -> int:
        """This broker's, -1 until it is registered."""
        broker = self.image.broker(self._config.node_id)
        return -1 if broker is None else broker.epoch

    async def wait_change(self, operation: Callable[[Controller], tuple[list[Any], R]]) -> R:
        """Run an operation of the controller, make its records true, and return its reply.

        Once it has begun it is carried out, whatever becomes of who asked for it. Raises KafkaError: what the operation
        raises, and KAFKA_STORAGE_ERROR if the records cannot be written.
        """
        async with self._in_turn():
            messages, reply = operation(self._controller)
            with trio.CancelScope(shield=True):
                await self._wait_append(messages)
                try:
                    await self._wait_tell()
                except KafkaError as error:
                    _log_untold(error)
        return reply

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        if self._turn.locked():
            await self._turn.acquire()
        else:
            self._turn.acquire_nowait()
        try:
            self._end_change_in_flight()  # of one who could not sync it
            yield
        finally:
            self._turn.release()

    def change(self, operation: Callable[[Controller], tuple[list[Any], R]]) -> R:
        """As `wait_change` does, for who cannot wait: meanwhile the event loop stands still."""
        self._end_change_in_flight()
        messages, reply = operation(self._controller)
        self._append(messages)
        try:
            self._tell()
        except KafkaError as error:
            _log_untold(error)
        return reply

    def assign(self, partition: Partition, directory_id: UUID) -> None:
        """Let the metadata say that the partition is in that directory. Raises KafkaError(KAFKA_STORAGE_ERROR)."""
        self._end_change_in_flight()
        self._news.chosen[partition.topic_id, partition.index] = directory_id
        self._tell()

    async def wait_tell(self) -> None:
        """Let the metadata say what is new of this broker's directories. Raises KafkaError(KAFKA_STORAGE_ERROR)."""
        async with self._in_turn():
            with trio.CancelScope(shield=True):
                await self._wait_tell()

    async def _wait_tell(self) -> None:
        for records in self._untold():
            await self._wait_append(records)

    def _tell(self) -> None:
        for records in self._untold():
            self._append(records)

    def _untold(self) -> Iterator[list[Any]]:
        """What the metadata does not say yet of this broker's directories, a batch of records at a time."""
        controller, node_id, epoch = self._controller, self._config.node_id, self._epoch
        if self._is_registered and epoch < 0:
            return  # somebody unregistered it, and what is new is told when it registers again
        yield from self._news.batches(controller, node_id, epoch)
        if self._is_registered:
            cordoned = [one.directory_id for one in self._replicas.log_dirs.online if one.is_cordoned]
            yield controller.cordon_directories(node_id, epoch, cordoned)

    def open_offline(self) -> None:
        """Open the partitions whose logs could not be made, as on a full disk."""
        for name, index in sorted(self._replicas.offline):
            topic, state = self.image.topic(name), self.image.partition(name, index)
            if topic is not None and state is not None:
                self._open(topic, state)

    def give_up(self, failed: Sequence[LogDir]) -> None:
        """These log directories have failed: their partitions are offline, which the metadata is to be told."""
        for log_dir in failed:
            self._replicas.give_up(log_dir)
            self._news.lost.add(log_dir.directory_id)

    def due_snapshot(self) -> Callable[[], None] | None:
        """What writes a snapshot of the metadata, if one is due; it may run in a thread. See MetadataLog.snapshot."""
        if self.image.is_in_transaction or not self._log.is_snapshot_due():
            return None
        return self._log.snapshot(list(records_of(self.image)))

    def trim_log(self) -> None:
        """Forget what the metadata's retention no longer keeps. Raises KafkaError(KAFKA_STORAGE_ERROR)."""
        self._log.trim()

    @property
    def features(self) -> dict[str, int]:
        """The finalized features, with what the metadata log's voters speak."""
        kraft_version = self._log.quorum.kraft_version
        return {**self.image.features, **({KRAFT_VERSION: kraft_version} if kraft_version else {})}

    @property
    def quorum(self) -> QuorumView:
        """Who votes on the cluster's metadata, and how far its log is."""
        return self._log.quorum

    @property
    def features_epoch(self) -> int:
        """The metadata offset up to which the finalized features are known."""
        return self._log.end_offset - 1

    def addresses(self, listener: str) -> list[Address]:
        """Every broker that clients may use, as a client of `listener` reaches it."""
        found = (self.address(broker.id, listener) for broker in self.image.brokers())
        return [address for address in found if address is not None]

    def address(self, node_id: int, listener: str) -> Address | None:
        """A broker as a client of `listener` reaches it; None if clients may not use it, or cannot by that listener."""
        broker = self.image.broker(node_id)
        if broker is None or not broker.is_active or (endpoint := broker.endpoint(listener)) is None:
            return None
        return Address(node_id, endpoint.host, endpoint.port, broker.rack)

    async def wait_create_on_first_use(self, names: Sequence[str]) -> dict[str, KafkaError]:
        """Create topics that somebody asked for by name; the result is why some could not be.

        Internal topics get the shape that the broker's configuration gives them.
        """
        request = CreateTopicsRequest(topics=[self._first_use(name) for name in names])
        try:
            response = await self.wait_change(lambda controller: controller.create_topics(request))
        except KafkaError as error:
            return dict.fromkeys(names, error)
        return {
            result.name: KafkaError(ErrorCode(result.error_code), result.error_message or "")
            for result in response.topics
            if result.error_code not in (ErrorCode.NONE, ErrorCode.TOPIC_ALREADY_EXISTS)
        }

    def planned_partitions(self, name: str) -> int:
        """How many partitions an internal topic will have once it is made."""
        return self._first_use(name).num_partitions

    async def wait_producer_id(self) -> int:
        """A producer id that nobody had before. Raises KafkaError(KAFKA_STORAGE_ERROR)."""
        while not self._has_producer_id:
            found = await self.wait_change(self._allocate_producer_ids)
            if not self._has_producer_id:  # another one may have been quicker, whose ids come first
                self._producer_ids = found
        return self.next_producer_id()

    def next_producer_id(self) -> int:
        """The same, for who cannot wait."""
        if not self._has_producer_id:
            self._producer_ids = self.change(self._allocate_producer_ids)
        first, last = self._producer_ids
        self._producer_ids = ProducerIds(first + 1, last)
        return first

    @property
    def _has_producer_id(self) -> bool:
        return self._producer_ids.first <= self._producer_ids.last

    def _allocate_producer_ids(self, controller: Controller) -> tuple[list[Any], ProducerIds]:
        return controller.allocate_producer_ids(self._config.node_id, self._epoch)

    def topic_config(self, name: str) -> TopicConfig:
        """The topic's effective configuration."""
        return TopicConfig(self.image.configs(TOPIC_RESOURCE, name), self.config, lenient=True)

    def _append(self, messages: Sequence[Any]) -> None:
        if messages:
            self._log.append(messages)
            self._in_flight = messages
            self._end_change_in_flight()

    async def _wait_append(self, messages: Sequence[Any]) -> None:
        if messages:
            self._log.append(messages)
            self._in_flight = messages
            sync = self._log.begin_sync()
            await self._aside(sync.sync)
            self._end(messages, sync)

    def _end_change_in_flight(self) -> None:
        if self._in_flight:
            sync = self._log.begin_sync()
            sync.sync()
            self._end(self._in_flight, sync)

    def _end(self, messages: Sequence[Any], sync: BatchSync) -> None:
        """They are synced: let them be true, and what follows from that happen."""
        self._log.end(sync)
        if self._in_flight is not messages:
            return  # one who could not wait was quicker
        self._in_flight = ()
        for change in (changes := [change for message in messages for change in self.image.replay(message)]):
            self._follow(change)
        # Settings that change together count together: one alone may contradict what was there.
        for kind, name in _configured(changes):
            if kind == BROKER_RESOURCE:
                self._take_broker_config()
            elif kind == TOPIC_RESOURCE:
                self._configure(name)
        for listener in self.listeners:
            for change in changes:
                listener(change)

    def _follow(self, change: Change) -> None:
        match change:
            case PartitionCreated(topic, partition) | PartitionChanged(topic, _, partition):
                self._open(topic, partition)
            case TopicDeleted(topic):
                for partition in topic.partitions:
                    self._remove(topic.name, partition.partition)
            case BrokerChanged(before, None) if before is not None and before.id == self._config.node_id:
                logger.error("broker %d was unregistered: it leads nothing until it is started again", before.id)
            case _:
                pass

    def _configure(self, topic: str) -> None:
        self._replicas.configure(topic, self._log_config(topic), self._min_insync_replicas(topic))

    @property
    def config(self) -> BrokerConfig:
        """This broker's configuration, changes while it runs included; ask again rather than keep it."""
        return self._config

    @property
    def dynamic_configs(self) -> DynamicConfigs:
        """What was changed of the broker's configuration while it ran."""
        node = str(self.started_with.node_id)
        return DynamicConfigs(self.image.configs(BROKER_RESOURCE, node), self.image.configs(BROKER_RESOURCE, ""))

    def _take_broker_config(self) -> None:
        """Let what the metadata says of this broker's configuration be in force, topics' defaults included."""
        before = self._config
        try:
            self._config = self.dynamic_configs.over(self.started_with)
        except ConfigError as error:
            logger.error("the broker's configuration stays as it is: %s", error)
        self._replicas.log_dirs.cordon(self._config.cordoned_log_dirs)
        if self._config is before:
            return
        topics = {partition.topic for partition in self._replicas}
        found = {name: (self._log_config(name), self._min_insync_replicas(name)) for name in topics}
        for partition in self._replicas:
            partition.log.config, partition.min_insync_replicas = found[partition.topic]
            partition.log.producers.expiration_ms = self._config.producer_id_expiration_ms

    def _remove(self, name: str, index: int) -> None:
        try:
            self._replicas.remove(name, index)
        except KafkaError as error:
            logger.error("the next start deletes what is left of %s-%d: %s", name, index, error)

    def _open(self, topic: Topic, state: PartitionState) -> None:
        if self._config.node_id not in state.replicas:
            return
        key = (topic.name, state.partition)
        was_offline = key in self._replicas.offline
        try:
            partition = self._replicas.add(
                topic.name,
                state.partition,
                topic.topic_id,
                self._log_config(topic.name),
                leader=state.leader,
                leader_epoch=state.leader_epoch,
                isr=list(state.isr),
                directory=state.assigned_directory(self._config.node_id),
            )
        except KafkaError as error:
            if not was_offline:
                logger.error("partition %s-%d is offline: %s", *key, error)
            return
        home = self._replicas.log_dirs.home_of(partition.log).directory_id
        if state.directory_of(self._config.node_id) != home:
            self._news.chosen[topic.topic_id, state.partition] = home
        partition.log.producers.expiration_ms = self._config.producer_id_expiration_ms
        partition.min_insync_replicas = self._min_insync_replicas(topic.name)

    def _min_insync_replicas(self, name: str) -> int:
        """As configured, but never more than there are replicas."""
        topic = self.image.topic(name)
        configured = self.topic_config(name).min_insync_replicas
        return configured if topic is None else min(configured, topic.replication_factor)

    def _remove_strays(self) -> None:
        """Delete logs of partitions that are no more: their topic was deleted, and then the broker died."""
        for log in self._replicas.log_dirs.logs():
            name, index = log.topic, log.partition
            # A power failure can take the file that holds the id; the name then says which topic it was.
            topic = self.image.topic(name) if log.topic_id == ZERO_ID else self.image.topic_by_id(log.topic_id)
            known = topic is not None and topic.name == name and topic.partition(index) is not None
            if not known and name != METADATA_TOPIC:
                logger.warning("deleting %s-%d: its topic (id %s) does not exist any more", name, index, log.topic_id)
                self._replicas.log_dirs.delete(name, index)

    def _settle_futures(self) -> None:
        """Let logs that were on their way to another directory arrive, if the metadata has them there already."""
        log_dirs = self._replicas.log_dirs
        for future in log_dirs.futures():
            name, index = future.topic, future.partition
            topic, present = self.image.topic_by_id(future.topic_id), log_dirs.find(name, index)
            state = None if topic is None else topic.partition(index)
            home = log_dirs.home_of(future)
            if state is None or log_dirs.find_future(name, index) is not future or home.logs.get((name, index)):
                logger.warning("deleting the copy of %s-%d in %s: it is of no use", name, index, home.path)
                home.delete_future(name, index)
            elif state.directory_of(self._config.node_id) == home.directory_id and (
                # One that lacks something goes on being copied, whatever the metadata says.
                present is None or present.log_end_offset <= future.log_end_offset
            ):
                log_dirs.promote(name, index)

    def _log_config(self, name: str) -> LogConfig:
        return log_config(self.topic_config(name))

    def _rules(self) -> TopicRules:
        return TopicRules(
            num_partitions=self._config.num_partitions,
            replication_factor=self._config.default_replication_factor,
            min_insync_replicas=self.started_with.min_insync_replicas,
            delete_topic_enable=self._config.delete_topic_enable,
            validate_configs=self._validate,
            describe_configs=self._describe,
        )

    def _validate(self, topic: str, overrides: dict[str, str]) -> None:
        try:
            TopicConfig(overrides, self._config)
        except ConfigError as error:
            raise KafkaError(ErrorCode.INVALID_CONFIG, str(error)) from None

    def _describe(self, topic: str, overrides: dict[str, str]) -> list[CreatableTopicConfigs]:
        """A new topic's settings. As in Apache those that it was given are shown as they were given, blanks and all."""
        return [
            CreatableTopicConfigs(
                entry.name,
                overrides.get(entry.name, entry.value),
                entry.read_only,
                entry.config_source,
                entry.is_sensitive,
            )
            for entry in describe_topic(overrides, self.started_with, self.dynamic_configs)
        ]

    def _first_use(self, name: str) -> CreatableTopic:
        config = self._config
        if name == OFFSETS_TOPIC:
            partitions, replicas = config.offsets_topic_num_partitions, config.offsets_topic_replication_factor
            configs = {
                "cleanup.policy": "compact",
                "compression.type": "producer",
                "segment.bytes": str(config.offsets_topic_segment_bytes),
            }
        elif name == TRANSACTIONS_TOPIC:
            partitions = config.transaction_state_log_num_partitions
            replicas = config.transaction_state_log_replication_factor
            configs = {
                "cleanup.policy": "compact",
                "compression.type": "uncompressed",
                "min.insync.replicas": str(config.transaction_state_log_min_isr),
                "segment.bytes": str(config.transaction_state_log_segment_bytes),
                "unclean.leader.election.enable": "false",
            }
        elif name == SHARE_STATE_TOPIC:
            partitions = config.share_coordinator_state_topic_num_partitions
            replicas = config.share_coordinator_state_topic_replication_factor
            configs = {
                "cleanup.policy": "delete",
                "compression.type": "producer",
                "min.insync.replicas": str(config.share_coordinator_state_topic_min_isr),
                "retention.ms": "-1",
                "segment.bytes": str(config.share_coordinator_state_topic_segment_bytes),
            }
        else:
            return CreatableTopic(name, -1, -1)
        described = [CreatableTopicConfig(key, value) for key, value in configs.items()]
        return CreatableTopic(name, partitions, replicas, configs=described)
