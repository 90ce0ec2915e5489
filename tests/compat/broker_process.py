"""The broker under test, as a process that can be stopped, killed and started again on the same port and data."""

import os
import queue
import subprocess
import sys
import threading
from pathlib import Path

# Members of consumer and share groups learn from the broker how often to beat: as often as the others are told to here.
QUICK_CONSUMERS = (
    "min.session.timeout.ms=6000",
    "session.timeout.ms=6000",
    "min.heartbeat.interval.ms=500",
    "heartbeat.interval.ms=500",
)
START_LIMIT_S = 30.0
STOP_LIMIT_S = 30.0


class BrokerProcess:
    """One kafkapy on a port of its own, any if it is 0. `bootstrap` is its address, the same after every start."""

    def __init__(self, folder: Path, *options: str, port: int = 0) -> None:
        self._options = options
        self._data = folder / "data"
        self._log = folder / "broker.log"
        self._port = port
        self.bootstrap = ""
        self.start()

    def start(self) -> None:
        """Start it and wait for the line that says it accepts clients."""
        where = ["--port", str(self._port), "--data", str(self._data)]
        quick = [f"--override=group.{kind}.{name}" for kind in ("consumer", "share") for name in QUICK_CONSUMERS]
        command = [sys.executable, "-m", "kafkapy", *where, *quick, *self._options]
        with self._log.open("a") as errors:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=Path(__file__).parents[2]
            )
        lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(self._process, lines), daemon=True)
        self._reader.start()
        while True:
            try:
                line = lines.get(timeout=START_LIMIT_S)
            except queue.Empty:
                self.kill()
                raise AssertionError(self._told(f"was not ready within {START_LIMIT_S} s")) from None
            if not line:
                self.kill()
                raise AssertionError(self._told(f"exited with {self._process.returncode} before it was ready"))
            if " ready on " in line:
                break
        self.bootstrap = line.rsplit(" ", 1)[1].strip()
        self._port = int(self.bootstrap.rsplit(":", 1)[1])

    @staticmethod
    def _read(process: subprocess.Popen[str], lines: "queue.Queue[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put("")

    def stored(self, topic: str, partition: int) -> bytes:
        """The record batches of a partition, as they are on disk."""
        return (self._data / f"{topic}-{partition}" / "00000000000000000000.log").read_bytes()

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        self._ended()

    def stop(self) -> None:
        """Ask it to end, and see that it does so with exit status 0."""
        if self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            status = self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(self._told(f"did not stop within {STOP_LIMIT_S} s of SIGTERM")) from None
        self._ended()
        assert status == 0, self._told(f"exited with {status} on SIGTERM")

    def _ended(self) -> int:
        status = self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        return status

    def restart(self, how: str) -> None:
        """`how` is "killed" or "stopped"."""
        if how == "killed":
            self.kill()
        else:
            self.stop()
        self.start()

    def _told(self, what: str) -> str:
        errors = self._log.read_text(errors="replace")[-4000:] if self._log.exists() else ""
        return f"the broker {what}; its standard error ends:\n{errors}"


class ForeignBroker:
    """A broker that something else runs, named by KAFKAPY_COMPAT_BOOTSTRAP; it cannot be restarted from here."""

    def __init__(self) -> None:
        self.bootstrap = os.environ["KAFKAPY_COMPAT_BOOTSTRAP"]

    def stop(self) -> None:
        """Nothing: its owner stops it."""
