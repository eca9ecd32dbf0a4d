"""A token bucket: how much may happen now, and how long to wait for the rest.

Owns: the arithmetic of a rate with a burst.
Does not: read a clock or sleep; the caller passes `now` in seconds of a monotonic clock.
Used for the rate of one service, and to pace publishing below the account's quota.
"""

from __future__ import annotations

from typing import Final

_TOLERANCE: Final = 1e-9
"""Missing tokens that are rounding: who waited exactly as told must not be sent away again."""


class TokenBucket:
    """Holds up to `burst` tokens and gains `rate_per_s` of them each second.

    Theory of operation: only the level at one moment is kept. `take` first adds what has been
    gained since, then takes or refuses; nothing changes on a refusal except the passing of time.
    """

    def __init__(self, *, rate_per_s: float, burst: float, now: float) -> None:
        if rate_per_s <= 0 or burst <= 0:
            raise ValueError("rate_per_s and burst must be above 0")
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._level = burst
        self._at = now

    @property
    def rate_per_s(self) -> float:
        """Tokens gained each second."""
        return self._rate_per_s

    def adjust(self, *, rate_per_s: float, burst: float, now: float) -> None:
        """Change rate and burst from now on; what was gained so far stays, up to the new burst."""
        if rate_per_s <= 0 or burst <= 0:
            raise ValueError("rate_per_s and burst must be above 0")
        self._gain(now)
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._level = min(self._level, burst)

    def take(self, tokens: float, now: float) -> float:
        """Take `tokens` if they are there.

        Returns:
            0.0 when they were taken; otherwise nothing was taken and this is how many seconds
            later they would be there. Infinity when they exceed the burst.
        """
        self._gain(now)
        if tokens <= self._level + _TOLERANCE:
            self._level = max(0.0, self._level - tokens)
            return 0.0
        if tokens > self._burst:
            return float("inf")
        return (tokens - self._level) / self._rate_per_s

    def _gain(self, now: float) -> None:
        # A clock that stands still or steps back gains nothing and costs nothing.
        if now > self._at:
            level = self._level + (now - self._at) * self._rate_per_s
            self._level = level if level < self._burst else self._burst
            self._at = now
