"""Rates: one second's worth at once, refilled evenly, never more."""

from hypothesis import given
from hypothesis import strategies as st

from localaws.core.allowance import Allowance, Allowances


def test_one_seconds_worth_goes_at_once() -> None:
    """Then nothing until time has passed."""
    allowance = Allowance(3, 100.0)
    assert [allowance.take(100.0) for _ in range(4)] == [True, True, True, False]
    assert not allowance.take(100.3)
    assert allowance.take(100.4)


def test_idle_time_is_not_saved_up() -> None:
    """After an hour there is still only one second's worth."""
    allowance = Allowance(2, 0.0)
    assert [allowance.take(3_600.0) for _ in range(3)] == [True, True, False]


def test_a_clock_that_goes_back_gives_nothing() -> None:
    """Neither more nor less."""
    allowance = Allowance(1, 100.0)
    assert allowance.take(100.0)
    assert not allowance.take(50.0)
    assert allowance.take(101.0)


def test_a_rate_below_one_allows_one() -> None:
    """One in two seconds."""
    allowance = Allowance(0.5, 0.0)
    assert allowance.take(0.0)
    assert not allowance.take(1.9)
    assert allowance.take(2.0)


def test_several_are_taken_as_far_as_they_go() -> None:
    """The answer says how many."""
    allowance = Allowance(5, 0.0)
    assert allowance.take_up_to(3, 0.0) == 3
    assert allowance.take_up_to(3, 0.0) == 2
    assert allowance.take_up_to(3, 0.0) == 0


def test_spending_more_than_there_is_must_be_waited_for() -> None:
    """What is missing refills first."""
    allowance = Allowance(10, 0.0)
    allowance.spend(10, 0.0)
    assert allowance.wait_s(0.0) == 0.0
    allowance.spend(5, 0.0)
    assert allowance.wait_s(0.0) == 0.5
    assert allowance.wait_s(0.5) == 0.0


@given(
    per_s=st.integers(1, 50),
    steps=st.lists(st.floats(0, 3, allow_nan=False), max_size=60),
)
def test_no_stretch_of_time_gets_more_than_its_share(per_s: int, steps: list[float]) -> None:
    """Over any time t at most one second's worth more than t times the rate is taken."""
    now, taken = 0.0, 0
    allowance = Allowance(per_s, now)
    for step in steps:
        now += step
        while allowance.take(now):
            taken += 1
    assert taken <= per_s * (now + 1) + 1e-6


def test_each_key_has_its_own_rate() -> None:
    """And is forgotten once its rate is full again."""
    allowances = Allowances(1)
    assert allowances.take("a", 0.0)
    assert allowances.take("b", 0.5)
    assert not allowances.take("a", 0.5)
    allowances.forget(1.2)
    assert len(allowances) == 1
    allowances.forget(1.5)
    assert len(allowances) == 0
    assert allowances.take("a", 1.5)


def test_no_rate_allows_everything_and_remembers_nothing() -> None:
    """None switches it off."""
    allowances = Allowances(None)
    assert all(allowances.take("a", 0.0) for _ in range(1_000))
    assert len(allowances) == 0
