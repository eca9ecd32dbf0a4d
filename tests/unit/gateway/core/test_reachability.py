"""Reachability believes the last thing that was seen, for a while."""

from __future__ import annotations

from gateway.core.reachability import Reachability


def test_unknown_is_not_reachable() -> None:
    """Before the first contact nothing is promised."""
    subject = Reachability(fresh_s=30)
    assert subject.trouble(0) == "no contact so far"
    assert subject.contact_age_s(0) is None


def test_contact_counts_for_a_while() -> None:
    """A contact counts to the last second of `fresh_s`, and not longer."""
    subject = Reachability(fresh_s=30)
    subject.saw_contact(100)
    assert subject.trouble(130) is None
    assert subject.trouble(131) == "no recent contact"
    assert subject.contact_age_s(131) == 31


def test_trouble_counts_until_the_next_contact() -> None:
    """Trouble says why, and ends with the next answer."""
    subject = Reachability(fresh_s=30)
    subject.saw_contact(100)
    subject.saw_trouble("unavailable")
    assert subject.trouble(101) == "unavailable"
    subject.saw_contact(102)
    assert subject.trouble(103) is None
