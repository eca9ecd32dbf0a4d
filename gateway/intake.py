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
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TypeAlias

from gateway.core.event import Event, publications_of
from gateway.core.kept_event import KeptEvent, keep
from gateway.core.report import Delivery, Page, Report, State
from gateway.errors import (
    Overloaded,
    PublishFailed,
    PublishUnavailable,
    RequestRefused,
    UnknownEvent,
)
from gateway.outbox.outbox import Added, Addition, Changed, Known

if TYPE_CHECKING:
    from gateway.core.publication import Publication
    from gateway.core.service import Service
    from gateway.metrics import Metrics
    from gateway.outbox.outbox import Outbox
    from gateway.publisher import Publisher


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The event is kept, and will be published or accounted for.

    Attributes:
        report: Where it stands.
        duplicate: Whether this very event was accepted before; the report is the first one's.
    """

    report: Report
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """The service sent this id in the last 24 hours, with another event; nothing was kept.

    Attributes:
        event_id: The id.
    """

    event_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """This one event cannot be taken; nothing of it was kept.

    Attributes:
        event_id: Its id.
        error: Why, e.g. `EventTooLarge`.
    """

    event_id: str
    error: RequestRefused


Acceptance: TypeAlias = Accepted | Conflict | Refused
"""What becomes of one event at the door."""


class Intake(Protocol):
    """What the event API asks of whatever keeps and delivers events."""

    async def accept(self, events: Sequence[Event], service: Service) -> tuple[Acceptance, ...]:
        """Take events that were read, and whose sender may send them.

        Returns:
            What becomes of each, in their order; what is accepted is on disk, synced.

        Raises:
            OutboxFull: There is no room for all of them; none was kept.
            OutboxUnavailable: Nothing can be kept now; none was.
        """

    async def outcome(self, service: Service, event_id: str, timeout_s: float) -> Report:
        """Return what became of an event: once it is settled, or what is known after `timeout_s`.

        Raises:
            UnknownEvent: No event of this service has this id.
            OutboxUnavailable: It cannot be looked up now.
        """

    async def find(self, service: Service, event_id: str) -> Report | None:
        """Return where an event of the service stands, or None if there is none of this id.

        Raises:
            OutboxUnavailable: It cannot be looked up now.
        """

    async def search(
        self, service: Service, *, status: State | None, limit: int, after: str | None
    ) -> Page:
        """Return the service's events, newest first.

        Args:
            service: Whose; an admin sees its own here, too.
            status: Only events that stand there, or all.
            limit: Most events of one page, 1 to 1,000.
            after: What the page before said, or None for the first.

        Raises:
            InvalidQuery: `after` is nothing that a page said.
            OutboxUnavailable: They cannot be looked up now.
        """

    async def redeliver(self, service: Service, event_id: str) -> Report:
        """Send an event again to every address where it failed, expired or was cancelled.

        It goes to the end of each topic, with a new count of attempts and, if it had a ttl, a
        new one.

        Raises:
            UnknownEvent: No event of this service has this id.
            WrongState: There is no such address, or its payload was pruned.
            OutboxFull, OutboxUnavailable: It cannot be kept now.
        """

    async def cancel(self, service: Service, event_id: str) -> Report:
        """Drop an event wherever it has not been sent yet.

        What is on its way at this moment is not stopped: its address shows what became of it.

        Raises:
            UnknownEvent: No event of this service has this id.
            WrongState: There is nothing left to cancel.
            OutboxUnavailable: It cannot be kept now.
        """


class OutboxIntake:
    """Keep events in an outbox; the engine behind it delivers them.

    Args:
        outbox: Where they are kept.
        metrics: Where acceptances are counted.
    """

    def __init__(self, outbox: Outbox, metrics: Metrics) -> None:
        self._outbox = outbox
        self._metrics = metrics

    async def accept(self, events: Sequence[Event], service: Service) -> tuple[Acceptance, ...]:
        """Take events, see `Intake.accept`: all of them with one wait for the disk."""
        now_ms = time.time_ns() // 1_000_000
        drafts = [_draft(event, service, now_ms) for event in events]
        kept = [draft for draft in drafts if isinstance(draft, KeptEvent)]
        additions = iter(await self._outbox.add(kept) if kept else ())
        taken = tuple(
            [
                draft if isinstance(draft, Refused) else _acceptance(draft, next(additions))
                for draft in drafts
            ]
        )
        self._count(taken, service)
        return taken

    async def outcome(self, service: Service, event_id: str, timeout_s: float) -> Report:
        """Wait for an event, see `Intake.outcome`."""
        report = await self._outbox.outcome(service.name, event_id, timeout_s)
        if report is None:
            raise UnknownEvent(event_id)
        return report

    async def find(self, service: Service, event_id: str) -> Report | None:
        """Look an event up, see `Intake.find`."""
        return await self._outbox.find(service.name, event_id)

    async def search(
        self, service: Service, *, status: State | None, limit: int, after: str | None
    ) -> Page:
        """List events, see `Intake.search`."""
        return await self._outbox.search(service.name, state=status, limit=limit, after=after)

    async def redeliver(self, service: Service, event_id: str) -> Report:
        """Send an event again, see `Intake.redeliver`."""
        return await self._outbox.redeliver(service.name, event_id)

    async def cancel(self, service: Service, event_id: str) -> Report:
        """Cancel an event, see `Intake.cancel`."""
        return await self._outbox.cancel(service.name, event_id)

    def _count(self, taken: tuple[Acceptance, ...], service: Service) -> None:
        new = sum([isinstance(one, Accepted) and not one.duplicate for one in taken])
        again = sum([isinstance(one, Accepted) and one.duplicate for one in taken])
        if new:
            self._metrics.accepted.labels(service.name).inc(new)
        if again:
            self._metrics.duplicate.labels(service.name).inc(again)


def _draft(event: Event, service: Service, now_ms: int) -> KeptEvent | Refused:
    try:
        return keep(event, service=service.name, source=service.source, now_ms=now_ms)
    except RequestRefused as error:
        return Refused(event.id, error)


def _acceptance(event: KeptEvent, addition: Addition) -> Acceptance:
    match addition:
        case Added():
            return Accepted(report=event.brief())
        case Known(report):
            return Accepted(report=report, duplicate=True)
        case Changed():
            return Conflict(event.id)


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
        state = State.PUBLISHED if failure is None else State.FAILED
        return Delivery(address=publication.address, state=state, failure=failure)

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
