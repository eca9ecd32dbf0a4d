"""The intake hands events to the outbox and says what became of each."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from gateway.core.event import Event
from gateway.core.report import State
from gateway.core.service import ANYBODY
from gateway.errors import EventTooLarge, InvalidEvent, OutboxFull, OutboxUnavailable, UnknownEvent
from gateway.intake import Accepted, Conflict, OutboxIntake, Refused
from gateway.metrics import Metrics
from tests.unit.gateway.outboxes import MemoryOutbox, event
from tests.unit.gateway.publishers import let_others_run
from wire.address import Address


def too_large() -> Event:
    """Return an event that does not fit one publish."""
    return Event(id="big", to=(Address.parse("user:1"),), type="t", data="x" * 200_000)


class World:
    """An intake before an outbox in memory."""

    def __init__(self) -> None:
        self.outbox = MemoryOutbox()
        self.metrics = Metrics()
        self.intake = OutboxIntake(self.outbox, self.metrics)

    def value(self, name: str) -> float | None:
        """Return a metric of the service."""
        return self.metrics.registry.get_sample_value(name, {"service": "anybody"})


async def test_says_of_each_event_what_became_of_it() -> None:
    """In their order; one that cannot be taken spoils no other."""
    world = World()
    far = Event(
        id="far",
        to=(Address.parse("user:1"),),
        type="t",
        data=None,
        deliver_at=datetime(2100, 1, 1, tzinfo=UTC),
    )
    events = [event(id="a"), too_large(), event(id="a"), event(id="a", data=1), far, event(id="b")]
    new, big, again, changed, late, other = await world.intake.accept(events, ANYBODY)
    assert isinstance(new, Accepted)
    assert (new.report.id, new.report.state, new.duplicate) == ("a", State.ACCEPTED, False)
    assert isinstance(big, Refused)
    assert (big.event_id, type(big.error)) == ("big", EventTooLarge)
    assert isinstance(again, Accepted)
    assert (again.report.id, again.duplicate) == ("a", True)
    assert changed == Conflict("a")
    assert isinstance(late, Refused)
    assert isinstance(late.error, InvalidEvent)
    assert isinstance(other, Accepted)
    assert list(world.outbox.added) == ["a", "b"]
    assert world.value("gateway_events_accepted_total") == 2
    assert world.value("gateway_events_duplicate_total") == 1


async def test_takes_nothing_where_nothing_can_be_kept() -> None:
    """The whole request is refused; nothing is counted as taken."""
    world = World()
    for refusal in (OutboxFull(9), OutboxUnavailable("disk_full")):
        world.outbox.refusal = refusal
        with pytest.raises(type(refusal)):
            await world.intake.accept([event()], ANYBODY)
    assert world.value("gateway_events_accepted_total") is None


async def test_does_not_ask_the_disk_for_nothing() -> None:
    """Where no event of a request can be taken."""
    world = World()
    world.outbox.refusal = OutboxUnavailable("disk_full")
    (only,) = await world.intake.accept([too_large()], ANYBODY)
    assert isinstance(only, Refused)


async def test_looks_events_up() -> None:
    """Those of the service; waiting for an unknown one is told at once."""
    world = World()
    await world.intake.accept([event(id="a")], ANYBODY)
    found = await world.intake.find(ANYBODY, "a")
    assert found is not None
    assert found.state is State.ACCEPTED
    assert await world.intake.find(ANYBODY, "b") is None
    assert (await world.intake.outcome(ANYBODY, "a", 2.0)).id == "a"
    with pytest.raises(UnknownEvent):
        await world.intake.outcome(ANYBODY, "b", 2.0)


async def test_a_stop_ends_every_wait() -> None:
    """Who waits is told what is known, and nobody begins to wait any more."""
    world = World()
    world.outbox.patience = asyncio.Event()
    await world.intake.accept([event(id="a")], ANYBODY)
    waiting = [asyncio.create_task(world.intake.outcome(ANYBODY, "a", 60.0)) for _ in range(2)]
    await let_others_run()
    assert not any(task.done() for task in waiting)
    world.intake.end_waits()
    reports = await asyncio.gather(*waiting)
    assert [report.state for report in reports] == [State.ACCEPTED] * 2
    assert (await world.intake.outcome(ANYBODY, "a", 60.0)).state is State.ACCEPTED


async def test_passes_on_what_is_asked() -> None:
    """For this service and no other."""
    world = World()
    await world.intake.accept([event(id="a")], ANYBODY)
    await world.intake.search(ANYBODY, status=State.FAILED, limit=5, after="7")
    await world.intake.redeliver(ANYBODY, "a")
    await world.intake.cancel(ANYBODY, "a")
    assert world.outbox.asked == [
        ("search", "anybody", State.FAILED, 5, "7"),
        ("redeliver", "anybody", "a"),
        ("cancel", "anybody", "a"),
    ]
