"""What a user sees of a broker, through Apache's own tools; two brokers on one directory must look the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apache import CONFIGS, CONSUME, GROUPS, OFFSETS, PRODUCE, TOPICS, Tools


@dataclass(frozen=True)
class View:
    """Each a tool's lines, in an order that does not depend on the broker."""

    topics: list[str]
    configs: dict[str, list[str]]
    offsets: list[str]
    earliest: list[str]
    records: dict[str, list[str]]
    groups: dict[str, list[str]]


def look(tools: Tools, bootstrap: str, counts: Mapping[str, int], groups: list[str]) -> View:
    """Everything of the topics in `counts`, which says how many records each has, and of the groups."""
    server = ("--bootstrap-server", bootstrap)
    return View(
        [line.strip() for line in lines(tools.run(TOPICS, *server, "--describe", "--exclude-internal"))],
        {
            topic: lines(tools.run(CONFIGS, *server, "--entity-type", "topics", "--entity-name", topic, "--describe"))
            for topic in counts
        },
        lines(tools.run(OFFSETS, *server, "--exclude-internal-topics", "--time", "latest")),
        lines(tools.run(OFFSETS, *server, "--exclude-internal-topics", "--time", "earliest")),
        {topic: read(tools, bootstrap, topic, count) for topic, count in counts.items()},
        {group: lines(tools.run(GROUPS, *server, "--describe", "--group", group)) for group in groups},
    )


def lines(text: str) -> list[str]:
    return sorted(" ".join(line.split()) for line in text.splitlines() if line.strip())


def read(tools: Tools, bootstrap: str, topic: str, count: int, *properties: str) -> list[str]:
    """The topic's records with all that the console consumer can show of them; it waits until there are `count`.

    A consumer without a group reads them, which is ten times as fast as the console's.
    """
    return lines(tools.run("reader", topic, str(count), f"bootstrap.servers={bootstrap}", *properties))


def write(tools: Tools, bootstrap: str, topic: str, values: list[str], *properties: str) -> None:
    """Values with keys, through the console producer, which is an idempotent one."""
    more = [word for one in properties for word in ("--command-property", one)]
    keyed = ("--reader-property", "parse.key=true", "--reader-property", "key.separator=:")
    text = "".join(f"key-{value}:{value}\n" for value in values)
    tools.run(PRODUCE, "--bootstrap-server", bootstrap, "--topic", topic, *keyed, *more, given=text)


def consume(tools: Tools, bootstrap: str, topic: str, count: int, group: str, *properties: str) -> list[str]:
    """Values that a member of the group reads before it commits and leaves."""
    more = [word for one in ("auto.offset.reset=earliest", *properties) for word in ("--command-property", one)]
    wanted = ("--topic", topic, "--max-messages", str(count), "--timeout-ms", "20000", "--group", group)
    return lines(tools.run(CONSUME, "--bootstrap-server", bootstrap, *wanted, *more))
