"""Members of one consumer group at random, well behaved or not, on both brokers: every answer is the same.

By the `range` assignor, whose result does not depend on the order in which Java's maps are gone through.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

GROUP_TOPICS = ("two", "six", "missing")
MEMBERS = [("m1", None), ("m2", None), ("m3", "i1"), ("m4", "i1"), ("m5", "i2")]


class Walk:
    def __init__(self, both: Any, group: str, rng: random.Random) -> None:
        self.both, self.group, self.rng = both, group, rng
        self.epochs: dict[str, int] = {}
        self.told: dict[str, dict[str, list[int]]] = {}
        self.generations: dict[str, int] = {}

    def step(self) -> None:
        member, instance = self.rng.choice(MEMBERS)
        luck = self.rng.random()
        epoch = self.epochs.get(member, 0)
        if luck < 0.15:
            self.classic_step(self.rng.choice(["c1", "c2"]))
        elif epoch == 0 or luck < 0.2:
            self.beat(member, instance, 0, topics=self.wish(), server_assignor=self.assignor())
        elif luck < 0.27:
            self.beat(member, instance, self.rng.choice([-1, -1, -2]))
        elif luck < 0.35:
            self.beat(member, instance, epoch, topics=self.wish())
        elif luck < 0.42:
            self.beat(member, instance, max(1, epoch + self.rng.choice([-2, -1, 1])), owned=self.owned(member))
        elif luck < 0.7:
            self.beat(member, instance, epoch, owned=self.owned(member))
        elif luck < 0.75:
            topics = self.wish()
            self.beat(member, instance, epoch, owned=self.owned(member), topics=topics, timeout_ms=30_000)
        else:
            self.beat(member, instance, epoch)

    def wish(self) -> list[str]:
        """Some topics. Not none: Apache counts a member that joins without any as one that wants what the others do."""
        return self.rng.sample(GROUP_TOPICS, self.rng.choice([1, 2, 2, 3]))

    def assignor(self) -> str | None:
        return "range" if self.rng.random() < 0.5 else None

    def owned(self, member: str) -> dict[str, list[int]]:
        """What it was told that it has, or a part of it."""
        told = self.told.get(member, {})
        if self.rng.random() < 0.2:
            return {topic: found[:1] for topic, found in told.items()}
        return dict(told)

    def beat(self, member: str, instance: str | None, epoch: int, **fields: Any) -> None:
        answer = self.both.beat(self.group, member, epoch, instance_id=instance, **fields)
        if answer["error_code"] or answer["member_epoch"] < 0:
            self.epochs.pop(member, None)
            self.told.pop(member, None)
            return
        self.epochs[member] = answer["member_epoch"]
        if answer["assignment"] is not None:
            self.told[member] = answer["assignment"]

    def classic_step(self, member: str) -> None:
        """A classic member, while the group has one of the consumer protocol: alone it would wait for the others."""
        if self.both.describe(self.group)["error_code"] or not self.epochs:
            return
        generation = self.generations.get(member)
        if generation is None or self.rng.random() < 0.4:
            topics = self.rng.choice([["six"], ["six", "two"]])
            owned = self.told.get(member, {})
            # Under an id of its own choice, for a broker's would be in another place among the others'.
            joined = self.both.join(self.group, member, topics, owned)
            if joined["error_code"]:
                self.generations.pop(member, None)
                return
            self.generations[member] = joined["generation_id"]
            part = self.both.sync(self.group, member, joined["generation_id"])
            if isinstance(part, dict):
                self.told[member] = part
        elif self.both.classic_beat(self.group, member, generation) not in (0, 27):
            self.generations.pop(member)


@pytest.mark.parametrize("seed", range(4))
def test_every_answer_is_the_same(both: Any, seed: int) -> None:
    group = f"walk {seed}"
    walk = Walk(both, group, random.Random(seed))
    keeps: dict[str, Any] = {"topics": ["six"], "server_assignor": "range"}
    walk.beat("keeper", None, 0, **keeps)  # it stays, so the group remains a consumer group
    for number in range(250):
        walk.step()
        if number % 10 == 0:
            walk.beat("keeper", None, walk.epochs.get("keeper", 0), owned=walk.owned("keeper"), **keeps)
            both.describe(group)
    both.describe(group)
    both.same_log(group)
