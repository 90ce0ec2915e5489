"""kafka-python's own integration suite, from its source package, against a broker of ours: see INTEGRATION_SUITE.md."""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "exchange"))

from apache import free_ports

from broker_process import BrokerProcess
from environments import ALL_VERSIONS, HERE, ROOT, Environment, locked, run

LIMIT_S = 180
CODECS = ("python-snappy", "lz4", "xxhash", "zstandard")
PYTEST = ("pytest", "pytest-mock", "pytest-timeout", "py")
# As the suite starts a broker of its own: its tests name broker 0, and want short sessions.
BROKER = {"node.id": 0, "num.partitions": 4, "group.min.session.timeout.ms": 1000}
# What needs an authorizer, which the suite gives the brokers that it starts.
LEFT_OUT = "test/integration/test_admin_integration.py::test_create_describe_delete_acls"


@pytest.fixture(params=["3.0.12", "2.3.3"] if ALL_VERSIONS else ["3.0.12"])
def suite(request: pytest.FixtureRequest) -> tuple[Path, Path]:
    """The Python that runs the suite of a version, and the folder that holds it as `test`."""
    version: str = request.param
    environment = Environment(
        f"kafka-python-{version}-suite", "kafka_python", (f"kafka-python=={version}", *CODECS, *PYTEST)
    )
    with locked(environment.name):
        python = environment.made()
        folder = ROOT / environment.name / "suite"
        if not folder.exists():
            _unpack(version, python, folder)
    return python, folder


def _unpack(version: str, python: Path, folder: Path) -> None:
    """Get the source package and take the suite out of it."""
    making = folder.with_suffix(".partial")
    shutil.rmtree(making, ignore_errors=True)
    pip = [str(python), "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    run([*pip, "--no-binary", ":all:", "--dest", str(making), f"kafka-python=={version}"])
    [package] = making.glob("*.tar.gz")
    with tarfile.open(package) as archive:
        for member in archive.getmembers():
            _, _, member.name = member.name.partition("/")
            if member.name.startswith("test/"):
                archive.extract(member, making, filter="data")
    (making / "test" / "__init__.py").touch()
    shutil.copyfile(HERE / "kafka_python" / "suite_service.py", making / "test" / "service.py")
    (making / "pytest.ini").write_text("[pytest]\n")
    making.rename(folder)


@pytest.fixture
def suites_broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    [port] = free_ports(1)
    settings = {**BROKER, "advertised.listeners": f"PLAINTEXT://localhost:{port}"}
    running = BrokerProcess(tmp_path, *(f"--override={name}={value}" for name, value in settings.items()), port=port)
    yield running
    running.stop()


def test_the_suite_passes(suite: tuple[Path, Path], suites_broker: BrokerProcess) -> None:
    python, folder = suite
    told = {
        "KAFKA_VERSION": "4.3.1",
        "KAFKA_URI": f"kafka://{suites_broker.bootstrap}",
        "KAFKA_ROOT": str(folder),  # where Apache Kafka would be that it starts; it only has to be there
    }
    # What is about SASL and TLS starts brokers of its own.
    secure = [f"--ignore-glob=*/test_{what}_integration.py" for what in ("sasl", "ssl")]
    options = ["-q", "-p", "no:cacheprovider", "--timeout=60", f"--deselect={LEFT_OUT}", *secure]
    done = subprocess.run(
        [str(python), "-m", "pytest", "test/integration", *options],
        cwd=folder,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
