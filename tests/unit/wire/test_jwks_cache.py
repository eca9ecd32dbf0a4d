"""Key sets are fetched often enough, and never more often than that."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.unit.issuer import jwk, jwks
from wire.jwks import parse_jwks
from wire.jwks_cache import MAX_UNKNOWN_KIDS, JwksCache, JwksTimes, Refresh

TIMES = JwksTimes(max_age_s=600, max_stale_s=3600, min_interval_s=30, retry_s=5, unknown_kid_s=300)
OLD = parse_jwks(jwks(jwk("p256", kid="old")))
NEW = parse_jwks(jwks(jwk("p256", 1, kid="new")))


def filled(now: float = 1000) -> JwksCache:
    """Return a cache that fetched `OLD`."""
    cache = JwksCache(TIMES)
    cache.fetch_started(now)
    cache.fetched(OLD, None, now)
    return cache


def test_an_empty_cache_needs_a_fetch() -> None:
    """Without keys nothing can be verified."""
    cache = JwksCache(TIMES)
    assert cache.refresh_needed("old", 0) is Refresh.REQUIRED
    assert cache.refresh_needed(None, 0) is Refresh.REQUIRED
    assert cache.keys(0) is None


def test_while_a_fetch_is_under_way_no_other_is_needed() -> None:
    """Requests that come meanwhile do not pile up on the issuer."""
    cache = JwksCache(TIMES)
    cache.fetch_started(0)
    assert cache.refresh_needed("old", 1) is Refresh.NOT_NEEDED


def test_a_fresh_set_serves_without_a_fetch() -> None:
    """For `max_age_s` nothing is asked."""
    cache = filled()
    assert cache.refresh_needed("old", 1599) is Refresh.NOT_NEEDED
    assert cache.keys(1599) is OLD


def test_an_aged_set_is_due_but_still_serves() -> None:
    """A refresh need not hold up the request that notices it."""
    cache = filled()
    assert cache.refresh_needed("old", 1600) is Refresh.DUE
    assert cache.keys(1600) is OLD


def test_a_failed_fetch_leaves_the_stale_set_and_pauses_shortly() -> None:
    """An issuer that is down takes nobody down with it."""
    cache = filled()
    cache.fetch_started(1600)
    cache.fetch_failed(1602)
    assert cache.keys(1602) is OLD
    assert cache.refresh_needed("old", 1606) is Refresh.NOT_NEEDED
    assert cache.refresh_needed("old", 1607) is Refresh.DUE


def test_a_set_that_is_too_stale_counts_as_absent() -> None:
    """Keys that were withdrawn meanwhile must not verify for ever."""
    cache = filled()
    assert cache.keys(4599) is OLD
    assert cache.keys(4600) is None
    assert cache.refresh_needed("old", 4600) is Refresh.REQUIRED


def test_an_unknown_kid_asks_for_the_rotated_set_at_once() -> None:
    """A rotation is noticed by its first token."""
    cache = filled()
    assert cache.refresh_needed("new", 1031) is Refresh.REQUIRED
    cache.fetch_started(1031)
    cache.fetched(NEW, "new", 1031)
    assert cache.keys(1031) is NEW
    assert cache.refresh_needed("new", 1032) is Refresh.NOT_NEEDED


def test_invented_kids_cause_one_fetch_per_interval() -> None:
    """The interval holds whatever the tokens name."""
    cache = filled()
    fetches = 0
    for second in range(1000, 1300):
        if cache.refresh_needed(f"invented-{second}", second) is not Refresh.NOT_NEEDED:
            fetches += 1
            cache.fetch_started(second)
            cache.fetched(OLD, f"invented-{second}", second)
    assert fetches == 9


def test_a_kid_that_did_not_come_is_remembered() -> None:
    """One stale token asks once, not once per interval."""
    cache = filled()
    cache.fetch_started(1031)
    cache.fetched(OLD, "gone", 1031)
    assert cache.refresh_needed("gone", 1100) is Refresh.NOT_NEEDED
    assert cache.refresh_needed("gone", 1330) is Refresh.NOT_NEEDED
    assert cache.refresh_needed("gone", 1331) is Refresh.REQUIRED


def test_a_remembered_kid_that_comes_later_is_served() -> None:
    """The memory is about fetching, never about verifying."""
    cache = filled()
    cache.fetched(OLD, "new", 1031)
    cache.fetched(NEW, None, 1040)
    keys = cache.keys(1041)
    assert keys is not None
    assert keys.knows("new")


def test_the_memory_of_unknown_kids_is_bounded() -> None:
    """The oldest is forgotten first."""
    cache = filled()
    for number in range(MAX_UNKNOWN_KIDS + 1):
        cache.fetched(OLD, f"kid-{number}", 1031)
    assert len(cache._unknown) == MAX_UNKNOWN_KIDS
    assert cache.refresh_needed("kid-0", 1100) is Refresh.REQUIRED
    assert cache.refresh_needed("kid-1", 1100) is Refresh.NOT_NEEDED


def test_a_clock_that_jumps_back_only_makes_a_refresh_early() -> None:
    """No jump can stop refreshes for good."""
    cache = filled(now=1_000_000)
    assert cache.keys(5) is OLD
    assert cache.refresh_needed("old", 5) is Refresh.DUE


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from(["old", "x", "y", None]))))
def test_fetches_keep_their_distance(steps: list[tuple[float, str | None]]) -> None:
    """Whatever tokens come when, two successful fetches are `min_interval_s` apart."""
    cache, now, fetched_at = JwksCache(TIMES), 0.0, []
    for pause, kid in steps:
        now += pause
        if cache.refresh_needed(kid, now) is not Refresh.NOT_NEEDED:
            cache.fetch_started(now)
            cache.fetched(OLD, kid, now)
            fetched_at.append(now)
    gaps = [late - early for early, late in pairwise(fetched_at)]
    assert all(gap >= TIMES.min_interval_s for gap in gaps)


class CacheMachine(RuleBasedStateMachine):
    """An issuer that comes and goes, seen through the cache."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = JwksCache(TIMES)
        self.now = 0.0
        self.last_success: float | None = None
        self.fetching = False

    @rule(seconds=st.floats(0, 2000))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    @rule(kid=st.sampled_from(["old", "new", None]))
    def ask(self, kid: str | None) -> None:
        """Start a fetch where the cache wants one."""
        if self.cache.refresh_needed(kid, self.now) is not Refresh.NOT_NEEDED:
            self.cache.fetch_started(self.now)
            self.fetching = True

    @precondition(lambda self: self.fetching)
    @rule()
    def succeed(self) -> None:
        """The issuer answers."""
        self.cache.fetched(OLD, None, self.now)
        self.last_success, self.fetching = self.now, False

    @precondition(lambda self: self.fetching)
    @rule()
    def fail(self) -> None:
        """The issuer does not answer."""
        self.cache.fetch_failed(self.now)
        self.fetching = False

    @invariant()
    def keys_serve_exactly_while_they_are_young_enough(self) -> None:
        """A failure never takes keys away, and age always does."""
        served = self.cache.keys(self.now) is not None
        young = self.last_success is not None and (self.now - self.last_success < TIMES.max_stale_s)
        assert served == young


TestCacheMachine = CacheMachine.TestCase
