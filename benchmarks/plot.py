"""The plot beside the table: how far each required figure is from its requirement."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

from benchmarks.contest import Row
from benchmarks.report import ratio

mpl.use("svg")

from matplotlib import pyplot as plt

MET, MISSED, BOUND = "#4c9f70", "#c8553d", "#222222"


def draw(rows: list[Row], path: Path) -> None:
    """A bar for each required figure, as a multiple of Apache Kafka's, and a mark where it has to reach."""
    bars = []
    for row in rows:
        if row.is_measured:
            columns = zip(row.work.figures, row.ours.figures, row.theirs.figures, row.verdicts, strict=True)
            for figure, ours, theirs, verdict in columns:
                bound = figure.least or figure.most
                found = ratio(figure, ours, theirs)
                if bound and found:
                    bars.append((f"{row.work.name}: {figure.name}", found, bound, verdict))
    bars.reverse()
    mpl.rcParams["svg.fonttype"] = "none"  # text stays text: small, and it can be searched
    mpl.rcParams["svg.hashsalt"] = "kafkapy"  # the same rows give the same file
    height = 1 + 0.26 * len(bars)
    figure_, axes = plt.subplots(figsize=(10, height), layout="constrained")
    places = range(len(bars))
    axes.barh(places, [bar[1] - 1 for bar in bars], left=1, color=[MET if bar[3] else MISSED for bar in bars])
    axes.scatter([bar[2] for bar in bars], places, marker="|", s=140, color=BOUND, label="required", zorder=3)
    for place, (_, found, _, _) in zip(places, bars, strict=True):
        axes.annotate(f" {found:.2g} ×", (max(found, 1), place), va="center", fontsize=8)
    axes.set_xscale("log")
    axes.axvline(1, color=BOUND, linewidth=0.8)
    axes.set_yticks(places, [bar[0] for bar in bars], fontsize=8)
    axes.set_xlabel("kafkapy as a multiple of Apache Kafka (green: requirement met)")
    axes.legend(loc="lower right", fontsize=8)
    figure_.savefig(path, metadata={"Date": None})
    plt.close(figure_)
