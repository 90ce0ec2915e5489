"""The cluster's metadata on disk: what a new directory gets, and what is taken over from another Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kafkapy.metadata import snapshot
from kafkapy.metadata.quorum import KRAFT_VERSION, KRAFT_VOTERS, LEADER_CHANGE, QuorumState, control_type_of
from kafkapy.metadata_log import MetadataLog
from kafkapy.protocol.errors import KafkaError
from kafkapy.protocol.records import metadata as m
from kafkapy.protocol.records.control import VoterEndpoint
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.log_dir import LogDir

CONTROLLER = VoterEndpoint("CONTROLLER", "localhost", 9093)
DIRECTORY = "/data/__cluster_metadata-0"
TOPICS = [m.TopicRecord(f"t{number}", UUID(int=1000 + number)) for number in range(5)]


class House:
    """A log directory on a disk in memory."""

    def __init__(self, disk: Any) -> None:
        self.disk = disk
        self.log_dir: LogDir | None = None

    def open(self, controller: VoterEndpoint | None = CONTROLLER) -> MetadataLog:
        """The log, after whatever end it had before."""
        if self.log_dir is not None:
            self.log_dir.release()
            self.disk.crash(power=False)
        self.log_dir = LogDir.open(
            Path("/data"), disk=self.disk, node_id=1, clock=lambda: 5, config_of=lambda _: LogConfig()
        )
        return MetadataLog(self.log_dir, 1, lambda: 5, controller)

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
    log.append(TOPICS[:2])
    log = house.open()
    assert list(log.replay()) == TOPICS[:2]
    log.begin_epoch()
    log.append(TOPICS[2:])
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
    log.append(TOPICS[:3])
    end, epoch = log.end_offset, log.epoch
    log.append(TOPICS[3:])
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
    with pytest.raises(KafkaError, match="beginning an epoch in /data/__cluster_metadata-0"):
        log.begin_epoch()
