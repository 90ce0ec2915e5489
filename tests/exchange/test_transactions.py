"""Transactions by Apache's own producer, on a directory that kafkapy and Apache Kafka have in turns."""

from __future__ import annotations

from typing import Any

import pytest
from apache import DUMP, TOPICS
from view import lines, read

TRANSACTIONS = "org.apache.kafka.tools.TransactionsCommand"
COMMITTED = ("isolation.level=read_committed",)


def transact(turns: Any, end: str, *values: str) -> None:
    """One transaction; with "" for its end it stays open."""
    turns.tools.run("producer", "begin", "tx")
    turns.tools.run("producer", "send", "tx", "t", "0", *values)
    if end:
        turns.tools.run("producer", end, "tx")


def open_producer(turns: Any) -> None:
    server = f"bootstrap.servers={turns.bootstrap}"
    turns.tools.run(
        "producer", "open", "tx", server, "transactional.id=tx", "linger.ms=0", "transaction.timeout.ms=600000"
    )


def described(turns: Any) -> list[str]:
    """What both say of the transactional id: no broker's number, nor how long it has been so."""
    server = ("--bootstrap-server", turns.bootstrap)
    [line] = lines(turns.tools.run(TRANSACTIONS, *server, "describe", "--transactional-id", "tx"))[1:]
    fields = line.split()
    return [fields[1], *fields[2:5]]


def of(values: list[str]) -> list[str]:
    return [line.rsplit(" ", 1)[-1] for line in values]


@pytest.mark.parametrize("begins", ["kafkapy", "apache"])
def test_transactions_go_on_wherever_they_began(turns: Any, begins: str) -> None:
    tools = turns.tools
    if begins == "apache":
        turns.format("--standalone")
    here, there = (turns.kafkapy, turns.apache) if begins == "kafkapy" else (turns.apache, turns.kafkapy)
    here()
    tools.run(TOPICS, "--bootstrap-server", turns.bootstrap, "--create", "--topic", "t", "--partitions", "1")
    open_producer(turns)
    kept: list[str] = []
    for round_number, turn in enumerate((there, here, there)):
        kept.append(f"{round_number}-kept")
        transact(turns, "commit", f"{round_number}-kept")
        transact(turns, "abort", f"{round_number}-lost")
        transact(turns, "", f"{round_number}-open")
        before = (read(tools, turns.bootstrap, "t", len(kept), *COMMITTED), described(turns))
        assert of(before[0]) == kept
        turn()
        assert (read(tools, turns.bootstrap, "t", len(kept), *COMMITTED), described(turns)) == before
        kept.append(f"{round_number}-open")
        tools.run("producer", "commit", "tx")
        assert of(read(tools, turns.bootstrap, "t", len(kept), *COMMITTED)) == kept
        total = 3 * (round_number + 1)
        assert len(read(tools, turns.bootstrap, "t", total)) == total
    tools.run("producer", "close", "tx")
    turns.stop()
    files = ",".join(str(path) for path in sorted((turns.data / "t-0").glob("*.log")))
    shown = tools.run(DUMP, "--print-data-log", "--files", files)
    assert shown.count("endTxnMarker: COMMIT") == 6
    assert shown.count("endTxnMarker: ABORT") == 3
