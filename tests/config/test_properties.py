"""server.properties: files of old and new releases load, and mistakes are told in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from kafkapy.config import ConfigError
from kafkapy.config.properties import load

DATA = Path(__file__).parent / "data"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "server.properties"
    path.write_text(text, encoding="utf-8")
    return path


def test_no_file_gives_the_defaults() -> None:
    config = load()
    assert config.log_dirs == ("./kafkapy-data",)
    assert [(each.host, each.port) for each in config.listeners] == [("localhost", 9092)]
    assert config.ignored == ()


def test_a_file_of_0_10_loads() -> None:
    config = load(DATA / "server-0.10.properties")
    assert (config.node_id, config.broker_id) == (3, 3)
    assert config.advertised_listeners[0].host == "kafka.example"
    assert config.num_partitions == 2
    assert [notice.split(": ")[1] for notice in config.ignored] == [
        "zookeeper.connect is ignored",
        "zookeeper.connection.timeout.ms is ignored",
    ]


def test_host_and_port_of_0_8_become_listeners() -> None:
    config = load(DATA / "server-0.8.properties")
    assert [(each.host, each.port) for each in config.listeners] == [("localhost", 9092)]
    assert [(each.host, each.port) for each in config.advertised_listeners] == [("kafka.example", 19092)]
    assert config.log_dirs == ("/var/lib/kafka",)
    assert len(config.ignored) == 1


def test_a_file_of_3_9_loads() -> None:
    config = load(DATA / "server-3.9.properties")
    assert config.node_id == 0
    assert len(config.ignored) == 4


def test_a_file_of_4_3_loads_without_a_notice() -> None:
    config = load(DATA / "server-4.3.properties")
    assert [(each.name, each.host, each.port) for each in config.listeners] == [
        ("PLAINTEXT", "", 9092),
        ("CONTROLLER", "", 9093),
    ]
    assert [each.name for each in config.broker_listeners] == ["PLAINTEXT"]
    assert [(each.name, each.host) for each in config.advertised_listeners] == [("PLAINTEXT", "localhost")]
    assert config.ignored == ()


def test_overrides_win_over_the_file(tmp_path: Path) -> None:
    config = load(write(tmp_path, "num.partitions=2\nnum.io.threads=4\n"), ["num.partitions=5", "log.dirs = a, b"])
    assert (config.num_partitions, config.num_io_threads, config.log_dirs) == (5, 4, ("a", "b"))


def test_an_unknown_name_is_told_with_its_line_and_the_nearest_known_one(tmp_path: Path) -> None:
    path = write(tmp_path, "# first\nnum.partitions=\\\n  2\n\nnum.partition=2\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value) == f"{path}, line 5: unknown property num.partition; did you mean num.partitions?"


def test_a_wrong_value_is_told_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "\nnum.partitions=many\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value) == (
        f"{path}, line 2: Invalid value many for configuration num.partitions: Not a number of type INT"
    )


def test_a_wrong_override_is_told() -> None:
    with pytest.raises(ConfigError, match=r"^override: Invalid value 0 for configuration num.partitions"):
        load(None, ["num.partitions=0"])
    with pytest.raises(ConfigError, match="give key=value"):
        load(None, ["num.partitions"])


@pytest.mark.parametrize("broken", [b"a=\xff", b"a=\\uzzzz"])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "server.properties"
    with pytest.raises(ConfigError, match=r"Cannot read the configuration file .*: No such file"):
        load(path)
    path.write_bytes(broken)
    with pytest.raises(ConfigError, match="Cannot read the configuration file"):
        load(path)


def test_a_plugins_property_is_ignored_with_a_notice() -> None:
    config = load(None, ["listener.name.external.ssl.keystore.location=x", "quota.producer.default=5"])
    assert len(config.ignored) == 2
