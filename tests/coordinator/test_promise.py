"""A promise is kept once, and everybody who listens hears it."""

from __future__ import annotations

import pytest

from kafkapy.coordinator.promise import Promise
from kafkapy.protocol.errors import ErrorCode, KafkaError


def test_listeners_before_and_after_hear_the_value() -> None:
    promise: Promise[int] = Promise()
    heard: list[int] = []
    promise.when_done(lambda p: heard.append(p.result()))
    assert not promise.is_done
    promise.set(5)
    promise.when_done(lambda p: heard.append(p.result() + 1))
    assert (promise.is_done, promise.result(), heard) == (True, 5, [5, 6])


def test_a_broken_promise_raises() -> None:
    promise: Promise[int] = Promise()
    promise.fail(KafkaError(ErrorCode.NOT_COORDINATOR))
    with pytest.raises(KafkaError, match="NOT_COORDINATOR"):
        promise.result()


def test_too_early_and_twice_are_mistakes() -> None:
    promise: Promise[int] = Promise()
    with pytest.raises(RuntimeError, match="not kept yet"):
        promise.result()
    promise.set(1)
    with pytest.raises(RuntimeError, match="kept before"):
        promise.set(2)
