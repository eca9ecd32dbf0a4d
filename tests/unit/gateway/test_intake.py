"""The direct intake publishes at once and tells the truth about every address."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from gateway.core.event import Event
from gateway.core.report import State
from gateway.core.service import ANYBODY
from gateway.errors import Overloaded, PublishThrottled
from gateway.intake import DirectIntake
from gateway.metrics import Metrics
from tests.unit.gateway.publishers import RecordingPublisher, let_others_run
from wire.address import Address


def event(*to: str) -> Event:
    """Return an event to some addresses."""
    return Event(id="i", to=tuple(Address.parse(text) for text in to), type="t", data={})


@dataclass
class World:
    """An intake with its surroundings."""

    publisher: RecordingPublisher = field(default_factory=RecordingPublisher)
    metrics: Metrics = field(default_factory=Metrics)

    def intake(
        self, *, connections: int = 2, most_pending: int = 4, wait_s: float = 5
    ) -> DirectIntake:
        """Return an intake with small bounds."""
        return DirectIntake(
            publisher=self.publisher,
            metrics=self.metrics,
            namespace="n",
            connections=connections,
            most_pending=most_pending,
            wait_s=wait_s,
        )

    def value(self, name: str, **labels: str) -> float | None:
        """Return a metric."""
        return self.metrics.registry.get_sample_value(name, labels)


async def test_publishes_to_every_address() -> None:
    """All succeed, and the report is in the event's order."""
    world = World()
    report = await world.intake().accept(event("user:1", "everyone"), ANYBODY)
    assert report.state is State.PUBLISHED
    assert [str(delivery.address) for delivery in report.deliveries] == ["user:1", "everyone"]
    assert {p.topic for p in world.publisher.published} == {"n/user/1", "n/everyone"}
    assert world.value("gateway_events_accepted_total", service="anybody") == 1
    assert world.value("gateway_published_total", service="anybody", kind="user") == 1


async def test_one_failure_spoils_no_other_address() -> None:
    """The others are published, and the failure is told and counted."""
    world = World()
    world.publisher.failures["user:1"] = PublishThrottled("slow")
    report = await world.intake().accept(event("user:1", "everyone"), ANYBODY)
    assert [delivery.state for delivery in report.deliveries] == [State.FAILED, State.PUBLISHED]
    labels = {"service": "anybody", "kind": "user", "reason": "throttled"}
    assert world.value("gateway_failed_total", **labels) == 1
    assert world.value("gateway_publish_seconds_count", outcome="throttled") == 1


async def test_bounds_what_is_in_flight_and_pending() -> None:
    """Two fly, two wait, the next event is refused; afterwards there is room again."""
    world = World()
    world.publisher.gate = asyncio.Event()
    intake = world.intake()
    tasks = [
        asyncio.create_task(intake.accept(event("user:1", "user:2"), ANYBODY)) for _ in range(2)
    ]
    await let_others_run()
    assert world.publisher.in_flight == 2
    assert world.value("gateway_publishes_pending") == 4
    assert world.value("gateway_publishes_in_flight") == 2
    with pytest.raises(Overloaded):
        await intake.accept(event("user:3"), ANYBODY)
    world.publisher.gate.set()
    reports = await asyncio.gather(*tasks)
    assert all(report.state is State.PUBLISHED for report in reports)
    assert len(world.publisher.published) == 4
    assert world.value("gateway_publishes_pending") == 0
    assert world.value("gateway_publishes_in_flight") == 0
    assert (await intake.accept(event("user:3"), ANYBODY)).state is State.PUBLISHED


async def test_waits_for_a_connection_only_so_long() -> None:
    """Whoever gets none is told that nothing was sent."""
    world = World()
    world.publisher.gate = asyncio.Event()
    intake = world.intake(connections=1, wait_s=0)
    first = asyncio.create_task(intake.accept(event("user:1"), ANYBODY))
    await let_others_run()
    assert world.publisher.in_flight == 1
    report = await intake.accept(event("user:2"), ANYBODY)
    assert "nothing was sent" in str(report.failures[0])
    world.publisher.gate.set()
    assert (await first).state is State.PUBLISHED


async def test_a_cancelled_event_gives_its_room_back() -> None:
    """A caller who goes away leaves nothing pending."""
    world = World()
    world.publisher.gate = asyncio.Event()
    intake = world.intake()
    task = asyncio.create_task(intake.accept(event("user:1", "user:2"), ANYBODY))
    await let_others_run()
    assert world.publisher.in_flight == 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.value("gateway_publishes_pending") == 0
    assert world.value("gateway_publishes_in_flight") == 0
