"""Pacing: how many publishes each second the account's quota allows, as far as it shows.

Owns the limit, how fast it falls when AWS throttles, and how slowly it rises again.
Does not: read a clock, wait, or publish; `now` is seconds of a monotonic clock.
Source: additive increase, multiplicative decrease (Chiu and Jain 1989); docs/design.md; IoT Core
quotas, inbound publishes per second per account.
"""

from __future__ import annotations

from typing import Final

from gateway.core.token_bucket import TokenBucket

DECREASE: Final = 0.9
"""What is left of the rate that AWS took, when it throttles."""

HOLD_S: Final = 1.0
"""After a decrease neither another one nor an increase: the publishes on their way were sent at
the old rate, and their throttling is the same news."""

RECOVERY_S: Final = 60.0
"""Time in which the limit would rise from nothing to the quota, seconds."""

BURST_S: Final = 0.05
"""Seconds worth of publishes that may go at once."""

_WINDOW_S: Final = 1.0
"""Over how long it is counted what AWS takes, seconds."""

MIN_RATE_PER_S: Final = 1.0
"""The limit never falls below this: something must go out to learn that the trouble is over."""


class Pacer:
    """Say when the next publish may go.

    Theory of operation: a token bucket whose rate is the limit. A throttled publish lowers the
    limit to `DECREASE` times what AWS took of late. Not of what was allowed: a limit far above the
    traffic would fall many times before it changes anything. Nor of what was sent: one stray
    refusal among many successes says little. Then it rises by the quota divided by `RECOVERY_S`
    each second. Several gateways that share a quota settle below it without talking.

    Args:
        quota_per_s: The limit when nothing is throttled, publishes per second.
        now: When it starts.
    """

    def __init__(self, *, quota_per_s: float, now: float) -> None:
        self._quota_per_s = max(quota_per_s, MIN_RATE_PER_S)
        self._rate_per_s = self._quota_per_s
        self._bucket = TokenBucket(
            rate_per_s=self._rate_per_s, burst=_burst(self._rate_per_s), now=now
        )
        self._rises_from = now
        self._held_until = now
        self._window_from = now
        self._taken = 0
        self._taken_before = 0

    @property
    def rate_per_s(self) -> float:
        """The limit, publishes per second."""
        return self._rate_per_s

    def take(self, now: float) -> float:
        """Count one publish if it may go now.

        Returns:
            0.0 when it may; otherwise it was not counted, and this is how many seconds to wait.
        """
        self._rise(now)
        wait_s = self._bucket.take(1.0, now)
        if wait_s == 0.0:
            self._count(now)
        return wait_s

    def throttled(self, now: float) -> None:
        """Lower the limit: AWS refused a publish as too fast."""
        self._roll(now)
        self._taken = max(0, self._taken - 1)
        if now < self._held_until:
            return
        self._rise(now)
        lowered = DECREASE * min(self._rate_per_s, self._taken_per_s(now))
        self._change(max(MIN_RATE_PER_S, lowered), now)
        self._held_until = self._rises_from = now + HOLD_S

    def _rise(self, now: float) -> None:
        # In steps, not at every publish: changing the bucket costs more than asking it.
        risen_s = now - self._rises_from
        if self._rate_per_s >= self._quota_per_s or risen_s < 0.1:
            return
        self._rises_from = now
        step = risen_s * self._quota_per_s / RECOVERY_S
        self._change(min(self._quota_per_s, self._rate_per_s + step), now)

    def _change(self, rate_per_s: float, now: float) -> None:
        self._rate_per_s = rate_per_s
        self._bucket.adjust(rate_per_s=rate_per_s, burst=_burst(rate_per_s), now=now)

    def _count(self, now: float) -> None:
        self._roll(now)
        self._taken += 1

    def _roll(self, now: float) -> None:
        age_s = now - self._window_from
        if age_s >= _WINDOW_S:
            self._taken_before = self._taken if age_s < 2 * _WINDOW_S else 0
            self._taken = 0
            self._window_from = now

    def _taken_per_s(self, now: float) -> float:
        # Publishes on their way count as taken until AWS says otherwise.
        age_s = now - self._window_from
        recent = self._taken / max(age_s, _WINDOW_S / 2)
        return max(recent, self._taken_before / _WINDOW_S)


def _burst(rate_per_s: float) -> float:
    return max(1.0, BURST_S * rate_per_s)
