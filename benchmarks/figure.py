"""A figure that a work yields, and what is required of it."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """What is measured, with its unit, and how kafkapy's median must stand to Apache Kafka's.

    `least` and `most` bound their ratio; `most_itself` bounds the figure by itself, whatever Apache's is.
    """

    name: str
    least: float | None = None
    most: float | None = None
    most_itself: float | None = None

    @property
    def required(self) -> str:
        """The requirement, for a reader; empty if the figure is only shown."""
        if self.least is not None:
            return f"≥ {self.least:g} ×"
        if self.most is not None:
            return f"≤ {shown_share(self.most)} ×"
        return "" if self.most_itself is None else f"itself ≤ {self.most_itself:g}"

    def is_met(self, ours: float, theirs: float) -> bool | None:
        """Whether the requirement is met; None if there is none."""
        if self.most_itself is not None:
            return ours <= self.most_itself
        # Not as a quotient: a processor time of 0 is possible, where little was to do.
        if self.least is not None:
            return ours >= self.least * theirs
        return None if self.most is None else ours <= self.most * theirs

    def is_close(self, ours: list[float], theirs: list[float]) -> bool:
        """Whether the rounds of both, as far as they spread, would let the verdict be the other one."""
        if self.most_itself is not None:
            return min(ours) <= self.most_itself <= max(ours)
        bound = self.least or self.most
        return bound is not None and min(ours) <= bound * max(theirs) and max(ours) >= bound * min(theirs)


def shown_share(share: float) -> str:
    """A bound as a person says it: 1/3, 1/10."""
    return f"1/{round(1 / share)}" if share < 1 else f"{share:g}"


def rate(name: str, least: float | None = None) -> Figure:
    """The more, the better."""
    return Figure(name, least=least)


def cost(name: str, most: float | None = None) -> Figure:
    """The less, the better."""
    return Figure(name, most=most)


def flat(name: str, most: float) -> Figure:
    """A quotient of two of a broker's own measurements that must stay small."""
    return Figure(name, most_itself=most)


@dataclass
class Series:
    """One figure of one broker, round after round."""

    values: list[float]

    @property
    def median(self) -> float:
        return median(self.values)

    def __str__(self) -> str:
        spread = f" ({number(min(self.values))}–{number(max(self.values))})" if len(self.values) > 1 else ""
        return number(self.median) + spread


def number(value: float) -> str:
    """Three digits that count, no more, and thousands apart."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
