"""zookeeper-server-start: nothing to start, and the reader goes on."""

from __future__ import annotations

import pytest

from kafkapy.cli import command
from kafkapy.cli.zookeeper import zookeeper_server_start


def test_nothing_to_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.status_of(zookeeper_server_start, ["config/zookeeper.properties"], command.say) == 0
    assert capsys.readouterr().out == (
        "There is nothing to start: a single kafkapy broker needs no ZooKeeper.\n"
        "Go on with: kafka-server-start.sh config/server.properties\n"
    )


def test_without_a_file_it_is_used_wrongly(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.status_of(zookeeper_server_start, [], command.say) == 1
    assert capsys.readouterr().err.startswith("USAGE: ")


def test_surprise_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def surprised(_: object) -> int:
        raise RuntimeError("not thought of")

    assert command.status_of(surprised, [], command.say) == 1
    assert capsys.readouterr() == ("", "not thought of\n")
