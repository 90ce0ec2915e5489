"""Every client's own environment, made once under `.compat/` beside the code.

An environment is a folder named after the client and its version, with a virtual environment in it. It counts as made
when its marker holds the list of packages asked for here, so a changed list makes it anew. Making is guarded by a lock
file: sessions running side by side make each only once. The client's files stay as their packages hold them.

`python tests/compat/environments.py` makes them all.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent / ".compat"
# What is alike with its neighbours runs when it is asked for: the suite is to be quick.
ALL_VERSIONS = os.environ.get("KAFKAPY_COMPAT_VERSIONS") == "all"

JYTHON = "org.python:jython-standalone:2.7.4"
# What the stand-ins for python-snappy, lz4 and xxhash are made of.
JYTHON_LIBRARIES = ("org.xerial.snappy:snappy-java:1.1.10.7", "org.lz4:lz4-java:1.8.0")


class Missing(Exception):  # noqa: N818  # a reason to skip, not an error
    """A tool that is no part of Python is not on this machine; the message names it."""


@dataclass(frozen=True)
class Environment:
    """One version of one client.

    `script` is the folder of the script that drives it. `packages` are pip requirements, exact for the client itself.
    """

    name: str
    script: str
    packages: tuple[str, ...]
    codecs: tuple[str, ...] = ("gzip", "snappy", "lz4", "zstd")
    jython: bool = False
    options: tuple[str, ...] = ()  # what the script is told besides
    lacks: Mapping[str, str] = field(default_factory=dict)  # what it cannot do, with the reason
    home: str = ""  # the environment that has the packages, if it is another one

    @property
    def shows_checksum(self) -> bool:
        """Whether its records show the checksum of their message, as those of the document's time do."""
        return self.jython

    def command(self, bootstrap: str) -> list[str]:
        """What starts the client's script against the broker at `bootstrap`, the environment being made first."""
        with locked(self.home or self.name):
            python = self.made()
            jars = _jars() if self.jython else []
        script = str(HERE / self.script / "client.py")
        if not self.jython:
            return [str(python), script, bootstrap, *self.options]
        packages = next(python.parent.parent.glob("lib/python*/site-packages"))
        path = os.pathsep.join([str(HERE / "jython"), str(packages)])
        # The JVM's start is most of what this costs: one compiler tier and no class verification make it shorter.
        java = [_java(), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-cp", os.pathsep.join(jars)]
        cache = f"-Dpython.cachedir={ROOT / 'jython' / 'cachedir'}"
        return [*java, cache, f"-Dpython.path={path}", "org.python.util.jython", script, bootstrap]

    def made(self) -> Path:
        """Its Python. The environment is made where it is not there or is another; its lock must be held."""
        home = ROOT / (self.home or self.name)
        marker = home / "made"
        wanted = "\n".join(self.packages)
        python = home / "bin" / "python"
        if not marker.exists() or marker.read_text() != wanted:
            shutil.rmtree(home, ignore_errors=True)
            run([sys.executable, "-m", "venv", str(home)])
            # Not compiled ahead: 1.3.5 has names that are words of Python's grammar today.
            pip = [str(python), "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check"]
            run([*pip, *self.packages])
            marker.write_text(wanted)
        return python


NO_TRANSACTIONS = dict.fromkeys(("transactions", "transactional_offsets"), "kafka-python has them from 2.1 on")

ENVIRONMENTS = (
    Environment(
        "kafka-python-1.3.5",
        "kafka_python",
        ("kafka-python==1.3.5",),
        codecs=("gzip", "snappy", "lz4"),
        jython=True,
        lacks=NO_TRANSACTIONS,
    ),
    Environment(
        "kafka-python-1.4.7",
        "kafka_python",
        ("kafka-python==1.4.7", "six", "python-snappy", "lz4", "xxhash"),
        codecs=("gzip", "snappy", "lz4"),
        lacks=NO_TRANSACTIONS,
    ),
    Environment(
        "kafka-python-2.0.2",
        "kafka_python",
        ("kafka-python==2.0.2", "six", "python-snappy", "lz4", "xxhash", "zstandard"),
        lacks=NO_TRANSACTIONS,
    ),
    Environment(
        "kafka-python-2.3.3",
        "kafka_python",
        ("kafka-python==2.3.3", "python-snappy", "lz4", "xxhash", "zstandard"),
        lacks={
            "transactions_outlive_broker": "it drops the request that it has when the coordinator's connection breaks"
        },
    ),
    Environment(
        "kafka-python-3.0.12", "kafka_python", ("kafka-python==3.0.12", "python-snappy", "lz4", "xxhash", "zstandard")
    ),
    Environment("aiokafka-0.14.0", "aiokafka", ("aiokafka==0.14.0", "cramjam")),
    Environment("confluent-kafka-2.16.1", "confluent_kafka", ("confluent-kafka==2.16.1",)),
    Environment(
        "confluent-kafka-2.16.1-consumer-protocol",
        "confluent_kafka",
        ("confluent-kafka==2.16.1",),
        options=("consumer",),
        home="confluent-kafka-2.16.1",
    ),
)


def _jars() -> list[str]:
    """Jython and the libraries behind its stand-ins, fetched by Maven where they are not there yet."""
    _java()
    folder = ROOT / "jython"
    folder.mkdir(parents=True, exist_ok=True)
    return [str(_jar(coordinates, folder)) for coordinates in (JYTHON, *JYTHON_LIBRARIES)]


def _jar(coordinates: str, folder: Path) -> Path:
    group, artifact, version = coordinates.split(":")
    name = f"{artifact}-{version}.jar"
    jar = folder / name
    if jar.exists():
        return jar
    fetched = Path.home() / ".m2" / "repository" / Path(*group.split(".")) / artifact / version / name
    if not fetched.exists():
        maven = shutil.which("mvn")
        if maven is None:
            raise Missing(f"no {name} in ~/.m2 and no mvn on the path to fetch it: install Maven")
        run([maven, "-q", "-B", "dependency:get", f"-Dartifact={coordinates}", "-Dtransitive=false"])
    partial = jar.with_suffix(".partial")
    shutil.copyfile(fetched, partial)
    partial.rename(jar)
    return jar


def _java() -> str:
    java = shutil.which("java")
    if java is None:
        raise Missing("no java on the path: kafka-python 1.3.5 runs under Jython, which needs one")
    return java


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock of the environment `name`: who comes second finds it made."""
    # Jars are shared, so the lock of a Jython environment is enough for them as long as there is only one.
    ROOT.mkdir(exist_ok=True)
    with (ROOT / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(command: list[str], cwd: Path | None = None) -> None:
    """Run a command that makes something; what it printed is in the error if it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, cwd=cwd)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} exited with {done.returncode}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    for environment in ENVIRONMENTS:
        try:
            environment.command("localhost:9092")
        except Missing as reason:
            print(f"{environment.name}: left out, {reason}")
        else:
            print(f"{environment.name}: made")
