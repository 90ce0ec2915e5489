"""The records are Apache's, byte for byte: those here were written by Apache Kafka 4.3.1's own serializer."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkapy.coordinator.consumer.member import ConsumerMember
from kafkapy.coordinator.consumer.records import member_record
from kafkapy.coordinator.records import (
    ConsumerGroupChange,
    GroupChange,
    OffsetChange,
    group_record,
    offset_record,
    read_record,
)
from kafkapy.protocol.batch import Record, build_batch, read_records
from kafkapy.protocol.codec import encode_bytes
from kafkapy.protocol.records.groups import GroupMetadataValue, MemberMetadata, OffsetCommitValue
from kafkapy.protocol.wire import ZERO_UUID

MEMBER = MemberMetadata("m-1", "i", "c", "/127.0.0.1", 60_000, 10_000, b"sub", b"asg")
GROUP = GroupMetadataValue("consumer", 7, "range", "m-1", 1_700_000_000_000, [MEMBER])
NO_GROUP = GroupMetadataValue("", 0, None, None, 1_700_000_000_000, [])
OFFSET = OffsetCommitValue(5, 3, "meta", 1_700_000_000_000, -1, UUID(int=0))
OFFSET_OF_TOPIC = OffsetCommitValue(5, 3, "meta", 1_700_000_000_000, -1, UUID(int=258))
OFFSET_WITH_EXPIRY = OffsetCommitValue(5, -1, "meta", 1_700_000_000_000, 1_700_000_001_000, UUID(int=0))
MS = "0000018bcfe56800"

GROUPS = {
    "members": (
        GROUP,
        "00030008636f6e73756d657200000007000572616e676500036d2d31" + MS + "0000000100036d2d31000169000163"
        "000a2f3132372e302e302e310000ea60000027100000000373756200000003617367",
    ),
    "empty": (NO_GROUP, "0003000000000000ffffffff" + MS + "00000000"),
    "gone": (None, None),
}
OFFSETS = {
    "plain": (OFFSET, "0004000000000000000500000003056d657461" + MS + "00"),
    "of a topic id": (
        OFFSET_OF_TOPIC,
        "0004000000000000000500000003056d657461" + MS + "01001000000000000000000000000000000102",
    ),
    "with an expiry": (OFFSET_WITH_EXPIRY, "0001000000000000000500046d657461" + MS + "0000018bcfe56be8"),
    "gone": (None, None),
}


def as_read(record: Record) -> Record:
    """The record as it comes back from a log."""
    return read_records(build_batch([record]))[0]


def unhex(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)


@pytest.mark.parametrize("name", GROUPS)
def test_group_records(name: str) -> None:
    value, expected = GROUPS[name]
    record = group_record("g", value, 123)
    assert record.key == bytes.fromhex("0002000167")
    assert (record.value, record.timestamp) == (unhex(expected), 123)
    assert read_record(record) == GroupChange("g", value)


@pytest.mark.parametrize("name", OFFSETS)
def test_offset_records(name: str) -> None:
    value, expected = OFFSETS[name]
    record = offset_record("g", "t", 4, value, 123)
    assert record.key == bytes.fromhex("000100016700017400000004")
    assert (record.value, record.timestamp) == (unhex(expected), 123)
    assert read_record(record) == OffsetChange("g", "t", 4, value)
    assert read_record(as_read(record)) == OffsetChange("g", "t", 4, value)


@given(
    st.text(max_size=20),
    st.text(max_size=20),
    st.integers(0, 2**31 - 1),
    st.builds(
        OffsetCommitValue,
        offset=st.integers(-(2**63), 2**63 - 1),
        leader_epoch=st.integers(-(2**31), 2**31 - 1),
        metadata=st.text(max_size=20),
        commit_timestamp=st.integers(-(2**63), 2**63 - 1),
        expire_timestamp=st.just(-1) | st.integers(-(2**63), 2**63 - 1),
        topic_id=st.just(ZERO_UUID) | st.uuids(),
    ),
)
def test_what_is_replayed_at_once_is_what_the_log_says_later(
    group: str, topic: str, partition: int, value: OffsetCommitValue
) -> None:
    record = offset_record(group, topic, partition, value, 123)
    assert read_record(record) == read_record(as_read(record))


MEMBER_OF_CONSUMER_GROUP = ConsumerMember(
    "m1",
    client_id="me",
    client_host="/127.0.0.1",
    rebalance_timeout_ms=30_000,
    subscribed_topic_names=frozenset({"six"}),
)


def test_a_member_without_classic_metadata_says_so() -> None:
    record = member_record("share", MEMBER_OF_CONSUMER_GROUP, 123)
    assert record.key == bytes.fromhex("00050005736861726500026d31")
    assert record.value == bytes.fromhex("00000000036d650b2f3132372e302e302e310204736978010000753000010001" + "00")
    change = read_record(as_read(record))
    assert isinstance(change, ConsumerGroupChange)
    assert change.value is not None
    assert change.value.classic_member_metadata is None


@pytest.mark.parametrize("version", range(5))
def test_group_records_of_every_version_are_read(version: int) -> None:
    data = version.to_bytes(2) + encode_bytes(GROUP, version)
    change = read_record(Record(0, 0, bytes.fromhex("0002000167"), data))
    assert isinstance(change, GroupChange)
    assert change.value is not None
    assert (change.value.generation, change.value.members[0].assignment) == (7, b"asg")


@pytest.mark.parametrize("key", [0, 1])
@pytest.mark.parametrize("version", range(5))
def test_offset_records_of_every_version_are_read(key: int, version: int) -> None:
    data = version.to_bytes(2) + encode_bytes(OFFSET, version)
    change = read_record(Record(0, 0, key.to_bytes(2) + bytes.fromhex("000167000174") + bytes(4), data))
    assert isinstance(change, OffsetChange)
    assert change.value is not None
    assert (change.topic, change.value.offset, change.value.metadata) == ("t", 5, "meta")
