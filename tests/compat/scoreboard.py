"""What each client's tests came to in a run: kept as JSON, from which `scripts/scoreboard` makes the README's table.

A test counts for the client that it is run for. `left out` is what a client lacks, with the reason it has beside its
version. A run of some of the tests only replaces what it ran of: the clients that it had no test of keep their line.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

Line = dict[str, int]
_NAME = re.compile(r"(?P<client>.+?)-(?P<version>\d[\d.]*)(-(?P<how>.+))?")
COUNTS = ("passed", "failed", "skipped", "left out")


class Scoreboard:
    """Counts of one run, by client."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = defaultdict(lambda: dict.fromkeys(COUNTS, 0))

    def count(self, client: str, what: str) -> None:
        """One more test of the client that was `what`, one of COUNTS."""
        self._lines[client][what] += 1

    def save(self, path: Path) -> None:
        """Write this run's lines over those of the same clients; without any there is nothing to write."""
        if not self._lines:
            return
        lines = {**load(path), **self._lines}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(lines, indent=1, sort_keys=True) + "\n")


def load(path: Path) -> dict[str, Line]:
    """The lines that earlier runs have left, none where there was no run."""
    if not path.exists():
        return {}
    lines: dict[str, Line] = json.loads(path.read_text())
    return lines


def table(lines: Mapping[str, Line]) -> str:
    """The lines as a table of the README's, the clients in the order of their names."""
    rows = ["| client | version | passed | failed | skipped | left out |", "|---|---|---|---|---|---|"]
    for name, line in sorted(lines.items()):
        found = _NAME.fullmatch(name)
        assert found is not None, f"the client {name} has no version in its name"
        client = found["client"] + (f" ({found['how'].replace('-', ' ')})" if found["how"] else "")
        counts = " | ".join(str(line[count]) for count in COUNTS)
        rows.append(f"| {client} | {found['version']} | {counts} |")
    return "\n".join(rows) + "\n"
