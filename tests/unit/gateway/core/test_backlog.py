"""The backlog: lanes, schedule and collapsing together."""

from __future__ import annotations

import pytest

from gateway.core.backlog import Backlog, Place

NOW_MS = 1_000


def add(
    backlog: Backlog, key: int, topic: str = "a", *, due_ms: int = 0, ck: str | None = None
) -> int | None:
    """Take a delivery in; return what it replaces."""
    return backlog.add(Place(key, topic, ck), due_ms=due_ms, now_ms=NOW_MS)


def test_what_is_scheduled_waits_until_it_is_due() -> None:
    """Then it goes to the end of its topic, and others of the topic did not wait for it."""
    backlog = Backlog()
    add(backlog, 1, due_ms=5_000)
    add(backlog, 2)
    assert (backlog.scheduled, backlog.lanes, len(backlog)) == (1, 1, 2)
    assert backlog.claim(0, NOW_MS) == ("a", 2)
    assert backlog.next_due_ms() == 5_000
    assert backlog.claim(0, 4_999) is None
    backlog.settle(Place(2, "a"))
    assert backlog.claim(0, 5_000) == ("a", 1)
    assert backlog.claimed == 1


def test_a_newer_event_replaces_one_that_waits() -> None:
    """In the lane or scheduled; on the same topic, with the same key."""
    backlog = Backlog()
    assert add(backlog, 1, ck="price") is None
    assert add(backlog, 2, "b", ck="price") is None
    assert add(backlog, 3, ck="price") == 1
    assert add(backlog, 4, ck="price", due_ms=9_000) == 3
    assert add(backlog, 5, ck="price") == 4
    assert len(backlog) == 2
    assert not backlog.holds(Place(1, "a", "price"))
    assert backlog.claim(0, NOW_MS) == ("b", 2)
    assert backlog.claim(0, NOW_MS) == ("a", 5)


def test_what_is_on_its_way_is_not_replaced_but_superseded() -> None:
    """It may have arrived; but should the attempt fail, there is no reason for another."""
    backlog = Backlog()
    older, newer = Place(1, "a", "price"), Place(2, "a", "price")
    add(backlog, 1, ck="price")
    backlog.claim(0, NOW_MS)
    assert not backlog.superseded(older)
    assert add(backlog, 2, ck="price") is None
    assert backlog.superseded(older)
    assert not backlog.superseded(newer)
    backlog.settle(older)
    assert backlog.claim(0, NOW_MS) == ("a", 2)
    backlog.settle(newer)
    assert add(backlog, 3, ck="price") is None


def test_a_parked_one_is_replaced() -> None:
    """Its last attempt failed; the topic goes on waiting with the newer one."""
    backlog = Backlog()
    add(backlog, 1, ck="price")
    backlog.claim(0, NOW_MS)
    backlog.park("a", 5.0)
    assert add(backlog, 2, ck="price") == 1
    assert (backlog.parked, backlog.ready) == (0, 1)


@pytest.mark.parametrize("due_ms", [0, 5_000])
def test_a_barred_one_stays_in_the_way_until_it_is_released(due_ms: int) -> None:
    """It is not given out, nothing overtakes it, and no newer event replaces it."""
    backlog = Backlog()
    barred = Place(1, "a", "price")
    add(backlog, 1, ck="price", due_ms=due_ms)
    assert backlog.holds(barred)
    backlog.bar(barred)
    assert not backlog.holds(barred)
    assert add(backlog, 2, ck="price") is None
    if not due_ms:
        assert backlog.claim(0, NOW_MS) is None
    backlog.release(barred)
    assert backlog.claim(0, NOW_MS) == ("a", 2)
    assert len(backlog) == 1


def test_a_claimed_one_can_be_barred() -> None:
    """It failed, and that is not on disk yet."""
    backlog = Backlog()
    add(backlog, 1)
    add(backlog, 2)
    backlog.claim(0, NOW_MS)
    assert backlog.claimed_now(Place(1, "a"))
    assert not backlog.claimed_now(Place(2, "a"))
    backlog.bar(Place(1, "a"))
    assert backlog.claim(0, NOW_MS) is None
    backlog.release(Place(1, "a"))
    assert backlog.claim(0, NOW_MS) == ("a", 2)


def test_one_behind_the_head_can_be_barred() -> None:
    """Whether or not its turn has come when it is released."""
    backlog = Backlog()
    for key in (1, 2, 3):
        add(backlog, key)
    backlog.bar(Place(2, "a"))
    backlog.claim(0, NOW_MS)
    backlog.release(Place(2, "a"))
    backlog.settle(Place(1, "a"))
    assert backlog.claim(0, NOW_MS) == ("a", 3)


def test_says_when_to_look_again() -> None:
    """Parked topics by the monotonic clock."""
    backlog = Backlog()
    add(backlog, 1)
    add(backlog, 2)
    backlog.claim(0, NOW_MS)
    backlog.park("a", 7.5)
    assert backlog.next_at() == 7.5
    assert backlog.behind("a", 9) == [2]


def test_what_became_due_stands_before_what_came_later() -> None:
    """Even if nobody asked in between."""
    backlog = Backlog()
    backlog.add(Place(1, "a"), due_ms=2_000, now_ms=1_000)
    backlog.add(Place(2, "a"), due_ms=3_000, now_ms=3_000)
    assert backlog.claim(0, 3_000) == ("a", 1)
