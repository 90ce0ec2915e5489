"""The directory of all logs: who may use it, what survives, and what deleting leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.id_text import id_text, parse_id
from kafkapy.storage.disk import RealDisk
from kafkapy.storage.ids import METADATA_TOPIC_ID, ZERO_ID, random_id
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.log_dir import LogDir, LogDirError
from kafkapy.storage.retention import delete_old_segments

NOW = 1_700_000_000_000
TOPIC_ID = UUID(int=77)


def test_a_new_directory_is_made_and_told_whose_it_is(house: Any, disk: Any) -> None:
    log_dir = house.open(cluster_id="my-cluster")
    assert log_dir.cluster_id == "my-cluster"
    text = disk.read("/data/meta.properties").decode().splitlines()
    assert {"version=1", "cluster.id=my-cluster", "node.id=1", f"directory.id={id_text(log_dir.directory_id)}"} <= set(
        text
    )
    log_dir.close({})
    again = house.open()
    assert (again.cluster_id, again.directory_id) == ("my-cluster", log_dir.directory_id)


def test_a_cluster_id_is_drawn_if_none_is_given(house: Any) -> None:
    assert len(house.open().cluster_id) == 22


def test_one_broker_at_a_time(house: Any) -> None:
    first = house.open()
    with pytest.raises(LogDirError, match="in use by another broker"):
        house.open()
    first.close({})
    house.open()


def test_one_broker_at_a_time_on_the_real_disk(house: Any, tmp_path: Path) -> None:
    house = type(house)(RealDisk(), tmp_path)
    first = house.open()
    with pytest.raises(LogDirError, match="in use by another broker"):
        house.open()
    first.close({})
    house.open().close({})


@pytest.mark.parametrize("other", [{"node_id": 2}, {"cluster_id": "another"}])
def test_another_brokers_directory_is_refused_and_left_free(house: Any, other: Any) -> None:
    house.open(cluster_id="mine").close({})
    with pytest.raises(LogDirError, match="belongs to"):
        house.open(**other)
    house.open()


@pytest.mark.parametrize(
    "text", [b"", b"\xff\xfe", b"version=0\nbroker.id=1\n", b"version=1\nnode.id=x\ncluster.id=c\n"]
)
def test_unreadable_properties_are_one_clear_line(house: Any, disk: Any, text: Any) -> None:
    house.open().close({})
    disk.files["/data/meta.properties"].data[:] = text
    with pytest.raises(LogDirError, match=r"meta\.properties cannot be read") as error:
        house.open()
    assert "\n" not in str(error.value)


def test_a_file_in_its_place(house: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LogDirError, match="cannot be used"):
        type(house)(RealDisk(), tmp_path / "file").open()


def test_ids_and_high_watermarks_are_there_again(house: Any, batch: Any) -> None:
    log_dir = house.open()
    for partition in range(3):
        log = log_dir.create("a.b-c_1", partition, TOPIC_ID, LogConfig())
        log.append_as_leader(batch("x", "y"), 0, NOW)
    log_dir.close({("a.b-c_1", 0): 2, ("a.b-c_1", 1): 1, ("gone", 0): 9})
    again = house.open()
    assert again.was_clean
    assert sorted(again.logs) == [("a.b-c_1", partition) for partition in range(3)]
    assert again.logs["a.b-c_1", 0].topic_id == TOPIC_ID
    assert again.high_watermarks == {("a.b-c_1", 0): 2, ("a.b-c_1", 1): 1}
    again.release()
    assert not type(house)(house.disk, Path("/data")).disk.locked
    assert not house.open().was_clean


def test_the_files_are_apaches(house: Any, disk: Any, batch: Any) -> None:
    house.log().append_as_leader(batch("x"), 4, NOW)
    house.log_dir.close({("t", 0): 1})
    assert disk.read("/data/t-0/partition.metadata") == b"version: 0\ntopic_id: " + id_text(TOPIC_ID).encode()
    assert disk.read("/data/t-0/leader-epoch-checkpoint") == b"0\n1\n4 0\n"
    assert disk.read("/data/recovery-point-offset-checkpoint") == b"0\n1\nt 0 1\n"
    assert disk.read("/data/replication-offset-checkpoint") == b"0\n1\nt 0 1\n"
    assert disk.read("/data/log-start-offset-checkpoint") == b"0\n0\n"
    assert disk.read("/data/.kafka_cleanshutdown") == b'{"version":0,"brokerEpoch":-1}'


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"1\n1\nt 0 1\n", b"0\n7\nt 0 1\n", b"0\n1\nt 0 x\n", b"\xff"])
def test_a_damaged_checkpoint_costs_only_time(house: Any, disk: Any, batch: Any, damage: Any) -> None:
    house.log().append_as_leader(batch("x"), 4, NOW)
    house.checkpoint({})
    for path in [path for path in disk.files if path.endswith("-checkpoint")]:
        disk.files[path].data[:] = damage
    log = house.kill()
    assert (log.log_end_offset, log.latest_epoch) == (1, 4)


def test_the_metadata_topic_has_its_fixed_id(house: Any, disk: Any) -> None:
    house.open().create("__cluster_metadata", 0, METADATA_TOPIC_ID, LogConfig())
    assert b"AAAAAAAAAAAAAAAAAAAAAQ" in disk.read("/data/__cluster_metadata-0/partition.metadata")
    house.log_dir.close({})
    disk.unlink("/data/__cluster_metadata-0/partition.metadata")
    assert house.open().logs["__cluster_metadata", 0].topic_id == METADATA_TOPIC_ID


def test_a_partition_that_lost_its_topics_id_is_given_it_again(house: Any, disk: Any, batch: Any) -> None:
    house.log().append_as_leader(batch("x"), 0, NOW)
    house.log_dir.close({})
    disk.unlink("/data/t-0/partition.metadata")
    log_dir = house.open()
    assert log_dir.logs["t", 0].topic_id == ZERO_ID
    log = log_dir.create("t", 0, TOPIC_ID, LogConfig())
    assert (log.topic_id, log.log_end_offset) == (TOPIC_ID, 1)
    with pytest.raises(KafkaError, match=ErrorCode.TOPIC_ALREADY_EXISTS.name):
        log_dir.create("t", 0, TOPIC_ID, LogConfig())


def test_a_deleted_partition_goes_after_its_delay(house: Any, disk: Any, batch: Any) -> None:
    log = house.log(file_delete_delay_ms=100)
    log.append_as_leader(batch("x"), 0, NOW)
    found = log.read(0, 100, 1)
    log_dir = house.log_dir
    log_dir.delete("t", 0)
    assert log_dir.logs == {}
    assert len(found.read()) == len(found)
    with pytest.raises(KafkaError, match=ErrorCode.KAFKA_STORAGE_ERROR.name):
        log.append_as_leader(batch("y"), 0, NOW)
    assert log_dir.create("t", 0, TOPIC_ID, LogConfig()).log_end_offset == 0
    log_dir.remove_deleted(NOW + 99)
    assert [name for name in disk.list("/data") if name.endswith("-delete")]
    log_dir.remove_deleted(NOW + 100)
    assert not [name for name in disk.list("/data") if name.endswith("-delete")]
    log_dir.close({})
    assert sorted(house.open().logs) == [("t", 0)]


def test_a_slice_that_cannot_be_read_is_told_to_its_directory(house: Any, disk: Any, batch: Any) -> None:
    log = house.log()
    log.append_as_leader(batch("x"), 0, NOW)
    found = log.read(0, 100, 1)

    def fail(path: str, position: int, data: bytes) -> bytes:
        raise OSError(5, "Input/output error")

    disk.on_read = fail
    with pytest.raises(KafkaError, match=r"KAFKA_STORAGE_ERROR: reading .*000\.log failed: Input/output error"):
        found.read()
    assert "Input/output error" in house.log_dir.failure


def segments_and_snapshots(disk: Any, ending: str = "") -> list[str]:
    """The names of such files in the log's directory that end like this, without the ending."""
    suffixes = (".log", ".index", ".timeindex", ".snapshot")
    found = [name.removesuffix(ending) for name in disk.list("/data/t-0") if name.endswith(ending)]
    return sorted(name for name in found if name.endswith(suffixes))


def test_segments_that_are_given_up_are_renamed_and_go_after_their_delay(house: Any, disk: Any, batch: Any) -> None:
    log = house.log(segment_bytes=100, index_interval_bytes=0, file_delete_delay_ms=100)
    for i in range(4):
        log.append_as_leader(batch(f"{i}", producer_id=1, producer_epoch=0, base_sequence=i), 0, NOW)
    before = segments_and_snapshots(disk)
    found = log.read(0, 100, 4)
    log.advance_log_start_offset(3)
    assert delete_old_segments(log, 4, NOW) == 3
    gone = sorted(set(before).difference(segments_and_snapshots(disk)))
    assert [name.partition(".")[0][-1] for name in gone if name.endswith(".log")] == ["0", "1", "2"]
    assert segments_and_snapshots(disk, ".deleted") == gone
    house.log_dir.remove_deleted(NOW + 99)
    assert segments_and_snapshots(disk, ".deleted") == gone
    assert house.log_dir.has_deleted(NOW + 100)
    house.log_dir.remove_deleted(NOW + 100)
    assert segments_and_snapshots(disk, ".deleted") == []
    assert not house.log_dir.has_deleted(NOW + 1000)
    assert len(found.read()) == len(found)


def test_segments_that_a_dead_broker_had_given_up_go_at_the_start(house: Any, disk: Any, batch: Any) -> None:
    log = house.log(segment_bytes=100)
    for i in range(4):
        log.append_as_leader(batch(f"{i}"), 0, NOW)
    log.drop_oldest(2)
    assert segments_and_snapshots(disk, ".deleted")
    assert house.kill().log_start_offset == 2
    assert segments_and_snapshots(disk, ".deleted") == []


def test_a_partition_that_is_deleted_takes_its_segments_with_it(house: Any, disk: Any, batch: Any) -> None:
    log = house.log(segment_bytes=100, file_delete_delay_ms=100)
    for i in range(4):
        log.append_as_leader(batch(f"{i}"), 0, NOW)
    log.drop_oldest(2)
    house.log_dir.delete("t", 0)
    house.log_dir.remove_deleted(NOW + 100)
    assert not [path for path in disk.files if "t-0" in path]
    assert not house.log_dir.failure
    assert not house.log_dir.has_deleted(NOW + 1000)


def test_a_deletion_interrupted_by_a_crash_is_completed(house: Any, disk: Any, batch: Any) -> None:
    house.log().append_as_leader(batch("x"), 0, NOW)
    house.log_dir.delete("t", 0)
    house.log_dir.release()
    log_dir = house.open()
    assert log_dir.logs == {}
    log_dir.remove_deleted(NOW)
    assert not [name for name in disk.list("/data") if name.startswith("t-0")]


def test_a_topic_of_the_longest_name_can_be_deleted(house: Any, tmp_path: Path) -> None:
    house = type(house)(RealDisk(), tmp_path)
    name = "n" * 249
    house.open().create(name, 0, TOPIC_ID, LogConfig())
    house.log_dir.delete(name, 0)
    house.log_dir.remove_deleted(NOW + 60_000)
    house.log_dir.close({})
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_creating_a_partition_takes_few_changes(house: Any, disk: Any) -> None:
    log_dir = house.open()
    before = len(disk.operations)
    log_dir.create("t", 0, TOPIC_ID, LogConfig())
    assert [kind for kind, _ in disk.operations[before:]] == ["mkdir", "create", "write", "rename", "create"]


def test_ids_read_back() -> None:
    for value in (ZERO_ID, METADATA_TOPIC_ID, *(random_id() for _ in range(50))):
        assert parse_id(id_text(value)) == value
    for text in ("", "short", "A" * 23, "!" * 22):
        with pytest.raises(ValueError, match="is not an id"):
            parse_id(text)


class TestRetention:
    @pytest.fixture
    def log(self, house: Any, batch: Any) -> Any:
        log = house.log(segment_bytes=500)
        for i in range(24):
            log.append_as_leader(batch(f"value {i}", timestamp=NOW + i * 1000), i // 5, NOW)
        assert [segment.base_offset for segment in log.segments] == [0, 6, 12, 18]
        return log

    def configure(self, log: Any, **options: Any) -> None:
        log.config = LogConfig(**{"retention_ms": -1, "segment_bytes": 500, **options})

    def test_by_time(self, log: Any, house: Any) -> None:
        self.configure(log, retention_ms=10_000)
        assert delete_old_segments(log, 24, NOW + 22_000) == 2
        assert (log.log_start_offset, log.epochs.entries[0]) == (12, (2, 12))
        with pytest.raises(KafkaError, match=ErrorCode.OFFSET_OUT_OF_RANGE.name):
            log.read(11, 100, 24)
        assert house.kill().log_start_offset == 12

    def test_by_size(self, log: Any) -> None:
        self.configure(log, retention_bytes=log.size - log.segments[0].size)
        assert delete_old_segments(log, 24, NOW) == 1
        assert delete_old_segments(log, 24, NOW) == 0

    def test_nothing_above_the_high_watermark(self, log: Any) -> None:
        self.configure(log, retention_bytes=0)
        assert delete_old_segments(log, 13, NOW) == 2

    def test_all_of_it(self, log: Any, house: Any, batch: Any) -> None:
        self.configure(log, retention_ms=10)
        assert delete_old_segments(log, 24, NOW + 10**6) == 4
        assert (log.log_start_offset, log.log_end_offset, log.size) == (24, 24, 0)
        assert delete_old_segments(log, 24, NOW + 10**6) == 0
        for restart in (house.kill, house.restart):
            assert restart().log_end_offset == 24
        assert house.log().append_as_leader(batch("next"), 5, NOW).base_offset == 24

    def test_below_the_start_offset_even_if_compacted(self, log: Any, house: Any) -> None:
        self.configure(log, cleanup_policy=frozenset({"compact"}), retention_ms=0)
        assert delete_old_segments(log, 24, NOW + 10**9) == 0
        log.advance_log_start_offset(13)
        assert delete_old_segments(log, 24, NOW) == 2
        house.checkpoint({})
        assert house.kill().log_start_offset == 13


def test_opening_does_not_read_segments_after_a_clean_stop(house: Any, disk: Any) -> None:
    log_dir = house.open()
    for partition in range(50):
        log_dir.create("__consumer_offsets", partition, TOPIC_ID, LogConfig())
    log_dir.close({})
    read = []
    disk.on_read = lambda path, position, data: read.append(path) or data
    assert isinstance(house.open(), LogDir)
    assert not [path for path in read if path.endswith((".log", "index"))]


def test_a_log_that_failed_keeps_no_other_from_its_checkpoint(house: Any, disk: Any, batch: Any) -> None:
    log_dir = house.open()
    logs = [log_dir.create("t", n, TOPIC_ID, LogConfig()) for n in range(3)]
    for log in logs:
        log.append_as_leader(batch("x"), 0, NOW)
        log.roll()
    disk.fail(1, kinds=("sync",))
    with pytest.raises(KafkaError, match="KAFKA_STORAGE_ERROR: t-0"):
        logs[0].flush_rolled()
    for log in logs[1:]:
        log.flush_rolled()
    log_dir.checkpoint({})()
    assert disk.read("/data/recovery-point-offset-checkpoint") == b"0\n3\nt 0 0\nt 1 1\nt 2 1\n"
