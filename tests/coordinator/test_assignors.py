"""How partitions are divided: evenly, stickily, each once, and as Apache's assignors divide them."""

from __future__ import annotations

import random
from uuid import UUID

import pytest

from kafkapy.coordinator.assignor import Assignment, GroupSpec, MemberSpec
from kafkapy.coordinator.consumer.range_assignor import assign_range
from kafkapy.coordinator.consumer.uniform_assignor import assign_uniform

A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)


def group(
    wishes: dict[str, set[UUID]],
    counts: dict[UUID, int],
    before: dict[str, Assignment] | None = None,
    instances: dict[str, str] | None = None,
) -> GroupSpec:
    members = {
        member_id: MemberSpec((instances or {}).get(member_id), frozenset(topics), (before or {}).get(member_id, {}))
        for member_id, topics in wishes.items()
    }
    return GroupSpec(members, counts, len({frozenset(topics) for topics in wishes.values()}) <= 1)


def sizes(result: dict[str, Assignment]) -> dict[str, int]:
    return {member: sum(map(len, topics.values())) for member, topics in result.items()}


def test_ranges_put_equal_numbers_together() -> None:
    result = assign_range(group({"m1": {A, B}, "m2": {A, B}, "m3": {A, B}}, {A: 3, B: 7}))
    assert result == {"m1": {A: {0}, B: {0, 1, 2}}, "m2": {A: {1}, B: {3, 4}}, "m3": {A: {2}, B: {5, 6}}}


def test_ranges_follow_static_members_first_and_then_the_member_ids() -> None:
    result = assign_range(group({"m1": {A}, "m2": {A}, "m3": {A}}, {A: 3}, instances={"m3": "i1", "m2": "i2"}))
    assert result == {"m3": {A: {0}}, "m2": {A: {1}}, "m1": {A: {2}}}


def test_ranges_are_for_subscribers_and_some_get_nothing() -> None:
    result = assign_range(group({"m1": {A}, "m2": {A, B}, "m3": {B}}, {A: 3, B: 1}))
    assert result == {"m1": {A: {0, 1}}, "m2": {A: {2}, B: {0}}, "m3": {}}


def test_uniform_gives_all_to_the_first_and_takes_half_back_for_the_second() -> None:
    first = assign_uniform(group({"m1": {A, B}}, {A: 3, B: 3}))
    assert first == {"m1": {A: {0, 1, 2}, B: {0, 1, 2}}}
    both = assign_uniform(group({"m1": {A, B}, "m2": {A, B}}, {A: 3, B: 3}, first))
    assert both == {"m1": {A: {0, 1, 2}}, "m2": {B: {0, 1, 2}}}


def test_uniform_lets_a_member_that_has_one_more_keep_it() -> None:
    before = {"m2": {A: {0, 1}}, "m1": {A: {2}}}
    assert assign_uniform(group({"m1": {A}, "m2": {A}}, {A: 3}, before)) == before


def test_uniform_divides_what_a_member_left_behind() -> None:
    result = assign_uniform(group({"m1": {A}, "m3": {A}}, {A: 6}, {"m1": {A: {0, 1}}, "m3": {A: {4, 5}}}))
    assert result == {"m1": {A: {0, 1, 2}}, "m3": {A: {3, 4, 5}}}


def test_uniform_takes_away_what_is_no_longer_wanted() -> None:
    assert assign_uniform(group({"m1": {B}}, {B: 2}, {"m1": {A: {0}, B: {1}}})) == {"m1": {B: {0, 1}}}


def test_nothing_to_divide() -> None:
    for assign in (assign_range, assign_uniform):
        assert assign(group({}, {})) == {}
        assert not any(assign(group({"m1": set(), "m2": set()}, {})).values())


def test_uniform_of_different_wishes_is_as_even_as_they_allow() -> None:
    result = assign_uniform(group({"m1": {A, B}, "m2": {A, B, C}, "m3": {A}}, {A: 3, B: 3, C: 3}))
    assert result["m2"] == {C: {0, 1, 2}}
    assert sizes(result) == {"m1": 3, "m2": 3, "m3": 3}


def test_uniform_of_different_wishes_moves_from_the_fullest() -> None:
    before = {"m1": {A: {0, 1, 2, 3, 4, 5}}, "m2": {B: {0}}}
    result = assign_uniform(group({"m1": {A}, "m2": {A, B}}, {A: 6, B: 1}, before))
    assert sizes(result) == {"m1": 4, "m2": 3}
    assert result["m1"][A] < before["m1"][A]


@pytest.mark.parametrize("seed", range(60))
def test_every_partition_has_one_owner_who_wants_it(seed: int) -> None:
    rng = random.Random(seed)
    topics = [UUID(int=n) for n in range(1, rng.randint(2, 7))]
    counts = {topic: rng.randint(1, 12) for topic in topics}
    wishes = {f"m{n}": {topic for topic in topics if rng.random() < 0.6} for n in range(rng.randint(1, 9))}
    if rng.random() < 0.4:
        wishes = {member: set(topics) for member in wishes}
    for assign in (assign_range, assign_uniform):
        before: dict[str, Assignment] = {}
        for _ in range(4):
            spec = group(wishes, counts, before)
            result = assign(spec)
            owned = [(t, p) for a in result.values() for t, ps in a.items() for p in ps]
            wanted = {topic for topics_of_one in wishes.values() for topic in topics_of_one}
            assert sorted(owned) == sorted((t, p) for t in wanted for p in range(counts[t]))
            assert all(set(a) <= wishes[m] for m, a in result.items())
            if spec.is_homogeneous and assign is assign_uniform and wanted:
                assert max(sizes(result).values()) - min(sizes(result).values()) <= 1
                assert assign(group(wishes, counts, result)) == result
            before = result
            if rng.random() < 0.5 and len(wishes) > 1:
                gone = rng.choice(list(wishes))
                wishes = {m: w for m, w in wishes.items() if m != gone}
                before.pop(gone, None)
            else:
                wishes = {**wishes, f"n{rng.randrange(1000)}": set(rng.choice(list(wishes.values())))}
