"""One gateway of a simulation: the real outbox, engine and intake, on simulated AWS and time.

Owns its life: start, crash, stop. Does not: decide when (`world.py`).
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from gateway.core.publication import Publication
from gateway.engine import Engine
from gateway.errors import (
    ClientNotConnected,
    NotConfirmed,
    PublishDenied,
    PublishThrottled,
    PublishTimedOut,
    PublishUnavailable,
)
from gateway.intake import OutboxIntake
from gateway.metrics import Metrics
from gateway.outbox.aws.clients import Clients
from gateway.outbox.aws.outbox import AwsOutbox
from gateway.outbox.aws.place import read_place
from gateway.settings import Settings
from tests.unit.gateway.outbox.aws.faults import Kind
from tests.unit.gateway.outbox.aws.journal import Name, Publish
from tests.unit.gateway.outbox.aws.simulated_dynamodb import DynamoClient
from tests.unit.gateway.outbox.aws.simulated_sqs import QUEUE_URL, SqsClient
from tests.unit.gateway.outbox.aws.simulated_time import TASKS, SimulatedClock

if TYPE_CHECKING:
    from tests.unit.gateway.outbox.aws.world import World

Result = TypeVar("Result")

VISIBILITY_S = 20.0
SETTINGS = Settings(
    namespace="n",
    iot_endpoint="http://iot",
    region="r",
    outbox=f"aws://{QUEUE_URL}?table=outbox",
    outbox_visibility_s=VISIBILITY_S,
    publish_timeout_s=4.0,
    iot_connections=3,
    publish_rate_per_s=50.0,
    retry_base_s=0.2,
    retry_cap_s=3.0,
    retry_max_attempts=8,
    retry_max_age_s=600.0,
    drain_s=3.0,
)
METRICS = Metrics()


class SimulatedGateway:
    """A gateway's process.

    Attributes:
        alive: Whether it runs.
        place: Which of the gateways it is.
        tasks: All its tasks.

    Args:
        world: Where it lives.
        place: Which of the gateways it is.
        skew_ms: How far its clock is ahead.
    """

    def __init__(self, world: World, place: int, skew_ms: int) -> None:
        self.alive = True
        self.place = place
        self.tasks: set[asyncio.Task[Any]] = set()
        self.clock = SimulatedClock(world.loop, skew_ms)
        self._world = world
        self._context = copy_context()
        self._context.run(TASKS.set, self.tasks)

    def run(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Start something in this process."""
        return self._world.loop.create_task(work, context=self._context)

    async def start(self) -> None:
        """Open outbox and engine, as `gateway/delivery.py` does."""
        place = read_place(SETTINGS.outbox)
        self.outbox = AwsOutbox(SETTINGS, place, open_clients=self._open_clients, clock=self.clock)
        self.intake = OutboxIntake(self.outbox, METRICS, self.clock)
        await self.outbox.open(5.0)
        self.publisher = SimulatedPublisher(self._world, self)
        self.engine = Engine(
            outbox=self.outbox,
            publisher=self.publisher,
            settings=SETTINGS,
            metrics=METRICS,
            clock=self.clock,
        )
        self.engine.start()

    async def stop(self) -> None:
        """End as SIGTERM makes it end."""
        if not hasattr(self, "engine"):
            self.crash()
            return
        self.outbox.retire()
        await self.engine.drain(SETTINGS.drain_s)
        await self.outbox.close()
        self.crash()

    def crash(self) -> None:
        """Die at once; what is on its way to AWS may still arrive."""
        self.alive = False
        self._world.loop.end(self.tasks)

    @property
    def ready(self) -> int:
        """Deliveries claimed or being claimed, and not handed out."""
        deliveries = self.outbox.deliveries
        return len(deliveries._ready) + deliveries._claiming

    @asynccontextmanager
    async def _open_clients(self, *_: object) -> AsyncIterator[Clients]:
        world = self._world
        yield Clients(
            SqsClient(self, world.network, world.sqs),
            DynamoClient(self, world.network, world.table),
        )


class SimulatedPublisher:
    """One gateway's way to IoT Core.

    Args:
        world: Where publishes arrive.
        gateway: Whose way it is.
    """

    def __init__(self, world: World, gateway: SimulatedGateway) -> None:
        self._world = world
        self._gateway = gateway
        self.under_way: Counter[str] = Counter()

    async def publish(self, publication: Publication) -> None:
        """Publish once."""
        await self._send("publish", publication, SETTINGS.publish_timeout_s, _iot_error)

    async def deliver(self, publication: Publication, *, within_s: int) -> None:
        """Send to a client that is connected and confirms, unless something goes wrong."""
        await self._send("deliver", publication, within_s, _direct_error)

    async def check(self) -> None:
        """Succeed."""

    async def _send(
        self,
        operation: str,
        publication: Publication,
        limit_s: float,
        error: Callable[[Kind], Exception],
    ) -> None:
        envelope = json.loads(publication.payload)
        name = Name(envelope["id"], envelope["data"])
        address = str(publication.address)
        world = self._world
        world.sending(self._gateway, name, address)
        self.under_way[address] += 1
        try:
            if name.id in world.poison:
                self._gateway.crash()
            await world.network.call(
                self._gateway,
                operation,
                lambda _: world.journal.arrived.append(self._noted(name, address)),
                service="iot",
                limit_s=limit_s,
                error=error,
            )
        finally:
            self.under_way[address] -= 1

    def _noted(self, name: Name, address: str) -> Publish:
        world = self._world
        return Publish(world.journal.moment(), world.loop.time(), name, address)


def _iot_error(kind: Kind) -> Exception:
    match kind:
        case Kind.THROTTLED:
            return PublishThrottled("simulated")
        case Kind.DENIED:
            return PublishDenied("simulated")
        case Kind.REFUSED:
            return PublishUnavailable("simulated")
        case Kind.OFFLINE:
            return ClientNotConnected("simulated")
    return PublishTimedOut("simulated")


def _direct_error(kind: Kind) -> Exception:
    if kind in (Kind.LOST, Kind.SILENT):
        return NotConfirmed("simulated")
    return _iot_error(kind)
