"""A report says what became of an event, and hides no failure."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.core.report import Delivery, Report, State
from gateway.errors import ClientNotConnected, PublishDenied, PublishThrottled
from wire.address import Address

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
GOOD = Delivery(address=Address.parse("user:1"), state=State.PUBLISHED)
SLOW = Delivery(
    address=Address.parse("user:2"), state=State.FAILED, failure=PublishThrottled("too fast")
)
DENIED = Delivery(
    address=Address.parse("everyone"), state=State.FAILED, failure=PublishDenied("no")
)


def report(*deliveries: Delivery) -> Report:
    """Return a report."""
    return Report(id="i", deliveries=deliveries)


def in_state(state: State) -> Delivery:
    """Return a delivery that stands there."""
    return Delivery(address=Address.parse("user:3"), state=state)


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


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((State.PUBLISHED, State.ACCEPTED, State.FAILED), State.ACCEPTED),
        ((State.PUBLISHED, State.SCHEDULED), State.SCHEDULED),
        ((State.SCHEDULED, State.ACCEPTED), State.ACCEPTED),
        ((State.PUBLISHED, State.EXPIRED), State.EXPIRED),
        ((State.PUBLISHED, State.CANCELLED), State.CANCELLED),
        ((State.PUBLISHED, State.COLLAPSED), State.PUBLISHED),
        ((State.DELIVERED, State.PUBLISHED), State.PUBLISHED),
        ((State.COLLAPSED,), State.COLLAPSED),
    ],
)
def test_stands_where_most_is_left_to_say(states: tuple[State, ...], expected: State) -> None:
    """What still has to happen comes first, then what went wrong, then what went well."""
    assert report(*map(in_state, states)).state is expected


@pytest.mark.parametrize("state", State)
def test_every_state_has_its_place(state: State) -> None:
    """An event with one address stands where that address stands."""
    assert report(in_state(state)).state is state
    assert report(in_state(state)).settled is state.settled


def test_tells_each_address() -> None:
    """Each address has its state, and its error where there is one."""
    assert report(GOOD, SLOW).addresses() == {
        "user:1": {"state": "published"},
        "user:2": {
            "state": "failed",
            "error": {"code": "throttled", "detail": "too fast", "retryable": True},
        },
    }


def test_says_why_a_receipt_did_not_come() -> None:
    """It was published all the same, so that is no error."""
    missed = Delivery(
        address=Address.parse("client:shop.42.tab"),
        state=State.PUBLISHED,
        attempts=1,
        failure=ClientNotConnected("IoT Core answered 404"),
    )
    assert missed.members() == {
        "state": "published",
        "attempts": 1,
        "noReceipt": {"code": "not_connected", "detail": "IoT Core answered 404"},
    }
    assert report(missed).state is State.PUBLISHED
    assert not report(missed).failures


def test_tells_everything_known() -> None:
    """All that is known of an event, with its times."""
    trying = Delivery(
        address=Address.parse("user:1"),
        state=State.ACCEPTED,
        attempts=2,
        failure=PublishThrottled("too fast"),
        next_attempt_at=NOON,
    )
    done = Delivery(address=Address.parse("user:2"), state=State.PUBLISHED, settled_at=NOON)
    whole = Report(id="i", deliveries=(trying, done), accepted_at=NOON, deliver_at=NOON)
    assert whole.members() == {
        "id": "i",
        "status": "accepted",
        "acceptedAt": "2026-01-31T12:00:00.000Z",
        "deliverAt": "2026-01-31T12:00:00.000Z",
        "addresses": {
            "user:1": {
                "state": "accepted",
                "attempts": 2,
                "nextAttemptAt": "2026-01-31T12:00:00.000Z",
                "error": {"code": "throttled", "detail": "too fast", "retryable": True},
            },
            "user:2": {"state": "published", "settledAt": "2026-01-31T12:00:00.000Z"},
        },
    }


def test_remembers_a_state_without_deliveries() -> None:
    """Of an event that was pruned, the state is left."""
    pruned = Report(id="i", deliveries=(), remembered=State.PUBLISHED)
    assert pruned.members() == {"id": "i", "status": "published"}
