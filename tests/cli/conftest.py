"""What tests of the commands share: kafka-python imported, and the process given back as it was."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Iterator

import pytest

with warnings.catch_warnings():
    # kafka-python reads its schemas, when it is imported, in a way that Python 3.11 and 3.12 call deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka  # noqa: F401  # imported here for good


@pytest.fixture(autouse=True)
def _restore_signals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command takes the signals of its process; the tests' process wants them back."""
    monkeypatch.delenv("KAFKAPY_ZOOKEEPER_BROKER", raising=False)
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)
