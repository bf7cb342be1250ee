"""How long it takes yet, by how fast it went in the last minutes. What was answered before comes at once, and says nothing
of that."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_WINDOW = 120.0
_LEAST = 1.0
"""Seconds between two steps that are looked at."""


class Pace:
    """Steps of so many, by when they were done."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._steps: deque[tuple[float, int]] = deque()

    def left(self, done: int, total: int) -> float | None:
        """Seconds yet; ``None`` where that cannot be said."""
        now = self._clock()
        if not self._steps or now - self._steps[-1][0] >= _LEAST or done >= total:
            self._steps.append((now, done))
        while len(self._steps) > 2 and now - self._steps[0][0] > _WINDOW:
            self._steps.popleft()
        since, before = self._steps[0]
        if done >= total:
            return 0.0
        if done == before or now == since:
            return None
        return (total - done) * (now - since) / (done - before)
