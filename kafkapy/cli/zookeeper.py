"""zookeeper-server-start: says that there is nothing to start.

A single broker keeps its own metadata. The command exists because documents begin with it; it ends at once and well, so
that whoever follows one goes on with the next line.
"""

from __future__ import annotations

from collections.abc import Sequence

from kafkapy.cli import command
from kafkapy.cli.options import UsageError


def zookeeper_server_start(arguments: Sequence[str]) -> int:
    """Say so; the status."""
    if not arguments:
        raise UsageError("USAGE: zookeeper-server-start.sh [-daemon] zookeeper.properties")
    print("There is nothing to start: a single kafkapy broker needs no ZooKeeper.")
    print("Go on with: kafka-server-start.sh config/server.properties")
    return 0


def main() -> None:
    """The command line."""
    command.run(zookeeper_server_start)


if __name__ == "__main__":
    main()
