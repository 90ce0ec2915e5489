"""Fixtures of the compatibility suite: the broker under test, the clients, and names no other test uses."""

import os
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from broker_process import BrokerProcess, ForeignBroker
from client_process import ClientPool, ClientProcess
from environments import ENVIRONMENTS, Environment, Missing

OLDEST, NEWEST = ENVIRONMENTS[0], ENVIRONMENTS[4]


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess | ForeignBroker]:
    """The broker that tests share."""
    if "KAFKAPY_COMPAT_BOOTSTRAP" in os.environ:
        running: BrokerProcess | ForeignBroker = ForeignBroker()
    else:
        running = BrokerProcess(tmp_path_factory.mktemp("broker"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def pool(broker: BrokerProcess | ForeignBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClientPool]:
    pool = ClientPool(broker.bootstrap, tmp_path_factory.mktemp("clients"))
    yield pool
    pool.close()


@pytest.fixture
def lend(pool: ClientPool) -> Iterator[Callable[[Environment], ClientProcess]]:
    """Start any client. What it needs beyond Python may be missing: then the test skips, but in CI it fails."""

    def lend(environment: Environment) -> ClientProcess:
        try:
            return pool.lend(environment)
        except Missing as reason:
            if os.environ.get("CI") == "true":
                pytest.fail(str(reason))
            pytest.skip(str(reason))

    yield lend
    pool.take_back()


@pytest.fixture(params=ENVIRONMENTS, ids=lambda environment: environment.name)
def client(request: pytest.FixtureRequest, lend: Callable[[Environment], ClientProcess]) -> Callable[[], ClientProcess]:
    """Starts one more of the client under test; every test runs once for each client."""
    environment: Environment = request.param
    return lambda: lend(environment)


@pytest.fixture
def group() -> str:
    return f"testgroup-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def make_topic(lend: Callable[[Environment], ClientProcess]) -> Callable[[int], str]:
    """Makes a topic of that many partitions and gives its name."""

    def make(partitions: int) -> str:
        name = f"test-{uuid.uuid4().hex[:8]}"
        lend(NEWEST).create_topic(name, partitions)
        return name

    return make


@pytest.fixture
def every_client(lend: Callable[[Environment], ClientProcess]) -> list[ClientProcess]:
    """One of each client; without what Jython needs, the oldest is left out, but not in CI."""
    environments = [environment for environment in ENVIRONMENTS if _can_run(environment)]
    return [lend(environment) for environment in environments]


def _can_run(environment: Environment) -> bool:
    try:
        environment.command("")
    except Missing as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason))
        return False
    return True


@pytest.fixture
def restart(broker: BrokerProcess | ForeignBroker) -> Callable[[str], None]:
    """Ends the broker, "killed" or "stopped", and starts it again on the same port and data."""
    if isinstance(broker, ForeignBroker):
        pytest.skip("the broker is not ours to restart")
    return broker.restart


@dataclass(frozen=True)
class Between:
    """To be called between two steps; `kills` tells whether the broker dies then, and every connection with it."""

    happen: Callable[[], None]
    kills: bool

    def __call__(self) -> None:
        self.happen()


@pytest.fixture(params=["running", "killed"])
def between(request: pytest.FixtureRequest) -> Between:
    """What happens to the broker between a test's steps: nothing, or it is killed and started again."""
    if request.param == "running":
        return Between(lambda: None, kills=False)
    restart: Callable[[str], None] = request.getfixturevalue("restart")
    return Between(lambda: restart("killed"), kills=True)
