"""The engine asks clients for receipts, and publishes where none comes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from gateway import aside
from gateway.core.kept_event import KeptEvent
from gateway.core.report import State
from gateway.core.settlement import Outcome
from gateway.errors import (
    ClientNotConnected,
    NotConfirmed,
    PublishDenied,
    PublishFailed,
    PublishThrottled,
    PublishUnavailable,
)
from tests.unit.gateway.outboxes import kept
from tests.unit.gateway.publishers import let_others_run
from tests.unit.gateway.test_engine import SETTINGS, World, working

CLIENT = "client:n.1.tab"
OTHER = "client:n.2.tab"


def asking(*to: str, retain: bool = False) -> KeptEvent:
    """Return an event that asks for receipts."""
    return kept(*to or (CLIENT,), receipt=True, retain=retain)


def the_outcome(world: World) -> Outcome:
    """Return the only outcome there is."""
    ((_, outcome),) = world.outbox.outcomes
    return outcome


async def test_a_client_that_confirms_has_it_delivered() -> None:
    """On its own topic, within the time that is set; nothing is published besides."""
    async with working(replace(SETTINGS, receipt_timeout_s=7)) as world:
        world.outbox.put(asking())
        await let_others_run()
    ((publication, within_s),) = world.publisher.delivered
    assert (publication.topic, publication.address.name, within_s) == (
        "n/client/n.1.tab",
        "n.1.tab",
        7,
    )
    assert not world.publisher.published
    assert (the_outcome(world).state, the_outcome(world).attempts) == (State.DELIVERED, 1)
    assert the_outcome(world).reason is None
    labels = {"service": "shop", "kind": "client"}
    assert world.value("gateway_delivered_total", **labels) == 1
    assert world.value("gateway_accepted_to_delivered_seconds_count", **labels) == 1
    assert world.value("gateway_publish_seconds_count", outcome="delivered") == 1
    assert world.value("gateway_published_total", **labels) is None


@pytest.mark.parametrize("missed", [ClientNotConnected("gone"), NotConfirmed("late")])
async def test_without_a_receipt_it_is_published(missed: PublishFailed) -> None:
    """A session may take it later; it is one attempt, and the report says why."""
    async with working() as world:
        world.publisher.missing[CLIENT] = missed
        world.outbox.put(asking())
        await let_others_run()
    assert [p.topic for p in world.publisher.published] == ["n/client/n.1.tab"]
    outcome = the_outcome(world)
    assert (outcome.state, outcome.attempts) == (State.PUBLISHED, 1)
    assert outcome.reason is not None
    assert outcome.reason.code == missed.code
    assert world.value("gateway_receipts_missed_total", service="shop", reason=missed.code) == 1
    assert world.value("gateway_publish_seconds_count", outcome=missed.code) == 1


async def test_only_clients_are_asked() -> None:
    """Of the other addresses nobody can confirm, and they say nothing about receipts."""
    async with working() as world:
        world.outbox.put(asking("user:1", CLIENT, "everyone"))
        world.outbox.put(kept(OTHER))
        await let_others_run()
    assert [str(p.address) for p, _ in world.publisher.delivered] == [CLIENT]
    assert {str(p.address) for p in world.publisher.published} == {"user:1", "everyone", OTHER}
    assert all(outcome.reason is None for _, outcome in world.outbox.outcomes)


async def test_what_is_retained_is_published() -> None:
    """Such an event is refused at the door, but an outbox of before may hold one."""
    async with working() as world:
        world.outbox.put(asking(retain=True))
        await let_others_run()
    assert not world.publisher.delivered
    assert world.publisher.published[0].retain


@pytest.mark.parametrize("failure", [PublishUnavailable("down"), PublishThrottled("slow")])
async def test_trouble_on_the_way_is_tried_again(failure: PublishFailed) -> None:
    """As for publishes; nothing is published, since the client may be there."""
    async with working() as world:
        world.publisher.missing[CLIENT] = failure
        event = asking()
        world.outbox.put(event)
        await let_others_run()
        assert [reason.code for _, _, reason in world.outbox.extended] == [failure.code]
        assert not world.publisher.published
        del world.publisher.missing[CLIENT]
        world.outbox.put(event)
        await let_others_run()
    assert (the_outcome(world).state, the_outcome(world).attempts) == (State.DELIVERED, 2)


async def test_a_throttled_client_does_not_slow_the_others() -> None:
    """IoT Core counts what one client gets, and direct messages apart from publishes."""
    async with working() as world:
        world.publisher.missing[CLIENT] = PublishThrottled("slow")
        world.outbox.put(asking())
        await let_others_run()
        assert world.engine.pacing_limit_per_s == SETTINGS.publish_rate_per_s
    assert world.value("gateway_throttled_total", service="shop") == 1


async def test_a_terminal_answer_settles_at_once() -> None:
    """As for publishes."""
    async with working() as world:
        world.publisher.missing[CLIENT] = PublishDenied("no")
        world.outbox.put(asking())
        await let_others_run()
    assert the_outcome(world).state is State.FAILED
    assert not world.publisher.published


async def test_a_publish_that_fails_is_an_attempt_that_failed() -> None:
    """The next one asks the client again: it may be back."""
    async with working() as world:
        world.publisher.missing[CLIENT] = ClientNotConnected("gone")
        world.publisher.failures[CLIENT] = PublishUnavailable("down")
        event = asking()
        world.outbox.put(event)
        await let_others_run()
        assert [reason.code for _, _, reason in world.outbox.extended] == ["unavailable"]
        del world.publisher.missing[CLIENT]
        world.outbox.put(event)
        await let_others_run()
    assert (the_outcome(world).state, the_outcome(world).attempts) == (State.DELIVERED, 2)


async def test_a_client_has_no_longer_than_the_event() -> None:
    """What it did not confirm before its ttl was over is not published any more."""
    async with working() as world:
        world.publisher.patience = asyncio.Event()
        world.publisher.missing[CLIENT] = NotConfirmed("late")
        event = asking()
        event.expires_ms = int(time.time() * 1000) + 1_500
        world.outbox.put(event)
        await let_others_run()
        event.expires_ms = 1
        world.publisher.patience.set()
        await let_others_run()
    outcome = the_outcome(world)
    assert (outcome.state, outcome.attempts) == (State.EXPIRED, 1)
    assert outcome.reason is not None
    assert outcome.reason.code == "not_confirmed"
    assert not world.publisher.published


async def test_the_time_it_gets_ends_with_the_ttl() -> None:
    """In whole seconds, as IoT Core takes it; at least one."""
    async with working() as world:
        event = asking()
        event.expires_ms = int(time.time() * 1000) + 900
        world.outbox.put(event)
        await let_others_run()
    assert [within_s for _, within_s in world.publisher.delivered] == [1]


async def test_what_was_cancelled_meanwhile_is_not_published() -> None:
    """Where the client did not confirm; where it did, it was too late to cancel."""
    async with working() as world:
        world.publisher.patience = asyncio.Event()
        world.publisher.missing[OTHER] = ClientNotConnected("gone")
        event = asking(CLIENT, OTHER)
        world.outbox.put(event)
        await let_others_run()
        event.cancelled = True
        world.publisher.patience.set()
        await let_others_run()
    assert world.states() == {CLIENT: State.DELIVERED, OTHER: State.CANCELLED}
    assert not world.publisher.published


async def test_slow_clients_hold_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than there are workers; what is awaited counts as in flight."""
    monkeypatch.setattr(aside, "AT_HAND_S", 0.0)
    async with working(replace(SETTINGS, max_receipts=5)) as world:
        world.publisher.patience = asyncio.Event()
        world.outbox.put(asking(*(f"client:n.{number}.tab" for number in range(4))))
        world.outbox.put(kept("user:1"))
        await let_others_run()
        assert world.states() == {"user:1": State.PUBLISHED}
        assert world.engine.in_flight == 4
        world.publisher.patience.set()
        await let_others_run()
        assert world.engine.in_flight == 0
    assert len(world.publisher.delivered) == 4


async def test_too_many_slow_clients_are_published_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound holds, nothing is lost or late, and the report says so."""
    monkeypatch.setattr(aside, "AT_HAND_S", 0.0)
    async with working(replace(SETTINGS, max_receipts=1, iot_connections=1)) as world:
        world.publisher.patience = asyncio.Event()
        world.outbox.put(asking(CLIENT, OTHER))
        await let_others_run()
        assert the_outcome(world).state is State.PUBLISHED
        assert the_outcome(world).reason is not None
        world.publisher.patience.set()
        await let_others_run()
    assert world.states() == {CLIENT: State.DELIVERED, OTHER: State.PUBLISHED}
    assert world.value("gateway_receipts_missed_total", service="shop", reason="not_awaited") == 1


async def test_stopping_settles_nothing_that_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes again after the next start, and the client drops the repeat."""
    monkeypatch.setattr(aside, "AT_HAND_S", 0.0)
    async with working() as world:
        world.publisher.patience = asyncio.Event()
        world.outbox.put(asking())
        await let_others_run()
    assert world.outbox.outcomes == []
    assert world.engine.in_flight == 0


async def test_a_client_of_another_namespace_is_never_asked() -> None:
    """Not even if it stands in the outbox: it fails, and nothing is sent."""
    async with working() as world:
        world.outbox.put(asking("client:other.1.tab"))
        await let_others_run()
    assert the_outcome(world).state is State.FAILED
    assert not world.publisher.delivered
    assert not world.publisher.published


async def test_publishes_instead_keep_to_the_pace() -> None:
    """Each counts as one more: with one a second, the second has to wait."""
    async with working(replace(SETTINGS, publish_rate_per_s=1.0)) as world:
        world.publisher.missing[CLIENT] = ClientNotConnected("gone")
        world.outbox.put(asking())
        await let_others_run()
        assert not world.publisher.published
        assert world.engine.in_flight == 1
