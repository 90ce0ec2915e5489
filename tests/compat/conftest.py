"""Fixtures of the compatibility suite: the broker under test, the clients, and names no other test uses."""

import os
import sys
import uuid
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from asked_client import AskedClient
from broker_process import BrokerProcess, ForeignBroker
from client_process import ClientPool, ClientProcess, Process, Startable
from environments import ENVIRONMENTS, ROOT, Missing
from scoreboard import Scoreboard
from toolchains import CLIENTS, JAVA_LOOPS, Client

SCOREBOARD = pytest.StashKey[Scoreboard]()
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
def pool(
    broker: BrokerProcess | ForeignBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClientPool[ClientProcess]]:
    pool = ClientPool(ClientProcess, broker.bootstrap, tmp_path_factory.mktemp("clients"))
    yield pool
    pool.close()


@pytest.fixture
def lend(pool: ClientPool[ClientProcess]) -> Iterator[Callable[[Startable], ClientProcess]]:
    """Start any client. What it needs beyond Python may be missing: then the test skips, but in CI it fails."""

    yield lambda environment: _lent(pool, environment)
    pool.take_back()


def _lent(pool: ClientPool[Process], client: Startable) -> Process:
    try:
        return pool.lend(client)
    except Missing as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason))
        pytest.skip(str(reason))


@pytest.fixture(params=[*ENVIRONMENTS, *JAVA_LOOPS], ids=lambda environment: environment.name)
def client(request: pytest.FixtureRequest, lend: Callable[[Startable], ClientProcess]) -> Callable[[], ClientProcess]:
    """Starts one more of the client under test; every test runs once for each client."""
    client: Startable = request.param
    return lambda: lend(client)


@pytest.fixture(scope="session")
def others(
    broker: BrokerProcess | ForeignBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClientPool[AskedClient]]:
    pool = ClientPool(AskedClient, broker.bootstrap, tmp_path_factory.mktemp("others"))
    yield pool
    pool.close()


@pytest.fixture
def lend_other(others: ClientPool[AskedClient]) -> Iterator[Callable[[Client], AskedClient]]:
    """Start any client of another language."""
    yield lambda client: _lent(others, client)
    others.take_back()


@pytest.fixture
def again(other: Client, lend_other: Callable[[Client], AskedClient]) -> Callable[[], AskedClient]:
    """Starts one more process of the client of another language under test."""
    return lambda: lend_other(other)


@pytest.fixture(params=CLIENTS, ids=lambda client: client.name)
def other(request: pytest.FixtureRequest) -> Client:
    """The client of another language under test."""
    client: Client = request.param
    return client


@pytest.fixture
def asked(again: Callable[[], AskedClient]) -> AskedClient:
    """A process of the client of another language; every test runs once for each that has what the test `needs`."""
    return again()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*asks): what a client must offer, or is left out")
    config.stash[SCOREBOARD] = Scoreboard()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count each test for the client that it is run for."""
    report = yield
    if (client := _client_of(item)) and (report.when == "call" or not report.passed):
        item.config.stash[SCOREBOARD].count(client, report.outcome)
    return report


def _client_of(item: pytest.Item) -> str | None:
    callspec = getattr(item, "callspec", None)
    given = callspec.params if callspec is not None else {}
    for parameter in ("other", "client", "writer"):
        if parameter in given:
            return str(given[parameter].name)
    return None


def pytest_sessionfinish(session: pytest.Session) -> None:
    session.config.stash[SCOREBOARD].save(ROOT / "scoreboard.json")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of what a client does not offer; its FINDINGS.md says why."""
    absent = [item for item in items if _lacked(item)]
    for item in absent:
        config.stash[SCOREBOARD].count(_client_of(item) or "", "left out")
    config.hook.pytest_deselected(items=absent)
    items[:] = [item for item in items if item not in absent]


def _lacked(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    given = callspec.params if callspec is not None else {}
    client = given.get("other", given.get("client"))
    needed = [ask for marker in item.iter_markers("needs") for ask in marker.args]
    return client is not None and any(ask in client.lacks for ask in needed)


@pytest.fixture
def new_topic() -> str:
    """A name that no topic has."""
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def group() -> str:
    return f"testgroup-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def make_topic(lend: Callable[[Startable], ClientProcess]) -> Callable[[int], str]:
    """Makes a topic of that many partitions and gives its name."""

    def make(partitions: int) -> str:
        name = f"test-{uuid.uuid4().hex[:8]}"
        lend(NEWEST).create_topic(name, partitions)
        return name

    return make


@pytest.fixture
def every_client(lend: Callable[[Startable], ClientProcess]) -> list[ClientProcess]:
    """One of each client; without what Jython or Java needs, those are left out, but not in CI."""
    return [lend(client) for client in (*ENVIRONMENTS, *JAVA_LOOPS) if _can_run(client)]


def _can_run(environment: Startable) -> bool:
    try:
        environment.command("")
    except Missing as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason))
        return False
    return True


@pytest.fixture
def restart(broker: BrokerProcess | ForeignBroker, others: ClientPool[AskedClient]) -> Callable[[str], None]:
    """Ends the broker, "killed" or "stopped", and starts it again on the same port and data."""
    if isinstance(broker, ForeignBroker):
        pytest.skip("the broker is not ours to restart")

    def restart(how: str) -> None:
        others.close()  # sarama fails the first request on a connection that broke while nobody asked anything
        broker.restart(how)

    return restart


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
