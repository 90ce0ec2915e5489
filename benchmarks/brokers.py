"""The brokers that are compared, each a process of its own: start, stop, and what the kernel says of it."""

from __future__ import annotations

import compileall
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.exchange.apache import LIMIT_S, STARTED, STORAGE, class_path, fetch, free_ports

ROOT = Path(__file__).parents[1]
OLD = Path(__file__).parent / "apache-3.9"
_TICKS = os.sysconf("SC_CLK_TCK")

# The same for all. What a work deleted would otherwise be written to the disk for a minute, under the next work.
SHARED_SETTINGS = {"log.segment.delete.delay.ms": "1000"}

# What bin/kafka-server-start.sh and bin/kafka-run-class.sh of Apache Kafka give to the JVM.
JVM_OPTIONS = [
    "-Xms1g",
    "-Xmx1g",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-XX:MaxInlineLevel=15",
    "-Djava.awt.headless=true",
]


class Broker:
    """A broker on a directory and a port of its own; `start` and `stop` may come again and again."""

    name = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.controller_port = free_ports(2)
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        folder.mkdir(parents=True)

    @property
    def address(self) -> str:
        return f"localhost:{self.port}"

    def start(self) -> float:
        """Start it, wait until it says that it serves, and tell how many seconds that took."""
        command = self.command()
        told: queue.Queue[float | None] = queue.Queue()
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        self._process = process
        self._reader = threading.Thread(target=self._read, args=(process, told), daemon=True)
        self._reader.start()
        try:
            ready = told.get(timeout=LIMIT_S)
        except queue.Empty:
            ready = None
        if ready is None:
            self.kill()
            raise RuntimeError(f"{self.name} did not start:\n{self.log()[-4000:]}")
        return ready - begun

    def command(self) -> list[str]:
        """What starts it; made ready here, before the time counts."""
        raise NotImplementedError

    def is_ready_line(self, line: str) -> bool:
        raise NotImplementedError

    def _read(self, process: subprocess.Popen[str], told: queue.Queue[float | None]) -> None:
        assert process.stdout is not None
        with (self.folder / "log").open("a") as log:
            for line in process.stdout:
                if self.is_ready_line(line):
                    told.put(time.perf_counter())
                log.write(line)
                log.flush()
        told.put(None)

    def stop(self) -> None:
        """End it cleanly, as SIGTERM does."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(2 * LIMIT_S)
            finally:
                self.kill()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._reader is not None
            self._reader.join()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def remove(self) -> None:
        """End it and delete its data."""
        self.kill()
        shutil.rmtree(self.folder)

    def log(self) -> str:
        """All that it said."""
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def cpu_s(self) -> float:
        """Seconds of processor time that its threads have used, in user mode and in the kernel."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_mb(self) -> float:
        """Memory that it has now."""
        return self._status_mb("VmRSS:")

    def peak_mb(self) -> float:
        """The most memory that it had since `forget_peak`."""
        return self._status_mb("VmHWM:")

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def _status_mb(self, field: str) -> float:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024 / 1e6
        raise RuntimeError(f"the kernel does not tell {field} of process {self.pid}")


class Kafkapy(Broker):
    """This checkout's broker, with its defaults."""

    name = "kafkapy"

    def command(self) -> list[str]:
        # As pip leaves it: an environment that keeps Python from writing bytecode has each start compile all of it.
        compileall.compile_dir(ROOT / "kafkapy", quiet=1)
        overrides = [word for key, value in SHARED_SETTINGS.items() for word in ("--override", f"{key}={value}")]
        where = ["--port", str(self.port), "--data", str(self.folder / "data")]
        return [sys.executable, "-m", "kafkapy", *where, *overrides]

    def is_ready_line(self, line: str) -> bool:
        return line.startswith("kafkapy ready")


class Apache(Broker):
    """Apache Kafka as one KRaft node that is broker and controller, with its defaults and what one node needs."""

    name = "Apache Kafka 4.3.1"

    def class_path(self) -> str:
        return class_path()

    def logging(self) -> list[str]:
        return ["-Dlog4j2.disable.jmx=true"]

    def command(self) -> list[str]:
        java = ["java", *JVM_OPTIONS, *self.logging(), "-cp", self.class_path()]
        properties = self.folder / "server.properties"
        if not properties.exists():
            properties.write_text("".join(f"{key}={value}\n" for key, value in self._settings().items()))
            form = ["format", "--cluster-id", "cy8LMKOuSoCgkLHpHyWzcQ", "--config", str(properties)]
            subprocess.run([*java, STORAGE, *form], check=True, capture_output=True)
        return [*java, "kafka.Kafka", str(properties)]

    def _settings(self) -> dict[str, object]:
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@localhost:{self.controller_port}",
            "listeners": f"PLAINTEXT://localhost:{self.port},CONTROLLER://localhost:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://localhost:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self.folder / "data",
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
        } | SHARED_SETTINGS

    def is_ready_line(self, line: str) -> bool:
        return STARTED in line


class OldApache(Apache):
    """The last Apache Kafka that speaks the message formats v0 and v1."""

    name = "Apache Kafka 3.9.1"

    def class_path(self) -> str:
        return fetch(OLD / "pom.xml", ROOT / ".compat" / "apache-kafka-3.9.1")

    def logging(self) -> list[str]:
        return [f"-Dlog4j.configuration=file:{OLD / 'log4j.properties'}"]
