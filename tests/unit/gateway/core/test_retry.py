"""Retries: full jitter below a bound that doubles, and an end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.retry import MAX_RETRY_AFTER_S, RetryPolicy, counts
from gateway.errors import (
    CredentialsFailed,
    PublishDenied,
    PublishInvalid,
    PublishThrottled,
    PublishTimedOut,
    PublishTooLarge,
    PublishUnavailable,
)

POLICY = RetryPolicy(base_s=0.1, cap_s=20.0, max_attempts=5, max_age_s=60.0)
THROTTLED = PublishThrottled("slow")


def delay(
    attempts: int = 1,
    *,
    age_s: float = 0.0,
    jitter: float = 1.0,
    retry_after_s: float | None = None,
) -> float | None:
    """Return the delay after a throttled publish."""
    failure = PublishThrottled("slow", retry_after_s=retry_after_s)
    return POLICY.delay_s(failure, attempts=attempts, tries=attempts, age_s=age_s, jitter=jitter)


def test_doubles_up_to_the_cap() -> None:
    """The bound of the delay, reached with the largest jitter."""
    policy = RetryPolicy(base_s=0.1, cap_s=1.0, max_attempts=99, max_age_s=60.0)
    bounds = [
        policy.delay_s(THROTTLED, attempts=n, tries=n, age_s=0.0, jitter=1.0) for n in range(1, 7)
    ]
    assert bounds == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert policy.delay_s(THROTTLED, attempts=1, tries=10**9, age_s=0.0, jitter=1.0) == 1.0


def test_ends_with_the_attempts() -> None:
    """The last attempt is not followed by a delay."""
    assert delay(4) is not None
    assert delay(5) is None


def test_ends_with_the_age() -> None:
    """An attempt that fails past the age is the last."""
    assert delay(age_s=59.9) is not None
    assert delay(age_s=60.0) is None


def test_tries_again_only_where_that_may_help() -> None:
    """What IoT Core refuses for good is not sent again."""
    for final in (PublishDenied("no"), PublishTooLarge("no"), PublishInvalid("no")):
        assert POLICY.delay_s(final, attempts=1, tries=1, age_s=0.0, jitter=0.5) is None
    for passing in (THROTTLED, PublishUnavailable("no"), PublishTimedOut("no")):
        assert POLICY.delay_s(passing, attempts=1, tries=1, age_s=0.0, jitter=0.5) is not None


def test_waits_at_least_as_long_as_asked() -> None:
    """Within reason, and spread, since everybody was asked the same."""
    assert delay(retry_after_s=3.0, jitter=0.0) == 3.0
    assert delay(retry_after_s=3.0, jitter=1.0) == 3.1
    assert delay(retry_after_s=1e9, jitter=0.0) == MAX_RETRY_AFTER_S


def test_bad_credentials_are_not_held_against_the_event() -> None:
    """They cost no attempt, but the delay grows with them."""
    failure = CredentialsFailed("expired")
    assert not counts(failure)
    assert counts(THROTTLED)
    assert POLICY.delay_s(failure, attempts=0, tries=50, age_s=0.0, jitter=1.0) == 20.0
    assert POLICY.delay_s(failure, attempts=0, tries=50, age_s=60.0, jitter=1.0) is None


@given(
    tries=st.integers(1, 10**6),
    jitter=st.floats(0, 1),
    asked=st.none() | st.floats(0, 1e6),
)
def test_a_delay_stays_in_its_bounds(tries: int, jitter: float, asked: float | None) -> None:
    """Never negative, never longer than the cap and what upstream may ask for."""
    failure = PublishThrottled("slow", retry_after_s=asked)
    found = POLICY.delay_s(failure, attempts=1, tries=tries, age_s=0.0, jitter=jitter)
    assert found is not None
    assert min(asked or 0.0, MAX_RETRY_AFTER_S) <= found <= POLICY.cap_s + MAX_RETRY_AFTER_S
