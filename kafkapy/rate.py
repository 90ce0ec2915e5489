"""How often something happens: events a second, over the last windows of time.

Windows begin with an event, so none is kept for time in which nothing happens. While few have passed the time is taken
for all but one of them and what there is of the last: a burst at the start is not a high rate. Apache's classes:
`Rate`, `SampledStat`.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass


@dataclass(slots=True)
class _Window:
    start_ms: int
    last_ms: int
    count: float = 0


class Rate:
    """Events of one kind. Times are in ms and never go back."""

    def __init__(self, windows: int, window_ms: int) -> None:
        """It is measured over so many windows, each of this length."""
        self._most = windows
        self._window_ms = window_ms
        self._windows: deque[_Window] = deque(maxlen=windows + 1)  # the first may have begun before what is measured

    def record(self, now_ms: int, count: float = 1) -> None:
        """So many happened now; a negative count takes some back."""
        if not self._windows or now_ms - self._windows[-1].start_ms >= self._window_ms:
            self._windows.append(_Window(now_ms, now_ms))
        window = self._windows[-1]
        window.count += count
        window.last_ms = now_ms

    def throttle_ms(self, limit: float, most_ms: int, now_ms: int) -> int:
        """How long to wait until the rate is at the limit, at most `most_ms`; 0 if it is not above it."""
        while self._windows and now_ms - self._windows[0].last_ms >= self._most * self._window_ms:
            self._windows.popleft()
        elapsed_ms = now_ms - self._windows[0].start_ms if self._windows else 0
        elapsed_ms += max(0, self._most - 1 - elapsed_ms // self._window_ms) * self._window_ms
        elapsed_ms = max(elapsed_ms, 1)
        above = sum(window.count for window in self._windows) * 1000 / elapsed_ms - limit
        if above <= 0:
            return 0
        wait_ms = above / limit * elapsed_ms if limit else math.inf
        return round(min(wait_ms, most_ms))
