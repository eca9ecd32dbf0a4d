"""The deadline of a stop: one budget for everything that has to finish.

Owns when it begins and ends. Does not: wait, or cut anything off.
Source: `gateway/server.py`, the steps of a stop.
"""

from __future__ import annotations

import time
from typing import Final

REQUESTS: Final = 0.4
"""Part of the budget after which requests under way are disturbed. aiohttp then gives them as long
again to notice, so they may take twice this. Source: aiohttp 3.14, `RequestHandler.shutdown`."""

WAITS: Final = 0.2
"""Part of the budget after which callers that wait for an outcome are told what is known: well
before their requests are cut off."""


class Deadline:
    """The end of a stop that has begun, or not yet.

    Args:
        budget_s: Longest time for all of it, seconds.
    """

    def __init__(self, budget_s: float) -> None:
        self.budget_s = budget_s
        self._end: float | None = None

    def begin(self) -> None:
        """Let the time run from now on."""
        self._end = time.monotonic() + self.budget_s

    def left_s(self) -> float:
        """Return what is left of the budget, seconds; all of it before it has begun."""
        if self._end is None:
            return self.budget_s
        return max(0.0, self._end - time.monotonic())
