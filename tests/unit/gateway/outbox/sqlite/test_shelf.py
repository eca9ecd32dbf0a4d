"""The shelf holds what fits, and what must be held."""

from __future__ import annotations

from gateway.core.kept_event import KeptEvent
from gateway.outbox.sqlite.shelf import Shelf
from tests.unit.gateway.outboxes import NOW_MS, kept


def numbered(seq: int) -> KeptEvent:
    """Return an event with a payload of 100 bytes."""
    event = kept()
    event.seq, event.payload = seq, b"x" * 100
    return event


def test_takes_what_was_just_accepted_only_with_room() -> None:
    """The rest is read when its turn comes."""
    shelf = Shelf(150)
    for seq in (1, 2, 3):
        shelf.offer(numbered(seq))
    assert (len(shelf), shelf.payload_bytes, shelf.full) == (2, 200, True)
    assert shelf.get(3) is None


def test_holds_what_was_read_in_any_case() -> None:
    """And keeps the one that counts, with the payload that it lacked."""
    shelf = Shelf(0)
    event = numbered(1)
    assert shelf.hold(event) is event
    shelf.lighten(event)
    assert (event.payload, shelf.payload_bytes) == (None, 0)
    assert shelf.hold(numbered(1)) is event
    assert (event.payload, shelf.payload_bytes) == (b"x" * 100, 100)
    shelf.hold(numbered(1))
    assert shelf.payload_bytes == 100


def test_does_not_lighten_what_is_on_its_way() -> None:
    """Nor anything while there is room."""
    full, roomy = Shelf(0), Shelf(1_000)
    event = numbered(1)
    event.claimed = 1
    full.hold(event)
    full.lighten(event)
    other = numbered(2)
    roomy.hold(other)
    roomy.lighten(other)
    assert event.payload is not None
    assert other.payload is not None


def test_lets_go_of_what_is_settled() -> None:
    """Once."""
    shelf = Shelf(1_000)
    event = numbered(1)
    shelf.hold(event)
    shelf.release(event)
    shelf.release(event)
    assert (len(shelf), shelf.payload_bytes) == (0, 0)


def test_knows_the_oldest() -> None:
    """By when it was due."""
    shelf = Shelf(1_000)
    assert shelf.oldest_due_ms(NOW_MS + 5) == NOW_MS + 5
    shelf.hold(numbered(1))
    assert shelf.oldest_due_ms(NOW_MS + 5) == NOW_MS
