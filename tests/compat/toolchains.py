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

from environments import HERE, ROOT, Missing, locked, run

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


Client = NodeClient | GoClient | CargoClient

KAFKAJS_CODECS = ("kafkajs-snappy@1.1.0", "lz4js@0.2.0", "@mongodb-js/zstd@1.2.2")

PLATFORMATIC_LACKS = {
    "clean_handover": "what a fetch brings that was under way when a partition was lost is handed on",
}

CLIENTS: tuple[Client, ...] = (
    NodeClient("kafkajs", "1.16.0", "kafkajs", ("kafkajs@1.16.0", *KAFKAJS_CODECS)),
    NodeClient("kafkajs", "2.2.4", "kafkajs", ("kafkajs@2.2.4", *KAFKAJS_CODECS)),
    NodeClient(
        "platformatic", "2.12.1", "platformatic", ("@platformatic/kafka@2.12.1",), node=22, lacks=PLATFORMATIC_LACKS
    ),
    CargoClient(
        "rdkafka", "0.39.0", "rdkafka", {"config_errors": "its alter_configs drops the error that the broker sends"}
    ),
    GoClient("franz-go", "1.22.3", "franz_go"),
    GoClient("sarama", "1.61.1", "sarama"),
    GoClient(
        "kafka-go",
        "0.4.51",
        "kafka_go",
        lacks={
            "idempotent": "it has no idempotent producer",
            "delete_records": "it has no DeleteRecords",
            "unknown_topic": "its Reader waits for a topic that is not there",
        },
    ),
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
