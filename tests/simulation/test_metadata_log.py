"""The cluster's metadata on disk: what a new directory gets, and what is taken over from another Kafka."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kafkapy.config.properties import load
from kafkapy.metadata import snapshot
from kafkapy.metadata.quorum import KRAFT_VERSION, KRAFT_VOTERS, LEADER_CHANGE, QuorumState, control_type_of
from kafkapy.metadata_log import MetadataLog, MetadataLogRules
from kafkapy.protocol.errors import KafkaError
from kafkapy.protocol.records import metadata as m
from kafkapy.protocol.records.control import VoterEndpoint
from kafkapy.run import Process
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.log_dir import LogDir

CONTROLLER = VoterEndpoint("CONTROLLER", "localhost", 9093)
DIRECTORY = "/data/__cluster_metadata-0"
TOPICS = [m.TopicRecord(f"t{number}", UUID(int=1000 + number)) for number in range(5)]


def append(log: MetadataLog, messages: Sequence[Any]) -> None:
    """Append and sync."""
    log.append(messages)
    sync = log.begin_sync()
    sync.sync()
    log.end(sync)


class House:
    """A log directory on a disk in memory."""

    def __init__(self, disk: Any) -> None:
        self.disk = disk
        self.log_dir: LogDir | None = None
        self.now_ms = 5
        self.rules = MetadataLogRules()

    def crash(self) -> None:
        if self.log_dir is not None:
            self.log_dir.release()
        self.log_dir = None
        self.disk.crash(power=False)

    def open(self, controller: VoterEndpoint | None = CONTROLLER) -> MetadataLog:
        """The log, after whatever end it had before."""
        self.crash()
        self.log_dir = LogDir.open(
            Path("/data"), disk=self.disk, node_id=1, clock=lambda: 5, config_of=lambda _: LogConfig()
        )
        self.log_dir.begin()
        return MetadataLog(self.log_dir, 1, lambda: self.now_ms, controller, self.rules)

    def control_records(self) -> list[int]:
        assert self.log_dir is not None
        log = self.log_dir.logs["__cluster_metadata", 0]
        return [control_type_of(record) for header, records in log.replay(0) if header.is_control for record in records]


@pytest.fixture
def house(machine_type: Any) -> Iterator[House]:
    disk_type = machine_type.__init__.__globals__["MemoryDisk"]
    return House(disk_type())  # type: ignore[return-value]


def test_a_new_log_names_its_voter_once(house: House) -> None:
    log = house.open()
    log.begin_epoch()
    assert log.epoch == 1
    assert house.control_records() == [LEADER_CHANGE, KRAFT_VERSION, KRAFT_VOTERS]
    assert list(snapshot.read(house.disk.read(f"{DIRECTORY}/{snapshot.file_name(0, 0)}"))) == []
    log = house.open()
    log.begin_epoch()
    assert log.epoch == 2
    assert house.control_records() == [LEADER_CHANGE, KRAFT_VERSION, KRAFT_VOTERS, LEADER_CHANGE]


def test_voters_of_the_configuration_are_not_in_the_log(house: House) -> None:
    house.open(None).begin_epoch()
    assert house.control_records() == [LEADER_CHANGE]


def test_every_record_comes_back_in_order(house: House) -> None:
    log = house.open()
    log.begin_epoch()
    append(log, TOPICS[:2])
    log = house.open()
    assert list(log.replay()) == TOPICS[:2]
    log.begin_epoch()
    append(log, TOPICS[2:])
    assert list(house.open().replay()) == TOPICS


def test_the_features_that_a_formatter_chose_begin_the_cluster(house: House) -> None:
    chosen = [m.FeatureLevelRecord("metadata.version", 30), m.FeatureLevelRecord("group.version", 1)]
    log = house.open()
    house.disk.write(
        "/data/bootstrap.checkpoint", b"".join(snapshot.write(chosen, epoch=0, now_ms=5)), sync=True
    )  # as kafka-storage.sh leaves it
    assert log.first_records() == chosen


def test_a_snapshot_stands_for_the_records_before_it(house: House) -> None:
    log = house.open()
    log.begin_epoch()
    append(log, TOPICS[:3])
    end, epoch = log.end_offset, log.epoch
    append(log, TOPICS[3:])
    data = b"".join(snapshot.write([TOPICS[2]], epoch=epoch, now_ms=5))  # the first two were deleted
    house.disk.write(f"{DIRECTORY}/{snapshot.file_name(end, epoch)}", data, sync=True)
    assert list(house.open().replay()) == TOPICS[2:]


def test_a_snapshots_epoch_is_over(house: House) -> None:
    house.open().begin_epoch()
    house.disk.write(
        f"{DIRECTORY}/{snapshot.file_name(3, 9)}", b"".join(snapshot.write([], epoch=9, now_ms=5)), sync=True
    )
    log = house.open()
    log.begin_epoch()
    assert log.epoch == 10


def test_a_crash_at_any_write_of_the_first_epoch_is_made_good(house: House, crash_error: type[BaseException]) -> None:
    for at in range(1, 40):
        house.disk.fail(at, crash_error(), torn=0.5)
        try:
            log = house.open()
            log.begin_epoch()
        except crash_error:
            if house.log_dir is None:
                house.disk.crash(power=False)
            log = house.open()
            log.begin_epoch()
        house.disk.heal()
        assert list(log.replay()) == []
        state = QuorumState.decode(house.disk.read(f"{DIRECTORY}/quorum-state"))
        assert state.leader_epoch == log.epoch
        assert house.disk.exists(f"{DIRECTORY}/{snapshot.file_name(0, 0)}")


def test_a_full_disk_at_a_new_epoch_is_said(house: House) -> None:
    log = house.open()
    house.disk.fail(1, lasting=True)
    with pytest.raises(KafkaError, match="__cluster_metadata-0: beginning an epoch"):
        log.begin_epoch()


def write_snapshot(log: MetadataLog, messages: list[Any]) -> None:
    log.snapshot(messages)()


def snapshots(house: House) -> list[tuple[int, int]]:
    parsed = [snapshot.parse_file_name(name) for name in house.disk.list(DIRECTORY)]
    return sorted(found for found in parsed if found is not None)


def test_a_snapshot_is_due_by_what_was_written_since_the_last(house: House) -> None:
    house.rules = MetadataLogRules(max_bytes_between_snapshots=2000)
    log = house.open()
    log.begin_epoch()
    written = 0
    while not log.is_snapshot_due():
        append(log, TOPICS)
        written += 1
    assert 3 < written < 10
    assert house.open().is_snapshot_due() is False, "it is not known before the log was read"
    log = house.open()
    assert list(log.replay()) == TOPICS * written
    assert log.is_snapshot_due(), "what was behind the last snapshot before the start counts too"
    log.begin_epoch()
    write_snapshot(log, TOPICS)
    assert not log.is_snapshot_due()
    assert snapshots(house) == [(0, 0), (log.end_offset, log.epoch)]
    assert list(house.open().replay()) == TOPICS


def test_a_snapshot_is_due_by_the_time_since_the_last_if_anything_changed(house: House) -> None:
    log = house.open()
    log.begin_epoch()
    house.now_ms += 3_599_999
    assert not log.is_snapshot_due()
    house.now_ms += 1
    assert log.is_snapshot_due()
    write_snapshot(log, [])
    house.now_ms += 9_999_999
    assert not log.is_snapshot_due()
    append(log, TOPICS)
    assert log.is_snapshot_due()


def test_no_snapshot_by_time_where_it_is_never(house: House) -> None:
    house.rules = MetadataLogRules(max_snapshot_interval_ms=0)
    log = house.open()
    log.begin_epoch()
    house.now_ms += 1 << 40
    assert not log.is_snapshot_due()


def test_a_snapshot_that_cannot_be_written_stays_due(house: House) -> None:
    house.rules = MetadataLogRules(max_bytes_between_snapshots=1)
    log = house.open()
    log.begin_epoch()
    house.disk.fail(1, lasting=True)
    with pytest.raises(KafkaError, match="writing /data/__cluster_metadata-0/"):
        write_snapshot(log, TOPICS)
    house.disk.heal()
    assert log.is_snapshot_due()
    assert snapshots(house) == [(0, 0)]


def test_a_snapshot_keeps_the_voters_and_the_time_of_the_last_record(house: House) -> None:
    log = house.open()
    log.begin_epoch()
    house.now_ms = 77
    append(log, TOPICS)
    house.now_ms = 99
    write_snapshot(log, TOPICS)
    data = house.disk.read(f"{DIRECTORY}/{snapshot.file_name(log.end_offset, log.epoch)}")
    assert [control_type_of(record) for record in snapshot.quorum_records(data)] == [KRAFT_VERSION, KRAFT_VOTERS]
    assert snapshot.last_timestamp(data) == 77
    log = house.open()
    list(log.replay())
    log.begin_epoch()
    write_snapshot(log, TOPICS)
    again = house.disk.read(f"{DIRECTORY}/{snapshot.file_name(log.end_offset, log.epoch)}")
    assert [record.value for record in snapshot.quorum_records(again)] == [
        record.value for record in snapshot.quorum_records(data)
    ]


def test_old_snapshots_go_with_the_log_before_them_by_their_age(house: House) -> None:
    house.rules = MetadataLogRules(retention_ms=1000, segment_bytes=1500)
    log = house.open()
    log.begin_epoch()
    log.trim()
    assert snapshots(house) == [(0, 0)], "the only one stays"
    for _ in range(4):
        for _ in range(5):
            append(log, TOPICS)
        house.now_ms += 400
        write_snapshot(log, TOPICS)
    log.trim()
    kept = snapshots(house)
    assert len(kept) == 2, "those whose last record is of the last second"
    assert house.log_dir is not None
    stored = house.log_dir.logs["__cluster_metadata", 0]
    assert stored.log_start_offset == kept[0][0]
    assert 0 < stored.segments[0].base_offset <= kept[0][0]
    house.now_ms += 5000
    log.trim()
    assert snapshots(house) == kept[-1:]
    assert list(house.open().replay()) == TOPICS


def test_old_snapshots_go_by_size(house: House) -> None:
    house.rules = MetadataLogRules(retention_ms=-1, retention_bytes=6000, segment_bytes=1500)
    log = house.open()
    log.begin_epoch()
    for _ in range(6):
        for _ in range(6):
            append(log, TOPICS)
        write_snapshot(log, TOPICS)
        log.trim()
    assert house.log_dir is not None
    stored = house.log_dir.logs["__cluster_metadata", 0]
    assert (
        stored.size + sum(house.disk.size(f"{DIRECTORY}/{snapshot.file_name(*at)}") for at in snapshots(house)) < 7500
    )
    assert list(house.open().replay()) == TOPICS


def test_a_crash_at_any_write_of_a_snapshot_loses_nothing(house: House, crash_error: type[BaseException]) -> None:
    house.rules = MetadataLogRules(retention_ms=0, segment_bytes=1500)
    for at in range(1, 40):
        log = house.open()
        list(log.replay())
        log.begin_epoch()
        if at == 1:
            for _ in range(20):
                append(log, TOPICS)
            write_snapshot(log, TOPICS)
        append(log, [m.NoOpRecord()])
        house.now_ms += 10
        house.disk.fail(at, crash_error(), torn=0.5)
        try:
            write_snapshot(log, TOPICS)
            log.trim()
        except crash_error:
            pass
        house.disk.heal()
        found = [message for message in house.open().replay() if message != m.NoOpRecord()]
        assert found == TOPICS


def test_a_snapshot_that_was_not_finished_is_swept_away(house: House) -> None:
    log = house.open()
    log.begin_epoch()
    append(log, TOPICS)
    unfinished = f"{DIRECTORY}/{snapshot.file_name(9, 1)}.part"  # as Apache names it
    house.disk.write(unfinished, b"half", sync=True)
    assert list(house.open().replay()) == TOPICS
    assert not house.disk.exists(unfinished)


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"garbage" * 50], ids=["empty", "zeros", "garbage"])
def test_a_corrupt_snapshot_is_named(house: House, content: bytes) -> None:
    house.open().begin_epoch()
    path = f"{DIRECTORY}/{snapshot.file_name(3, 1)}"
    house.disk.write(path, content, sync=True)
    with pytest.raises(snapshot.SnapshotError, match=f"^{path}: "):
        list(house.open().replay())


def test_the_log_goes_on_behind_a_snapshot_that_is_beyond_it(house: House) -> None:
    log = house.open()
    log.begin_epoch()
    data = b"".join(snapshot.write(TOPICS[:1], epoch=1, now_ms=5))
    house.disk.write(f"{DIRECTORY}/{snapshot.file_name(50, 1)}", data, sync=True)
    log = house.open()
    assert list(log.replay()) == TOPICS[:1]
    log.begin_epoch()
    append(log, TOPICS[1:])
    assert log.end_offset == 51 + len(TOPICS[1:])
    assert list(house.open().replay()) == TOPICS


def test_a_transaction_without_an_end_is_aborted(house: House) -> None:
    log = house.open()
    log.begin_epoch()
    append(log, [m.FeatureLevelRecord("metadata.version", 30)])
    append(log, [m.BeginTransactionRecord("half"), TOPICS[0]])  # and its controller died
    config = load(None, ["log.dirs=/data", "listeners=PLAINTEXT://localhost:9092"])
    for _ in range(2):
        house.crash()
        process = Process(config, disk=house.disk, clock=lambda: 5)
        process.load()
        assert process.cluster.image.topics() == []
        process.cluster.register(config.advertised("localhost", {"PLAINTEXT": 9092}))
        assert process.cluster.image.is_active(1)
        process.release()
