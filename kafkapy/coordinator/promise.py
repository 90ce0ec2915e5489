"""An answer that may come later: a group's members wait for each other on it.

It is set once, with a value or an error. It knows no event loop: what parks a request listens with `when_done`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, cast

from kafkapy.protocol.errors import KafkaError

T = TypeVar("T")


class Promise(Generic[T]):
    """A value of type T that is set once; setting it again is a mistake of the caller's and raises RuntimeError."""

    __slots__ = ("_callbacks", "_error", "_is_done", "_value")

    def __init__(self) -> None:
        self._is_done = False
        self._value: T | None = None
        self._error: KafkaError | None = None
        self._callbacks: list[Callable[[Promise[T]], None]] = []

    @classmethod
    def of(cls, value: T) -> Promise[T]:
        """A promise that is kept already."""
        promise = cls()
        promise.set(value)
        return promise

    @property
    def is_done(self) -> bool:
        return self._is_done

    def set(self, value: T) -> None:
        """Keep the promise, and tell everyone who listens."""
        self._value = value
        self._finish()

    def fail(self, error: KafkaError) -> None:
        """Break the promise: `result` raises `error` from now on."""
        self._error = error
        self._finish()

    def result(self) -> T:
        """The value. Raises what `fail` was given, or RuntimeError while nothing is known."""
        if not self._is_done:
            raise RuntimeError("the promise is not kept yet; listen with when_done")
        if self._error is not None:
            raise self._error
        return cast(T, self._value)

    def when_done(self, callback: Callable[[Promise[T]], None]) -> None:
        """Call `callback` with this promise once it is done: at once if it is already."""
        if self._is_done:
            callback(self)
        else:
            self._callbacks.append(callback)

    def _finish(self) -> None:
        if self._is_done:
            raise RuntimeError("the promise was kept before; ask is_done first")
        self._is_done = True
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)


def all_of(promises: Sequence[Promise[T]]) -> Promise[list[T]]:
    """What all of them hold, in their order, once the last one is done. None of them may be broken."""
    done: Promise[list[T]] = Promise()
    missing = len(promises)

    def one_more(_: Promise[T]) -> None:
        nonlocal missing
        missing -= 1
        if not missing:
            done.set([promise.result() for promise in promises])

    if not promises:
        done.set([])
    for promise in promises:
        promise.when_done(one_more)
    return done
