"""Transactional ids in every state go from one broker to the other, and neither they nor their groups notice it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from apache import TOPICS, Tools
from conftest import Turns
from copies import HOUR_MS, READ_COMMITTED, Writer, logs_in, read
from test_consumer_groups_move import OneSide
from transactors import TOPIC, Transactor

from kafkapy.coordinator.transactions.records import read_transaction_record, transaction_record
from kafkapy.coordinator.transactions.transaction import EPOCH_PER_TRANSACTION, EXHAUSTED_EPOCH, Transaction
from kafkapy.protocol.batch import build_batch
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.describe_transactions import DESCRIBE_TRANSACTIONS, DescribeTransactionsRequest
from kafkapy.protocol.messages.find_coordinator import FIND_COORDINATOR, FindCoordinatorRequest
from kafkapy.protocol.messages.offset_fetch import (
    OFFSET_FETCH,
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
)

TRANSACTIONS = "org.apache.kafka.tools.TransactionsCommand"
DECIDED = ("will", "will not")
STATES = ("to commit", "to abort", "to fence", "to time out", "committed", "aborted", "empty", "old", *DECIDED)
HANGING = 2 * len(STATES)  # the partition with a transaction that no coordinator knows
SETTINGS = {
    "transaction.state.log.num.partitions": 3,
    "offsets.topic.num.partitions": 5,
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 200,
    "group.consumer.assignment.interval.ms": 0,
}


class Story:
    """What is begun on one broker and goes on on another; `told` is all that anybody was told."""

    def __init__(self, turns: Any) -> None:
        self.turns = turns
        self.told: list[Any] = []
        self.all = [
            Transactor(name, version, at)
            for at, (name, version) in enumerate((name, version) for version in (1, 2) for name in STATES)
        ]

    def named(self, name: str) -> list[Transactor]:
        return [one for one in self.all if one.id == f"{name} {one.version}"]

    def use(self, client: Any) -> None:
        for kind in (0, 1):
            for one in self.all:
                asked = FindCoordinatorRequest(one.id, kind)
                while client.ask(FIND_COORDINATOR, 3, asked).error_code != ErrorCode.NONE:
                    pass
        for one in self.all:
            one.client = client

    def begin(self) -> None:
        for one in self.all:
            one.init()
        for one in self.named("to commit") + self.named("to abort"):
            whoever = OneSide(one.client)
            epoch = whoever.beat(f"members of {one.id}", "m", 0, topics=[TOPIC])["member_epoch"]
            one.send("a", "b")
            one.commit_offset(f"classic of {one.id}", 11)
            one.commit_offset(f"members of {one.id}", 12, "m", epoch)
        for name in ("to fence", "to time out", "committed", "aborted", "will", "will not"):
            for one in self.named(name):
                one.send("a")
                one.commit_offset(f"classic of {one.id}", 13)
        for name, commit in (("committed", True), ("aborted", False)):
            for one in self.named(name):
                one.end(commit=commit)

    def write(self) -> None:
        """What no client brings about: an end that is decided when a broker dies, epochs that are almost used up."""
        with logs_in(self.turns.data) as logs:
            for name, commit in (("will", True), ("will not", False)):
                for one in self.named(name):
                    end = {"commit": commit, "client_version": one.version, "next_producer_id": -1}
                    self._rewrite(logs, one, lambda was, end=end: was.prepared(**end, now_ms=was.update_ms))
            for one in self.named("to time out"):
                self._rewrite(logs, one, lambda was: was._replace(start_ms=was.start_ms - HOUR_MS))
            for one in self.named("old"):
                one.grow_old(epoch := EXHAUSTED_EPOCH + 1 - one.version)
                self._rewrite(logs, one, lambda was, epoch=epoch: was._replace(producer_epoch=epoch))
            Writer(logs[TOPIC, HANGING]).send(77_000, (None, b"lost"))

    @staticmethod
    def _rewrite(logs: Any, one: Transactor, change: Callable[[Transaction], Transaction]) -> None:
        for log in [log for (topic, _), log in logs.items() if topic == "__transaction_state"]:
            found = [record for _, records in log.replay(0) for record in records]
            changes = [read_transaction_record(record) for record in found]
            if newest := [was.value for was in changes if was and was.value and was.transactional_id == one.id]:
                now_ms = newest[-1].update_ms
                record = transaction_record(change(newest[-1]), EPOCH_PER_TRANSACTION, now_ms)
                log.append_as_leader(build_batch([record]), log.latest_epoch, now_ms, from_client=False)

    def go_on(self) -> None:
        for one in self.named("to commit") + self.named("to abort"):
            one.send("c")
            one.commit_offset(f"classic of {one.id}", 21)
            for again in (False, True, False):
                one.end(commit="commit" in one.id, again=again)
            one.end(commit="commit" not in one.id)
        for one in self.named("to fence"):
            other = Transactor("", one.version, one.partition)
            other.id, other.client, other.producer = one.id, one.client, one.producer
            other.init()
            one.send("too late")
            one.end(commit=True)
            one.init(again=True)
            other.send("d")
            other.end(commit=True)
            self.told.append(other.told)
        for one in self.named("committed") + self.named("aborted"):
            one.end(commit="committed" in one.id, again=True)
            one.end(commit="committed" not in one.id)
        for name in ("committed", "aborted", "empty", "old", "will", "will not"):
            for one in self.named(name):
                one.send("e")
                one.end(commit=True)
        for one in self.named("old"):
            for number in range(3):
                one.send(str(number))
                one.end(commit=True)
        for one in self.named("will") + self.named("will not") + self.named("old"):
            one.init()
            one.send("f")
            one.end(commit=True)
        for one in self.named("to time out"):
            one.send("too late")
            one.end(commit=True)
            one.init()
            one.send("g")
            one.end(commit=False)

    def state_of(self, one: Transactor) -> str:
        [state] = one.client.ask(DESCRIBE_TRANSACTIONS, 0, DescribeTransactionsRequest([one.id])).transaction_states
        return str(state.transaction_state)

    def look(self) -> Any:
        """What readers, groups and an administrator see."""
        client, found = self.all[0].client, []
        for one in self.all:
            [state] = client.ask(DESCRIBE_TRANSACTIONS, 0, DescribeTransactionsRequest([one.id])).transaction_states
            where = [(topic.topic, topic.partitions) for topic in sorted(state.topics, key=lambda topic: topic.topic)]
            where = [one for one in where if not one[0].startswith("__")] + [one[0] for one in where]
            same = state.producer_id == one.producer[0]
            found.append((one.id, state.error_code, state.transaction_state, state.transaction_timeout_ms, same))
            found.append((state.producer_epoch, state.transaction_start_time_ms > 0, where))
            found.append([value for _, _, value in read(client, TOPIC, one.partition, READ_COMMITTED)])
            found += [self._offsets(client, f"{kind} of {one.id}", one.partition) for kind in ("classic", "members")]
        return found

    @staticmethod
    def _offsets(client: Any, group: str, partition: int) -> Any:
        found = []
        for stable in (True, False):
            topics = [OffsetFetchRequestTopics(TOPIC, partition_indexes=[partition])]
            wanted = [OffsetFetchRequestGroup(group, topics=topics)]
            [answer] = client.ask(OFFSET_FETCH, 9, OffsetFetchRequest(groups=wanted, require_stable=stable)).groups
            [one] = answer.topics[0].partitions
            found.append((answer.error_code, one.error_code, one.committed_offset))
        return found

    def administer(self) -> Any:
        """What kafka-transactions.sh says, but for times, and ids of producers where there are many."""
        server = ("--bootstrap-server", self.turns.bootstrap)

        def said(*words: str) -> list[list[str]]:
            lines = [line.split() for line in self.turns.tools.run(TRANSACTIONS, *server, *words).splitlines()[1:]]
            return sorted([word for word in line if not word.isdecimal() or int(word) < HOUR_MS] for line in lines)

        listed, hanging = said("list"), said("find-hanging", "--topic", TOPIC)
        assert [line[:5] for line in hanging] == [[TOPIC, str(HANGING), "77000", "0", "-1"]]
        [described] = said("describe", "--transactional-id", "to commit 2")
        del described[-2]  # for how long
        producers = ("describe-producers", "--topic", TOPIC, "--partition")
        return listed, hanging, described, [said(*producers, str(at)) for at in (0, 4, HANGING)]


def live_through(turns: Any, first: str) -> Any:
    options = [f"--override={name}={value}" for name, value in SETTINGS.items()]
    turns.node(**{name.replace(".", "_"): value for name, value in SETTINGS.items()})
    turns.format("--standalone")

    def kafkapy() -> None:
        turns.kafkapy(*options)

    starts = [kafkapy, turns.apache] if first == "kafkapy" else [turns.apache, kafkapy]
    story = Story(turns)
    starts[0]()
    create = ("--create", "--topic", TOPIC, "--partitions", str(HANGING + 1))
    turns.tools.run(TOPICS, "--bootstrap-server", turns.bootstrap, *create)
    story.use(turns.client())
    story.begin()
    story.told.append(story.look())
    turns.stop()
    story.write()
    starts[1]()
    story.use(turns.client())
    for one in story.named("will") + story.named("will not") + story.named("to time out"):
        turns.wait_until(lambda one=one: story.state_of(one).startswith("Complete"))  # type: ignore[misc]
    story.told.append(story.look())
    story.told.append(story.administer())
    story.go_on()
    story.told.append(story.look())
    turns.stop()
    return [*story.told, *[[one.id, *one.told] for one in story.all]]


def test_every_state_goes_on_wherever_it_began(tmp_path: Path, tools: Tools) -> None:
    found = {}
    for first in ("kafkapy", "apache"):
        (tmp_path / first).mkdir()
        turns = Turns(tmp_path / first, tools)
        try:
            found[first] = live_through(turns, first)
        finally:
            turns.close()
    for ours, theirs in zip(*found.values(), strict=True):
        assert ours == theirs
