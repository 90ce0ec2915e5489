"""What a requirement means, and when it is met."""

from __future__ import annotations

import pytest

from benchmarks.figure import Figure, Series, cost, flat, number, rate


@pytest.mark.parametrize(
    ("figure", "ours", "theirs", "met"),
    [
        (rate("MB/s", 3), 300, 100, True),
        (rate("MB/s", 3), 299, 100, False),
        (cost("CPU s", 1 / 3), 1, 3, True),
        (cost("CPU s", 1 / 3), 1.1, 3, False),
        (cost("CPU s"), 9, 3, None),
        (cost("CPU s", 1), 0, 0, True),
        (flat("growth", 1.25), 1.2, 9, True),
        (flat("growth", 1.25), 1.3, 9, False),
    ],
)
def test_a_requirement_is_met_or_not(figure: Figure, ours: float, theirs: float, met: bool | None) -> None:
    assert figure.is_met(ours, theirs) is met


@pytest.mark.parametrize(
    ("figure", "ours", "theirs", "close"),
    [
        (rate("MB/s", 3), [290, 310], [100, 100], True),
        (rate("MB/s", 3), [310, 320], [100, 104], True),
        (rate("MB/s", 3), [310, 320], [100, 101], False),
        (rate("MB/s", 3), [200, 290], [100, 120], False),
        (cost("ms"), [1, 2], [1, 2], False),
        (flat("growth", 1.25), [1.2, 1.3], [1, 1], True),
    ],
)
def test_a_verdict_is_close_where_the_spreads_allow_the_other(
    figure: Figure, ours: list[float], theirs: list[float], close: bool
) -> None:
    assert figure.is_close(ours, theirs) is close


def test_a_requirement_is_said_as_a_person_says_it() -> None:
    assert [one.required for one in (rate("a", 3), cost("b", 1 / 3), cost("c", 1), flat("d", 1.25), cost("e"))] == [
        "≥ 3 ×",
        "≤ 1/3 ×",
        "≤ 1 ×",
        "itself ≤ 1.25",
        "",
    ]


def test_a_series_shows_its_median_and_its_spread() -> None:
    assert str(Series([1.0, 3.0, 2.0])) == "2 (1–3)"
    assert str(Series([1234.5])) == "1,234"
    assert number(0.01234) == "0.0123"
