"""The transaction coordinator: every request about a transactional id in every state of it, and of both protocols."""

from __future__ import annotations

import pytest
from sides import Connection, Sides
from transactional import LAST_OF, NEW, OLD, TIMEOUT_MS, Transactional, new_topic

from kafkapy.protocol.messages.add_offsets_to_txn import ADD_OFFSETS_TO_TXN, AddOffsetsToTxnRequest
from kafkapy.protocol.messages.add_partitions_to_txn import (
    ADD_PARTITIONS_TO_TXN,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnTopic,
    AddPartitionsToTxnTransaction,
)
from kafkapy.protocol.messages.describe_transactions import DESCRIBE_TRANSACTIONS, DescribeTransactionsRequest
from kafkapy.protocol.messages.end_txn import END_TXN, EndTxnRequest
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest
from kafkapy.protocol.messages.list_transactions import LIST_TRANSACTIONS, ListTransactionsRequest

OTHER = 1_000_000_007  # a producer id that is nobody's
PROTOCOLS = pytest.mark.parametrize("protocol", [OLD, NEW])

# How a transactional id comes into each of its states.
STATES = {
    "not known": lambda tx: tx,
    "empty": lambda tx: tx.init(),
    "empty again": lambda tx: tx.init().init(),
    "ongoing": lambda tx: tx.init().begun(),
    "committed": lambda tx: tx.init().begun().ended(commit=True),
    "aborted": lambda tx: tx.init().begun().ended(commit=False),
    "ongoing again": lambda tx: tx.init().begun().ended(commit=True).begun(),
    "begun after a commit": lambda tx: tx.init().begun().ended(commit=True).init(),
}


def identities() -> list[dict[str, object]]:
    """Who a request says that it is: itself, its past and future, and others."""
    return [{}, {"by": -1}, {"by": 1}, {"epoch": -1}, {"producer_id": OTHER}, {"producer_id": -1}]


@PROTOCOLS
@pytest.mark.parametrize("state", STATES)
def test_end(line: Connection, sides: Sides, protocol: int, state: str) -> None:
    topic, _ = new_topic(line, sides)
    for version in (1, 4) if protocol == OLD else (5,):
        for who in identities() if version > 1 else ({}, {"by": -1}):
            for commit in (True, False):
                line.note = f"{state}, v{version}, {who}, commit={commit}"
                tx = STATES[state](Transactional(line, sides, topic, protocol))
                before = {"producer_id": tx.producer_id, "epoch": tx.epoch}
                tx.end(commit=commit, version=version, **who)
                tx.wait_ended().describe()
                for again in (commit, not commit) if not who else ():
                    tx.end(commit=again, version=version, **before)
                    tx.wait_ended().describe()
    line.note = ""


@PROTOCOLS
@pytest.mark.parametrize("state", STATES)
def test_add(line: Connection, sides: Sides, protocol: int, state: str) -> None:
    topic, _ = new_topic(line, sides)
    for who in identities():
        for version in (1, 3) if "by" in who else (3,):
            line.note = f"{state}, v{version}, {who}"
            tx = STATES[state](Transactional(line, sides, topic, protocol))
            tx.add(version, 0, 1, **who)
            tx.describe()
        for version in (1, LAST_OF[protocol][ADD_OFFSETS_TO_TXN])[0 if "by" in who else 1 :]:
            line.note = f"{state}, v{version}, {who}"
            tx = STATES[state](Transactional(line, sides, topic, protocol))
            tx.add_offsets("g", version, **who)
            tx.describe()
    line.note = ""


@PROTOCOLS
@pytest.mark.parametrize("state", STATES)
def test_init(line: Connection, sides: Sides, protocol: int, state: str) -> None:
    topic, _ = new_topic(line, sides)
    for version in (0, 3, 5):
        for who in ({"producer_id": -1, "epoch": -1}, *({3: ({}, {"by": -1}), 5: identities()}.get(version, ()))):
            line.note = f"{state}, v{version}, {who}"
            tx = STATES[state](Transactional(line, sides, topic, protocol))
            name, producer_id, epoch = tx.who(**who)
            for _ in range(2):
                request = InitProducerIdRequest(name, TIMEOUT_MS, producer_id, epoch)
                line.ask(INIT_PRODUCER_ID, version, request)
                tx.wait_ended().describe()
            line.ask(INIT_PRODUCER_ID, version, InitProducerIdRequest(name, TIMEOUT_MS))
            tx.wait_ended()
    line.note = ""


def test_init_wrongly(line: Connection, sides: Sides) -> None:
    for version in sides.versions(INIT_PRODUCER_ID):
        for timeout_ms in (1, 0, -1, 900_000, 900_001, 2**31 - 1):
            line.ask(INIT_PRODUCER_ID, version, InitProducerIdRequest(sides.new_name("tx"), timeout_ms))
        for name in ("", "a b", "x" * 300):
            line.ask(INIT_PRODUCER_ID, version, InitProducerIdRequest(name, 1000))
        if version >= 3:
            for producer_id, epoch in ((-1, 0), (5, -1), (-5, -1), (-5, 0), (5, -2), (5, 0)):
                line.ask(
                    INIT_PRODUCER_ID, version, InitProducerIdRequest(sides.new_name("tx"), 1000, producer_id, epoch)
                )


def test_nobody(line: Connection, sides: Sides) -> None:
    """Requests without a transactional id."""
    topic, _ = new_topic(line, sides)
    for version in sides.versions(END_TXN):
        line.ask(END_TXN, version, EndTxnRequest("", 1, 0, True))
    for version in sides.versions(ADD_OFFSETS_TO_TXN):
        line.ask(ADD_OFFSETS_TO_TXN, version, AddOffsetsToTxnRequest("", 1, 0, "g"))
        line.ask(ADD_OFFSETS_TO_TXN, version, AddOffsetsToTxnRequest("nobody", 1, 0, ""))
    for version in range(4):
        topics = [AddPartitionsToTxnTopic(topic, [0])]
        line.ask(ADD_PARTITIONS_TO_TXN, version, AddPartitionsToTxnRequest([], "", 1, 0, topics))


def test_add_what_there_is_not(line: Connection, sides: Sides) -> None:
    topic, _ = new_topic(line, sides)
    for version in range(4):
        for topics in (
            [],
            [(topic,)],
            [(topic, 0, 7)],
            [(topic, -1)],
            [("no-such", 0), (topic, 1)],
            [("", 0)],
            [("a b", 0)],
            [("__consumer_offsets", 0), (topic, 0)],
            [("__transaction_state", 0)],
            [("__cluster_metadata", 0)],
            [(topic, 0, 0)],
            [(topic, 0), (topic, 1)],
        ):
            tx = Transactional(line, sides, topic).init()
            added = [AddPartitionsToTxnTopic(name, list(indexes)) for name, *indexes in topics]
            line.ask(ADD_PARTITIONS_TO_TXN, version, AddPartitionsToTxnRequest([], *tx.who(), added))
            tx.describe()
        tx = Transactional(line, sides, topic).init()
        tx.add_offsets("", min(version, 3))


def test_add_as_a_broker(line: Connection, sides: Sides) -> None:
    topic, _ = new_topic(line, sides)
    for version in (4, 5):
        for verify in (False, True):
            for state, make in STATES.items():
                for who in identities() if version == 5 else ():
                    line.note = f"{state}, v{version}, verify={verify}, {who}"
                    tx = make(Transactional(line, sides, topic))
                    name, producer_id, epoch = tx.who(**who)
                    for topics in ([(topic, 0)], [(topic, 1)]):
                        added = [AddPartitionsToTxnTopic(one, list(indexes)) for one, *indexes in topics]
                        asked = [AddPartitionsToTxnTransaction(name, producer_id, epoch, verify, added)]
                        line.ask(ADD_PARTITIONS_TO_TXN, version, AddPartitionsToTxnRequest(asked))
                    tx.describe()
            line.note = ""
            one, other = (Transactional(line, sides, topic).init() for _ in range(2))
            for topics in (
                [(topic, 0, 1)],
                [(topic, 7)],
                [("no-such", 0), (topic, 0)],
                [("__consumer_offsets", 0)],
                [(topic, 0), ("", 1)],
            ):
                added = [AddPartitionsToTxnTopic(name, list(indexes)) for name, *indexes in topics]
                good = AddPartitionsToTxnTransaction(*other.who(), verify, [AddPartitionsToTxnTopic(topic, [0])])
                asked = [AddPartitionsToTxnTransaction(*one.who(), verify, added), good]
                line.ask(ADD_PARTITIONS_TO_TXN, version, AddPartitionsToTxnRequest(asked))
            one.describe()
            other.describe()


def test_describe_and_list(line: Connection, sides: Sides) -> None:
    topic, _ = new_topic(line, sides)
    made = {state: make(Transactional(line, sides, topic)) for state, make in STATES.items()}
    names = [tx.name for tx in made.values()]
    for asked in ([], names, ["", "no-such"], [names[1], names[1]], ["a b"]):
        line.ask(DESCRIBE_TRANSACTIONS, 0, DescribeTransactionsRequest(asked))
    ids = made["ongoing"].producer_id, made["empty"].producer_id
    for version in sides.versions(LIST_TRANSACTIONS):
        for states in (
            [],
            ["Ongoing"],
            ["Ongoing", "Empty", "Ongoing"],
            ["CompleteCommit", "CompleteAbort"],
            ["PrepareCommit", "PrepareAbort"],
            ["Dead"],
            ["PrepareEpochFence"],
            ["ongoing"],
            ["no such", ""],
            ["no such", "Ongoing"],
        ):
            line.ask(LIST_TRANSACTIONS, version, ListTransactionsRequest(states))
        for producers in ([ids[0]], [ids[0], OTHER], [*ids, -1], [OTHER]):
            line.ask(LIST_TRANSACTIONS, version, ListTransactionsRequest([], producers))
            line.ask(LIST_TRANSACTIONS, version, ListTransactionsRequest(["Empty"], producers))
        if version >= 1:
            for duration_ms in (-1, -5, 3_600_000, 2**63 - 1):
                line.ask(LIST_TRANSACTIONS, version, ListTransactionsRequest([], [], duration_ms))
        if version >= 2:
            for pattern in (
                None,
                "",
                names[3],
                "tx.*",
                "t",
                "(",
                "[",
                ".*1",
                "(?i)TX.*",
                "a{2,1}",
                "x*+",
                r"\p{Alpha}+\d+",
            ):
                line.ask(LIST_TRANSACTIONS, version, ListTransactionsRequest([], [], -1, pattern))
