"""Simulated time: hours pass at once, in order, and a dead process does nothing more."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import Any

import pytest

from tests.unit.gateway.outbox.aws.simulated_time import (
    EPOCH_MS,
    TASKS,
    SimulatedClock,
    SimulatedLoop,
    StandsStill,
)


@pytest.fixture
def loop() -> Any:
    """Give a loop, and close it."""
    loop = SimulatedLoop()
    yield loop
    loop.close()


def test_hours_pass_at_once(loop: SimulatedLoop) -> None:
    """What is due earlier happens earlier; the clocks show it."""
    seen: list[tuple[str, float]] = []

    async def wait(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append((name, loop.time()))

    async def play() -> None:
        await asyncio.gather(wait("late", 7200.0), wait("soon", 0.5))

    loop.run_until_complete(play())
    assert seen == [("soon", 0.5), ("late", 7200.0)]
    assert SimulatedClock(loop, -300).now_ms() == EPOCH_MS + 7_199_700
    assert SimulatedClock(loop).monotonic_s() == 7200.0


def test_nothing_is_waited_for_that_cannot_come(loop: SimulatedLoop) -> None:
    """A simulation that stands still says so."""
    with pytest.raises(StandsStill):
        loop.run_until_complete(loop.create_future())


def test_a_process_ends_at_once(loop: SimulatedLoop) -> None:
    """Its tasks and timers do nothing more; those of others go on."""
    seen: list[str] = []
    tasks: set[asyncio.Task[Any]] = set()
    context = copy_context()
    context.run(TASKS.set, tasks)

    async def live(name: str) -> None:
        loop.call_later(2.0, seen.append, f"{name}'s timer")
        await asyncio.create_task(asyncio.sleep(3.0))
        seen.append(name)

    async def play() -> None:
        loop.create_task(live("dead"), context=context)
        other = loop.create_task(live("other"))
        await asyncio.sleep(1.0)
        loop.end(tasks)
        await other

    loop.run_until_complete(play())
    assert seen == ["other's timer", "other"]
    assert len(tasks) == 2
