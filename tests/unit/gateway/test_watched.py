"""Watched deliveries: told while somebody listens, and untouched otherwise."""

from __future__ import annotations

from gateway.core.event import Event
from gateway.core.kept_event import KeptEvent, keep
from gateway.core.report import State
from gateway.core.settlement import Outcome, Reason
from gateway.feed import Feed
from gateway.outbox.outbox import Deliverer
from gateway.watched import WatchedDeliverer, watching
from wire.address import Address

NOW_MS = 1_769_860_800_000


class Silent:
    """A deliverer that only remembers; also the part of an outbox that names one.

    Attributes:
        settled_positions: What it was told.
        attached: Who was named last.
    """

    def __init__(self) -> None:
        self.settled_positions: list[int] = []
        self.attached: Deliverer | None = None

    def wake(self) -> None:
        """Do nothing."""

    def settled(self, event: KeptEvent, position: int) -> None:
        """Remember."""
        del event
        self.settled_positions.append(position)

    def attach(self, deliverer: Deliverer) -> None:
        """Remember."""
        self.attached = deliverer


def kept() -> KeptEvent:
    """Return an event to two addresses."""
    to = (Address.parse("user:1"), Address.parse("user:2"))
    event = Event(id="i-1", to=to, type="t", data={"secret": 1})
    return keep(event, service="shop", source="/services/shop", now_ms=NOW_MS)


async def test_a_settlement_is_passed_on_and_told() -> None:
    """With its reason, and for its own address alone."""
    feed, engine, event = Feed(most_listeners=1, most_notices=9), Silent(), kept()
    listener = feed.join(service=None, payloads=True)
    watched = WatchedDeliverer(engine, feed)
    event.outcomes[1] = Outcome(
        State.FAILED, NOW_MS + 1_500, 3, Reason("denied", "no", retryable=False)
    )
    watched.settled(event, 1)
    assert engine.settled_positions == [1]
    (notice,) = listener.take()[1]
    assert notice.members(payload=True) == {
        "at": notice.at,
        "service": "shop",
        "id": "i-1",
        "addresses": ["user:2"],
        "state": "failed",
        "attempts": 3,
        "seconds": 1.5,
        "code": "denied",
        "detail": "no",
    }


async def test_nobody_stands_between_while_nobody_listens() -> None:
    """The engine itself is attached again as soon as the last one leaves."""
    feed, engine = Feed(most_listeners=1, most_notices=9), Silent()
    watching(engine, engine, feed)  # type: ignore[arg-type] # the part of an outbox it uses
    assert engine.attached is None
    listener = feed.join(service=None, payloads=False)
    assert isinstance(engine.attached, WatchedDeliverer)
    feed.leave(listener)
    assert engine.attached is engine
