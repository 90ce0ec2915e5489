"""A broker of its own, and Java programs as processes."""

from __future__ import annotations

import os
import queue
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "exchange"))

from apache import QUICK, Missing, Tools, fetch

from broker_process import BrokerProcess

HERE = Path(__file__).parent
HOME = HERE.parents[2] / ".compat" / "java-streams-4.3.1"
LIMIT_S = 90.0


class JavaProgram:
    """A running Java program; what it says line by line is in `said`."""

    def __init__(self, class_path: str, main: str, *arguments: str, log: Path) -> None:
        logging = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
        command = ["java", *QUICK, logging, "-Dlog4j2.disable.jmx=true", "-cp", class_path, main, *arguments]
        self._name = main
        self._log = log
        self.said: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        with log.open("a") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.strip())
        self._lines.put(None)

    def wait_for(self, wanted: str) -> None:
        """Until it says that line."""
        while True:
            try:
                line = self._lines.get(timeout=LIMIT_S)
            except queue.Empty:
                raise AssertionError(self.told(f"did not say {wanted!r} within {LIMIT_S} s")) from None
            assert line is not None, self.told(f"ended before it said {wanted!r}")
            self.said.append(line)
            if line == wanted:
                return

    def heard(self) -> list[str]:
        """All that it said so far."""
        with suppress(queue.Empty):
            while (line := self._lines.get_nowait()) is not None:
                self.said.append(line)
        return self.said

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """Let it end by itself, by the end of its input."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._wait()

    def terminate(self) -> None:
        """Ask it to end, as SIGTERM does."""
        self._process.terminate()
        self._wait()

    def _wait(self) -> None:
        try:
            self._process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(self.told(f"did not end within {LIMIT_S} s")) from None
        finally:
            self.kill()

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def told(self, what: str) -> str:
        """What it did, with the end of its log."""
        return f"{self._name} {what}, but {self.said}\nits log ends:\n{self._log.read_text(errors='replace')[-6000:]}"


@pytest.fixture(scope="session")
def class_path() -> str:
    """Where Java or Maven is missing the test skips, but in CI it fails."""
    try:
        return os.pathsep.join([fetch(HERE / "pom.xml", HOME, HERE / "WordCount.java")])
    except Missing as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason))
        pytest.skip(str(reason))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    """A broker that does soon what a test that kills an application waits for: abort transactions, end sessions."""
    settings = {
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 500,
        "group.streams.initial.rebalance.delay.ms": 300,
        "group.streams.min.session.timeout.ms": 1000,
        "group.streams.session.timeout.ms": 3000,
        "group.streams.num.standby.replicas": 1,
        "group.streams.min.heartbeat.interval.ms": 100,
        "group.streams.heartbeat.interval.ms": 300,
    }
    overrides = [word for name, value in settings.items() for word in ("--override", f"{name}={value}")]
    running = BrokerProcess(tmp_path, *overrides)
    yield running
    running.stop()


@pytest.fixture
def start(class_path: str, tmp_path: Path) -> Iterator[Callable[..., JavaProgram]]:
    """Starts a Java program, by its main class and arguments."""
    started: list[JavaProgram] = []

    def start(main: str, *arguments: str) -> JavaProgram:
        log = tmp_path / f"java-{len(started)}.log"
        started.append(JavaProgram(class_path, main, *arguments, log=log))
        return started[-1]

    yield start
    for program in started:
        if program.is_running:
            program.kill()


@pytest.fixture
def streams_groups(class_path: str, broker: BrokerProcess) -> Iterator[Callable[..., str]]:
    """Runs kafka-streams-groups.sh; the result is what it prints, each run of blanks as one."""
    tools = Tools()

    def run(*arguments: str) -> str:
        main = "org.apache.kafka.tools.streams.StreamsGroupCommand"
        said = tools.run(main, "--bootstrap-server", broker.bootstrap, *arguments)
        return "\n".join(" ".join(line.split()) for line in said.splitlines() if line.strip())

    yield run
    tools.close()


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool], JavaProgram], None]:
    """Until what a program does is done; bounded."""

    def wait_until(condition: Callable[[], bool], program: JavaProgram) -> None:
        end = time.monotonic() + LIMIT_S
        while not condition():
            assert program.is_running, program.told("ended too early")
            assert time.monotonic() < end, program.told(f"was not done within {LIMIT_S} s")
            select.select([], [], [], 0.05)  # nothing tells of a file that is written

    return wait_until
