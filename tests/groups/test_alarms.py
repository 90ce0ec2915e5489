"""Alarms go off once, at the time that was said last, whatever was said before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from kafkapy.runtime import Alarms

NOW = 1_700_000_000_000
S = 1000


class Rung:
    """Alarms on a clock that jumps, and when each went off, in seconds."""

    def __init__(self) -> None:
        self.alarms = Alarms(lambda: NOW + self.seconds() * S)
        self.at: list[tuple[str, int]] = []
        self._begun = trio.current_time()

    def seconds(self) -> int:
        return round(trio.current_time() - self._begun)

    def set(self, key: str, seconds: int) -> None:
        self.alarms.set(key, NOW + seconds * S, lambda: self.at.append((key, self.seconds())))


def play(scene: Callable[[Rung], Awaitable[None]]) -> list[tuple[str, int]]:
    """What went off during the scene and the hour after it."""

    async def main() -> list[tuple[str, int]]:
        rung = Rung()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rung.alarms.run)
            await scene(rung)
            await trio.sleep(3600)
            nursery.cancel_scope.cancel()
        return rung.at

    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_each_goes_off_at_its_time() -> None:
    async def scene(rung: Rung) -> None:
        rung.set("late", 20)
        rung.set("early", 10)

    assert play(scene) == [("early", 10), ("late", 20)]


@pytest.mark.parametrize("seconds", [5, 10, 15])
def test_what_is_set_anew_goes_off_once_at_the_new_time(seconds: int) -> None:
    async def scene(rung: Rung) -> None:
        rung.set("session", 10)
        rung.set("session", seconds)

    assert play(scene) == [("session", seconds)]


def test_a_session_that_is_renewed_ends_after_the_last_renewal() -> None:
    async def scene(rung: Rung) -> None:
        for _ in range(10):
            rung.set("session", rung.seconds() + 45)
            rung.set("other", rung.seconds() + 4)
            await trio.sleep(3)

    assert play(scene) == [("other", 31), ("session", 72)]


def test_what_was_put_off_and_is_then_set_earlier_goes_off_once() -> None:
    async def scene(rung: Rung) -> None:
        for seconds in (10, 30, 20, 5, 15):
            rung.set("session", seconds)

    assert play(scene) == [("session", 15)]


def test_what_is_cancelled_does_not_go_off_unless_it_is_set_again() -> None:
    async def scene(rung: Rung) -> None:
        rung.set("gone", 10)
        rung.alarms.cancel("gone")
        rung.set("back", 10)
        rung.alarms.cancel("back")
        rung.set("back", 12)
        rung.alarms.cancel("never there")

    assert play(scene) == [("back", 12)]


def broken() -> None:
    raise ValueError("as a bug would")


def test_one_that_fails_keeps_none_from_going_off(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(rung: Rung) -> None:
        rung.alarms.set("broken", NOW + 5 * S, broken)
        rung.set("whole", 5)

    assert play(scene) == [("whole", 5)]
    assert "broken" in caplog.text


def test_many_that_are_cancelled_do_not_pile_up() -> None:
    async def scene(rung: Rung) -> None:
        for number in range(10_000):
            rung.set(str(number), 1000)
            rung.alarms.cancel(str(number))
        rung.set("last", 10)
        assert len(rung.alarms._heap) < 100

    assert play(scene) == [("last", 10)]
