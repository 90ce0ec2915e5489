"""Consumer groups with members, in a directory that both brokers have in turns: the members notice nothing."""

from __future__ import annotations

from typing import Any

import pytest
from side_by_side import Both, Side

from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.describe_groups import DESCRIBE_GROUPS, DescribeGroupsRequest


class OneSide(Both):
    """Whoever has the directory."""

    def __init__(self, client: Any) -> None:
        self.sides = [Side("whoever", client)]
        self.find_coordinators()

    @staticmethod
    def equal(answers: list[Any]) -> Any:
        return answers[0]


@pytest.mark.parametrize("first", ["kafkapy", "apache"])
def test_members_stay_in_their_epochs(turns: Any, first: str) -> None:
    settings = {"group_consumer_assignment_interval_ms": 0}
    turns.node(**settings)
    turns.format("--standalone")
    options = [f"--override={name.replace('_', '.')}={value}" for name, value in settings.items()]
    starts = {"kafkapy": lambda: turns.kafkapy("--override=offsets.topic.num.partitions=5", *options)}
    starts["apache"] = turns.apache
    second = "apache" if first == "kafkapy" else "kafkapy"

    starts[first]()
    one = OneSide(turns.client())
    one.create("six", 6)
    one.create("re-1", 2)
    epoch = one.beat("g", "m1", 0, topics=["six"], rack_id="r")["member_epoch"]
    other = one.beat("g", "m2", 0, topics=["six"], instance_id="i", server_assignor="range")["member_epoch"]
    one.beat("g", "m1", epoch)
    regex = one.beat("regex", "m1", 0, regex="re-.*")["member_epoch"]
    one.beat_until_assigned("regex", "m1", regex)
    regex = one.describe("regex")["members"][0]["member_epoch"]
    generation = one.join("mixed", "c1", ["six"], is_new=True)["generation_id"]
    one.sync("mixed", "c1", generation, {"six": [0, 1, 2, 3, 4, 5]})
    mixed = one.beat("mixed", "m1", 0, topics=["six"])["member_epoch"]
    aliases = one.sides[0].aliases
    before = [one.describe(group) for group in ("g", "regex", "mixed")]

    for name in (second, first):
        starts[name]()
        one = OneSide(turns.client())
        one.sides[0].aliases = aliases
        assert [one.describe(group) for group in ("g", "regex", "mixed")] == before, name
        assert one.beat("g", "m1", epoch)["member_epoch"] == epoch
        assert one.beat("g", "m2", other)["member_epoch"] == other
        assert one.beat("regex", "m1", regex)["member_epoch"] == regex
        assert one.beat("mixed", "m1", mixed)["member_epoch"] == mixed
        assert one.classic_beat("mixed", "c1", generation) == ErrorCode.REBALANCE_IN_PROGRESS
        assert [one.describe(group) for group in ("g", "regex", "mixed")] == before, name

    done = one.beat("g", "m1", epoch, owned={"six": [3, 4, 5]})
    assert done["member_epoch"] == epoch + 1
    assert one.beat("g", "m2", other)["assignment"] == {"six": [0, 1, 2]}
    one.beat("mixed", "m1", -1)
    starts[second]()
    one = OneSide(turns.client())
    one.sides[0].aliases = aliases
    assert one.describe("g")["group_state"] == "Stable"
    assert one.ask(DESCRIBE_GROUPS, 6, lambda _: DescribeGroupsRequest(["mixed"]))["groups"][0]["error_code"] == 0
    assert one.beat("g", "m1", -1)["error_code"] == ErrorCode.NONE
