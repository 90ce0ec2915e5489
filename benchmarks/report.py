"""The rows for a reader: lines of text while working, a document to keep."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.contest import Row
from benchmarks.figure import Figure, Series, number
from benchmarks.machine import Circumstances

INTRODUCTION = """\
# kafkapy beside Apache Kafka

Written by `scripts/bench`, which runs both brokers on the same work on one machine; do not edit. `scripts/bench --list`
names the works, and `scripts/bench NAME` runs one.

![How kafkapy stands to Apache Kafka]({plot})

## How it was measured
{circumstances}

- **Both brokers** are one node with their default settings, except that what is deleted goes after 1 s instead of 60,
  so that it is not written to the disk under the next work. Apache Kafka also gets the replication factors of 1 that
  one node needs, and the JVM options of its own start script: a heap of 1 GB, G1.
- **Durability** is the same: records go to the page cache and are answered; neither broker syncs them before.
- **Turns**: both run all the time, and a work is done by one of them at a time; who goes first alternates.
- **Warm-up**: no broker is restarted between works or rounds, so that most of Apache Kafka is compiled by the second
  round. Besides, the first quarter of each work's requests is not counted, clients write a tenth of their records
  first, and groups join once before. Starts and the making of topics have no warm-up of their own; kafkapy's bytecode
  is there, as after an installation by pip.
- **Load**: unless a row names a client, requests are encoded beforehand and sent by one Python process over plain
  sockets. It looks for an error in every answer, and at its size. That process has a share of the same cores.
- **Processor time** is that of the broker's process, in user mode and in the kernel, as the kernel counts it. **Peak
  memory** is the most that was resident during the row.
- **Messages**: the newest versions that both speak, and values of random bytes, not compressed; the rows of the old
  formats say what differs. Produce is sent with acks=1, and with acks=all where it is idempotent or a row says so.
"""

CLOSE = "A verdict is called close where the rounds spread so far that another run may give the other one."


def as_document(rows: list[Row], circumstances: Circumstances, plot: str) -> str:
    """The whole as Markdown."""
    told = "\n".join(f"- {line}" for line in circumstances.lines)
    met, required = tally(rows)
    parts = [
        INTRODUCTION.format(plot=plot, circumstances=told),
        f"## Results\n{met} of {required} requirements are met. {CLOSE}\n",
        "| work | figure | kafkapy | Apache Kafka | ratio | required | met |",
        "|---|---|---|---|---|---|---|",
        *(line for row in rows for line in _table_lines(row)),
    ]
    if old := {row.work.against.name for row in rows if "3.9" in row.work.against.name}:
        parts.append(f"\nThe old message formats are compared with {', '.join(old)}, the last that speaks them.")
    return "\n".join(parts) + "\n"


def as_text(rows: list[Row]) -> str:
    """The whole as lines for a terminal."""
    met, required = tally(rows)
    lines = []
    for row in rows:
        lines.append(f"{row.work.name}: {row.work.title}")
        lines += [f"    {failure}" for failure in _failures(row)]
        for cells in _cells(row):
            lines.append("    {:28} {:>26} {:>26} {:>7} {:>14} {}".format(*cells))
    return "\n".join([*lines, f"{met} of {required} requirements are met"])


def tally(rows: list[Row]) -> tuple[int, int]:
    """How many requirements are met, of how many."""
    verdicts = [verdict for row in rows for verdict in row.verdicts if verdict is not None]
    return sum(verdicts), len(verdicts)


def ratio(figure: Figure, ours: Series, theirs: Series) -> float | None:
    """kafkapy's median as a multiple of Apache's; None where that is 0, or the figure does not compare."""
    return None if figure.most_itself is not None or not theirs.median else ours.median / theirs.median


def _table_lines(row: Row) -> Iterator[str]:
    title = f"**{row.work.name}**: {row.work.title}"
    for failure in _failures(row):
        yield f"| {title} | {failure} | | | | | no |"
        title = ""
    for cells in _cells(row):
        yield f"| {title} | {' | '.join(cells)} |"
        title = ""


def _failures(row: Row) -> list[str]:
    sides = (("kafkapy", row.ours), (row.work.against.name, row.theirs))
    return [f"{name}: {column.failure}" for name, column in sides if column.failure]


def _cells(row: Row) -> Iterator[tuple[str, ...]]:
    """Figure, kafkapy, Apache Kafka, ratio, required, met: for each figure, and for the memory."""
    if not row.is_measured:
        return
    columns = zip(row.work.figures, row.ours.figures, row.theirs.figures, row.verdicts, strict=True)
    for figure, ours, theirs, verdict in columns:
        found = ratio(figure, ours, theirs)
        mark = {None: "", True: "yes", False: "no"}[verdict]
        if verdict is not None and len(ours.values) > 1 and figure.is_close(ours.values, theirs.values):
            mark += ", close"
        yield figure.name, str(ours), str(theirs), number(found) if found is not None else "", figure.required, mark
    if not row.work.shows_peak:
        return
    ours, theirs = row.ours.peak_mb, row.theirs.peak_mb
    yield "peak memory MB", str(ours), str(theirs), number(ours.median / theirs.median), "", ""
