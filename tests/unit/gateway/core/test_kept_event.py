"""A kept event knows its envelope, its times, and how far each delivery has come."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.event import Event
from gateway.core.kept_event import MAX_DELAY_S, KeptEvent, fingerprint, keep
from gateway.core.report import State
from gateway.core.settlement import Outcome, Reason
from gateway.errors import EventTooLarge, InvalidEvent
from wire.address import Address
from wire.limits import MAX_PAYLOAD_BYTES

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
PLAIN = Event(
    id="i", to=(Address.parse("user:42"), Address.parse("everyone")), type="order.shipped", data=7
)


def kept(event: Event = PLAIN) -> KeptEvent:
    """Return it as it is kept."""
    return keep(event, service="shop", source="/services/shop", now_ms=NOW_MS)


def test_encodes_the_envelope_once() -> None:
    """All addresses get the same bytes, each on its own topic."""
    event = kept(replace(PLAIN, qos=0, retain=True, extensions={"traceparent": "00-a"}))
    first, second = (event.publication(n, namespace="shop", now_ms=NOW_MS) for n in (0, 1))
    assert (first.topic, second.topic) == ("shop/user/42", "shop/everyone")
    assert first.payload is second.payload
    assert json.loads(first.payload) == {
        "specversion": "1.0",
        "id": "i",
        "source": "/services/shop",
        "type": "order.shipped",
        "time": "2026-01-31T12:00:00.000Z",
        "traceparent": "00-a",
        "data": 7,
    }
    assert (first.qos, first.retain, first.message_expiry_s) == (0, True, None)
    assert first.content_type == "application/cloudevents+json"


def test_counts_the_envelope_against_the_limit() -> None:
    """The limit holds for what goes out, to the byte."""
    around = len(kept(replace(PLAIN, data="")).payload or b"")
    assert kept(replace(PLAIN, data="x" * (MAX_PAYLOAD_BYTES - around)))
    with pytest.raises(EventTooLarge) as caught:
        kept(replace(PLAIN, data="x" * (MAX_PAYLOAD_BYTES - around + 1)))
    assert caught.value.size_bytes == MAX_PAYLOAD_BYTES + 1


def test_a_ttl_counts_from_acceptance() -> None:
    """What is left of it goes out as message expiry, rounded up; then it is over."""
    event = kept(replace(PLAIN, ttl_s=10))
    publication = event.publication(0, namespace="shop", now_ms=NOW_MS + 2_500)
    assert publication.message_expiry_s == 8
    assert event.publication(0, namespace="shop", now_ms=NOW_MS + 9_999).message_expiry_s == 1
    assert not event.expired(NOW_MS + 9_999)
    assert event.expired(NOW_MS + 10_000)
    assert not kept().expired(NOW_MS * 2)


def test_deliver_at_lies_within_seven_days() -> None:
    """The past means now; a ttl must reach beyond it."""
    late = kept(replace(PLAIN, deliver_at=NOW + timedelta(hours=1)))
    assert (late.due_ms, late.scheduled) == (NOW_MS + 3_600_000, True)
    assert late.brief().state is State.SCHEDULED
    assert late.report(NOW_MS).state is State.SCHEDULED
    assert late.report(NOW_MS).deliver_at == NOW + timedelta(hours=1)
    assert late.report(late.due_ms).state is State.ACCEPTED
    past = kept(replace(PLAIN, deliver_at=NOW - timedelta(hours=1)))
    assert (past.due_ms, past.scheduled) == (NOW_MS, False)
    assert kept(replace(PLAIN, deliver_at=NOW + timedelta(seconds=MAX_DELAY_S)))
    with pytest.raises(InvalidEvent, match="within 7 days"):
        kept(replace(PLAIN, deliver_at=NOW + timedelta(seconds=MAX_DELAY_S + 1)))
    with pytest.raises(InvalidEvent, match="ends before deliverAt"):
        kept(replace(PLAIN, deliver_at=NOW + timedelta(seconds=60), ttl_s=60))


def test_a_fingerprint_is_what_the_caller_said() -> None:
    """Not the order of names, nor the trace; everything else."""
    one = replace(PLAIN, data={"a": 1, "b": 2})
    same = replace(one, data={"b": 2, "a": 1}, extensions={"traceparent": "00-x"})
    assert fingerprint(one) == fingerprint(same)
    others = [
        replace(one, data={"a": 1}),
        replace(one, type="t"),
        replace(one, to=one.to[:1]),
        replace(one, qos=0),
        replace(one, retain=True),
        replace(one, ttl_s=5),
        replace(one, deliver_at=NOW),
        replace(one, collapse_key="k"),
        replace(one, receipt=True),
        replace(one, extensions={"source": "/other"}),
    ]
    assert len({fingerprint(event) for event in [one, *others]}) == len(others) + 1


def test_an_id_that_the_gateway_made_needs_no_fingerprint() -> None:
    """Nobody can have sent it before."""
    assert kept().fingerprint is not None
    assert kept(replace(PLAIN, id_given=False)).fingerprint is None


def test_reports_each_delivery() -> None:
    """What was tried, what went wrong, and when it is tried again."""
    event = kept()
    assert event.brief().state is State.ACCEPTED
    attempts = event.attempts_of(0)
    attempts.tried, attempts.next_at_ms = 2, NOW_MS + 500
    attempts.reason = Reason("throttled", "slow", retryable=True)
    event.outcomes[1] = Outcome(State.PUBLISHED, NOW_MS, 1)
    assert event.report(NOW_MS).members()["addresses"] == {
        "user:42": {
            "state": "accepted",
            "attempts": 2,
            "nextAttemptAt": "2026-01-31T12:00:00.500Z",
            "error": {"code": "throttled", "detail": "slow", "retryable": True},
        },
        "everyone": {
            "state": "published",
            "attempts": 1,
            "settledAt": "2026-01-31T12:00:00.000Z",
        },
    }
    assert not event.settled
    event.outcomes[0] = Outcome(State.EXPIRED, NOW_MS, 2)
    assert event.settled
    assert event.sendable
    assert event.state is State.EXPIRED


def test_cannot_be_published_without_its_payload() -> None:
    """It must be read first."""
    event = kept()
    event.payload = None
    with pytest.raises(ValueError, match="payload"):
        event.publication(0, namespace="shop", now_ms=NOW_MS)


def test_one_address_needs_no_report_for_its_state() -> None:
    """The state of the event is that of its only delivery."""
    event = kept(replace(PLAIN, to=PLAIN.to[:1]))
    before = event.state
    event.outcomes[0] = Outcome(State.PUBLISHED, NOW_MS, 1)
    assert (before, event.state) == (State.ACCEPTED, State.PUBLISHED)
    assert not event.sendable
