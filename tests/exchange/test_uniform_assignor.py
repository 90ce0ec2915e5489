"""The `uniform` assignor where members want different topics: kafkapy divides as Apache Kafka does, step by step.

Every topic is of another size, and the members' names are in Java's order as well as in ours: elsewhere the order of
Java's maps decides between equals.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

SIZES = {"two": 2, "six": 6, "five": 5, "eleven": 11}


@pytest.fixture(scope="module")
def topics(both: Any) -> list[str]:
    for name in ("five", "eleven"):
        both.create(name, SIZES[name])
    return list(SIZES)


@pytest.mark.parametrize("seed", range(6))
def test_it_divides_as_apache_does(both: Any, topics: list[str], seed: int) -> None:
    rng, group = random.Random(seed), f"uniform {seed}"
    # One that wants what no other does: where all want the same topics, the order of Java's maps decides.
    epochs: dict[str, int] = {"m0": both.beat(group, "m0", 0, topics=["two"])["member_epoch"]}
    for _ in range(14):
        member = rng.choice(["m1", "m2", "m3"])
        wish = rng.sample(topics, rng.randint(2, 3))
        if member not in epochs:
            epochs[member] = both.beat(group, member, 0, topics=wish)["member_epoch"]
        elif rng.random() < 0.3:
            both.beat(group, member, -1)
            del epochs[member]
        else:
            epochs[member] = both.beat(group, member, epochs[member], topics=wish)["member_epoch"]
        # Who is asked to give something back does so at once.
        for _ in range(3):
            for one in sorted(epochs):
                answer = both.beat(group, one, epochs[one])
                owned = answer["assignment"]
                if owned is not None:
                    answer = both.beat(group, one, answer["member_epoch"], owned=owned)
                epochs[one] = answer["member_epoch"]
        both.describe(group)
