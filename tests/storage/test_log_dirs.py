"""Several directories of one broker: which are refused together, where a log goes, and what each keeps for itself."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from kafkapy.protocol.errors import KafkaError
from kafkapy.storage.checkpoint import read_offsets
from kafkapy.storage.log_config import LogConfig
from kafkapy.storage.log_dirs import LogDirs
from kafkapy.storage.survey import LogDirError

NOW = 1_700_000_000_000
TOPIC_ID = UUID(int=77)
A, B, C = "/data/a", "/data/b", "/data/c"


@pytest.fixture
def open_dirs(disk: Any) -> Callable[..., LogDirs]:
    def open_dirs(*paths: str, metadata: str | None = None, node_id: int = 1) -> LogDirs:
        found = LogDirs.open(
            paths or (A, B), metadata, disk=disk, node_id=node_id, clock=lambda: NOW, config_of=lambda _: LogConfig()
        )
        found.begin()
        return found

    return open_dirs


def create(dirs: LogDirs, partition: int, assigned: UUID | None = None, topic: str = "t") -> str:
    """Where the new log is."""
    return posixpath.dirname(dirs.create(topic, partition, TOPIC_ID, LogConfig(), assigned).directory)


def test_each_has_an_id_of_its_own_and_all_have_one_cluster(open_dirs: Any) -> None:
    dirs = open_dirs()
    first, second = dirs.online
    assert [first.path, second.path] == [A, B]
    assert first.directory_id != second.directory_id
    assert first.cluster_id == second.cluster_id == dirs.cluster_id
    dirs.close({})
    again = open_dirs()
    assert [one.directory_id for one in again.online] == [first.directory_id, second.directory_id]


def test_a_directory_named_twice_counts_once(open_dirs: Any) -> None:
    assert [one.path for one in open_dirs(A, f"{A}/", B, f"{B}/../a").online] == [A, B]


def test_a_new_one_joins_the_cluster_of_the_others(open_dirs: Any) -> None:
    before = open_dirs(A)
    before.close({})
    after = open_dirs(C, A, metadata=A)
    assert after.cluster_id == before.cluster_id
    assert {one.cluster_id for one in after.online} == {before.cluster_id}


def test_a_new_log_goes_where_the_fewest_are(open_dirs: Any) -> None:
    dirs = open_dirs()
    dirs.metadata.create("__cluster_metadata", 0, UUID(int=1), LogConfig())  # which does not count
    assert [create(dirs, partition) for partition in range(5)] == [A, B, A, B, A]


def test_a_new_log_goes_to_the_directory_it_is_assigned_to(open_dirs: Any) -> None:
    dirs = open_dirs()
    second = dirs.online[1].directory_id
    assert [create(dirs, partition, second) for partition in range(3)] == [B, B, B]


def test_a_log_that_is_there_is_not_made_elsewhere(open_dirs: Any) -> None:
    dirs = open_dirs()
    create(dirs, 0, dirs.online[0].directory_id)
    with pytest.raises(KafkaError, match="t-0 is in /data/a already"):
        create(dirs, 0, dirs.online[1].directory_id)


def test_logs_are_found_in_every_directory_after_a_stop(open_dirs: Any, batch: Any, disk: Any) -> None:
    dirs = open_dirs()
    for partition in range(4):
        create(dirs, partition)
        dirs.find("t", partition).append_as_leader(batch("x"), 0, NOW)
    dirs.close({("t", partition): 1 for partition in range(4)}, threads=1)
    assert sorted(read_offsets(disk, f"{A}/recovery-point-offset-checkpoint")) == [("t", 0), ("t", 2)]
    assert sorted(read_offsets(disk, f"{B}/replication-offset-checkpoint")) == [("t", 1), ("t", 3)]
    again = open_dirs()
    assert again.was_clean
    assert [again.find("t", partition).log_end_offset for partition in range(4)] == [1] * 4
    assert again.high_watermarks == {("t", partition): 1 for partition in range(4)}


def test_one_that_was_not_closed_counts_for_all(open_dirs: Any, disk: Any) -> None:
    dirs = open_dirs()
    create(dirs, 0), create(dirs, 1)
    dirs.close({})
    disk.unlink(f"{B}/.kafka_cleanshutdown")
    assert not open_dirs().was_clean


def test_a_new_directory_beside_closed_ones_is_clean(open_dirs: Any) -> None:
    dirs = open_dirs(A)
    create(dirs, 0)
    dirs.close({})
    assert open_dirs(A, B).was_clean


def test_deleting_finds_the_directory(open_dirs: Any) -> None:
    dirs = open_dirs()
    create(dirs, 0), create(dirs, 1)
    dirs.delete("t", 1)
    assert dirs.find("t", 1) is None
    assert dirs.find("t", 0) is not None
    assert dirs.has_deleted(NOW + 60_000)
    dirs.remove_deleted(NOW + 60_000)
    assert not dirs.has_deleted(NOW + 60_000)


def test_the_metadata_may_have_a_directory_of_its_own(open_dirs: Any) -> None:
    dirs = open_dirs(A, B, metadata=C)
    assert dirs.metadata.path == C
    assert [one.path for one in dirs.online] == [A, B]
    assert [create(dirs, partition) for partition in range(2)] == [A, B]
    dirs.close({})
    assert open_dirs(A, B, metadata=C).was_clean


class TestRefused:
    """What contradicts itself, with nothing changed."""

    @pytest.fixture
    def begun(self, open_dirs: Any) -> None:
        dirs = open_dirs()
        dirs.metadata.create("__cluster_metadata", 0, UUID(int=1), LogConfig())
        create(dirs, 0), create(dirs, 1)
        dirs.close({})

    def refused(self, disk: Any, open_dirs: Any, *paths: str, **options: Any) -> str:
        before = {name: bytes(inode.data) for name, inode in disk.files.items()}
        with pytest.raises(LogDirError) as error:
            open_dirs(*paths, **options)
        assert {name: bytes(inode.data) for name, inode in disk.files.items()} == before
        return str(error.value)

    def edit(self, disk: Any, path: str, name: str, value: str) -> None:
        inode = disk.files[f"{path}/meta.properties"]
        inode.data = bytearray(re.sub(rf"{name}=.*".encode(), f"{name}={value}".encode(), inode.data))

    @pytest.mark.usefixtures("begun")
    def test_two_clusters(self, disk: Any, open_dirs: Any) -> None:
        self.edit(disk, B, "cluster.id", "another")
        assert "/data/b belongs to cluster another, this is " in self.refused(disk, open_dirs)

    @pytest.mark.usefixtures("begun")
    def test_two_nodes(self, disk: Any, open_dirs: Any) -> None:
        self.edit(disk, B, "node.id", "2")
        assert "/data/b belongs to node 2, this is node 1" in self.refused(disk, open_dirs)

    @pytest.mark.usefixtures("begun")
    def test_a_copy(self, disk: Any, open_dirs: Any) -> None:
        disk.files[f"{B}/meta.properties"].data = bytearray(disk.files[f"{A}/meta.properties"].data)
        said = self.refused(disk, open_dirs)
        assert "/data/a and /data/b have the same directory.id" in said

    @pytest.mark.usefixtures("begun")
    def test_a_partition_in_both(self, disk: Any, open_dirs: Any) -> None:
        disk.mkdir(f"{B}/t-0")
        assert "t-0 is both in /data/a and in /data/b" in self.refused(disk, open_dirs)

    @pytest.mark.usefixtures("begun")
    def test_metadata_elsewhere_than_configured(self, disk: Any, open_dirs: Any) -> None:
        wanted = "__cluster_metadata-0 is in /data/a, not in /data/b: set metadata.log.dir=/data/a"
        assert self.refused(disk, open_dirs, metadata=B) == wanted
        assert self.refused(disk, open_dirs, B, A) == wanted
        open_dirs(B, A, metadata=A)

    @pytest.mark.usefixtures("begun")
    def test_partitions_of_nobody_knows_whom(self, disk: Any, open_dirs: Any) -> None:
        disk.unlink(f"{B}/meta.properties")
        assert "/data/b/meta.properties is missing, but t-1 is there" in self.refused(disk, open_dirs)

    @pytest.mark.usefixtures("begun")
    def test_one_in_use_leaves_the_others_free(self, disk: Any, open_dirs: Any) -> None:
        lock = disk.lock(f"{B}/.lock")
        with pytest.raises(LogDirError, match="/data/b is in use by another broker"):
            open_dirs()
        lock.close()
        open_dirs()


def test_a_directory_from_before_ids_gets_one_that_stays(disk: Any, open_dirs: Any) -> None:
    disk.mkdir("/data"), disk.mkdir(A)
    disk.write(f"{A}/meta.properties", b"version=1\nnode.id=1\ncluster.id=mine\n", sync=True)
    dirs = open_dirs(A)
    dirs.close({})
    assert open_dirs(A).online[0].directory_id == dirs.online[0].directory_id
