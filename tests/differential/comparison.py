"""What must be equal of two answers, and what may differ: ids, times, addresses, and order where Kafka promises none.

An id differs between two brokers, but not what it stands for. The pairs of ids that were met are remembered: an id of
one broker that stands for two of the other is a difference.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from records import TIME
from telling import shortened

from kafkapy.protocol.batch import read_records, split_batches
from kafkapy.protocol.errors import KafkaError

# Fields that hold an id; one of the values that stand for "none" is no id, and must be the same on both sides.
IDS = {
    "topic_id": "topic",
    "cluster_id": "cluster",
    "member_id": "member",
    "leader": "member",  # of a group; a partition's leader is `leader_id` or a node's number, which are equal
    "producer_id": "producer",
    "session_id": "session",
}
_RANDOM_END = re.compile(r"(?<=.)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_LATER = TIME + 31_536_000_000  # than all that the tests write; then only brokers do
NO_ID = {None, "", 0, -1, UUID(int=0)}

# Fields about the machine that a broker runs on, or about when it was asked.
ELSEWHERE = {
    "host",
    "port",
    "log_dir",
    "total_bytes",
    "usable_bytes",
    "log_append_time_ms",
    "finalized_features_epoch",
    "replica_directory_id",
    "transaction_start_time_ms",
}

# What a person reads: the code beside it says the same to a program.
WORDING = {"error_message", "batch_index_error_message", "documentation"}

# Lists in which Kafka promises no order: it collects what is refused and what is done apart, and much in hash maps.
# By message and field, and what their items are told apart by.
UNORDERED = {
    ("CreateTopicsResponse", "topics"): ("name",),
    ("CreatePartitionsResponse", "results"): ("name",),
    ("DeleteTopicsResponse", "responses"): ("name", "topic_id"),
    ("MetadataResponse", "topics"): ("name", "topic_id"),
    ("MetadataResponseTopic", "partitions"): ("partition_index",),
    ("ProduceResponse", "responses"): ("name", "topic_id"),
    ("TopicProduceResponse", "partition_responses"): ("index",),
    ("FetchResponse", "responses"): ("topic", "topic_id"),
    ("ListOffsetsResponse", "topics"): ("name",),
    ("ListOffsetsTopicResponse", "partitions"): ("partition_index",),
    ("DeleteRecordsResponse", "topics"): ("name",),
    ("DeleteRecordsTopicResult", "partitions"): ("partition_index",),
    ("ListGroupsResponse", "groups"): ("group_id",),
    ("DescribeGroupsResponse", "groups"): ("group_id",),
    ("DeleteGroupsResponse", "results"): ("group_id",),
    ("OffsetFetchResponse", "groups"): ("group_id",),
    ("OffsetFetchResponse", "topics"): ("name",),
    ("OffsetFetchResponseGroup", "topics"): ("name", "topic_id"),
    ("OffsetDeleteResponse", "topics"): ("name",),
    ("OffsetDeleteResponseTopic", "partitions"): ("partition_index",),
    ("DescribeLogDirsResult", "topics"): ("name",),
    ("DescribeLogDirsTopic", "partitions"): ("partition_index",),
    ("DescribeConfigsResponse", "results"): ("resource_type", "resource_name"),
    ("IncrementalAlterConfigsResponse", "responses"): ("resource_type", "resource_name"),
    ("AlterConfigsResponse", "responses"): ("resource_type", "resource_name"),
    ("ApiVersionsResponse", "api_keys"): ("api_key",),
    ("ApiVersionsResponse", "supported_features"): ("name",),
    ("ApiVersionsResponse", "finalized_features"): ("name",),
    ("AlterReplicaLogDirsResponse", "results"): ("topic_name",),
    ("AlterReplicaLogDirTopicResult", "partitions"): ("partition_index",),
    ("OffsetFetchResponseTopic", "partitions"): ("partition_index",),
    ("OffsetFetchResponseTopics", "partitions"): ("partition_index",),
    ("OffsetCommitResponse", "topics"): ("name", "topic_id"),
    ("OffsetCommitResponseTopic", "partitions"): ("partition_index",),
    ("DescribedGroup", "members"): ("member_id",),
    ("JoinGroupResponse", "members"): ("member_id",),
    ("FetchableTopicResponse", "partitions"): ("partition_index",),
    ("DescribeConfigsResult", "configs"): ("name",),
    ("CreatableTopicResult", "configs"): ("name",),
    ("ConsumerGroupDescribeResponse", "groups"): ("group_id", "error_code"),
    ("ShareGroupDescribeResponse", "groups"): ("group_id", "error_code"),
    ("StreamsGroupDescribeResponse", "groups"): ("group_id", "error_code"),
    ("AlterShareGroupOffsetsResponse", "responses"): ("topic_name",),
    ("AlterShareGroupOffsetsResponseTopic", "partitions"): ("partition_index",),
    ("DeleteShareGroupOffsetsResponse", "responses"): ("topic_name",),
    ("DescribeShareGroupOffsetsResponse", "groups"): ("group_id",),
    ("DescribeShareGroupOffsetsResponseGroup", "topics"): ("topic_name",),
    ("DescribeShareGroupOffsetsResponseTopic", "partitions"): ("partition_index",),
    ("ShareFetchResponse", "responses"): ("topic_id",),
    ("ShareFetchableTopicResponse", "partitions"): ("partition_index",),
    ("ShareAcknowledgeTopicResponse", "partitions"): ("partition_index",),
    ("DescribedConsumerGroup", "members"): ("member_id",),
    ("DescribedShareGroup", "members"): ("member_id",),
    ("DescribedStreamsGroup", "members"): ("member_id",),
    ("AlterClientQuotasResponse", "entries"): ("entity",),
    ("DescribeClientQuotasResponse", "entries"): ("entity",),
    ("EntryResult", "entity"): ("entity_type",),
    ("EntryData", "entity"): ("entity_type",),
    ("EntryData", "values"): ("key",),
    ("AlterUserScramCredentialsResponse", "results"): ("user", "error_code"),
    ("DescribeUserScramCredentialsResponse", "results"): ("user",),
    ("ElectLeadersResponse", "replica_election_results"): ("topic",),
    ("ReplicaElectionResult", "partition_result"): ("partition_id",),
    ("ListConfigResourcesResponse", "config_resources"): ("resource_type", "resource_name"),
    ("ListTransactionsResponse", "transaction_states"): ("transactional_id",),
    ("DescribeTransactionsResponse", "transaction_states"): ("transactional_id",),
    ("TransactionState", "topics"): ("topic",),
    ("TopicData", "partitions"): (),
    ("AddPartitionsToTxnResponse", "results_by_transaction"): ("transactional_id",),
    ("AddPartitionsToTxnResponse", "results_by_topic_v3_and_below"): ("name",),
    ("AddPartitionsToTxnResult", "topic_results"): ("name",),
    ("AddPartitionsToTxnTopicResult", "results_by_partition"): ("partition_index",),
    ("TxnOffsetCommitResponse", "topics"): ("name",),
    ("TxnOffsetCommitResponseTopic", "partitions"): ("partition_index",),
    ("WriteTxnMarkersResponse", "markers"): ("producer_id",),
    ("WritableTxnMarkerResult", "topics"): ("name",),
    ("WritableTxnMarkerTopicResult", "partitions"): ("partition_index",),
    ("DescribeProducersResponse", "topics"): ("name",),
    ("TopicResponse", "partitions"): ("partition_index",),
    ("PartitionResponse", "active_producers"): ("producer_id",),
}


class Difference(NamedTuple):
    """One value that is not the same: where in the answer, and what each broker says."""

    path: str
    kafkapy: Any
    apache: Any

    def __str__(self) -> str:
        return f"{self.path}: kafkapy {shortened(self.kafkapy)}, Apache {shortened(self.apache)}"


class Comparison:
    """Compares answers, and remembers which ids stand for each other."""

    def __init__(self) -> None:
        self._pairs: dict[str, tuple[dict[Any, Any], dict[Any, Any]]] = {}

    def differences(self, kafkapy: Any, apache: Any, path: str = "") -> Iterator[Difference]:
        """All values of two answers to one request that should be the same and are not."""
        if type(kafkapy) is not type(apache) and not (_is_octets(kafkapy) and _is_octets(apache)):
            yield Difference(path, kafkapy, apache)
        elif dataclasses.is_dataclass(kafkapy):
            for field in dataclasses.fields(kafkapy):
                ours, theirs = getattr(kafkapy, field.name), getattr(apache, field.name)
                order = UNORDERED.get((type(kafkapy).__name__, field.name))
                if field.name == "responses" and type(kafkapy).__name__ == "FetchResponse":
                    ours, theirs = _by_topic(ours), _by_topic(theirs)
                if order is not None and ours and theirs:
                    ours, theirs = self._sorted(ours, order), sorted(theirs, key=lambda item: _key(item, order))
                yield from self._field(field.name, ours, theirs, f"{path}.{field.name}" if path else field.name)
        elif isinstance(kafkapy, list):
            yield from self._lists(kafkapy, apache, path)
        elif kafkapy != apache:
            yield Difference(path, kafkapy, apache)

    def _field(self, name: str, kafkapy: Any, apache: Any, path: str) -> Iterator[Difference]:
        if name in ELSEWHERE:
            return
        if name in ("last_timestamp", "timestamp") and _is_of_marker(kafkapy) and _is_of_marker(apache):
            return  # when it was written
        if name in IDS:
            if not self._is_same_id(IDS[name], kafkapy, apache):
                yield Difference(path, kafkapy, apache)
            return
        if name == "records" and _is_octets(kafkapy) and _is_octets(apache) and kafkapy != apache:
            opened = self._opened(kafkapy, apache)
            kafkapy, apache = opened if opened is not None else (bytes(kafkapy), bytes(apache))
        yield from self.differences(kafkapy, apache, path)

    def _opened(self, kafkapy: Any, apache: Any) -> tuple[Any, Any] | None:
        """What batches say; None if they cannot be read, or are of producers that do not stand for each other."""
        opened = _opened(kafkapy), _opened(apache)
        if None in opened:
            return None
        (ours, our_producers), (theirs, their_producers) = opened  # type: ignore[misc]
        if not ours:
            return None
        pairs = zip(our_producers, their_producers, strict=False)
        if not all(one == other or self._is_same_id("producer", one, other) for one, other in pairs):
            return None
        return ours, theirs

    def _lists(self, kafkapy: list[Any], apache: list[Any], path: str) -> Iterator[Difference]:
        if len(kafkapy) != len(apache):
            missing, more = _unpaired(kafkapy, apache), _unpaired(apache, kafkapy)
            yield Difference(
                f"{path} of {len(kafkapy)} and {len(apache)} items, those that only one has", missing, more
            )
            return
        for index, (ours, theirs) in enumerate(zip(kafkapy, apache, strict=True)):
            yield from self.differences(ours, theirs, f"{path}[{_named(ours, index)}]")

    def _sorted(self, items: list[Any], by: tuple[str, ...]) -> list[Any]:
        """kafkapy's items in the order of Apache's, whose ids they are told apart by."""
        theirs = {str(ours): str(other) for pairs, _ in self._pairs.values() for ours, other in pairs.items()}
        return sorted(items, key=lambda item: [theirs.get(one, one) for one in _key(item, by)])

    def _is_same_id(self, kind: str, kafkapy: Any, apache: Any) -> bool:
        if kafkapy in NO_ID or apache in NO_ID:
            return bool(kafkapy == apache)
        ours, theirs = self._pairs.setdefault(kind, ({}, {}))
        return bool(ours.setdefault(kafkapy, apache) == apache and theirs.setdefault(apache, kafkapy) == kafkapy)


def _opened(records: Any) -> tuple[list[Any], list[int]] | None:
    """What batches say, but for their size and when the log got them, and of whom; None if they cannot be read."""
    opened, producers = [], []
    try:
        for position, header in split_batches(records, cut_is_end=True):
            known = header._asdict()
            del known["crc"], known["length"]
            producers.append(known.pop("producer_id"))
            found = read_records(records, position)
            if header.is_control:
                known["base_timestamp"] = 0
            if header.is_control or header.is_log_append_time:
                known["max_timestamp"] = 0
                found = [dataclasses.replace(one, timestamp=0) for one in found]
            opened.append([str(known), *map(str, found)])
            end = position + header.size
        if opened and end < len(records):
            opened.append(["and the front of another"])
    except KafkaError:
        return None
    return opened, producers


def _by_topic(topics: list[Any]) -> list[Any]:
    """Each topic once: Kafka begins it anew where partitions of another come between."""
    found: dict[Any, Any] = {}
    for topic in topics:
        key = (topic.topic, topic.topic_id)
        known = found.get(key)
        partitions = topic.partitions if known is None else known.partitions + topic.partitions
        found[key] = dataclasses.replace(topic, partitions=partitions)
    return list(found.values())


def _is_of_marker(timestamp: Any) -> bool:
    return isinstance(timestamp, int) and _LATER < timestamp < _LATER * 2


def _is_octets(value: Any) -> bool:
    return isinstance(value, bytes | bytearray | memoryview)


def _key(item: Any, by: tuple[str, ...]) -> list[str]:
    if not by:  # a list of numbers
        return [str(item)]
    # A member's id is its client's with a random end, which both brokers may not be known to stand for each other yet.
    found = [_text(getattr(item, name)) for name in by]
    return [_RANDOM_END.sub("", one) for one in found] + found


def _text(value: Any) -> str:
    return str(sorted(map(str, value)) if isinstance(value, list) else value)


def _named(item: Any, index: int) -> str:
    if not dataclasses.is_dataclass(item):
        return str(index)
    for name in ("name", "topic", "partition_index", "partition", "index", "group_id", "api_key"):
        found = getattr(item, name, None)
        if found is not None and found != "":
            return f"{index}: {found}"
    return str(index)


def _unpaired(items: list[Any], others: list[Any]) -> list[Any]:
    """The items that have none of their kind among the others."""
    names = {_named(other, 0) for other in others} if others and dataclasses.is_dataclass(others[0]) else set()
    return [item for item in items if _named(item, 0) not in names] if names else items
