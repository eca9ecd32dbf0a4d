"""An outbox and an engine behind it, in this process; only IoT Core is in memory.

The outbox is a file on a real disk, or a queue and a table in moto, over HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.core.event import Event
from gateway.core.service import ANYBODY
from gateway.core.strict_json import JsonValue
from gateway.delivery import make_outbox
from gateway.engine import Engine
from gateway.intake import Acceptance, OutboxIntake
from gateway.metrics import Metrics
from gateway.outbox.aws.outbox import AwsOutbox
from gateway.outbox.sqlite.outbox import SqliteOutbox
from gateway.settings import Settings
from tests.unit.gateway.publishers import RecordingPublisher
from wire.address import Address

WAIT_S = 20.0


def event(*to: str, id: str = "", data: JsonValue = None, **more: Any) -> Event:  # noqa: A002
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
        engine: The engine behind it, once it is open.
        intake: The way in.
    """

    def __init__(self, settings: Settings, publisher: RecordingPublisher) -> None:
        self.publisher = publisher
        self.metrics = Metrics()
        self.outbox = make_outbox(settings, self.metrics)
        self.intake = OutboxIntake(self.outbox, self.metrics)
        self._settings = settings

    async def open(self, timeout_s: float) -> None:
        """Open the outbox, and put an engine behind it."""
        await self.outbox.open(timeout_s)
        self.engine = Engine(
            outbox=self.outbox,
            publisher=self.publisher,
            settings=self._settings,
            metrics=self.metrics,
        )

    @property
    def file(self) -> SqliteOutbox:
        """The outbox, which is a file."""
        assert isinstance(self.outbox, SqliteOutbox)
        return self.outbox

    @property
    def shared(self) -> AwsOutbox:
        """The outbox, which is shared."""
        assert isinstance(self.outbox, AwsOutbox)
        return self.outbox

    async def written(self) -> None:
        """Wait until everything that was settled is written down."""
        await until(lambda: self.outbox.deliveries.unsaved == 0)

    async def empty(self) -> None:
        """Wait until nothing is left to deliver."""
        await until(lambda: self.outbox.deliveries.count == 0)

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


def file_in(folder: Path) -> str:
    """Return the place of an outbox in a folder, as GATEWAY_OUTBOX takes it."""
    return f"sqlite:///{folder / 'outbox.db'}"


def settings_for(place: str, **more: Any) -> Settings:
    """Return settings for an outbox at a place, with quick retries."""
    told: dict[str, Any] = {
        "namespace": "n",
        "iot_endpoint": "http://iot",
        "region": "us-east-1",
        "outbox": place,
        "retry_base_s": 0.02,
        "retry_cap_s": 0.05,
        # What a test holds back must not fail for good because the machine is busy.
        "retry_max_attempts": 100_000,
        "publish_rate_per_s": 1_000_000.0,
    }
    return Settings(**(told | more))


@asynccontextmanager
async def life(
    place: str,
    publisher: RecordingPublisher | None = None,
    *,
    deliver: bool = True,
    open_s: float = 5.0,
    **settings: Any,
) -> AsyncIterator[World]:
    """Run an outbox and an engine inside the block; nothing is drained at its end.

    Args:
        place: Where the outbox is.
        publisher: IoT Core.
        deliver: Whether the engine works.
        open_s: Longest wait for the outbox.
        settings: What is not as usual.
    """
    world = World(settings_for(place, **settings), publisher or RecordingPublisher())
    await world.open(open_s)
    if deliver:
        world.engine.start()
    try:
        yield world
    finally:
        await world.engine.stop()
        await world.outbox.close()
