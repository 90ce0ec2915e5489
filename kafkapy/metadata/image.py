"""The cluster's metadata: what the replay of `__cluster_metadata-0` says the cluster is.

`replay` is the only thing that changes an image, on the live path and at start alike, and it answers with what changed.
What reading hands out is frozen: a topic or broker that changes is replaced, so a reader may hold on to what it got.
Between BeginTransactionRecord and EndTransactionRecord nothing becomes visible (KIP-868). Records of things that are
not served yet (ACLs, tokens) are kept untouched. A record that does not fit the state is
refused with ReplayError: the log is damaged, and guessing would make it worse. Apache's class: `MetadataImage`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from kafkapy.metadata.brokers import Broker, change_broker, register_broker
from kafkapy.metadata.changes import (
    BrokerChanged,
    Change,
    ConfigChanged,
    FeatureChanged,
    PartitionChanged,
    PartitionCreated,
    TopicCreated,
    TopicDeleted,
)
from kafkapy.metadata.client_quotas import ClientQuotas
from kafkapy.metadata.kept import KeptRecords
from kafkapy.metadata.partitions import PartitionState, ReplayError
from kafkapy.metadata.scram_credentials import ScramCredentials
from kafkapy.metadata.topics import Topic, Topics
from kafkapy.protocol.records import metadata as m

TOPIC_RESOURCE = 2
BROKER_RESOURCE = 4
CLIENT_METRICS_RESOURCE = 16
GROUP_RESOURCE = 32

_NO_CONFIGS: Mapping[str, str] = MappingProxyType({})


class ClusterImage:
    """One cluster, as its metadata log describes it."""

    def __init__(self, cluster_id: str = "") -> None:
        self.cluster_id = cluster_id
        self.features: dict[str, int] = {}
        self.controllers: dict[int, m.RegisterControllerRecord] = {}
        self.producer_ids_record: m.ProducerIdsRecord | None = None
        self.client_quotas = ClientQuotas()
        self.scram_credentials = ScramCredentials()
        self.kept = KeptRecords()
        self._topics = Topics()
        self._brokers: dict[int, Broker] = {}
        self._brokers_in_order: tuple[Broker, ...] = ()
        self._configs: dict[tuple[int, str], dict[str, str]] = {}
        self._transaction: list[Any] | None = None

    @property
    def next_producer_id(self) -> int:
        """The first producer id that no broker was given."""
        return 0 if self.producer_ids_record is None else self.producer_ids_record.next_producer_id

    @property
    def is_in_transaction(self) -> bool:
        """Whether records were replayed that are not visible yet."""
        return self._transaction is not None

    def topic(self, name: str) -> Topic | None:
        return self._topics.by_name.get(name)

    def topic_by_id(self, topic_id: UUID) -> Topic | None:
        return self._topics.by_id.get(topic_id)

    def topics(self) -> list[Topic]:
        """Every topic, by name."""
        return [self._topics.by_name[name] for name in sorted(self._topics.by_name)]

    def partition(self, name: str, partition: int) -> PartitionState | None:
        found = self._topics.by_name.get(name)
        return None if found is None else found.partition(partition)

    def partition_count(self) -> int:
        """How many partitions the cluster has."""
        return sum(len(topic.partitions) for topic in self._topics.by_id.values())

    def colliding_topics(self, name: str) -> list[str]:
        """Topics whose names differ from `name` only in '.' against '_', itself included if it exists."""
        return self._topics.colliding(name)

    def broker(self, broker_id: int) -> Broker | None:
        return self._brokers.get(broker_id)

    def brokers(self) -> tuple[Broker, ...]:
        """Every registered broker, fenced ones too, by id; the same object for as long as none of them changes."""
        return self._brokers_in_order

    def is_active(self, broker_id: int) -> bool:
        """Whether the broker may lead: registered, not fenced, not on its way out."""
        found = self._brokers.get(broker_id)
        return found is not None and found.is_active

    def is_online(self, state: PartitionState, broker_id: int) -> bool:
        """Whether the broker may lead with its replica of the partition: it is active, and so is the directory."""
        found = self._brokers.get(broker_id)
        return found is not None and found.is_active and found.has_online(state.directory_of(broker_id))

    def configs(self, resource_type: int, name: str) -> Mapping[str, str]:
        """What was set on the resource; for a broker, the name "" holds the cluster-wide settings."""
        return self._configs.get((resource_type, name), _NO_CONFIGS)

    def configured_resources(self) -> list[tuple[int, str]]:
        """Every (resource type, name) on which something is set."""
        return sorted(self._configs)

    def replay(self, message: Any) -> list[Change]:
        """Apply one record and return what it changed, in order. Raises ReplayError if it does not fit."""
        if isinstance(message, m.BeginTransactionRecord):
            if self._transaction is not None:
                raise ReplayError("a metadata transaction begins inside another one")
            self._transaction = []
            return []
        if isinstance(message, m.EndTransactionRecord | m.AbortTransactionRecord):
            return self._end_transaction(is_committed=isinstance(message, m.EndTransactionRecord))
        if self._transaction is not None:
            self._transaction.append(message)
            return []
        return list(self._apply(message))

    def _end_transaction(self, *, is_committed: bool) -> list[Change]:
        if self._transaction is None:
            raise ReplayError("a metadata transaction ends that never began")
        messages, self._transaction = self._transaction, None
        if not is_committed:
            return []
        return [change for message in messages for change in self._apply(message)]

    def _apply(self, message: Any) -> Iterator[Change]:  # one arm per record type
        match message:
            case m.TopicRecord():
                yield TopicCreated(self._topics.add(message))
            case m.PartitionRecord():
                before, after, topic = self._topics.put_partition(message)
                yield PartitionCreated(topic, after) if before is None else PartitionChanged(topic, before, after)
            case m.PartitionChangeRecord():
                before, after, topic = self._topics.change_partition(message)
                yield PartitionChanged(topic, before, after)
            case m.RemoveTopicRecord():
                topic = self._topics.remove(message.topic_id)
                self._configs.pop((TOPIC_RESOURCE, topic.name), None)
                yield TopicDeleted(topic)
            case m.ClearElrRecord():
                for topic, before, after in self._topics.clear_elr(message.topic_name):
                    yield PartitionChanged(topic, before, after)
            case m.ConfigRecord():
                yield self._replay_config(message)
            case m.FeatureLevelRecord():
                yield self._replay_feature(message)
            case m.RegisterBrokerRecord():
                before_broker = self._brokers.get(message.broker_id)
                yield self._put_broker(before_broker, register_broker(message))
            case m.BrokerRegistrationChangeRecord() | m.FenceBrokerRecord() | m.UnfenceBrokerRecord():
                broker_id = message.broker_id if isinstance(message, m.BrokerRegistrationChangeRecord) else message.id
                before_broker = self._brokers.get(broker_id)
                yield self._put_broker(before_broker, change_broker(before_broker, message))
            case m.UnregisterBrokerRecord():
                removed = self._brokers.pop(message.broker_id, None)
                if removed is None:
                    raise ReplayError(f"broker {message.broker_id} is unregistered but was never registered")
                self._order_brokers()
                yield BrokerChanged(removed, None)
            case m.RegisterControllerRecord():
                self.controllers[message.controller_id] = message
            case m.ProducerIdsRecord():
                self._replay_producer_ids(message)
            case m.ClientQuotaRecord():
                self.client_quotas.replay(message)
            case m.UserScramCredentialRecord() | m.RemoveUserScramCredentialRecord():
                self.scram_credentials.replay(message)
            case m.NoOpRecord():
                return
            case _:
                self.kept.replay(message)

    def _replay_config(self, record: m.ConfigRecord) -> ConfigChanged:
        key = (record.resource_type, record.resource_name)
        # Replaced, not changed in place: a reader may hold the mapping it got.
        values = dict(self._configs.get(key, _NO_CONFIGS))
        if record.value is None:
            values.pop(record.name, None)
        else:
            values[record.name] = record.value
        if values:
            self._configs[key] = values
        else:
            self._configs.pop(key, None)
        return ConfigChanged(record.resource_type, record.resource_name, record.name, record.value)

    def _replay_feature(self, record: m.FeatureLevelRecord) -> FeatureChanged:
        if record.feature_level == 0:
            self.features.pop(record.name, None)
        else:
            self.features[record.name] = record.feature_level
        return FeatureChanged(record.name, record.feature_level)

    def _put_broker(self, before: Broker | None, after: Broker) -> BrokerChanged:
        self._brokers[after.id] = after
        self._order_brokers()
        return BrokerChanged(before, after)

    def _order_brokers(self) -> None:
        self._brokers_in_order = tuple(self._brokers[broker_id] for broker_id in sorted(self._brokers))

    def _replay_producer_ids(self, record: m.ProducerIdsRecord) -> None:
        if record.next_producer_id <= self.next_producer_id:
            raise ReplayError(
                f"producer ids up to {record.next_producer_id} are handed out, "
                f"but the log gave out those up to {self.next_producer_id} before"
            )
        self.producer_ids_record = record
