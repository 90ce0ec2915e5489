"""Groups: how long all their members take to be together again."""

from __future__ import annotations

from benchmarks.figure import cost
from benchmarks.membership import Member, new_member, settle
from benchmarks.trial import Trial
from benchmarks.work import work

MEMBERS = 100


@work(
    "group-100",
    "a group of one is joined by 99 members at once; then one leaves; heartbeats every 10 ms",
    cost("s until 100 are together", 1),
    cost("s until 99 are together", 1),
    cost("CPU s"),
)
def group_100(trial: Trial) -> tuple[float, ...]:
    _join_and_leave(trial)  # warms up
    with trial.watch() as span:
        joined, left = _join_and_leave(trial)
    return joined, left, span.cpu_s


def _join_and_leave(trial: Trial) -> tuple[float, float]:
    """The seconds until all are together, and, after one has left, until the others are."""
    # A new group waits some seconds for more members, as configured: it begins with one, before the time counts.
    members = [new_member(trial, trial.topic().name)]
    newcomers = [Member(trial.connect(), members[0].group) for _ in range(MEMBERS - 1)]
    for member in newcomers:
        member.join()
    members += newcomers
    joined = settle(members)
    generation = members[0].generation
    members.pop().leave()
    return joined, settle(members, after=generation)
