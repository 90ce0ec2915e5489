"""Apache's kafka-transactions.sh against kafkapy: what is open is listed, described, and ended by an administrator."""

from __future__ import annotations

from typing import Any

from apache import TOPICS
from view import lines, read

TRANSACTIONS = "org.apache.kafka.tools.TransactionsCommand"


def test_an_administrator_finds_and_ends_what_is_open(turns: Any) -> None:
    tools = turns.tools
    turns.kafkapy()
    server = ("--bootstrap-server", turns.bootstrap)
    tools.run(TOPICS, *server, "--create", "--topic", "t", "--partitions", "1")
    tools.run("producer", "open", "tx", f"bootstrap.servers={turns.bootstrap}", "transactional.id=tx", "linger.ms=0")
    tools.run("producer", "begin", "tx")
    assert tools.run("producer", "send", "tx", "t", "0", "a").split() == ["0"]

    listed = lines(tools.run(TRANSACTIONS, *server, "list"))
    assert [line.split()[0] for line in listed if line.endswith("Ongoing")] == ["tx"]
    described = lines(tools.run(TRANSACTIONS, *server, "describe", "--transactional-id", "tx"))
    assert any("Ongoing" in line and "t-0" in line for line in described)
    producers = lines(tools.run(TRANSACTIONS, *server, "describe-producers", "--topic", "t", "--partition", "0"))
    assert len(producers) == 2

    tools.run(TRANSACTIONS, *server, "abort", "--topic", "t", "--partition", "0", "--start-offset", "0")
    tools.run(
        "producer", "open", "plain", f"bootstrap.servers={turns.bootstrap}", "linger.ms=0", "enable.idempotence=false"
    )
    tools.run("producer", "send", "plain", "t", "0", "b")
    found = read(tools, turns.bootstrap, "t", 1, "isolation.level=read_committed")
    assert [line.rsplit(" ", 1)[-1] for line in found] == ["b"]
    tools.run("producer", "close", "plain")
