"""A data directory that is not as it should be: mended where Apache Kafka would mend it, else refused as it is."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kafkapy.metadata import snapshot
from kafkapy.protocol.batch import Record, build_batch
from kafkapy.protocol.records import metadata as m

Kafkapy = Callable[..., subprocess.CompletedProcess[str]]
METADATA = "__cluster_metadata-0"
SNAPSHOT = f"{METADATA}/{snapshot.file_name(1_000_000, 5)}"


@pytest.fixture(scope="module")
def begun(shared_broker: Any) -> Path:
    """The directory of a broker that was stopped cleanly, with two records in the topic t."""
    client = shared_broker.client()
    client.create("t")
    for value in ("a", "b"):
        client.produce(build_batch([Record(0, time.time_ns() // 1_000_000, None, value.encode())]))
    assert shared_broker.end() == 0
    return shared_broker.data  # type: ignore[no-any-return]


@pytest.fixture
def data(begun: Path, broker: Any) -> Path:
    """A copy of it, to spoil."""
    shutil.copytree(begun, broker.data)
    return broker.data  # type: ignore[no-any-return]


def tree(data: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(data)): path.read_bytes() if path.is_file() else None for path in data.rglob("*")}


def refused(kafkapy: Kafkapy, data: Path) -> str:
    """The one line that says why; nothing in the directory has changed."""
    before = tree(data)
    result = kafkapy("--port", "0", "--data", str(data))
    assert (result.returncode, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    assert tree(data) == before
    return line.removeprefix("kafkapy: ")


def whole(*messages: Any) -> bytes:
    return b"".join(snapshot.write(messages, epoch=5, now_ms=5))


def test_a_newer_metadata_version(kafkapy: Kafkapy, data: Path) -> None:
    (data / SNAPSHOT).write_bytes(whole(m.FeatureLevelRecord("metadata.version", 31)))
    said = refused(kafkapy, data)
    assert said == (
        f"{data}: the cluster's metadata cannot be read: "
        "its metadata.version is 31, this broker knows 30 at most: a newer Kafka wrote it"
    )


def test_an_older_metadata_version(kafkapy: Kafkapy, data: Path) -> None:
    (data / SNAPSHOT).write_bytes(whole(m.FeatureLevelRecord("metadata.version", 25)))
    assert "this broker needs 30: upgrade it with kafka-features.sh" in refused(kafkapy, data)


def test_a_feature_that_nobody_knows(kafkapy: Kafkapy, data: Path) -> None:
    features = (m.FeatureLevelRecord("metadata.version", 30), m.FeatureLevelRecord("time.travel", 1))
    (data / SNAPSHOT).write_bytes(whole(*features))
    assert "its time.travel is 1" in refused(kafkapy, data)


def test_a_formatted_directory_of_a_newer_metadata_version(kafkapy: Kafkapy, data: Path) -> None:
    shutil.rmtree(data / METADATA)
    shutil.rmtree(data / "t-0")
    (data / METADATA).mkdir()
    (data / "bootstrap.checkpoint").write_bytes(whole(m.FeatureLevelRecord("metadata.version", 31)))
    result = kafkapy("--port", "0", "--data", str(data))
    assert "its metadata.version is 31" in result.stderr
    assert not (data / METADATA / "quorum-state").exists()


@pytest.mark.parametrize("content", [b"", b"garbage" * 99, whole(m.NoOpRecord())[:-9]], ids=["empty", "other", "cut"])
@pytest.mark.parametrize("name", [SNAPSHOT, "bootstrap.checkpoint"], ids=["snapshot", "bootstrap"])
def test_a_corrupt_snapshot(kafkapy: Kafkapy, data: Path, name: str, content: bytes) -> None:
    (data / name).write_bytes(content)
    said = refused(kafkapy, data)
    assert said.startswith(f"{data}: the cluster's metadata cannot be read: {data / name}: ")


def test_a_corrupt_record_of_the_metadata(kafkapy: Kafkapy, data: Path) -> None:
    log = data / METADATA / f"{0:020d}.log"
    content = bytearray(log.read_bytes())
    content[150] ^= 1
    log.write_bytes(content)
    assert f"{data}: the cluster's metadata cannot be read: " in refused(kafkapy, data)


@pytest.mark.parametrize("content", [b"", b"{", b'{"data_version":7}', b'{"leaderEpoch":"x"}'])
def test_a_corrupt_quorum_state(kafkapy: Kafkapy, data: Path, content: bytes) -> None:
    (data / METADATA / "quorum-state").write_bytes(content)
    assert f"{data / METADATA}/quorum-state: quorum-state " in refused(kafkapy, data)


def test_no_identity(kafkapy: Kafkapy, data: Path) -> None:
    (data / "meta.properties").unlink()
    said = refused(kafkapy, data)
    assert said == (
        f"{data}/meta.properties is missing, but {METADATA} is there: bring it back, or name another data directory"
    )


def test_an_identity_from_zookeepers_time(kafkapy: Kafkapy, data: Path) -> None:
    (data / "meta.properties").write_text("version=0\nbroker.id=1\ncluster.id=x\n")
    assert refused(kafkapy, data) == f"{data}/meta.properties cannot be read: version is 0, only 1 is known"


@pytest.mark.parametrize("name", ["lost+found", "photos", "t"])
def test_somebody_elses_directory(kafkapy: Kafkapy, data: Path, name: str) -> None:
    (data / name).mkdir()
    said = refused(kafkapy, data)
    assert said == f"{data}/{name} is no directory of Kafka's; move it elsewhere, or name another data directory"


def test_somebody_elses_files_are_let_be(broker: Any, data: Path) -> None:
    foreign = [data / "notes.txt", data / "t-0" / "notes.txt", data / "t-0" / "notes.log"]
    for path in foreign:
        path.write_text("mine")
    assert [value for _, value in broker.start().client().read()] == ["a", "b"]
    assert [path.read_text() for path in foreign] == ["mine"] * 3


@pytest.mark.parametrize("content", [b"", b"\0\0\0", b"\0" * 16, b"\xff" * 24], ids=["empty", "cut", "zeros", "other"])
@pytest.mark.parametrize("suffix", ["index", "timeindex"])
@pytest.mark.parametrize("partition", ["t-0", METADATA])
def test_a_damaged_index_is_made_anew(broker: Any, data: Path, partition: str, suffix: str, content: bytes) -> None:
    for path in (data / partition).glob(f"*.{suffix}"):
        path.write_bytes(content)
    client = broker.start().client()
    assert client.topics() == {"t": 1}
    assert [value for _, value in client.read()] == ["a", "b"]


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"9\n0\n", b"0\n7\nt 0 1\n"], ids=["empty", "other", "newer", "cut"]
)
@pytest.mark.parametrize(
    "name",
    [
        "recovery-point-offset-checkpoint",
        "replication-offset-checkpoint",
        "log-start-offset-checkpoint",
        "t-0/leader-epoch-checkpoint",
    ],
)
def test_a_damaged_checkpoint_is_made_anew(broker: Any, data: Path, name: str, content: bytes) -> None:
    (data / name).write_bytes(content)
    assert [value for _, value in broker.start().client().read()] == ["a", "b"]
    assert broker.end() == 0
    assert (data / name).read_bytes() not in (b"garbage", b"9\n0\n", b"0\n7\nt 0 1\n")
