"""The intake: takes a checked event and says what becomes of it.

Owns the seam between the event API and delivery (`Intake`), and what stands behind it: an outbox.
Does not: know HTTP, read JSON, keep anything itself (`gateway/outbox`), or deliver
(`gateway/engine.py`).
Source: docs/design.md, "Event API" and "The outbox".
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from gateway.clock import SYSTEM_CLOCK, Clock
from gateway.core.event import Event
from gateway.core.kept_event import KeptEvent, keep
from gateway.core.report import Page, Report, State
from gateway.errors import RequestRefused, UnknownEvent
from gateway.outbox.outbox import Added, Addition, Changed, Known

if TYPE_CHECKING:
    from gateway.core.service import Service
    from gateway.instruments import Count
    from gateway.metrics import Metrics
    from gateway.outbox.outbox import Outbox


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
        clock: What the moment of acceptance is read from.
    """

    def __init__(self, outbox: Outbox, metrics: Metrics, clock: Clock = SYSTEM_CLOCK) -> None:
        self._outbox = outbox
        self._metrics = metrics
        self._clock = clock
        self._accepted: dict[str, Count] = {}
        self._waits: set[asyncio.Timeout] = set()
        self._stopping = False

    def end_waits(self) -> None:
        """Tell everybody who waits for an outcome what is known, and let nobody wait any more."""
        self._stopping = True
        for wait in self._waits:
            wait.reschedule(0.0)

    async def accept(self, events: Sequence[Event], service: Service) -> tuple[Acceptance, ...]:
        """Take events, see `Intake.accept`: all of them with one wait for the disk."""
        now_ms = self._clock.now_ms()
        drafts: list[KeptEvent | Refused] = []
        kept: list[KeptEvent] = []
        for event in events:
            draft = _draft(event, service, now_ms)
            drafts.append(draft)
            if isinstance(draft, KeptEvent):
                kept.append(draft)
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
        report = await self._outcome(service.name, event_id, timeout_s)
        if report is None:
            raise UnknownEvent(event_id)
        return report

    async def _outcome(self, service: str, event_id: str, timeout_s: float) -> Report | None:
        if self._stopping:
            return await self._outbox.find(service, event_id)
        try:
            async with asyncio.timeout(None) as wait:  # a stop sets one
                self._waits.add(wait)
                try:
                    return await self._outbox.outcome(service, event_id, timeout_s)
                finally:
                    self._waits.discard(wait)
        except TimeoutError:
            return await self._outbox.find(service, event_id)

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
        new = again = 0
        for one in taken:
            if isinstance(one, Accepted):
                new += not one.duplicate
                again += one.duplicate
        if new:
            counter = self._accepted.get(service.name)
            if counter is None:  # looking a child up by its labels costs more than counting
                counter = self._accepted[service.name] = self._metrics.accepted.labels(service.name)
            counter.inc(new)
        if again:
            self._metrics.duplicate.labels(service.name).inc(again)


def _draft(event: Event, service: Service, now_ms: int) -> KeptEvent | Refused:
    try:
        return keep(event, service=service.name, source=service.source, now_ms=now_ms)
    except RequestRefused as error:
        return Refused(event.id, error)


def _acceptance(event: KeptEvent, addition: Addition) -> Acceptance:
    match addition:
        case Added():  # nearly always
            return Accepted(report=event.brief())
        case Known(report):
            return Accepted(report=report, duplicate=True)
        case Changed():
            return Conflict(event.id)
