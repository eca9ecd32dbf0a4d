"""An outbox on a real disk and an engine behind it, in this process; only IoT Core is in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.core.event import Event
from gateway.core.service import ANYBODY
from gateway.engine import Engine
from gateway.intake import Acceptance, OutboxIntake
from gateway.metrics import Metrics
from gateway.outbox.sqlite.outbox import SqliteOutbox
from gateway.settings import Settings
from tests.unit.gateway.publishers import RecordingPublisher
from wire.address import Address

WAIT_S = 20.0


def event(*to: str, id: str = "", data: object = None, **more: Any) -> Event:  # noqa: A002
    """Return an event; one without an id gets one of its own."""
    addresses = tuple(Address.parse(text) for text in to or ("user:1",))
    made = id or f"made-{next(_NUMBERS)}"
    return Event(id=made, to=addresses, type="t", data=data, id_given=bool(id), **more)


def _count_up() -> Any:
    number = 0
    while True:
        number += 1
        yield number


_NUMBERS = _count_up()


async def until(happened: Callable[[], object]) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(WAIT_S):
        while not happened():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.005)


class World:
    """One life of a gateway's delivery.

    Attributes:
        publisher: What IoT Core got.
        outbox: The outbox.
        intake: The way in.
    """

    def __init__(self, settings: Settings, publisher: RecordingPublisher) -> None:
        self.publisher = publisher
        self.metrics = Metrics()
        self.outbox = SqliteOutbox(settings, self.metrics)
        self.engine = Engine(
            outbox=self.outbox, publisher=publisher, settings=settings, metrics=self.metrics
        )
        self.intake = OutboxIntake(self.outbox, self.metrics)

    async def take(self, *events: Event) -> tuple[Acceptance, ...]:
        """Let a service send events."""
        return await self.intake.accept(events, ANYBODY)

    async def state(self, event_id: str) -> str | None:
        """Return where an event stands."""
        report = await self.intake.find(ANYBODY, event_id)
        return None if report is None else str(report.state)

    async def states(self, event_id: str) -> dict[str, str]:
        """Return where each delivery of an event stands."""
        report = await self.intake.find(ANYBODY, event_id)
        assert report is not None
        return {str(d.address): str(d.state) for d in report.deliveries}

    def sent(self) -> list[tuple[str, bytes]]:
        """Return what IoT Core got, in order."""
        return [(p.topic.removeprefix("n/"), p.payload) for p in self.publisher.published]

    def topics(self) -> list[str]:
        """Return where it went, in order."""
        return [topic for topic, _ in self.sent()]


def settings_for(folder: Path, **more: Any) -> Settings:
    """Return settings with a file in a folder and quick retries."""
    told: dict[str, Any] = {
        "namespace": "n",
        "iot_endpoint": "http://iot",
        "region": "r",
        "outbox": f"sqlite:///{folder / 'outbox.db'}",
        "retry_base_s": 0.02,
        "retry_cap_s": 0.05,
        "publish_rate_per_s": 1_000_000.0,
    }
    return Settings(**(told | more))


@asynccontextmanager
async def life(
    folder: Path,
    publisher: RecordingPublisher | None = None,
    *,
    deliver: bool = True,
    open_s: float = 5.0,
    **settings: Any,
) -> AsyncIterator[World]:
    """Run an outbox and an engine inside the block; nothing is drained at its end.

    Args:
        folder: Where the file is.
        publisher: IoT Core.
        deliver: Whether the engine works.
        open_s: Longest wait for the file.
        settings: What is not as usual.
    """
    world = World(settings_for(folder, **settings), publisher or RecordingPublisher())
    await world.outbox.open(open_s)
    if deliver:
        world.engine.start()
    try:
        yield world
    finally:
        await world.engine.stop()
        await world.outbox.close()
