"""Which of a broker's log directories has which replica: the broker chooses, the controller records it (KIP-858).

Apache's class: `ReplicationControlManager.handleAssignReplicasToDirs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from kafkapy.metadata.image import ClusterImage
from kafkapy.protocol.records.metadata import PartitionChangeRecord

Assignments = Mapping[tuple[UUID, int], UUID]  # topic id and partition to the id of a directory


def assign(image: ClusterImage, broker_id: int, assignments: Assignments) -> list[PartitionChangeRecord]:
    """The records that put the broker's replicas there; what is there already, or is no replica of its, has none."""
    changes = []
    for (topic_id, index), directory_id in assignments.items():
        topic = image.topic_by_id(topic_id)
        state = None if topic is None else topic.partition(index)
        if state is None or broker_id not in state.replicas or state.directory_of(broker_id) == directory_id:
            continue
        directories = list(state.directories)
        directories[state.replicas.index(broker_id)] = directory_id
        changes.append(PartitionChangeRecord(partition_id=index, topic_id=topic_id, directories=directories))
    return changes
