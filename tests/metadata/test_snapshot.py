"""Snapshots and the quorum's records: what is written is read again, and is what Apache Kafka 4.3.1 writes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kafkapy.metadata import snapshot
from kafkapy.metadata.bootstrap import bootstrap_records, feature_records
from kafkapy.metadata.image import ClusterImage
from kafkapy.metadata.quorum import (
    LEADER_CHANGE,
    QuorumState,
    QuorumStateError,
    control_type_of,
    epoch_batch,
    voter_records,
)
from kafkapy.protocol.batch import read_header, read_records, split_batches
from kafkapy.protocol.errors import KafkaError
from kafkapy.protocol.id_text import id_text, parse_id
from kafkapy.protocol.messages.create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from kafkapy.protocol.records import metadata as m
from kafkapy.protocol.records.control import KRaftVersionFeature, RegisteredVoter, VoterEndpoint

VOTER = RegisteredVoter(
    1,
    parse_id("SzbU8iyQQVOYV1P6cYE7xQ"),
    [VoterEndpoint("CONTROLLER", "localhost", 39293)],
    KRaftVersionFeature(0, 1),
)


def whole(messages: Any, **options: Any) -> bytes:
    return b"".join(snapshot.write(messages, epoch=0, now_ms=5, **options))


def test_an_image_survives_its_snapshot(cluster: Any) -> None:
    configs = [CreatableTopicConfig("retention.ms", "9")]
    records, _ = cluster.controller.create_topics(
        CreateTopicsRequest(topics=[CreatableTopic("a", 1500, 1, [], configs)])
    )
    cluster.commit(bootstrap_records())
    cluster.commit(records)
    cluster.commit(cluster.controller.allocate_producer_ids(1, cluster.image.broker(1).epoch)[0])
    cluster.commit([m.AccessControlEntryRecord(id=UUID(int=4)), m.RegisterControllerRecord(controller_id=1)])

    restored = ClusterImage("cluster")
    for message in snapshot.read(whole(snapshot.records_of(cluster.image))):
        restored.replay(message)
    assert list(snapshot.records_of(restored)) == list(snapshot.records_of(cluster.image))
    assert restored.topics() == cluster.image.topics()
    assert restored.brokers() == cluster.image.brokers()
    assert restored.next_producer_id == 1000


def test_offsets_run_through_all_batches() -> None:
    headers = [header for _, header in split_batches(whole([m.NoOpRecord()] * 2500))]
    assert [(h.base_offset, h.record_count, h.is_control) for h in headers] == [
        (0, 1, True),
        (1, 1000, False),
        (1001, 1000, False),
        (2001, 500, False),
        (2501, 1, True),
    ]


def test_a_snapshot_that_was_cut_off_is_refused() -> None:
    data = whole(feature_records())
    assert list(snapshot.read(data)) == feature_records()
    positions = [position for position, _ in split_batches(data)]
    for end in positions:
        with pytest.raises(snapshot.SnapshotError, match="footer"):
            list(snapshot.read(data[:end]))
    with pytest.raises(KafkaError):
        list(snapshot.read(data[:-1]))
    with pytest.raises(snapshot.SnapshotError, match="header"):
        list(snapshot.read(data[positions[1] :]))
    with pytest.raises(snapshot.SnapshotError, match="behind its footer"):
        list(snapshot.read(data + data))


def test_a_damaged_snapshot_is_refused() -> None:
    data = bytearray(whole(feature_records()))
    data[100] ^= 1
    with pytest.raises(KafkaError):
        list(snapshot.read(data))


def test_file_names() -> None:
    assert snapshot.file_name(20, 1) == "00000000000000000020-0000000001.checkpoint"
    assert snapshot.parse_file_name("00000000000000000020-0000000001.checkpoint") == (20, 1)
    assert snapshot.parse_file_name(snapshot.BOOTSTRAP_FILE) is None


def test_a_standalone_voters_snapshot_holds_its_voter() -> None:
    data = whole([], quorum_records=voter_records(VOTER, 1, 5))
    assert list(snapshot.read(data)) == []
    assert [control_type_of(record) for record in read_records(data)] == [3, 5, 6]


def test_an_epoch_begins_with_a_leader_change_as_apache_writes_it() -> None:
    batch = epoch_batch(1, leader_epoch=7, offset=40, now_ms=5)
    header = read_header(batch)
    (record,) = read_records(batch)
    assert (header.leader_epoch, header.is_control, record.offset) == (7, True, 40)
    assert control_type_of(record) == LEADER_CHANGE
    assert (record.key or b"").hex() == "00000002"
    assert (record.value or b"").hex() == "00000000000102000000010002000000010000"


def test_the_first_epoch_can_name_the_voter() -> None:
    records = read_records(epoch_batch(1, leader_epoch=1, offset=0, now_ms=5, voter=VOTER))
    assert [(record.offset, control_type_of(record)) for record in records] == [(0, 2), (1, 5), (2, 6)]
    assert len(records[2].value or b"") == 55


def test_quorum_state_is_apaches() -> None:
    state = QuorumState().elected(1)
    data = b'{"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}'
    assert state.encode() == data
    assert QuorumState.decode(data) == state
    assert QuorumState.decode(data).elected(1).leader_epoch == 2
    static = (
        b'{"clusterId":"","leaderId":1,"leaderEpoch":4,"votedId":-1,"appliedOffset":0,'
        b'"currentVoters":[{"voterId":1}],"data_version":0}'
    )
    assert QuorumState.decode(static) == QuorumState(4, 1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"data_version":2}',
        b'{"data_version":1}',
        b'{"data_version":0,"leaderEpoch":"1","leaderId":1,"votedId":1}',
    ],
)
def test_a_quorum_state_that_is_none(data: bytes) -> None:
    with pytest.raises(QuorumStateError):
        QuorumState.decode(data)


def test_uuids_as_text() -> None:
    assert id_text(VOTER.voter_directory_id) == "SzbU8iyQQVOYV1P6cYE7xQ"
    with pytest.raises(ValueError, match=r".*"):
        parse_id("no")
