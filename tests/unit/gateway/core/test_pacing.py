"""Pacing: below the quota, down at once when AWS throttles, up slowly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.pacing import BURST_S, DECREASE, HOLD_S, MIN_RATE_PER_S, RECOVERY_S, Pacer


def send(pacer: Pacer, start: float, seconds: float) -> int:
    """Send as fast as it lets; return how many publishes went."""
    now, sent = start, 0
    while now < start + seconds:
        wait_s = pacer.take(now)
        if wait_s == 0.0:
            sent += 1
        else:
            now += wait_s
    return sent


def test_keeps_to_the_quota() -> None:
    """A burst, and then the rate."""
    pacer = Pacer(quota_per_s=100, now=0)
    assert send(pacer, 0, 10) == pytest.approx(1_000, abs=100 * BURST_S + 1)


def test_falls_when_throttled_and_rises_slowly() -> None:
    """To a part of what was sent; then the quota is back after a known time."""
    pacer = Pacer(quota_per_s=1_000, now=0)
    send(pacer, 0, 2)
    pacer.throttled(2.0)
    lowered = pacer.rate_per_s
    assert lowered == pytest.approx(1_000 * DECREASE, rel=0.1)
    pacer.take(2.0 + HOLD_S)
    assert pacer.rate_per_s == lowered
    pacer.take(2.0 + HOLD_S + 6.0)
    assert pacer.rate_per_s == pytest.approx(lowered + 1_000 * 6.0 / RECOVERY_S)
    pacer.take(2.0 + HOLD_S + RECOVERY_S)
    assert pacer.rate_per_s == 1_000


def test_one_wave_of_throttling_is_one_piece_of_news() -> None:
    """All publishes that were on their way are refused; the limit falls once."""
    pacer = Pacer(quota_per_s=1_000, now=0)
    send(pacer, 0, 2)
    for number in range(64):
        pacer.throttled(2.0 + number / 1_000)
    assert pacer.rate_per_s > 1_000 * DECREASE * DECREASE


def test_falls_from_what_was_sent_not_from_what_was_allowed() -> None:
    """A limit far above the traffic would fall many times before it changes anything."""
    pacer = Pacer(quota_per_s=10_000, now=0)
    for number in range(200):
        pacer.take(number / 100)
    pacer.throttled(2.0)
    assert pacer.rate_per_s <= 100


def test_a_few_stray_refusals_do_not_stop_the_traffic() -> None:
    """One in a thousand is refused for reasons of its own; the limit settles where that is little."""
    pacer = Pacer(quota_per_s=1_000, now=0)
    now, sent = 0.0, 0
    while now < 300:
        wait_s = pacer.take(now)
        if wait_s:
            now += wait_s
            continue
        sent += 1
        if sent % 1_000 == 0:
            pacer.throttled(now)
    assert sent / 300 > 250


def test_never_stops_altogether() -> None:
    """Something must go out to learn that the trouble is over."""
    pacer = Pacer(quota_per_s=5, now=0)
    for second in range(100):
        pacer.throttled(second * (HOLD_S + 1))
    assert pacer.rate_per_s >= MIN_RATE_PER_S
    assert send(pacer, 1_000, 10) >= 10


def test_settles_below_a_quota_it_does_not_know() -> None:
    """Where the account has less than was configured, most publishes still succeed."""
    pacer = Pacer(quota_per_s=1_000, now=0)
    allowed, refused, now = 0, 0, 0.0
    budget, second = 300, 0
    while now < 300:
        if int(now) != second:
            budget, second = 300, int(now)
        wait_s = pacer.take(now)
        if wait_s:
            now += wait_s
        elif budget:
            budget -= 1
            allowed += 1
        else:
            refused += 1
            pacer.throttled(now)
    assert allowed / 300 > 150
    assert refused < allowed / 5


@given(st.lists(st.tuples(st.floats(0, 2), st.booleans()), max_size=300), st.floats(1, 5_000))
def test_the_limit_stays_in_its_bounds(steps: list[tuple[float, bool]], quota: float) -> None:
    """Never above the quota, never at nothing; publishes in any window keep to the quota."""
    pacer = Pacer(quota_per_s=quota, now=0.0)
    now, sent = 0.0, 0
    for seconds, throttle in steps:
        now += seconds
        if throttle:
            pacer.throttled(now)
        sent += pacer.take(now) == 0.0
        assert MIN_RATE_PER_S <= pacer.rate_per_s <= quota
    assert sent <= max(1.0, BURST_S * quota) + quota * now + 1
