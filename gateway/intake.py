"""The intake: takes a checked event and says what becomes of it.

Owns the seam between the event API and delivery (`Intake`), and the first intake: publish at once,
answer with the outcome, keep nothing.
Does not: know HTTP, read JSON, or retry. An intake that keeps events until they are delivered
takes this one's place behind the same seam.
Source: docs/design.md, "Event API" and "The outbox".
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from gateway.core.event import Event, publications_of
from gateway.core.report import Delivery, Report
from gateway.errors import Overloaded, PublishFailed, PublishUnavailable

if TYPE_CHECKING:
    from gateway.core.publication import Publication
    from gateway.core.service import Service
    from gateway.metrics import Metrics
    from gateway.publisher import Publisher


class Intake(Protocol):
    """What the event API asks of whatever delivers events."""

    async def accept(self, event: Event, service: Service) -> Report:
        """Take an event that was read, and whose sender may send it.

        Returns:
            What became of it, or what it stands at.

        Raises:
            RequestRefused: It was not taken; nothing was published or kept.
        """


class DirectIntake:
    """Publish each event at once, to all its addresses side by side.

    Theory of operation: at most `connections` publishes are in flight and at most `most_pending`
    are in flight or waiting for their turn, in order of arrival; an event that would exceed this
    is refused whole. A publish is tried once. When `accept` returns, everything about the event is
    known and told.

    Args:
        publisher: The way to IoT Core.
        metrics: Where outcomes are counted.
        namespace: The stack's namespace.
        connections: Most publishes in flight.
        most_pending: Most publishes in flight or waiting; at least as many as one event's.
        wait_s: Longest wait for a connection, seconds.
    """

    def __init__(
        self,
        *,
        publisher: Publisher,
        metrics: Metrics,
        namespace: str,
        connections: int,
        most_pending: int,
        wait_s: float,
    ) -> None:
        self._publisher = publisher
        self._metrics = metrics
        self._namespace = namespace
        self._connections = asyncio.Semaphore(connections)
        self._most_pending = most_pending
        self._pending = 0
        self._wait_s = wait_s

    async def accept(self, event: Event, service: Service) -> Report:
        """Publish an event, see `Intake.accept`; bounded by the time for waiting and publishing."""
        publications = publications_of(
            event, namespace=self._namespace, source=service.source, time=datetime.now(UTC)
        )
        if self._pending + len(publications) > self._most_pending:
            raise Overloaded(self._most_pending)
        self._metrics.accepted.labels(service.name).inc()
        self._add_pending(len(publications))
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._deliver(publication, service), name="publish")
                    for publication in publications
                ]
        finally:
            self._add_pending(-len(publications))
        return Report(id=event.id, deliveries=tuple(task.result() for task in tasks))

    async def _deliver(self, publication: Publication, service: Service) -> Delivery:
        failure = await self._publish(publication)
        kind = publication.address.kind
        if failure is None:
            self._metrics.published.labels(service.name, kind).inc()
        else:
            self._metrics.failed.labels(service.name, kind, failure.code).inc()
        return Delivery(address=publication.address, failure=failure)

    async def _publish(self, publication: Publication) -> PublishFailed | None:
        try:
            async with asyncio.timeout(self._wait_s):
                await self._connections.acquire()
        except TimeoutError:
            return PublishUnavailable(
                f"no connection to IoT Core was free within {self._wait_s:g} seconds; nothing was sent"
            )
        started = time.monotonic()
        outcome = "published"
        self._metrics.in_flight.inc()
        try:
            await self._publisher.publish(publication)
        except PublishFailed as failure:
            outcome = failure.code
            return failure
        else:
            return None
        finally:
            self._connections.release()
            self._metrics.in_flight.dec()
            self._metrics.publish_seconds.labels(outcome).observe(time.monotonic() - started)

    def _add_pending(self, publishes: int) -> None:
        self._pending += publishes
        self._metrics.pending.set(self._pending)
