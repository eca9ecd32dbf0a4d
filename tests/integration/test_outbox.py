"""What is accepted stays until it is published or accounted for: in a file, and in a shared outbox.

Every test here runs over both. What is only the file's is in `test_outbox_file.py`, what only
several gateways can do in `test_outbox_shared.py`.
"""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.report import State
from gateway.core.service import ANYBODY, Service
from gateway.errors import (
    InvalidQuery,
    OutboxFull,
    OutboxUnavailable,
    PublishDenied,
    PublishUnavailable,
    UnknownEvent,
    WrongState,
)
from gateway.intake import Accepted, Conflict
from tests.integration.outbox_world import event, life, until
from tests.unit.gateway.publishers import RecordingPublisher

pytestmark = pytest.mark.timeout(180)  # the first one waits for the process of SQS and DynamoDB

OTHER = Service(name="other", credential_id="o", publish=())
HELD = PublishUnavailable("held back")


def soon(seconds: float) -> datetime:
    """Return a moment in the near future."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def holding(*addresses: str) -> RecordingPublisher:
    """Return an IoT Core that takes nothing for some addresses."""
    publisher = RecordingPublisher()
    publisher.failures = dict.fromkeys(addresses, HELD)
    return publisher


async def test_publishes_what_it_was_given(place: str) -> None:
    """To every address, once, and the report says so."""
    async with life(place) as world:
        (taken,) = await world.take(event("user:1", "everyone", id="a", data={"n": 1}))
        assert isinstance(taken, Accepted)
        assert taken.report.state is State.ACCEPTED
        report = await world.intake.outcome(ANYBODY, "a", 5.0)
        assert report.state is State.PUBLISHED
        assert {d.attempts for d in report.deliveries} == {1}
        assert sorted(world.topics()) == ["everyone", "user/1"]
        assert json.loads(world.sent()[0][1])["data"] == {"n": 1}


async def test_a_restart_sends_what_was_not_settled(place: str) -> None:
    """In order for each topic, what was settled not again, and new events behind."""
    async with life(place, holding("user:1")) as world:
        await world.take(*[event("user:1", id=f"a-{n}", data=n) for n in range(5)])
        await world.take(event("user:1", "user:2", id="b", data=5))
        await world.take(event("user:2", id="c"))
        await until(lambda: world.topics() == ["user/2"] * 2)
        await world.written()
    async with life(place) as world:
        await world.take(event("user:1", id="d", data=6))
        await until(lambda: len(world.sent()) == 7)
        assert set(world.topics()) == {"user/1"}
        assert [json.loads(payload)["data"] for _, payload in world.sent()] == list(range(7))
        assert await world.states("b") == {"user:1": "published", "user:2": "published"}


async def test_remembers_ids(place: str) -> None:
    """The same event is known, another one is a conflict; for this service, across restarts."""
    async with life(place) as world:
        first, again, changed = await world.take(
            event(id="a"), event(id="a"), event(id="a", data=2)
        )
        assert isinstance(first, Accepted)
        assert not first.duplicate
        assert isinstance(again, Accepted)
        assert again.duplicate
        assert changed == Conflict("a")
        (others,) = await world.intake.accept([event(id="a", data=2)], OTHER)
        assert isinstance(others, Accepted)
        assert not others.duplicate
        await world.intake.outcome(ANYBODY, "a", 5.0)
        await world.intake.outcome(OTHER, "a", 5.0)
    async with life(place) as world:
        again, changed = await world.take(event(id="a"), event(id="a", data=2))
        assert isinstance(again, Accepted)
        assert (again.duplicate, again.report.state) == (True, State.PUBLISHED)
        assert changed == Conflict("a")
        await world.empty()
        assert world.sent() == []


async def test_an_id_that_the_gateway_made_belongs_to_its_event(place: str) -> None:
    """Nobody else can take it, and its event is found by it."""
    async with life(place) as world:
        made = event()
        await world.take(made)
        (taken,) = await world.take(event(id=made.id))
        assert taken == Conflict(made.id)
        assert await world.state(made.id) in ("accepted", "published")


async def test_a_topic_in_trouble_holds_nobody_up(place: str) -> None:
    """Others go on, and its own order holds when the trouble is over."""
    publisher = holding("user:1")
    async with life(place, publisher, iot_connections=2) as world:
        await world.take(*[event("user:1", data=n) for n in range(20)])
        await world.take(*[event(f"user:{n}") for n in range(2, 22)])
        await until(lambda: len(world.sent()) == 20)
        assert "user/1" not in world.topics()
        publisher.failures.clear()
        await until(lambda: len(world.sent()) == 40)
        numbers = [json.loads(p)["data"] for topic, p in world.sent() if topic == "user/1"]
        assert numbers == list(range(20))


async def test_tells_the_attempts_of_one_that_waits(place: str) -> None:
    """How many, the last error, and when it is tried again."""
    async with life(place, holding("user:1")) as world:
        await world.take(event(id="a"))
        await until(
            lambda: world.metrics.registry.get_sample_value(
                "gateway_retried_total", {"kind": "user", "reason": "unavailable"}
            )
        )
        report = await world.intake.outcome(ANYBODY, "a", 0.1)
        (delivery,) = report.deliveries
        assert delivery.state is State.ACCEPTED
        assert delivery.attempts > 0
        assert delivery.next_attempt_at is not None
        assert delivery.failure is not None
        assert delivery.failure.code == "unavailable"


async def test_a_dead_letter_is_listed_and_sent_again(place: str) -> None:
    """With AWS's words; only to the addresses where it failed; across a restart."""
    publisher = RecordingPublisher()
    publisher.failures["user:1"] = PublishDenied("IoT Core answered 403")
    async with life(place, publisher) as world:
        await world.take(event("user:1", "user:2", id="a"), event("user:2", id="b"))
        report = await world.intake.outcome(ANYBODY, "a", 5.0)
        assert report.state is State.FAILED
        assert report.failures[0].detail == "IoT Core answered 403"
        await world.intake.outcome(ANYBODY, "b", 5.0)
        with pytest.raises(WrongState):
            await world.intake.redeliver(ANYBODY, "b")
    async with life(place) as world:
        page = await world.intake.search(ANYBODY, status=State.FAILED, limit=10, after=None)
        assert [report.id for report in page.reports] == ["a"]
        assert page.after is None
        report = await world.intake.redeliver(ANYBODY, "a")
        assert report.state in (State.ACCEPTED, State.PUBLISHED)
        assert (await world.intake.outcome(ANYBODY, "a", 5.0)).state is State.PUBLISHED
        assert world.topics() == ["user/1"]
        with pytest.raises(WrongState):
            await world.intake.redeliver(ANYBODY, "a")
        with pytest.raises(UnknownEvent):
            await world.intake.redeliver(ANYBODY, "nothing")


async def test_what_was_sent_again_survives_a_restart(place: str) -> None:
    """At the end of its topic, where it was put."""
    publisher = RecordingPublisher()
    publisher.failures["user:1"] = PublishDenied("no")
    async with life(place, publisher) as world:
        await world.take(event(id="a", data="a"))
        await world.intake.outcome(ANYBODY, "a", 5.0)
        publisher.failures["user:1"] = HELD
        await world.take(event(id="b", data="b"))
        await world.intake.redeliver(ANYBODY, "a")
    async with life(place) as world:
        await until(lambda: len(world.sent()) == 2)
        assert [json.loads(payload)["data"] for _, payload in world.sent()] == ["b", "a"]


async def test_deliver_at_waits_and_survives_a_restart(place: str) -> None:
    """It is scheduled until then; others of its topic do not wait."""
    async with life(place) as world:
        # Far enough that two lives can be looked at before, also on a busy machine.
        at = soon(4.0 if place.startswith("sqlite") else 12.0)
        await world.take(event(id="late", data="late", deliver_at=at), event(data="now"))
        assert await world.state("late") == "scheduled"
        await until(lambda: len(world.sent()) == 1)
        page = await world.intake.search(ANYBODY, status=State.SCHEDULED, limit=5, after=None)
        assert [report.id for report in page.reports] == ["late"]
    async with life(place) as world:
        assert await world.state("late") == "scheduled"
        await until(lambda: len(world.sent()) == 1)
        assert datetime.now(UTC) >= at
        assert json.loads(world.sent()[0][1])["data"] == "late"


async def test_a_ttl_runs_out(place: str) -> None:
    """In its lane, unsent; and what is left of it goes out as message expiry."""
    publisher = holding("user:1")
    async with life(place, publisher) as world:
        began = time.monotonic()
        await world.take(event(id="short", ttl_s=5), event("user:2", id="long", ttl_s=60))
        await until(lambda: publisher.published)
        took_s = time.monotonic() - began
        assert (await world.intake.outcome(ANYBODY, "short", 20.0)).state is State.EXPIRED
        # Whole seconds, rounded up, of what was left when it went out.
        left_s = publisher.published[0].message_expiry_s
        assert left_s is not None
        assert 60 - took_s <= left_s <= 60
    async with life(place) as world:
        await world.intake.redeliver(ANYBODY, "short")
        assert (await world.intake.outcome(ANYBODY, "short", 20.0)).state is State.PUBLISHED


async def test_a_newer_event_takes_the_place_of_one_that_waits(place: str) -> None:
    """On each address where it was not sent, held or not; the report says collapsed."""
    async with life(place, holding("user:1", "user:2"), outbox_memory_bytes=1) as world:
        await world.take(event("user:1", "user:2", id="old", collapse_key="k"))
        await world.take(event("user:1", id="new", collapse_key="k"))
        # What was being sent at that moment is collapsed once its attempt has failed.
        await until(lambda: world.outbox.deliveries.count == 2)
        await world.written()
        assert await world.states("old") == {"user:1": "collapsed", "user:2": "accepted"}
    async with life(place) as world:
        await until(lambda: len(world.sent()) == 2)
        assert await world.states("old") == {"user:1": "collapsed", "user:2": "published"}


async def test_cancels_what_was_not_sent(place: str) -> None:
    """Waiting, parked or scheduled; it is on disk when the call returns."""
    async with life(place, holding("user:1")) as world:
        await world.take(
            event(id="head"),
            event(id="behind"),
            event(id="later", deliver_at=soon(60)),
            event("user:2", id="done"),
        )
        await until(lambda: world.topics() == ["user/2"])
        for event_id in ("behind", "later", "head"):
            await world.intake.cancel(ANYBODY, event_id)
            await world.written()
        assert await world.state("behind") == "cancelled"
        for event_id in ("done", "behind"):
            with pytest.raises(WrongState):
                await world.intake.cancel(ANYBODY, event_id)
        with pytest.raises(UnknownEvent):
            await world.intake.cancel(ANYBODY, "nothing")
        await world.empty()
    async with life(place) as world:
        assert {await world.state(name) for name in ("head", "behind", "later")} == {"cancelled"}
        # A queue may hold the turn of one that was never received: it leads to nothing.
        await world.empty()
        assert world.sent() == []
        await world.intake.redeliver(ANYBODY, "later")
        assert (await world.intake.outcome(ANYBODY, "later", 5.0)).state is State.PUBLISHED


async def test_what_is_on_its_way_has_no_further_attempt(place: str) -> None:
    """A cancellation does not stop a publish, but its retry."""
    publisher = RecordingPublisher()
    publisher.gate = asyncio.Event()
    async with life(place, publisher) as world:
        await world.take(event("user:1", id="fails"), event("user:2", id="works"))
        await until(lambda: publisher.in_flight == 2)
        for name in ("fails", "works"):
            assert (await world.intake.cancel(ANYBODY, name)).state is State.ACCEPTED
        publisher.failures["user:1"] = HELD
        publisher.gate.set()
        assert (await world.intake.outcome(ANYBODY, "fails", 5.0)).state is State.CANCELLED
        assert (await world.intake.outcome(ANYBODY, "works", 5.0)).state is State.PUBLISHED


async def test_refuses_what_it_has_no_room_for(place: str) -> None:
    """The whole request; what was there goes on, and then there is room again."""
    publisher = holding("user:1")
    async with life(place, publisher, outbox_max_deliveries=10) as world:
        await world.take(*[event() for _ in range(8)])
        await until(lambda: world.outbox.deliveries.count == 8)
        with pytest.raises(OutboxFull):
            await world.take(*[event("user:2") for _ in range(3)])
        await world.take(event("user:2"))
        publisher.failures.clear()
        await world.empty()
        await world.take(*[event("user:2") for _ in range(10)])


async def test_lists_newest_first_page_by_page(place: str) -> None:
    """Those of the service, and only in the state that was asked for."""
    async with life(place, holding("user:1")) as world:
        await world.take(*[event("user:2", id=f"e-{n}") for n in range(7)])
        await world.intake.accept([event("user:2", id="theirs")], OTHER)
        await world.take(event("user:1", id="waits"))
        await until(lambda: len(world.sent()) == 8)
        await world.written()
        seen: list[str] = []
        after = None
        while True:
            page = await world.intake.search(ANYBODY, status=State.PUBLISHED, limit=3, after=after)
            seen += [report.id for report in page.reports]
            if (after := page.after) is None:
                break
        assert seen == [f"e-{n}" for n in reversed(range(7))]
        every = await world.intake.search(ANYBODY, status=None, limit=100, after=None)
        assert [report.id for report in every.reports] == ["waits", *seen]
        waiting = await world.intake.search(ANYBODY, status=State.ACCEPTED, limit=9, after=None)
        assert [report.id for report in waiting.reports] == ["waits"]
        for wrong in ("x", "-1", "9" * 30, "٣"):
            with pytest.raises(InvalidQuery):
                await world.intake.search(ANYBODY, status=None, limit=3, after=wrong)


async def test_waiting_ends_with_the_time(place: str) -> None:
    """With what is known; an unknown event is told at once, a settled one, too."""
    async with life(place, holding("user:1")) as world:
        await world.take(event(id="a"), event("user:2", id="b"))
        assert (await world.intake.outcome(ANYBODY, "a", 0.05)).state is State.ACCEPTED
        assert (await world.intake.outcome(ANYBODY, "b", 5.0)).state is State.PUBLISHED
        assert (await world.intake.outcome(ANYBODY, "b", 5.0)).state is State.PUBLISHED
        with pytest.raises(UnknownEvent):
            await world.intake.outcome(ANYBODY, "c", 5.0)
        assert not world.outbox.deliveries.callers


async def test_a_caller_who_goes_away_changes_nothing(place: str) -> None:
    """What was handed over is kept and published."""
    async with life(place) as world:
        taking = asyncio.create_task(world.take(event(id="a")))
        await asyncio.sleep(0)
        taking.cancel()
        await until(lambda: len(world.sent()) == 1)
        assert (await world.intake.outcome(ANYBODY, "a", 5.0)).state is State.PUBLISHED


async def test_takes_nothing_once_it_closes(place: str) -> None:
    """And says that it is stopping."""
    async with life(place) as world:
        await world.take(event())
    assert world.outbox.trouble() == "stopping"
    with pytest.raises(OutboxUnavailable):
        await world.take(event())
    with pytest.raises(OutboxUnavailable):
        await world.state("a")
