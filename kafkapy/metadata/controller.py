"""The controller: what may change in the cluster, and the records that say so.

Every operation reads the image and answers `(records, reply)`; it changes nothing. The caller appends the records to
the metadata log as one batch, replays each into the image, and sends the reply once the append is committed. The image
must not change between an operation and the replay of its records. Apache's class: `QuorumController`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

from kafkapy.metadata import (
    assignments,
    client_quotas,
    config_changes,
    elections,
    features,
    reassignments,
    registration,
    scram_credentials,
    topic_changes,
)
from kafkapy.metadata.config_changes import ConfigRules
from kafkapy.metadata.image import ClusterImage
from kafkapy.metadata.in_sync import change_isr
from kafkapy.metadata.producer_ids import ProducerIds, allocate_producer_ids
from kafkapy.metadata.topic_changes import TopicRules
from kafkapy.protocol.messages.alter_client_quotas import AlterClientQuotasRequest, AlterClientQuotasResponse
from kafkapy.protocol.messages.alter_configs import AlterConfigsRequest, AlterConfigsResponse
from kafkapy.protocol.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
)
from kafkapy.protocol.messages.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse,
)
from kafkapy.protocol.messages.create_partitions import CreatePartitionsRequest, CreatePartitionsResponse
from kafkapy.protocol.messages.create_topics import CreateTopicsRequest, CreateTopicsResponse
from kafkapy.protocol.messages.delete_topics import DeleteTopicsRequest, DeleteTopicsResponse
from kafkapy.protocol.messages.elect_leaders import ElectLeadersRequest, ElectLeadersResponse
from kafkapy.protocol.messages.incremental_alter_configs import (
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from kafkapy.protocol.messages.update_features import UpdateFeaturesRequest

Records = list[Any]


class Controller:
    """The cluster's operations on one image."""

    def __init__(
        self,
        image: ClusterImage,
        rules: TopicRules,
        new_id: Callable[[], UUID],
        config_rules: ConfigRules = ConfigRules(),  # noqa: B008  # frozen
    ) -> None:
        self.image = image
        self.rules = rules
        self.config_rules = config_rules
        self._new_id = new_id

    def create_topics(self, request: CreateTopicsRequest) -> tuple[Records, CreateTopicsResponse]:
        """Each topic that may exist gets its records; each other one an error in the response."""
        return topic_changes.create_topics(self.image, request, self.rules, self._new_id)

    def delete_topics(self, request: DeleteTopicsRequest) -> tuple[Records, DeleteTopicsResponse]:
        """Topics by name or by id; their configuration goes with them on replay."""
        return topic_changes.delete_topics(self.image, request, self.rules)

    def create_partitions(self, request: CreatePartitionsRequest) -> tuple[Records, CreatePartitionsResponse]:
        """Topics grow to the counts asked for; they never shrink."""
        return topic_changes.create_partitions(self.image, request)

    def incremental_alter_configs(
        self, request: IncrementalAlterConfigsRequest
    ) -> tuple[Records, IncrementalAlterConfigsResponse]:
        """Single settings of topics, brokers and groups are set, deleted, or grow and shrink if they are lists."""
        return config_changes.incremental_alter_configs(self.image, request, self.config_rules)

    def alter_configs(self, request: AlterConfigsRequest) -> tuple[Records, AlterConfigsResponse]:
        """Topics, brokers and groups get exactly these settings."""
        return config_changes.alter_configs(self.image, request, self.config_rules)

    def elect_leaders(self, request: ElectLeadersRequest) -> tuple[Records, ElectLeadersResponse]:
        """Partitions are led by their first replica, or by any that is there. Raises KafkaError(INVALID_REQUEST)."""
        return elections.elect_leaders(self.image, request)

    def alter_reassignments(
        self, request: AlterPartitionReassignmentsRequest
    ) -> tuple[Records, AlterPartitionReassignmentsResponse]:
        """Partitions begin to move to other brokers, or stop."""
        return reassignments.alter_reassignments(self.image, request)

    def update_features(self, request: UpdateFeaturesRequest, node_id: int, kraft_version: int) -> tuple[Records, None]:
        """Levels of features change, all or none. Raises KafkaError(INVALID_UPDATE_VERSION)."""
        least = self.rules.min_insync_replicas
        return features.update_features(self.image, request, node_id, kraft_version, least), None

    def alter_client_quotas(self, request: AlterClientQuotasRequest) -> tuple[Records, AlterClientQuotasResponse]:
        """Quotas of users, client ids and addresses are set and removed."""
        return client_quotas.alter_client_quotas(self.image.client_quotas, request)

    def alter_user_scram_credentials(
        self, request: AlterUserScramCredentialsRequest
    ) -> tuple[Records, AlterUserScramCredentialsResponse]:
        """Users' SCRAM credentials are set and removed."""
        return scram_credentials.alter_user_scram_credentials(self.image.scram_credentials, request)

    def unregister_broker(self, broker_id: int) -> tuple[Records, None]:
        """A broker that will not come back is forgotten. Raises KafkaError(BROKER_ID_NOT_REGISTERED)."""
        return registration.unregister(self.image, broker_id), None

    def allocate_producer_ids(self, broker_id: int, broker_epoch: int) -> tuple[Records, ProducerIds]:
        """A block of producer ids that no one had or will have. Raises KafkaError(STALE_BROKER_EPOCH)."""
        return allocate_producer_ids(self.image, broker_id, broker_epoch)

    def register_broker(self, broker: registration.Registration, broker_epoch: int) -> tuple[Records, int]:
        """A broker, fenced until `unfence_broker`; `broker_epoch` is the offset that the record will have."""
        return registration.register(self.image, broker, broker_epoch)

    def unfence_broker(self, broker_id: int, broker_epoch: int) -> Records:
        """The broker may lead from now on, and does where nobody else can."""
        return registration.unfence(self.image, broker_id, broker_epoch)

    def assign_to_directories(self, broker_id: int, chosen: assignments.Assignments) -> Records:
        """The broker has put its replicas into these directories."""
        return assignments.assign(self.image, broker_id, chosen)

    def cordon_directories(self, broker_id: int, broker_epoch: int, directory_ids: Collection[UUID]) -> Records:
        """The broker's directories into which no new partitions are to come."""
        return assignments.cordon(self.image, broker_id, broker_epoch, directory_ids)

    def lose_directories(self, broker_id: int, broker_epoch: int, directory_ids: Collection[UUID]) -> Records:
        """The broker's directories have failed: others lead what it led from there, where they can."""
        return assignments.lose(self.image, broker_id, broker_epoch, directory_ids)

    def fence_broker(self, broker_id: int, broker_epoch: int) -> Records:
        """The broker was lost: others lead what it led, where they can."""
        return registration.fence(self.image, broker_id, broker_epoch)

    def stop_broker(self, broker_id: int, broker_epoch: int) -> Records:
        """The broker has stopped: others lead what it led, where they can."""
        return registration.stop(self.image, broker_id, broker_epoch)

    def begin_controlled_shutdown(self, broker_id: int, broker_epoch: int) -> Records:
        """The broker will leave: others lead what it led, where they can."""
        return registration.begin_controlled_shutdown(self.image, broker_id, broker_epoch)

    def change_isr(
        self, topic_id: UUID, partition: int, isr: list[int], leader_epoch: int, partition_epoch: int
    ) -> Records:
        """The in-sync set that the leader found. Raises KafkaError where the leader's view is old."""
        return change_isr(self.image, topic_id, partition, isr, leader_epoch, partition_epoch)
