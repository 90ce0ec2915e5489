"""Topics come, grow and go: CreateTopics, CreatePartitions, DeleteTopics.

Each item of a request stands alone: one that is refused never fails its neighbours. Apache's classes:
`ReplicationControlManager`, and `ControllerApis` for what it says of duplicates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from kafkapy.metadata.image import TOPIC_RESOURCE, ClusterImage
from kafkapy.metadata.partitions import PartitionState
from kafkapy.metadata.placement import default_directory, place_replicas
from kafkapy.metadata.topic_names import CLUSTER_METADATA_TOPIC, check_topic_name
from kafkapy.metadata.topics import Topic
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages import create_partitions as cp
from kafkapy.protocol.messages import create_topics as ct
from kafkapy.protocol.messages import delete_topics as dt
from kafkapy.protocol.records import metadata as m
from kafkapy.protocol.wire import ZERO_UUID

T = TypeVar("T")

DEFAULT = -1
MAX_RECORDS_PER_OPERATION = 10_000
_FIRST_FREE_ID = 100  # 0 means none, 1 is the metadata log's own, the rest is held back for such meanings
_DASH_BITS = 62  # the six bits that base64 writes as '-'

ConfigCheck = Callable[[str, dict[str, str]], None]
ConfigView = Callable[[str, dict[str, str]], list[ct.CreatableTopicConfigs]]


def _accept_configs(topic: str, overrides: dict[str, str]) -> None:
    """Every setting is fine."""


def _show_overrides(topic: str, overrides: dict[str, str]) -> list[ct.CreatableTopicConfigs]:
    dynamic_topic_config = 1
    return [
        ct.CreatableTopicConfigs(name=name, value=value, config_source=dynamic_topic_config)
        for name, value in sorted(overrides.items())
    ]


@dataclass(frozen=True, slots=True)
class TopicRules:
    """What the broker's configuration says of topics.

    `validate_configs` raises KafkaError(INVALID_CONFIG); `describe_configs` gives a new topic's effective settings.
    """

    num_partitions: int = 1
    replication_factor: int = 1
    min_insync_replicas: int = 1  # that brokers were started with
    delete_topic_enable: bool = True
    validate_configs: ConfigCheck = _accept_configs
    describe_configs: ConfigView = _show_overrides


def create_topics(
    image: ClusterImage, request: ct.CreateTopicsRequest, rules: TopicRules, new_id: Callable[[], UUID]
) -> tuple[list[Any], ct.CreateTopicsResponse]:
    """Records per topic: TopicRecord, its ConfigRecords, its PartitionRecords. None if `validate_only`."""
    records: list[Any] = []
    results: list[ct.CreatableTopicResult] = []
    duplicates = _duplicates(topic.name for topic in request.topics)
    turn = image.partition_count()
    for topic in request.topics:
        if topic.name in duplicates:
            continue
        try:
            _check_new_name(image, topic.name)
            room = MAX_RECORDS_PER_OPERATION - len(records)
            made, result = _create_topic(image, topic, rules, new_id, turn, room)
        except KafkaError as error:
            results.append(_refused(topic.name, error.code, error.why))
            continue
        records += made
        turn += result.num_partitions
        results.append(result)
    results += [_refused(name, ErrorCode.INVALID_REQUEST, "the request names the topic twice") for name in duplicates]
    return [] if request.validate_only else records, ct.CreateTopicsResponse(topics=results)


def create_partitions(
    image: ClusterImage, request: cp.CreatePartitionsRequest
) -> tuple[list[Any], cp.CreatePartitionsResponse]:
    """A PartitionRecord for each new partition. None if `validate_only`."""
    records: list[Any] = []
    results: list[cp.CreatePartitionsTopicResult] = []
    duplicates = _duplicates(topic.name for topic in request.topics)
    for topic in request.topics:
        if topic.name in duplicates:
            continue
        result = cp.CreatePartitionsTopicResult(name=topic.name)
        try:
            records += _grow_topic(image, topic, MAX_RECORDS_PER_OPERATION - len(records))
        except KafkaError as error:
            result.error_code, result.error_message = error.code, error.why
        results.append(result)
    twice = "the request names the topic twice"
    results += [cp.CreatePartitionsTopicResult(name, ErrorCode.INVALID_REQUEST, twice) for name in duplicates]
    return [] if request.validate_only else records, cp.CreatePartitionsResponse(results=results)


def delete_topics(
    image: ClusterImage, request: dt.DeleteTopicsRequest, rules: TopicRules
) -> tuple[list[Any], dt.DeleteTopicsResponse]:
    """A RemoveTopicRecord for each topic, with which its partitions go on replay, and the end of its configuration.

    The RemoveTopicRecord would do. But Apache Kafka, if it reads a topic's creation and removal at one go, forgets to
    drop the configuration, and would give it to the next topic of that name.

    Where deletion is disabled every topic gets TOPIC_DELETION_DISABLED, which clients know from version 3 on.
    """
    asked = [*request.topics, *(dt.DeleteTopicState(name=name) for name in request.topic_names)]
    keys = [_key_to_delete(image, state) for state in asked]
    duplicates = _duplicates(keys)
    records: list[Any] = []
    results: list[dt.DeletableTopicResult] = []
    # One that is named twice, be it by name and by id, is not deleted, and answered once.
    for key, state in dict(zip(keys, asked, strict=True)).items():
        result = dt.DeletableTopicResult(name=state.name, topic_id=state.topic_id)
        try:
            if not rules.delete_topic_enable:
                raise KafkaError(ErrorCode.TOPIC_DELETION_DISABLED, "delete.topic.enable is false on this broker")
            if key in duplicates:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "the request names the topic twice")
            topic = _topic_to_delete(image, state)
            result.name, result.topic_id = topic.name, topic.topic_id
            records.append(m.RemoveTopicRecord(topic_id=topic.topic_id))
            configs = image.configs(TOPIC_RESOURCE, topic.name)
            records += [m.ConfigRecord(TOPIC_RESOURCE, topic.name, name, None) for name in configs]
        except KafkaError as error:
            result.error_code, result.error_message = error.code, error.why
        results.append(result)
    return records, dt.DeleteTopicsResponse(responses=results)


def _duplicates(items: Iterable[T]) -> list[T]:
    return [item for item, count in Counter(items).items() if count > 1]


def _refused(name: str, code: ErrorCode, why: str) -> ct.CreatableTopicResult:
    return ct.CreatableTopicResult(name=name, error_code=code, error_message=why)


def _check_new_name(image: ClusterImage, name: str) -> None:
    if name == CLUSTER_METADATA_TOPIC:
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"{name} is the cluster's own log and cannot be created")
    check_topic_name(name)
    if image.topic(name) is not None:
        raise KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, f"topic '{name}' already exists")
    if "." not in name and "_" not in name:
        return
    colliding = image.colliding_topics(name)
    if colliding:
        why = f"topic '{name}' has the same name in metrics as topic '{colliding[0]}': '.' and '_' are one there"
        raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, why)


def _create_topic(  # what a topic is made of
    image: ClusterImage,
    topic: ct.CreatableTopic,
    rules: TopicRules,
    new_id: Callable[[], UUID],
    turn: int,
    room: int,
) -> tuple[list[Any], ct.CreatableTopicResult]:
    overrides = _overrides(topic)
    rules.validate_configs(topic.name, overrides)
    placed = _assigned(image, topic) if topic.assignments else _placed(image, topic, rules, turn, room)
    _check_room(len(placed) + len(overrides) + 1, room)
    states = [_new_partition(image, partition, replicas) for partition, replicas in enumerate(placed)]
    topic_id = _new_topic_id(image, new_id)
    result = ct.CreatableTopicResult(
        name=topic.name,
        topic_id=topic_id,
        error_message=None,
        num_partitions=len(placed),
        replication_factor=len(placed[0]),
        configs=rules.describe_configs(topic.name, overrides),
    )
    records = [
        m.TopicRecord(name=topic.name, topic_id=topic_id),
        *(m.ConfigRecord(TOPIC_RESOURCE, topic.name, name, value) for name, value in overrides.items()),
        *(state.to_record(topic_id) for state in states),
    ]
    return records, result


def _overrides(topic: ct.CreatableTopic) -> dict[str, str]:
    without_value = [config.name for config in topic.configs if config.value is None]
    if without_value:
        why = f"these settings of topic '{topic.name}' have no value: {', '.join(without_value)}"
        raise KafkaError(ErrorCode.INVALID_CONFIG, why)
    return {config.name: config.value for config in topic.configs if config.value is not None}


def _placed(image: ClusterImage, topic: ct.CreatableTopic, rules: TopicRules, turn: int, room: int) -> list[list[int]]:
    factor, count = topic.replication_factor, topic.num_partitions
    if factor < DEFAULT or factor == 0:
        why = f"the replication factor is {factor}; it must be above 0, or -1 for the broker's default"
        raise KafkaError(ErrorCode.INVALID_REPLICATION_FACTOR, why)
    if count < DEFAULT or count == 0:
        why = f"the number of partitions is {count}; it must be above 0, or -1 for the broker's default"
        raise KafkaError(ErrorCode.INVALID_PARTITIONS, why)
    count = rules.num_partitions if count == DEFAULT else count
    factor = rules.replication_factor if factor == DEFAULT else factor
    _check_room(count, room)
    return place_replicas(image.brokers(), count, factor, turn)


def _assigned(image: ClusterImage, topic: ct.CreatableTopic) -> list[list[int]]:
    """The replicas that the request assigns by hand, checked, in order of partitions."""
    if topic.replication_factor != DEFAULT:
        why = "a manual assignment says the replication factor itself; the request must say -1"
        raise KafkaError(ErrorCode.INVALID_REQUEST, why)
    if topic.num_partitions != DEFAULT:
        why = "a manual assignment says the number of partitions itself; the request must say -1"
        raise KafkaError(ErrorCode.INVALID_REQUEST, why)
    by_partition: dict[int, list[int]] = {}
    for assignment in topic.assignments:
        if assignment.partition_index in by_partition:
            why = f"partition {assignment.partition_index} is assigned twice"
            raise KafkaError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, why)
        by_partition[assignment.partition_index] = assignment.broker_ids
    if sorted(by_partition) != list(range(len(by_partition))):
        why = "assigned partitions must be numbered from 0 without a gap"
        raise KafkaError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, why)
    placed = [by_partition[partition] for partition in range(len(by_partition))]
    for partition, replicas in enumerate(placed):
        _check_assignment(image, partition, replicas, len(placed[0]))
    return placed


def _check_assignment(image: ClusterImage, partition: int, replicas: list[int], replication_factor: int) -> None:
    why = None
    unknown = [replica for replica in replicas if image.broker(replica) is None]
    if not replicas:
        why = f"partition {partition} is assigned to no broker"
    elif unknown:
        why = f"partition {partition} is assigned to broker {unknown[0]}, which is not registered"
    elif len(set(replicas)) != len(replicas):
        why = f"partition {partition} is assigned to the same broker more than once: {replicas}"
    elif len(replicas) != replication_factor:
        why = f"partition {partition} is assigned {len(replicas)} replica(s), others have {replication_factor}"
    elif not any(image.is_active(replica) for replica in replicas):
        why = f"all brokers that partition {partition} is assigned to are fenced or shutting down"
    if why is not None:
        raise KafkaError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, why)


def _grow_topic(image: ClusterImage, asked: cp.CreatePartitionsTopic, room: int) -> list[m.PartitionRecord]:
    topic = image.topic(asked.name)
    if topic is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"topic '{asked.name}' does not exist")
    count, factor = len(topic.partitions), topic.replication_factor
    additional = asked.count - count
    if additional <= 0:
        why = f"topic '{asked.name}' has {count} partition(s); {asked.count} would not be more"
        raise KafkaError(ErrorCode.INVALID_PARTITIONS, why)
    _check_room(additional, room)
    if asked.assignments is None:
        placed = place_replicas(image.brokers(), additional, factor, image.partition_count())
    else:
        placed = [assignment.broker_ids for assignment in asked.assignments]
        if len(placed) != additional:
            why = f"{additional} partition(s) are to be added to '{asked.name}', {len(placed)} are assigned"
            raise KafkaError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, why)
        for partition, replicas in enumerate(placed, count):
            _check_assignment(image, partition, replicas, factor)
    return [
        _new_partition(image, partition, replicas).to_record(topic.topic_id)
        for partition, replicas in enumerate(placed, count)
    ]


def _new_partition(image: ClusterImage, partition: int, replicas: list[int]) -> PartitionState:
    isr = tuple(replica for replica in replicas if image.is_active(replica))
    directories = tuple(default_directory(image.broker(replica)) for replica in replicas)
    return PartitionState(partition, tuple(replicas), isr, isr[0], 0, 0, directories)


def _key_to_delete(image: ClusterImage, state: dt.DeleteTopicState) -> Hashable:
    """The same for two items that mean the same topic."""
    topic = image.topic_by_id(state.topic_id) if state.name is None else image.topic(state.name)
    return (state.name, state.topic_id) if topic is None else topic.topic_id


def _topic_to_delete(image: ClusterImage, state: dt.DeleteTopicState) -> Topic:
    if state.name is None and state.topic_id == ZERO_UUID:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "an item of the request has neither topic name nor topic id")
    if state.name is not None and state.topic_id != ZERO_UUID:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "an item of the request has both topic name and topic id")
    topic = image.topic_by_id(state.topic_id) if state.name is None else image.topic(state.name)
    if topic is not None:
        return topic
    if state.name is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID, f"no topic has the id {state.topic_id}")
    raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"topic '{state.name}' does not exist")


def _check_room(count: int, room: int) -> None:
    if count > room:
        why = f"one request may make {MAX_RECORDS_PER_OPERATION} partitions and settings in all; ask in smaller steps"
        raise KafkaError(ErrorCode.POLICY_VIOLATION, why)


def _new_topic_id(image: ClusterImage, new_id: Callable[[], UUID]) -> UUID:
    """A fresh id: not reserved, not in use, and its text does not begin with a dash, which tools take for an option."""
    while True:
        topic_id = new_id()
        if topic_id.int >= _FIRST_FREE_ID and topic_id.int >> 122 != _DASH_BITS and image.topic_by_id(topic_id) is None:
            return topic_id
