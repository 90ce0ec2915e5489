"""The clients of other languages: how each is installed, once, under `.compat/`, and started.

An installation is a folder named after the client and its version. It counts as made when its marker holds what is
asked for here, so a changed version or a changed source makes it anew. What a client cannot do is said beside its
version, with the reason: the tests that need it are not made.

`python tests/compat/toolchains.py` makes them all.
"""

import hashlib
import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from environments import ALL_VERSIONS, HERE, ROOT, Missing, locked, run

Lacks = Mapping[str, str]


@dataclass(frozen=True)
class NodeClient:
    """A client from npm. `packages` are npm's, exact; `node` is the oldest major version of Node.js that runs it."""

    client: str
    version: str
    script: str
    packages: tuple[str, ...]
    node: int = 18
    lacks: Lacks = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.client}-{self.version}"

    def command(self, bootstrap: str) -> list[str]:
        """What starts the client's script against the broker at `bootstrap`, its packages being installed first."""
        npm, node = _tool("npm", "Node.js"), _tool("node", "Node.js")
        wanted = [*self.packages]
        bundled = None
        if _node_version(node) < self.node:
            # A Node.js that npm has as a package, for where the system's is too old.
            machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
            bundled = f"node-{platform.system().lower()}-{machine}"
            wanted.append(f"{bundled}@{NODE}")
        home = ROOT / self.name
        with locked(self.name):
            if not _is_made(home, "\n".join(wanted)):
                shutil.rmtree(home, ignore_errors=True)
                home.mkdir(parents=True)
                (home / "package.json").write_text('{"private": true}')
                run([npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *wanted], cwd=home)
                _mark(home, "\n".join(wanted))
        if bundled is not None:
            node = str(home / "node_modules" / bundled / "bin" / "node")
        return [node, str(HERE / self.script / "client.js"), bootstrap, str(home)]


NODE = "24.21.0"


@dataclass(frozen=True)
class GoClient:
    """A client from the Go module proxy; one program has all of one `modfile`, and is told which to be."""

    client: str
    version: str
    script: str
    modfile: str = "go.mod"
    lacks: Lacks = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.client}-{self.version}"

    def command(self, bootstrap: str) -> list[str]:
        """What starts the client's part of the program, which is built first."""
        go = _tool("go", "Go")
        home = ROOT / self.modfile.replace(".mod", "")
        program = home / "clients"
        sources = [HERE / self.modfile, *HERE.rglob("*.go")]
        with locked(home.name):
            wanted = _digest(sources)
            if not _is_made(home, wanted):
                home.mkdir(parents=True, exist_ok=True)
                build = [go, "build", f"-modfile={self.modfile}", "-o", str(program), "./driver/golang"]
                run(build, cwd=HERE)
                _mark(home, wanted)
        return [str(program), self.script, bootstrap]


@dataclass(frozen=True)
class CargoClient:
    """A client from crates.io, a package of its own in the folder `script`."""

    client: str
    version: str
    script: str
    lacks: Lacks = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.client}-{self.version}"

    def command(self, bootstrap: str) -> list[str]:
        """What starts the client's program, which is built first."""
        cargo = _tool("cargo", "Rust")
        home, package = ROOT / self.name, HERE / self.script
        with locked(self.name):
            wanted = _digest([*package.glob("Cargo.*"), *package.glob("src/*.rs")])
            if not _is_made(home, wanted):
                run([cargo, "build", "--locked", "--target-dir", str(home)], cwd=package)
                _mark(home, wanted)
        return [str(home / "debug" / "client"), bootstrap]


@dataclass(frozen=True)
class JavaClient:
    """A release of Apache Kafka's own client. `parts` are the classes of `java_clients/` that are its adapter.

    `codecs` and `shows_checksum` are what tests of the command loop ask, `lacks` what those of asks do; `options` are
    the JVM's; `kind` says what of the release there is, "clients" or "tools".
    """

    version: str
    parts: tuple[str, ...]
    codecs: tuple[str, ...] = ("gzip", "snappy", "lz4", "zstd")
    shows_checksum: bool = False
    lacks: Lacks = field(default_factory=dict)
    options: tuple[str, ...] = ()
    how: str = ""
    kind: str = "clients"

    @property
    def name(self) -> str:
        return f"java-{self.version}{self.how}"

    def command(self, bootstrap: str) -> list[str]:
        """What starts its program, which is compiled against the release first."""
        java, javac, maven = _tool("java", "a JDK"), _tool("javac", "a JDK"), _tool("mvn", "Maven")
        home, package = ROOT / f"java-{self.kind}-{self.version}", HERE / "java_clients"
        parts = JAVA_PARTS[self.version] if self.kind == "clients" else self.parts
        sources = [package / f"{name}.java" for name in (*JAVA_PROGRAM, *parts)]
        pom = package / f"{self.kind}.xml"
        path, archive = f"{home}/*", home / "classes.jsa"
        with locked(home.name):
            wanted = _digest([pom, *sources])
            if not _is_made(home, wanted):
                shutil.rmtree(home, ignore_errors=True)
                copy = [f"-DoutputDirectory={home}", f"-Dkafka={self.version}"]
                run([maven, "-q", "-B", "-f", str(pom), COPY_DEPENDENCIES, *copy])
                run([javac, "-nowarn", "-cp", path, "-d", str(home / "classes"), *map(str, sources)])
                jar = [_tool("jar", "a JDK"), "--create", f"--file={home / 'client.jar'}"]
                run([*jar, "-C", str(home / "classes"), "."])
                # Its classes as they are in memory: it starts in a third of the time. No broker is asked anything.
                archived = [f"-XX:ArchiveClassesAtExit={archive}", "-cp", path, "Client", "localhost:1", *parts]
                run([java, *JAVA_QUICK, *archived])
                _mark(home, wanted)
        quick = [*JAVA_QUICK, f"-XX:SharedArchiveFile={archive}", *self.options]
        return [java, *quick, "-cp", path, "Client", bootstrap, *self.parts]


COPY_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
JAVA_PROGRAM = ("Client", "Ask", "Poll", "Member", "Loop")
# The rest of the program, as far as the release has what it uses.
JAVA_PARTS = {
    "0.10.2.2": ("Oldest",),
    "1.1.1": ("Transactions", "Asks"),
    "2.0.1": ("Transactions", "Asks", "Groups"),
    "2.8.2": ("Transactions", "Asks", "Groups", "Newer"),
    "3.9.1": ("Transactions", "Asks", "Groups", "Newer"),
}
JAVA_QUICK = (
    *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx256m"),
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
OLD_CODECS = ("gzip", "snappy", "lz4")

NO_SHARE_GROUPS = {"share_groups": "it has no share groups (KIP-932)"}
NO_NEW_GROUPS = {**NO_SHARE_GROUPS, "consumer_protocol": "it has no groups of the new protocol (KIP-848)"}
NOT_DESCRIBED = {**NO_SHARE_GROUPS, "describe_consumer_group": "it has no ConsumerGroupDescribe"}
NO_ZSTD = {"zstd": "it came with 2.1"}
WAITS_FOR_TOPIC = {"unknown_topic": "its consumer waits for a topic that is not there"}
MAKES_TOPIC = {"unknown_topic": "its consumer makes the topic, where the broker lets it"}
NO_GROUPS = {"describe_group": "its admin client knows groups from 2.0 on"}
ASKED = ("Transactions", "Asks", "Groups", "Newer")
CONSUMER_PROTOCOL = ("-Dgroup.protocol=consumer",)

# Those that the command loop's tests run with.
JAVA_LOOPS = (
    JavaClient("0.10.2.2", ("Oldest",), OLD_CODECS, shows_checksum=True),
    JavaClient("1.1.1", ("Loop",), OLD_CODECS),
    JavaClient("2.0.1", ("Loop",), OLD_CODECS),
    JavaClient("2.8.2", ("Loop",)),
    JavaClient("3.9.1", ("Loop",)),
    JavaClient("3.9.1", ("Loop",), options=CONSUMER_PROTOCOL, how="-consumer-protocol"),
)[: None if ALL_VERSIONS else 1]

# Those that are asked, as the clients of other languages are.
JAVA_ASKED = (
    JavaClient("1.1.1", ("Transactions", "Asks"), lacks={**NO_NEW_GROUPS, **NO_ZSTD, **MAKES_TOPIC, **NO_GROUPS}),
    *((JavaClient("2.0.1", ASKED[:3], lacks={**NO_NEW_GROUPS, **NO_ZSTD, **MAKES_TOPIC}),) if ALL_VERSIONS else ()),
    JavaClient("2.8.2", ASKED, lacks={**NO_NEW_GROUPS, **WAITS_FOR_TOPIC}),
    JavaClient("3.9.1", ASKED, lacks={**NO_SHARE_GROUPS, **WAITS_FOR_TOPIC}),
)

Client = NodeClient | GoClient | CargoClient | JavaClient

KAFKAJS_CODECS = ("kafkajs-snappy@1.1.0", "lz4js@0.2.0", "@mongodb-js/zstd@1.2.2")

PLATFORMATIC_LACKS = {
    **NOT_DESCRIBED,
    "clean_handover": "what a fetch brings that was under way when a partition was lost is handed on",
    "read_committed": "of several aborted transactions of one producer in one fetch it leaves out the last only",
}

CLIENTS: tuple[Client, ...] = (
    NodeClient("kafkajs", "1.16.0", "kafkajs", ("kafkajs@1.16.0", *KAFKAJS_CODECS), lacks=NO_NEW_GROUPS),
    NodeClient("kafkajs", "2.2.4", "kafkajs", ("kafkajs@2.2.4", *KAFKAJS_CODECS), lacks=NO_NEW_GROUPS),
    NodeClient(
        "platformatic", "2.12.1", "platformatic", ("@platformatic/kafka@2.12.1",), node=22, lacks=PLATFORMATIC_LACKS
    ),
    CargoClient(
        "rdkafka",
        "0.39.0",
        "rdkafka",
        {**NOT_DESCRIBED, "config_errors": "its alter_configs drops the error that the broker sends"},
    ),
    GoClient("franz-go", "1.22.3", "franz_go"),
    GoClient("sarama", "1.61.1", "sarama", lacks=NO_NEW_GROUPS),
    GoClient(
        "kafka-go",
        "0.4.51",
        "kafka_go",
        lacks={
            **NO_NEW_GROUPS,
            "idempotent": "it has no idempotent producer",
            "delete_records": "it has no DeleteRecords",
            "unknown_topic": "its Reader waits for a topic that is not there",
            "transactions": "it has no producer that writes records in a transaction",
            "read_committed": "it hands on control records as if they were records",
        },
    ),
    *JAVA_ASKED,
)


def _tool(name: str, what: str) -> str:
    tool = shutil.which(name)
    if tool is None:
        raise Missing(f"no {name} on the path: install {what}")
    return tool


def _node_version(node: str) -> int:
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return int(shown.removeprefix("v").split(".")[0])


def _digest(sources: list[Path]) -> str:
    digest = hashlib.sha256()
    for source in sorted(sources):
        digest.update(f"{source.relative_to(HERE)}\n".encode() + source.read_bytes())
    return digest.hexdigest()


def _is_made(home: Path, wanted: str) -> bool:
    marker = home / "made"
    return marker.exists() and marker.read_text() == wanted


def _mark(home: Path, wanted: str) -> None:
    (home / "made").write_text(wanted)


if __name__ == "__main__":
    for client in CLIENTS:
        try:
            client.command("localhost:9092")
        except Missing as reason:
            print(f"{client.name}: left out, {reason}")
        else:
            print(f"{client.name}: made")
