"""Put the scoreboard of the last run of tests/compat into the README, between its two marks."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "compat"))

from scoreboard import load, table  # noqa: E402  # it is beside the tests that it counts

BEGIN, END = "<!-- scoreboard -->\n", "<!-- end of scoreboard -->\n"


def main() -> int:
    lines = load(ROOT / ".compat" / "scoreboard.json")
    if not lines:
        print("scoreboard: there was no run yet; run scripts/test tests/compat first", file=sys.stderr)
        return 1
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        print(f"scoreboard: README.md has no lines {BEGIN.strip()} and {END.strip()}", file=sys.stderr)
        return 1
    readme.write_text(before + BEGIN + table(lines) + END + after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
