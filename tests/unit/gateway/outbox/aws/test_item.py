"""Items of the shared outbox: what is written is what is read."""

from __future__ import annotations

from gateway.core.kept_event import Attempts, KeptEvent
from gateway.core.report import State
from gateway.core.settlement import Outcome, Reason
from gateway.outbox.aws.item import (
    Draft,
    attempts_text,
    event_of,
    item_of,
    outcome_text,
    state_of,
    turns_of,
)

EVENT = KeptEvent(
    service="shop",
    id="i-1",
    fingerprint=b"f",
    accepted_ms=1_000,
    due_ms=2_000,
    expires_ms=9_000,
    qos=1,
    retain=True,
    receipt=False,
    scheduled=True,
    collapse_key="k",
    names=("user:1", "user:2"),
    payload=b"{}",
)


def test_events_are_read_back() -> None:
    """Every field that an attempt or a report needs."""
    item = item_of(Draft(EVENT, 2_000, 7))
    found = event_of(item)
    for name in KeptEvent.__slots__:
        assert getattr(found, name) == getattr(EVENT, name), name
    assert state_of(item) is None


def test_outcomes_and_attempts_stand_beside_it() -> None:
    """By position; what is not settled has its turn."""
    reason = Reason(code="denied", detail="no", retryable=False)
    outcome = Outcome(State.FAILED, 5_000, 2, reason)
    attempts = Attempts()
    attempts.tried, attempts.counted, attempts.next_at_ms, attempts.reason = 3, 2, 7_000, reason
    item = item_of(Draft(EVENT, 0, 7)) | {
        "o0": outcome_text(outcome),
        "a1": attempts_text(attempts),
    }
    found = event_of(item)
    assert found.outcomes == [outcome, None]
    kept = found.attempts_of(1)
    assert (kept.tried, kept.counted, kept.next_at_ms, kept.reason) == (3, 2, 7_000, reason)
    assert [turn.position for turn in turns_of(found, 4)] == [1]


def test_an_item_sorts_by_the_time_to_look() -> None:
    """Text that sorts as the numbers do."""
    soon, late = item_of(Draft(EVENT, 9, 7)), item_of(Draft(EVENT, 10, 7))
    assert soon["gsi1sk"]["S"] < late["gsi1sk"]["S"]
