"""Clocks: the two that the gateway reads.

Owns reading them. Does not: wait. What decides about time is given a clock, so that a test can let
hours pass at once.
"""

from __future__ import annotations

import time
from typing import Final


class Clock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        """Return the wall clock's time, milliseconds since the epoch; it may be set."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Return seconds of a clock that nobody sets and that has no particular beginning."""
        return time.monotonic()


SYSTEM_CLOCK: Final = Clock()
