"""A token bucket lets through its burst, then its rate, and never more."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.token_bucket import TokenBucket

STEPS = st.lists(st.tuples(st.floats(0, 5), st.integers(1, 5)), max_size=60)


def bucket(*, rate_per_s: float = 10, burst: float = 5, now: float = 0.0) -> TokenBucket:
    """Return a full bucket."""
    return TokenBucket(rate_per_s=rate_per_s, burst=burst, now=now)


@given(STEPS, st.floats(0.1, 50), st.integers(5, 20))
def test_never_exceeds_rate_and_burst(
    steps: list[tuple[float, int]], rate_per_s: float, burst: int
) -> None:
    """Up to any moment at most the burst and what the rate gave since was taken."""
    subject = bucket(rate_per_s=rate_per_s, burst=burst)
    now, taken = 0.0, 0
    for pause_s, tokens in steps:
        now += pause_s
        if subject.take(tokens, now) == 0:
            taken += tokens
        assert taken <= burst + rate_per_s * now + 1e-6


@given(STEPS)
def test_waiting_as_told_is_enough(steps: list[tuple[float, int]]) -> None:
    """Who comes back after the time that `take` named is let in."""
    subject = bucket()
    now = 0.0
    for pause_s, tokens in steps:
        now += pause_s
        wait_s = subject.take(tokens, now)
        if wait_s > 0:
            now += wait_s
            assert subject.take(tokens, now) == 0


def test_a_refusal_takes_nothing() -> None:
    """Asking for too much does not push others back."""
    subject = bucket()
    assert subject.take(3, 0.0) == 0
    assert subject.take(3, 0.0) == pytest.approx(0.1)
    assert subject.take(2, 0.0) == 0


def test_more_than_the_burst_never_comes() -> None:
    """No time is long enough for more tokens than the bucket holds."""
    assert math.isinf(bucket().take(6, 1e9))


def test_a_clock_that_steps_back_gives_nothing() -> None:
    """Time is only ever gained once."""
    subject = bucket(now=10.0)
    assert subject.take(5, 10.0) == 0
    assert subject.take(1, 9.0) > 0
    assert subject.take(1, 10.0) > 0
    assert subject.take(1, 10.1) == 0


def test_tells_its_rate() -> None:
    """Its owner can see whether the rate is still the wanted one."""
    assert bucket(rate_per_s=7).rate_per_s == 7


@pytest.mark.parametrize(("rate_per_s", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_refuses_bounds_that_let_nothing_through(rate_per_s: float, burst: float) -> None:
    """Such a bucket is a bug of whoever makes it."""
    with pytest.raises(ValueError, match="above 0"):
        bucket(rate_per_s=rate_per_s, burst=burst)
