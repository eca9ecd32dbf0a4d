"""A schedule gives items back when they are due, in order, unless they were withdrawn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.schedule import Schedule


def drained(schedule: Schedule[str], now: float) -> list[str]:
    """Return everything that is due."""
    found = []
    while (item := schedule.pop_due(now)) is not None:
        found.append(item)
    return found


def test_gives_what_is_due_and_nothing_else() -> None:
    """In the order of the times, those of one time in the order they came."""
    schedule: Schedule[str] = Schedule()
    for item, at in [("late", 9.0), ("b", 2.0), ("a", 1.0), ("c", 2.0)]:
        schedule.add(item, at)
    assert schedule.next_at() == 1.0
    assert drained(schedule, 0.5) == []
    assert drained(schedule, 2.0) == ["a", "b", "c"]
    assert (len(schedule), schedule.next_at()) == (1, 9.0)


def test_forgets_what_is_withdrawn() -> None:
    """Withdrawing twice changes nothing."""
    schedule: Schedule[str] = Schedule()
    schedule.add("a", 1.0)
    assert "a" in schedule
    assert schedule.withdraw("a")
    assert not schedule.withdraw("a")
    assert "a" not in schedule
    assert schedule.next_at() is None


def test_a_new_time_replaces_the_old_one() -> None:
    """Each item becomes due once."""
    schedule: Schedule[str] = Schedule()
    schedule.add("a", 1.0)
    schedule.add("a", 5.0)
    assert drained(schedule, 1.0) == []
    assert drained(schedule, 9.0) == ["a"]


def test_what_is_withdrawn_takes_no_room() -> None:
    """Adding and withdrawing for ever does not grow."""
    schedule: Schedule[int] = Schedule()
    for number in range(10_000):
        schedule.add(number, float(number))
        schedule.withdraw(number)
    assert len(schedule._heap) < 200


@given(st.lists(st.tuples(st.integers(0, 20), st.none() | st.integers(0, 50))))
def test_agrees_with_a_sorted_list(steps: list[tuple[int, int | None]]) -> None:
    """Whatever is added, moved and withdrawn: what comes out is what a plain dict would give."""
    schedule: Schedule[int] = Schedule()
    plain: dict[int, int] = {}
    for item, at in steps:
        if at is None:
            assert schedule.withdraw(item) == (plain.pop(item, None) is not None)
        else:
            schedule.add(item, at)
            plain[item] = at
        assert schedule.next_at() == min(plain.values(), default=None)
    times = []
    while (due := schedule.pop_due(100)) is not None:
        times.append(plain.pop(due))
    assert times == sorted(times)
    assert not plain
