"""Which of a broker's log directories has which replica: the broker chooses, the controller records it (KIP-858).

Apache's class: `ReplicationControlManager`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from kafkapy.metadata.elections import leave_to_others
from kafkapy.metadata.image import ClusterImage
from kafkapy.metadata.registration import check_broker_epoch
from kafkapy.protocol.records import metadata as m

Assignments = Mapping[tuple[UUID, int], UUID]  # topic id and partition to the id of a directory


def assign(image: ClusterImage, broker_id: int, assignments: Assignments) -> list[m.PartitionChangeRecord]:
    """The records that put the broker's replicas there; what is there already, or is no replica of its, has none.

    Apache's: `handleAssignReplicasToDirs`.
    """
    changes = []
    for (topic_id, index), directory_id in assignments.items():
        topic = image.topic_by_id(topic_id)
        state = None if topic is None else topic.partition(index)
        if state is None or broker_id not in state.replicas or state.directory_of(broker_id) == directory_id:
            continue
        directories = list(state.directories)
        directories[state.replicas.index(broker_id)] = directory_id
        changes.append(m.PartitionChangeRecord(partition_id=index, topic_id=topic_id, directories=directories))
    return changes


def cordon(image: ClusterImage, broker_id: int, broker_epoch: int, directory_ids: Collection[UUID]) -> list[Any]:
    """New partitions are to keep out of the broker's directories `directory_ids`, and of no others (KIP-1066).

    Raises as `lose`.
    """
    broker = check_broker_epoch(image, broker_id, broker_epoch)
    if set(broker.cordoned_log_dirs or ()) == set(directory_ids):
        return []
    change = m.BrokerRegistrationChangeRecord(broker_id=broker_id, broker_epoch=broker_epoch)
    change.cordoned_log_dirs = sorted(directory_ids)
    return [change]


def lose(image: ClusterImage, broker_id: int, broker_epoch: int, directory_ids: Collection[UUID]) -> list[Any]:
    """The broker's directories have failed: what it led from there others lead, or nobody.

    Raises KafkaError(BROKER_ID_NOT_REGISTERED, STALE_BROKER_EPOCH). Apache's: `handleDirectoriesOffline`.
    """
    broker = check_broker_epoch(image, broker_id, broker_epoch)
    left = [directory_id for directory_id in broker.log_dirs if directory_id not in directory_ids]
    if len(left) == len(broker.log_dirs):
        return []
    changes = leave_to_others(image, broker_id, lambda directory: directory in directory_ids)
    return [*changes, m.BrokerRegistrationChangeRecord(broker_id=broker_id, broker_epoch=broker_epoch, log_dirs=left)]
