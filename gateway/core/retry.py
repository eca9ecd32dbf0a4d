"""Retries: whether and when a publish that failed is tried again.

Owns the back-off and its bounds. Does not: wait, draw random numbers, or count attempts; the caller
passes all of it in.
Source: AWS Builders' Library, "Timeouts, retries, and backoff with jitter" (full jitter); RFC 9110
section 10.2.3 for Retry-After.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.errors import CredentialsFailed, PublishFailed

MAX_RETRY_AFTER_S: Final = 300.0
"""Longest wait that upstream may ask for; a typo there must not stop a topic for days."""

_MAX_DOUBLINGS: Final = 30
"""Beyond this the back-off is at its cap whatever the settings; keeps the power small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often, how long and how fast a delivery is tried again.

    Attributes:
        base_s: Upper bound of the first delay, seconds; it doubles with each attempt.
        cap_s: Largest upper bound of a delay, seconds.
        max_attempts: Publishes tried before the delivery fails.
        max_age_s: Seconds since it was due after which an attempt that fails is the last one.
    """

    base_s: float
    cap_s: float
    max_attempts: int
    max_age_s: float

    def delay_s(
        self, failure: PublishFailed, *, attempts: int, tries: int, age_s: float, jitter: float
    ) -> float | None:
        """Return how long to wait before the next attempt, or None if there is to be none.

        Args:
            failure: What went wrong.
            attempts: Attempts that count so far, this one included.
            tries: The same with those that do not count; the back-off grows with them.
            age_s: Seconds since the delivery was due.
            jitter: A random number from 0 to 1.
        """
        if not failure.retryable or attempts >= self.max_attempts or age_s >= self.max_age_s:
            return None
        bound = min(self.cap_s, self.base_s * 2.0 ** min(max(0, tries - 1), _MAX_DOUBLINGS))
        asked = min(failure.retry_after_s or 0.0, MAX_RETRY_AFTER_S)
        return asked + jitter * bound


def counts(failure: PublishFailed) -> bool:
    """Tell whether a failed attempt counts against `max_attempts`.

    Expired credentials say nothing about the event; age alone bounds them.
    """
    return not isinstance(failure, CredentialsFailed)
