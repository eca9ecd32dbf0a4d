"""A report says what became of an event, and hides no failure."""

from __future__ import annotations

from gateway.core.report import Delivery, Report, State
from gateway.errors import PublishDenied, PublishThrottled
from wire.address import Address

GOOD = Delivery(address=Address.parse("user:1"))
SLOW = Delivery(address=Address.parse("user:2"), failure=PublishThrottled("too fast"))
DENIED = Delivery(address=Address.parse("everyone"), failure=PublishDenied("no"))


def report(*deliveries: Delivery) -> Report:
    """Return a report."""
    return Report(id="i", deliveries=deliveries)


def test_published_means_everywhere() -> None:
    """An event is published when each of its addresses was."""
    assert report(GOOD, GOOD).state is State.PUBLISHED
    assert not report(GOOD).nothing_published
    assert not report(GOOD).failures


def test_one_failure_makes_it_failed() -> None:
    """Partly published is failed, but not nothing."""
    partly = report(GOOD, SLOW)
    assert partly.state is State.FAILED
    assert not partly.nothing_published
    assert partly.failures == (SLOW.failure,)


def test_nothing_published() -> None:
    """Failed everywhere is known as such: sending it again repeats nothing."""
    assert report(SLOW, DENIED).nothing_published


def test_tells_each_address() -> None:
    """Each address has its state, and its error where there is one."""
    assert report(GOOD, SLOW).addresses() == {
        "user:1": {"state": "published"},
        "user:2": {
            "state": "failed",
            "error": {"code": "throttled", "detail": "too fast", "retryable": True},
        },
    }
