"""Apache Kafka's own command-line tools, all in one JVM, against the broker that the suite shares."""

import json
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "exchange"))

from apache import Missing, Tools


class CommandLine:
    """Runs a tool, named as its script is, against the broker."""

    def __init__(self, tools: Tools, bootstrap: str, folder: Path) -> None:
        self._tools = tools
        self.bootstrap = bootstrap
        self._folder = folder

    def __call__(self, tool: str, *arguments: str, given: str = "", fails: bool = False) -> str:
        """What the tool printed, each run of blanks as one; of one that is to fail, its errors too."""
        server = ("--bootstrap-server", self.bootstrap)
        # A subcommand comes before the options.
        first = arguments[:1] if tool == "kafka-cluster" else ()
        said = self._tools.run(MAINS[tool], *first, *server, *arguments[len(first) :], given=given, fails=fails)
        return "\n".join(" ".join(line.split()) for line in said.splitlines() if line.strip())

    def lines(self, tool: str, *arguments: str, given: str = "") -> list[str]:
        """The lines that the tool printed, sorted."""
        return sorted(self(tool, *arguments, given=given).splitlines())

    def file(self, content: Any) -> str:
        """The path of a file with this JSON."""
        path = self._folder / f"{uuid.uuid4().hex}.json"
        path.write_text(json.dumps(content))
        return str(path)


MAINS = {
    "kafka-broker-api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
    "kafka-client-metrics": "org.apache.kafka.tools.ClientMetricsCommand",
    "kafka-cluster": "org.apache.kafka.tools.ClusterTool",
    "kafka-configs": "kafka.admin.ConfigCommand",
    "kafka-console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "kafka-console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "kafka-features": "org.apache.kafka.tools.FeatureCommand",
    "kafka-get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "kafka-groups": "org.apache.kafka.tools.GroupsCommand",
    "kafka-leader-election": "org.apache.kafka.tools.LeaderElectionCommand",
    "kafka-log-dirs": "org.apache.kafka.tools.LogDirsCommand",
    "kafka-metadata-quorum": "org.apache.kafka.tools.MetadataQuorumCommand",
    "kafka-reassign-partitions": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
    "kafka-topics": "org.apache.kafka.tools.TopicCommand",
}


@pytest.fixture(scope="session")
def tools() -> Iterator[Tools]:
    """Where Java or Maven is missing the test skips, but in CI it fails."""
    try:
        running = Tools()
    except Missing as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason))
        pytest.skip(str(reason))
    yield running
    running.close()


@pytest.fixture
def run(tools: Tools, broker: Any, tmp_path: Path) -> CommandLine:
    return CommandLine(tools, broker.bootstrap, tmp_path)


@pytest.fixture
def name() -> str:
    """A name that nobody else uses."""
    return f"java-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def topic(run: CommandLine) -> Iterator[Callable[..., str]]:
    """Makes a topic of that many partitions, with records in the first of them, and gives its name."""
    made: list[str] = []

    def make(partitions: int = 1, records: int = 0) -> str:
        made.append(f"java-{uuid.uuid4().hex[:8]}")
        run("kafka-topics", "--create", "--topic", made[-1], "--partitions", str(partitions))
        if records:
            # Of one key, so that one partition has them all.
            keyed = ("--reader-property", "parse.key=true", "--reader-property", "key.separator=:")
            text = "".join(f"key:{number}\n" for number in range(records))
            run("kafka-console-producer", "--topic", made[-1], *keyed, given=text)
        return made[-1]

    yield make
    for one in made:
        run("kafka-topics", "--delete", "--if-exists", "--topic", one)
