"""What became of events: look one up, list them, send one again, cancel one.

Owns these routes' parameters and answers. Does not: keep events (`gateway/intake.py`).
A service sees and touches its own events only; one with the admin right may name another service.
Source: docs/design.md, "Event API".
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aiohttp import web

from gateway import answers
from gateway.core.report import State
from gateway.core.service import SERVICE_NAME, SERVICE_NAME_RULE
from gateway.errors import AdminRequired, InvalidQuery, UnknownEvent
from gateway.request_line import LINE
from gateway.routes.caller import caller_of
from gateway.routes.query import query_of, whole

if TYPE_CHECKING:
    from gateway.admission import Admission
    from gateway.core.report import Report
    from gateway.core.service import Service
    from gateway.intake import Intake

MAX_PAGE: Final = 1_000
"""Most events of one page."""

_PAGE: Final = 100
_STATES: Final = tuple(str(state) for state in State)


class StandingRoutes:
    """The routes about events that were taken.

    Args:
        admission: Who may call.
        intake: Who knows.
    """

    def __init__(self, *, admission: Admission, intake: Intake) -> None:
        self._admission = admission
        self._intake = intake

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return the routes."""
        one = f"{answers.EVENTS}/{{id}}"
        return [
            web.get(answers.EVENTS, self.search),
            web.get(one, self.find),
            web.delete(one, self.cancel),
            web.post(f"{one}/redeliver", self.redeliver),
        ]

    async def find(self, request: web.Request) -> web.Response:
        """Answer where one event stands."""
        service, _ = await self._asked(request)
        event_id = _event_id(request)
        report = await self._intake.find(service, event_id)
        if report is None:
            raise UnknownEvent(event_id)
        return _answer(request, report)

    async def search(self, request: web.Request) -> web.Response:
        """Answer with one page of events, newest first."""
        service, query = await self._asked(request, ("status", "limit", "after"))
        status = query.get("status")
        if status is not None and status not in _STATES:
            raise InvalidQuery("status", f"must be one of {', '.join(_STATES)}")
        found = await self._intake.search(
            service,
            status=None if status is None else State(status),
            limit=whole(query, "limit", _PAGE, least=1, most=MAX_PAGE),
            after=query.get("after"),
        )
        request[LINE].facts["events"] = len(found.reports)
        return web.json_response(answers.page(found), headers=answers.next_link(found, query))

    async def redeliver(self, request: web.Request) -> web.Response:
        """Send one event again wherever it failed; counts as an event of the service's rate."""
        service, _ = await self._asked(request)
        self._admission.count(service, 1, time.monotonic())
        report = await self._intake.redeliver(service, _event_id(request))
        return _answer(request, report, status=202)

    async def cancel(self, request: web.Request) -> web.Response:
        """Drop one event wherever it has not been sent yet."""
        service, _ = await self._asked(request)
        return _answer(request, await self._intake.cancel(service, _event_id(request)))

    async def _asked(
        self, request: web.Request, known: Collection[str] = ()
    ) -> tuple[Service, dict[str, str]]:
        """Return whose events are asked for, and the query."""
        service = await caller_of(request, self._admission)
        query = query_of(request, (*known, "service"))
        name = query.get("service", service.name)
        if not SERVICE_NAME.fullmatch(name):
            raise InvalidQuery("service", f"must be a service's name: {SERVICE_NAME_RULE}")
        if name != service.name and not service.admin:
            raise AdminRequired(service.name)
        return replace(service, name=name), query


def _event_id(request: web.Request) -> str:
    return request.match_info["id"]


def _answer(request: web.Request, report: Report, *, status: int = 200) -> web.Response:
    request[LINE].facts.update(event_id=report.id, state=report.state)
    return web.json_response(report.members(), status=status)
