"""The engine publishes what the outbox gives out, and tells it how each attempt ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gateway.core.publication import Publication
from gateway.core.report import State
from gateway.engine import Engine
from gateway.errors import (
    CredentialsFailed,
    PublishDenied,
    PublishFailed,
    PublishThrottled,
    PublishUnavailable,
)
from gateway.metrics import Metrics
from gateway.settings import Settings
from tests.unit.gateway.outboxes import MemoryOutbox, kept
from tests.unit.gateway.publishers import RecordingPublisher, let_others_run

SETTINGS = Settings(
    namespace="n",
    iot_endpoint="http://iot",
    region="r",
    iot_connections=2,
    publish_rate_per_s=1_000_000.0,
    retry_max_attempts=3,
    retry_max_age_s=10**9,
)


class World:
    """An engine between an outbox and a publisher in memory."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.outbox = MemoryOutbox()
        self.publisher = RecordingPublisher()
        self.metrics = Metrics()
        self.engine = Engine(
            outbox=self.outbox, publisher=self.publisher, settings=settings, metrics=self.metrics
        )

    def value(self, name: str, **labels: str) -> float | None:
        """Return a metric."""
        return self.metrics.registry.get_sample_value(name, labels)

    def states(self) -> dict[str, State]:
        """Return what was settled."""
        return {name: outcome.state for name, outcome in self.outbox.outcomes}


@asynccontextmanager
async def working(settings: Settings = SETTINGS) -> AsyncIterator[World]:
    """Run an engine inside a block."""
    world = World(settings)
    world.engine.start()
    try:
        yield world
    finally:
        await world.engine.stop()


async def test_publishes_to_every_address() -> None:
    """Each is settled and counted, with the time since acceptance."""
    async with working() as world:
        world.outbox.put(kept("user:1", "everyone"))
        await let_others_run()
    assert {p.topic for p in world.publisher.published} == {"n/user/1", "n/everyone"}
    assert world.states() == {"user:1": State.PUBLISHED, "everyone": State.PUBLISHED}
    assert [outcome.attempts for _, outcome in world.outbox.outcomes] == [1, 1]
    labels = {"service": "shop", "kind": "user"}
    assert world.value("gateway_published_total", **labels) == 1
    assert world.value("gateway_accepted_to_published_seconds_count", **labels) == 1
    assert world.value("gateway_publish_seconds_count", outcome="published") == 2


async def test_gives_back_what_was_handed_over_as_it_stopped() -> None:
    """No attempt was made, so nobody must wait until one could be over."""
    world = World()
    world.engine.start()
    await let_others_run()
    world.outbox.put(kept("user:1"))
    await world.engine.stop()
    assert world.publisher.published == []
    assert [claim.event.names for claim in world.outbox.waiting] == [("user:1",)]
    assert world.outbox.claimed == 0


async def test_gives_back_what_waited_for_its_pace() -> None:
    """The same with the one that is held until it may go."""
    async with working(replace(SETTINGS, publish_rate_per_s=1.0)) as world:
        world.outbox.put(kept("user:1"))
        world.outbox.put(kept("user:2"))
        await let_others_run()
    assert len(world.publisher.published) == 1
    assert [claim.event.names for claim in world.outbox.waiting] == [("user:2",)]
    assert world.outbox.claimed == 0


async def test_takes_what_waited_before_it_started() -> None:
    """As after a restart."""
    world = World()
    world.outbox.put(kept("user:1"))
    world.engine.start()
    await let_others_run()
    await world.engine.stop()
    assert world.states() == {"user:1": State.PUBLISHED}


async def test_bounds_what_is_in_flight() -> None:
    """Two fly, the others stay in the outbox; a worker that is done takes the next."""
    async with working() as world:
        world.publisher.gate = asyncio.Event()
        world.outbox.put(kept("user:1", "user:2", "user:3", "user:4"))
        await let_others_run()
        assert (world.publisher.in_flight, world.engine.in_flight) == (2, 2)
        assert len(world.outbox.waiting) == 2
        world.publisher.gate.set()
        await let_others_run()
        assert world.engine.in_flight == 0
    assert len(world.publisher.published) == 4


async def test_puts_off_what_may_succeed_later() -> None:
    """Until the last attempt; each is counted by its reason."""
    async with working() as world:
        world.publisher.failures["user:1"] = PublishUnavailable("down", retry_after_s=5.0)
        event = kept("user:1")
        for _ in range(3):
            world.outbox.put(event)
            await let_others_run()
    delays = [delay_s for _, delay_s, _ in world.outbox.extended]
    assert len(delays) == 2
    assert all(5.0 <= delay_s <= 5.0 + SETTINGS.retry_base_s * 2 for delay_s in delays)
    ((_, outcome),) = world.outbox.outcomes
    assert (outcome.state, outcome.attempts) == (State.FAILED, 3)
    assert outcome.reason is not None
    assert outcome.reason.members() == {"code": "unavailable", "detail": "down", "retryable": True}
    assert world.value("gateway_retried_total", kind="user", reason="unavailable") == 2
    failed = {"service": "shop", "kind": "user", "reason": "unavailable"}
    assert world.value("gateway_failed_total", **failed) == 1


async def test_a_terminal_answer_settles_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """With AWS's words, and one line in the log that holds no payload."""
    async with working() as world:
        world.publisher.failures["user:1"] = PublishDenied("IoT Core answered 403: no" + "x" * 999)
        with caplog.at_level(logging.WARNING):
            world.outbox.put(kept("user:1"))
            await let_others_run()
    ((_, outcome),) = world.outbox.outcomes
    assert outcome.reason is not None
    assert outcome.reason.detail.startswith("IoT Core answered 403: no")
    assert len(outcome.reason.detail) == 500
    (line,) = [record for record in caplog.records if record.message == "delivery failed"]
    facts = vars(line)
    assert (facts["address"], facts["attempts"], facts["code"]) == ("user:1", 1, "denied")


async def test_expired_credentials_cost_no_attempt() -> None:
    """However often; the event is not to blame."""
    async with working() as world:
        world.publisher.failures["user:1"] = CredentialsFailed("expired")
        event = kept("user:1")
        for _ in range(10):
            world.outbox.put(event)
            await let_others_run()
        del world.publisher.failures["user:1"]
        world.outbox.put(event)
        await let_others_run()
    assert len(world.outbox.extended) == 10
    assert world.states() == {"user:1": State.PUBLISHED}


async def test_slows_down_when_throttled() -> None:
    """Unless a retained message was too fast for its own topic."""
    async with working() as world:
        world.publisher.failures["user:1"] = PublishThrottled("slow")
        world.outbox.put(kept("user:1", retain=True))
        await let_others_run()
        assert world.engine.pacing_limit_per_s == SETTINGS.publish_rate_per_s
        world.outbox.put(kept("user:1"))
        await let_others_run()
        assert world.engine.pacing_limit_per_s < SETTINGS.publish_rate_per_s
        assert world.value("gateway_throttled_total", service="shop") == 2


async def test_keeps_to_the_pace() -> None:
    """What the pace does not allow yet is not sent, nor lost."""
    async with working(replace(SETTINGS, publish_rate_per_s=1.0)) as world:
        world.outbox.put(kept("user:1", "user:2", "user:3"))
        await let_others_run()
        assert len(world.publisher.published) == 1
        assert world.engine.in_flight == 0
        assert len(world.outbox.waiting) == 1


async def test_does_not_send_what_is_too_late_or_not_wanted() -> None:
    """An expired and a cancelled event are settled as such, unsent."""
    async with working() as world:
        late, unwanted = kept("user:1"), kept("user:2")
        late.expires_ms = 1
        unwanted.cancelled = True
        world.outbox.put(late)
        world.outbox.put(unwanted)
        await let_others_run()
    assert world.states() == {"user:1": State.EXPIRED, "user:2": State.CANCELLED}
    assert not world.publisher.published
    assert world.value("gateway_expired_total", service="shop", kind="user") == 1
    assert world.value("gateway_cancelled_total", service="shop", kind="user") == 1


async def test_survives_a_bug_of_the_publisher() -> None:
    """The event becomes a dead letter, the worker goes on."""

    class Broken(RecordingPublisher):
        async def publish(self, publication: Publication) -> None:
            if publication.topic == "n/user/1":
                raise RuntimeError
            await super().publish(publication)

    async with working() as world:
        world.publisher = Broken()
        world.engine._publisher = world.publisher
        world.outbox.put(kept("user:1", "user:2", "user:1", "user:3"))
        await let_others_run()
    assert world.states() == {
        "user:1": State.FAILED,
        "user:2": State.PUBLISHED,
        "user:3": State.PUBLISHED,
    }


async def test_drains_what_is_on_its_way() -> None:
    """And stops as soon as nothing is; what waits for long stays in the outbox."""
    world = World()
    world.engine.start()
    world.outbox.rest_s = 60.0
    world.publisher.gate = asyncio.Event()
    world.outbox.put(kept("user:1"))
    await let_others_run()
    draining = asyncio.create_task(world.engine.drain(10.0))
    await let_others_run()
    assert not draining.done()
    world.publisher.gate.set()
    await draining
    assert world.states() == {"user:1": State.PUBLISHED}
    world.outbox.put(kept("user:2"))
    await let_others_run()
    assert world.states() == {"user:1": State.PUBLISHED}


async def test_gives_up_at_the_deadline() -> None:
    """What is on its way then is not settled: it comes again after the next start."""
    world = World()
    world.engine.start()
    world.publisher.gate = asyncio.Event()
    world.outbox.put(kept("user:1"))
    await let_others_run()
    await world.engine.drain(0.0)
    assert world.outbox.outcomes == []
    assert world.engine.in_flight == 0


def test_every_failure_has_a_code_for_its_label() -> None:
    """Labels are few: the codes of the error classes."""
    codes = {failure.code for failure in PublishFailed.__subclasses__()}
    assert len(codes) == len(PublishFailed.__subclasses__())
