"""What keeps a broker from starting is said in one line on standard error, with an exit code that is not 0."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Kafkapy = Callable[..., subprocess.CompletedProcess[str]]


def complaint(result: subprocess.CompletedProcess[str]) -> str:
    """The one line that a broker which does not start leaves."""
    assert result.returncode == 1
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("kafkapy: ")
    return lines[0].removeprefix("kafkapy: ")


def test_a_port_in_use(kafkapy: Kafkapy, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = complaint(kafkapy("--port", str(port), "--data", str(tmp_path / "data")))
    assert said.startswith(f"cannot listen on localhost:{port}: the address is in use; is another broker running?")
    log = tmp_path / "data" / "__cluster_metadata-0" / "00000000000000000000.log"
    assert log.stat().st_size == 0, "a broker that never listened has no epoch"


def test_a_data_directory_in_use(kafkapy: Kafkapy, broker: Any) -> None:
    broker.start()
    said = complaint(kafkapy("--port", "0", "--data", str(broker.data)))
    assert said == f"the data directory {broker.data} is in use by another broker; stop it, or name another one"
    assert broker.client().is_served()


def test_another_nodes_data_directory(kafkapy: Kafkapy, broker: Any) -> None:
    broker.start().end()
    said = complaint(kafkapy("--port", "0", "--data", str(broker.data), "--override", "node.id=7"))
    assert "belongs to node" in said
    assert "this is node 7" in said


def test_a_data_directory_that_is_a_file(kafkapy: Kafkapy, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a directory")
    assert "it is not a directory" in complaint(kafkapy("--port", "0", "--data", str(tmp_path / "data")))


def test_a_directory_that_cannot_be_made(kafkapy: Kafkapy) -> None:
    assert "/proc/data" in complaint(kafkapy("--port", "0", "--data", "/proc/data"))


def test_a_damaged_identity(kafkapy: Kafkapy, broker: Any) -> None:
    broker.start().end()
    (broker.data / "meta.properties").write_text("garbage")
    assert "meta.properties cannot be read" in complaint(kafkapy("--port", "0", "--data", str(broker.data)))


def test_damaged_metadata(kafkapy: Kafkapy, broker: Any) -> None:
    broker.start().end()
    log = broker.data / "__cluster_metadata-0" / "00000000000000000000.log"
    content = bytearray(log.read_bytes())
    content[150] ^= 1
    log.write_bytes(content)
    said = complaint(kafkapy("--port", "0", "--data", str(broker.data)))
    assert "the cluster's metadata cannot be read" in said


@pytest.mark.parametrize("way", ["file", "override"])
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("num.partitons=3", "unknown property num.partitons; did you mean num.partitions?"),
        ("num.partitions=many", "num.partitions"),
        ("listeners=SASL_SSL://localhost:0", "SASL_SSL"),
    ],
    ids=["misspelt", "no number", "not served"],
)
def test_a_bad_property(kafkapy: Kafkapy, tmp_path: Path, way: str, line: str, said: str) -> None:
    properties = tmp_path / "server.properties"
    properties.write_text(f"{line}\nlog.dirs={tmp_path}/data\n")
    options = ["--config", str(properties)] if way == "file" else ["--data", str(tmp_path / "data"), "--override", line]
    assert said in complaint(kafkapy(*options))
    assert not (tmp_path / "data").exists()


def test_a_configuration_file_that_is_missing(kafkapy: Kafkapy, tmp_path: Path) -> None:
    said = complaint(kafkapy("--config", str(tmp_path / "none.properties")))
    assert said == f"Cannot read the configuration file {tmp_path}/none.properties: No such file or directory"


def test_a_port_that_is_no_number_is_refused_with_the_usage(kafkapy: Kafkapy) -> None:
    result = kafkapy("--port", "many")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
