"""What `scripts/bench` can be told."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

ROUNDS, QUICK_ROUNDS = 3, 1
QUICK_SCALE = 0.1


def parser() -> argparse.ArgumentParser:
    """What can be asked for."""
    found = argparse.ArgumentParser(prog="scripts/bench", description="kafkapy beside Apache Kafka on the same work.")
    found.add_argument("works", metavar="WORK", nargs="*", help="only these (all)")
    found.add_argument("--list", action="store_true", help="name the works, and do nothing")
    found.add_argument("--rounds", type=int, help=f"how often each work is done ({ROUNDS}, quick {QUICK_ROUNDS})")
    found.add_argument("--quick", action="store_true", help=f"{QUICK_SCALE:.0%}% of the work: to see that all runs")
    found.add_argument(
        "--data", metavar="DIR", type=Path, default=Path(tempfile.gettempdir()), help="where the brokers' data goes"
    )
    found.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        help="write the document here, and the plot beside it (a whole run: docs/benchmarks.md)",
    )
    return found
