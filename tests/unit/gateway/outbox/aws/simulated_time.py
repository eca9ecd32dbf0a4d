"""Simulated time: an event loop whose clock leaps to whatever happens next, and nothing sleeps.

Owns the loop, and which simulated process a task belongs to, so that all of one can end at once.
Does not: run threads or sockets; waiting for one is an error here.
Source: asyncio's BaseEventLoop; FoundationDB, "Simulation and Testing".
"""

from __future__ import annotations

import asyncio
from contextvars import Context, ContextVar
from typing import Any

from gateway.clock import Clock

EPOCH_MS = 1_800_000_000_000
"""The wall clock when a simulation begins, milliseconds since the epoch."""

TASKS: ContextVar[set[asyncio.Task[Any]] | None] = ContextVar("TASKS", default=None)
"""Where the tasks of the process that runs now are noted."""


class StandsStill(Exception):
    """Nothing will ever happen again: everybody waits for somebody."""


class _Leap:
    """In the place of a selector: instead of waiting, the clock is set."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise StandsStill
        self._loop.seconds += max(0.0, timeout)
        return []


class SimulatedLoop(asyncio.BaseEventLoop):
    """An event loop in simulated time.

    Attributes:
        seconds: Its clock.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self._selector = _Leap(self)
        self.set_task_factory(_noted_task)
        self.set_debug(False)

    def time(self) -> float:
        """Return the clock."""
        return self.seconds

    def end(self, tasks: set[asyncio.Task[Any]]) -> None:
        """End a process at once: its tasks, and its timers."""
        for task in tasks:
            task.cancel()
        timers: list[Any] = self._scheduled  # type: ignore[attr-defined]
        for timer in timers:
            if timer._context.get(TASKS) is tasks:
                timer.cancel()

    def _process_events(self, event_list: list[Any]) -> None:
        """Do nothing: there are no sockets."""

    def _write_to_self(self) -> None:
        """Do nothing: nobody waits in a selector."""


class SimulatedClock(Clock):
    """The clocks of one simulated machine.

    Args:
        loop: Where time passes.
        skew_ms: How far its wall clock is ahead, milliseconds.
    """

    def __init__(self, loop: SimulatedLoop, skew_ms: int = 0) -> None:
        self._loop = loop
        self._skew_ms = skew_ms

    def now_ms(self) -> int:
        """Return the wall clock's time."""
        return EPOCH_MS + self._skew_ms + int(self._loop.seconds * 1000)

    def monotonic_s(self) -> float:
        """Return the loop's time."""
        return self._loop.seconds


def _noted_task(
    loop: asyncio.AbstractEventLoop, coroutine: Any, context: Context | None = None, **more: Any
) -> asyncio.Task[Any]:
    task = asyncio.Task(coroutine, loop=loop, context=context, **more)
    tasks = TASKS.get() if context is None else context.get(TASKS)
    if tasks is not None:
        tasks.add(task)
    return task
