"""The one clock of localaws: all parts tell time by it.

Owns two readings. `steady` measures durations and never goes back, whatever the system's clock
does; `utc` is what the clock on the wall shows, which faults may set wrong (`offset_s`): signatures
and the ends of credentials are judged by it.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """A clock.

    Attributes:
        offset_s: How far `utc` is ahead of the truth, seconds; negative for behind.
    """

    __slots__ = ("_started_at", "offset_s")

    def __init__(self) -> None:
        self._started_at = time.time() - time.monotonic()
        self.offset_s = 0.0

    def steady(self) -> float:
        """Return epoch seconds that never go back."""
        return self._started_at + time.monotonic()

    def utc(self) -> datetime:
        """Return the aware UTC time, offset included."""
        return datetime.fromtimestamp(self.steady(), UTC) + timedelta(seconds=self.offset_s)
