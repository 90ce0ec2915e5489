"""`scripts/bench`: choose the works, run them, say how it went."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

from benchmarks.brokers import ROOT
from benchmarks.command_line import QUICK_ROUNDS, QUICK_SCALE, ROUNDS, parser
from benchmarks.contest import Contest, Row, Say
from benchmarks.machine import Circumstances
from benchmarks.plot import draw
from benchmarks.report import as_document, as_text
from benchmarks.work import Work, find_works
from tests.exchange.apache import Missing

DOCUMENT = ROOT / "docs" / "benchmarks.md"


def main() -> None:
    works = find_works()
    arguments = parser().parse_args()
    if arguments.list:
        for one in works.values():
            print(f"{one.name:26}{one.title}")
        return
    if unknown := [name for name in arguments.works if name not in works]:
        sys.exit(f"no such work: {', '.join(unknown)}; scripts/bench --list names them all")
    chosen = [works[name] for name in arguments.works] or list(works.values())
    rounds = arguments.rounds or (QUICK_ROUNDS if arguments.quick else ROUNDS)
    begun = time.monotonic()

    def say(text: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - begun), 60)
        print(f"{minutes:3}:{seconds:02} {text}", file=sys.stderr, flush=True)

    # As an exit, so that the brokers are ended and their data is deleted.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("scripts/bench: told to stop"))
    circumstances = Circumstances.now(rounds, arguments.data)
    try:
        rows = run(chosen, arguments.data, rounds, QUICK_SCALE if arguments.quick else 1.0, say)
    except Missing as reason:
        sys.exit(f"scripts/bench: {reason}")
    say("done")
    print(as_text(rows))
    output = arguments.output
    if output is None and not arguments.works and not arguments.quick:
        output = DOCUMENT
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        plot = output.with_suffix(".svg")
        draw(rows, plot)
        output.write_text(as_document(rows, circumstances, plot.name))
        say(f"written: {output} and {plot}")


def run(works: list[Work], folder: Path, rounds: int, scale: float, say: Say) -> list[Row]:
    """Do the works, against each of the brokers that they name in turn."""
    rows: list[Row] = []
    for other in dict.fromkeys(one.against for one in works):
        contest = Contest(other, folder, rounds, scale, say)
        rows += contest.run([one for one in works if one.against is other])
    return rows


if __name__ == "__main__":
    main()
