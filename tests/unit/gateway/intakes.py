"""An intake that exists in memory only: for tests of what stands before the seam."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from gateway.core.event import Event
from gateway.core.report import Delivery, Page, Report, State
from gateway.core.service import Service
from gateway.errors import InvalidQuery, RequestRefused, UnknownEvent, WrongState
from gateway.intake import Acceptance, Accepted, Conflict, Refused

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


class MemoryIntake:
    """Keeps events in memory and settles them when told to.

    Attributes:
        events: What was accepted, by service and id.
        reports: Where each stands.
        refused: What an event of this id is refused with.
        trouble: Raised by every call, if set.
        outcomes: The state an event goes to when its outcome is waited for, by id; without one it
            stays as it is.
        waited_s: What the last wait was bounded by.
    """

    def __init__(self) -> None:
        self.events: dict[tuple[str, str], Event] = {}
        self.reports: dict[tuple[str, str], Report] = {}
        self.refused: dict[str, RequestRefused] = {}
        self.trouble: RequestRefused | None = None
        self.outcomes: dict[str, State] = {}
        self.waited_s: float | None = None

    async def accept(self, events: Sequence[Event], service: Service) -> tuple[Acceptance, ...]:
        """Keep events."""
        self._check()
        return tuple(self._accept(event, service) for event in events)

    def _accept(self, event: Event, service: Service) -> Acceptance:
        if event.id in self.refused:
            return Refused(event.id, self.refused[event.id])
        key = (service.name, event.id)
        before = self.events.get(key)
        if before is not None:
            if replace(before, extensions={}) != replace(event, extensions={}):
                return Conflict(event.id)
            return Accepted(report=self.reports[key], duplicate=True)
        self.events[key] = event
        state = State.ACCEPTED if event.deliver_at is None else State.SCHEDULED
        self.reports[key] = Report(
            id=event.id,
            deliveries=tuple(Delivery(address=address, state=state) for address in event.to),
            accepted_at=NOW,
            deliver_at=event.deliver_at,
        )
        return Accepted(report=self.reports[key])

    def settle(self, service: str, event_id: str, state: State) -> Report:
        """Bring all deliveries of an event to a state."""
        report = self.reports[service, event_id]
        deliveries = tuple(
            replace(one, state=state, attempts=1, settled_at=NOW) for one in report.deliveries
        )
        self.reports[service, event_id] = replace(report, deliveries=deliveries)
        return self.reports[service, event_id]

    async def outcome(self, service: Service, event_id: str, timeout_s: float) -> Report:
        """Settle it as told."""
        self._check()
        self.waited_s = timeout_s
        await asyncio.sleep(0)
        state = self.outcomes.get(event_id)
        if state is not None:
            return self.settle(service.name, event_id, state)
        return self._known(service, event_id)

    async def find(self, service: Service, event_id: str) -> Report | None:
        """Look it up."""
        self._check()
        return self.reports.get((service.name, event_id))

    async def search(
        self, service: Service, *, status: State | None, limit: int, after: str | None
    ) -> Page:
        """List them; the cursor is a number."""
        self._check()
        if after is not None and not after.isdecimal():
            raise InvalidQuery("after", "is nothing that a page said")
        start = int(after or 0)
        own = [
            report
            for (name, _), report in reversed(self.reports.items())
            if name == service.name and status in (None, report.state)
        ]
        end = start + limit
        return Page(reports=tuple(own[start:end]), after=str(end) if len(own) > end else None)

    async def redeliver(self, service: Service, event_id: str) -> Report:
        """Send it again."""
        self._check()
        report = self._known(service, event_id)
        if report.state not in (State.FAILED, State.EXPIRED, State.CANCELLED):
            raise WrongState(event_id, state=report.state, needed="failed, expired or cancelled")
        return self.settle(service.name, event_id, State.ACCEPTED)

    async def cancel(self, service: Service, event_id: str) -> Report:
        """Drop it."""
        self._check()
        report = self._known(service, event_id)
        if report.settled:
            raise WrongState(event_id, state=report.state, needed="accepted or scheduled")
        return self.settle(service.name, event_id, State.CANCELLED)

    def _known(self, service: Service, event_id: str) -> Report:
        report = self.reports.get((service.name, event_id))
        if report is None:
            raise UnknownEvent(event_id)
        return report

    def _check(self) -> None:
        if self.trouble is not None:
            raise self.trouble
