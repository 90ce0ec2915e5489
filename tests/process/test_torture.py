"""A broker killed with -9 at random moments, under idempotent producers and a group: nothing lost, nothing twice.

The moments come from a seed: after so many acknowledgements, commits or writes, within a request or a rebalance, during
the start. `--torture-kills 300 --torture-seed 7` goes on for longer, elsewhere.
"""

from __future__ import annotations

import random
import select
from collections.abc import Callable
from typing import Any

import pytest
from clients import LIBRARIES, wait_for
from hammer import value_of
from load import MEMBERS, OURS, Load

from kafkapy.protocol.batch import Record, build_batch
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.init_producer_id import INIT_PRODUCER_ID, InitProducerIdRequest
from kafkapy.protocol.messages.produce import PRODUCE, PartitionProduceData, ProduceRequest, TopicProduceData
from kafkapy.protocol.request import encode_request


class Asker:
    """An idempotent producer of the test's own, whose requests the broker's death interrupts."""

    def __init__(self, load: Load) -> None:
        self._load = load
        found = load.broker.client().ask(INIT_PRODUCER_ID, 2, InitProducerIdRequest(None, 1000))
        self._producer = {"producer_id": found.producer_id, "producer_epoch": found.producer_epoch}
        self._number = 0
        self._batch = b""

    @property
    def _head(self) -> str:
        return f"ours/{OURS[0]}/{OURS[1]}/{self._number}"

    def begin(self, share: float) -> None:
        """Send this much of a request, and wait for no answer."""
        record = Record(0, 1_700_000_000_000, self._head.encode(), value_of(self._head).encode())
        self._batch = build_batch([record], base_sequence=self._number, **self._producer)
        data = [TopicProduceData(OURS[0], partition_data=[PartitionProduceData(OURS[1], self._batch)])]
        frame = encode_request(PRODUCE, 9, 1, "ours", ProduceRequest(None, -1, 5000, data))
        whole = len(frame).to_bytes(4) + frame
        self._load.broker.client().socket.sendall(whole[: int(len(whole) * share)])

    def finish(self) -> None:
        """Repeat what was interrupted, which must be there once."""
        if self._batch:
            answer = self._load.broker.client().produce(self._batch, *OURS)
            assert answer.error_code == ErrorCode.NONE, answer
            self._load.account.note_acked(OURS, answer.base_offset, self._head)
            self._number += 1
            self._batch = b""


class Torture:
    """Kills the broker under its load, at moments that all come from one seed."""

    def __init__(self, seeded: random.Random, load: Load) -> None:
        self._random = seeded
        self._load = load
        self._broker = load.broker
        self._asker = Asker(load)
        self._moments = (
            self._after_acks,
            self._after_commits,
            self._after_writes,
            self._after_writes,
            self._within_a_request,
            self._within_a_rebalance,
        )

    def kill(self) -> None:
        """Let it be killed at some moment, start it again, and see that what it said still holds."""
        self._random.choice(self._moments)()
        self._broker.kill()
        for _ in range(self._random.choice((0, 0, 1, 2))):
            self._kill_during_start(self._random.randrange(40))
        self._broker.start()
        self._load.check_offsets()
        self._asker.finish()

    def _after(self, event: str, most: int) -> None:
        self._load.after(event, self._random.randrange(most))

    def _after_acks(self) -> None:
        self._after("acked", 2000)

    def _after_commits(self) -> None:
        self._after("acked", 300)
        self._after("committed", 20)

    def _after_writes(self) -> None:
        self._after("acked", 300)
        goal = self._broker.writes() + self._random.randrange(300)
        wait_for(lambda: self._broker.writes() >= goal, "more writes")

    def _within_a_request(self) -> None:
        self._after("acked", 300)
        self._asker.begin(self._random.choice((0.5, 0.9, 1.0, 1.0)))

    def _within_a_rebalance(self) -> None:
        self._load.change_members(self._random.randrange(MEMBERS))
        self._after_writes()

    def _kill_during_start(self, writes: int) -> None:
        self._broker.launch()
        wait_for(lambda: self._broker.writes() >= writes or self._is_ready(), "the start")
        self._broker.kill()

    def _is_ready(self) -> bool:
        return bool(select.select([self._broker.process.stdout], [], [], 0)[0])


@pytest.mark.parametrize("library", LIBRARIES)
def test_killed_at_random(load: Callable[..., Load], library: str, request: pytest.FixtureRequest) -> None:
    seeded = random.Random(f"{library} {request.config.getoption('--torture-seed')}")
    flush = f"log.flush.interval.messages={seeded.choice((1, 100, 2**63 - 1))}"
    suffering: Any = load(library, flush)
    torture = Torture(seeded, suffering)
    suffering.begin()
    for _ in range(request.config.getoption("--torture-kills")):
        torture.kill()
    suffering.end()
