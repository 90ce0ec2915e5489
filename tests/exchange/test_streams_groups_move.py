"""A streams group with members, in a directory that both brokers have in turns: the members notice nothing."""

from __future__ import annotations

from typing import Any

from test_consumer_groups_move import OneSide
from test_streams_groups import Streaming, info

from kafkapy.protocol.messages import streams_group_heartbeat as h


def test_members_stay_in_their_epochs(turns: Any) -> None:
    settings = {"group_streams_assignment_interval_ms": 0, "group_streams_initial_rebalance_delay_ms": 0}
    turns.node(**settings)
    turns.format("--standalone")
    options = [f"--override={name.replace('_', '.')}={value}" for name, value in settings.items()]
    split = h.Subtopology("0", ["six"], repartition_sink_topics=["words"])
    count = h.Subtopology("1", [], [], [info("counts")], [], [info("words")])
    topology = h.Topology(0, [split, count])

    def kafkapy() -> None:
        turns.kafkapy(*options)

    turns.apache()
    one = Streaming(OneSide(turns.client()))
    one.both.create("six", 6)
    one.configure("g", streams_num_standby_replicas=1)
    one.join("g", "m1", topology, user_endpoint=h.Endpoint("here", 80))
    for topic in ("words", "counts"):
        one.both.wait_known(topic, 6)
    one.beat("g", "m1")
    one.join("g", "m2", topology, client_tags=[h.KeyValue("zone", "a")])
    one.settle("g")
    before = one.describe("g")
    assert before["group_state"] == "Stable"
    assert one.standby["m1"]["1"] == one.active["m2"]["1"]

    for start, joining in ((kafkapy, "m3"), (turns.apache, "m4")):
        start()
        one.both = OneSide(turns.client())
        assert one.describe("g") == before, joining
        for member in list(one.epochs):
            answer = one.beat("g", member)
            assert (answer["error_code"], answer["status"], answer["active_tasks"]) == (0, [], None), joining
        assert one.describe("g") == before, joining
        one.leave("g", "m1" if joining == "m3" else "m2")
        one.join("g", joining, topology)
        one.settle("g")
        before = one.describe("g")
        assert before["group_state"] == "Stable"
    assert sorted(one.active["m3"]["1"] + one.active["m4"]["1"]) == [0, 1, 2, 3, 4, 5]
