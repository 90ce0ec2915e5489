"""Apache Kafka 4.3.1, fetched by Maven into `.compat/` beside the code: a combined node, and the tools that ask one."""

from __future__ import annotations

import fcntl
import json
import os
import queue
import shutil
import socket
import subprocess
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = HERE.parents[1] / ".compat" / "apache-kafka-4.3.1"
LIMIT_S = 60.0
STARTED = "Kafka Server started"
# The JVM's start is most of what a node costs: one compiler tier and a shared archive of classes make it shorter.
QUICK = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx512m"]
ARCHIVE = HOME / "node.jsa"  # a node's classes as the JVM has them in memory, which the first node to stop leaves
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"

TOPICS = "org.apache.kafka.tools.TopicCommand"
CONFIGS = "kafka.admin.ConfigCommand"
GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
OFFSETS = "org.apache.kafka.tools.GetOffsetShell"
PRODUCE = "org.apache.kafka.tools.ConsoleProducer"
CONSUME = "org.apache.kafka.tools.consumer.ConsoleConsumer"
FEATURES = "org.apache.kafka.tools.FeatureCommand"
LOG_DIRS = "org.apache.kafka.tools.LogDirsCommand"
DUMP = "org.apache.kafka.tools.DumpLogSegments"
STORAGE = "kafka.tools.StorageTool"


class Missing(Exception):  # noqa: N818  # a reason to skip, not an error
    """What Apache Kafka needs to run is not on this machine; the message names it."""


def class_path() -> str:
    """The jars of this directory's pom and the compiled `Tools`. Raises Missing."""
    return os.pathsep.join([fetch(HERE / "pom.xml", HOME, HERE / "Tools.java"), str(HERE)])


def fetch(pom: Path, home: Path, *sources: Path) -> str:
    """The class path of all that a pom names and of Java sources, made in `home` at the first call. Raises Missing."""
    for tool in ("java", "javac"):
        if shutil.which(tool) is None:
            raise Missing(f"no {tool} on the path: Apache Kafka needs a JDK, 17 or newer")
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = home / "made"
        wanted = "".join(path.read_text() for path in (pom, *sources))
        if not made.exists() or made.read_text() != wanted:
            if shutil.which("mvn") is None:
                raise Missing("no mvn on the path to fetch Apache Kafka with: install Maven")
            _run(["mvn", "-q", "-B", "-f", str(pom), COPY, f"-DoutputDirectory={home}"])
            if sources:
                _run(["javac", "-cp", f"{home}/*", "-d", str(home / "classes"), *map(str, sources)])
            made.write_text(wanted)
    return os.pathsep.join([str(home / "classes"), f"{home}/*"])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} exited with {done.returncode}:\n{done.stdout}{done.stderr}")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now; all different."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    ports: list[int] = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Tools:
    """One JVM that runs Apache's command-line tools, and keeps producers open between them."""

    def __init__(self) -> None:
        command = ["java", *QUICK, "-cp", class_path(), "Tools"]
        self.errors = ""  # what the last tool said on standard error
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def run(self, main: str, *arguments: str, given: str = "", fails: bool = False) -> str:
        """What the tool printed. A tool that exits with an error, or goes on longer than the limit, fails the test."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"main": main, "arguments": arguments, "input": given}) + "\n")
        process.stdin.flush()
        watchdog = threading.Timer(LIMIT_S, process.kill)
        watchdog.start()
        line = process.stdout.readline()
        watchdog.cancel()
        assert line, f"{main} {' '.join(arguments)} did not end within {LIMIT_S} s"
        answer = json.loads(line)
        self.errors = answer["error"]
        said = answer["out"] + answer["error"]
        assert (answer["exit"] != 0) == fails, f"{main} {' '.join(arguments)} exited with {answer['exit']}:\n{said}"
        return said if fails else str(answer["out"])

    def kill(self) -> None:
        """End it, and every client in it, as a crash would."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


class ApacheNode:
    """A KRaft node that is broker and controller; `start` and `stop` may come again and again."""

    def __init__(self, folder: Path, data: Path, port: int, *, static_voters: bool = False, **more: object) -> None:
        self.properties = folder / "server.properties"
        self.port = port
        self._log = folder / "apache.log"
        self._archive = folder / ARCHIVE.name
        self._process: subprocess.Popen[str] | None = None
        (self.controller_port,) = free_ports(1)
        quorum = ("voters", f"1@localhost:{self.controller_port}")
        if not static_voters:
            quorum = ("bootstrap.servers", f"localhost:{self.controller_port}")
        lines = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "listeners": f"PLAINTEXT://localhost:{port},CONTROLLER://localhost:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://localhost:{port}",
            "controller.listener.names": "CONTROLLER",
            f"controller.quorum.{quorum[0]}": quorum[1],
            "log.dirs": data,
            # What one node alone needs, and quick tests.
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "share.coordinator.state.topic.num.partitions": 3,
            "offsets.topic.num.partitions": 5,
            "transaction.state.log.num.partitions": 3,
            "group.initial.rebalance.delay.ms": 0,
        } | {name.replace("_", "."): value for name, value in more.items()}
        self.properties.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))

    def start(self) -> ApacheNode:
        """Start it and wait until it serves."""
        class_path()
        # An archive is of jars alone.
        options = [f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}", "-Dlog4j2.disable.jmx=true"]
        if ARCHIVE.exists():
            options.append(f"-XX:SharedArchiveFile={ARCHIVE}")
        else:
            options.append(f"-XX:ArchiveClassesAtExit={self._archive}")
        command = ["java", *QUICK, *options, "-cp", f"{HOME}/*", "kafka.Kafka", str(self.properties)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._process = process
        told: queue.Queue[bool] = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(process, told), daemon=True)
        self._reader.start()
        try:
            is_started = told.get(timeout=LIMIT_S)
        except queue.Empty:
            is_started = False
        if not is_started:
            self.kill()
            raise AssertionError(f"Apache Kafka did not start:\n{self.log()[-6000:]}")
        return self

    def _read(self, process: subprocess.Popen[str], told: queue.Queue[bool]) -> None:
        assert process.stdout is not None
        with self._log.open("a") as log:
            for line in process.stdout:
                log.write(line)
                log.flush()
                if STARTED in line:
                    told.put(True)
        told.put(False)

    def stop(self) -> None:
        """End it as SIGTERM does: cleanly, and with exit status 143 as JVMs have it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            status = self._process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            status = -1
        self.kill()
        assert status == 143, f"Apache Kafka ended with {status}:\n{self.log()[-6000:]}"
        if self._archive.exists() and not ARCHIVE.exists():
            shutil.copy(self._archive, ARCHIVE.with_suffix(f".{os.getpid()}"))
            ARCHIVE.with_suffix(f".{os.getpid()}").rename(ARCHIVE)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None

    def log(self) -> str:
        """Everything that it said since the first start."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""
