"""`POST /v1/events`: take an event.

Owns the order of the checks and the shape of the answer.
Does not: know how events are delivered or kept (`gateway/intake.py`).
Source: docs/design.md, "Event API".
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from aiohttp import hdrs, web

from gateway import problems
from gateway.admission import Admission
from gateway.body import read_body
from gateway.core.event import Event, parse_event
from gateway.core.report import Report
from gateway.core.strict_json import parse_json
from gateway.event_id import new_event_id
from gateway.formats.media import media_of
from gateway.intake import Intake
from gateway.request_line import FACTS
from gateway.settings import Settings


class EventRoutes:
    """The event API.

    Args:
        admission: Who may call.
        intake: Who delivers.
        settings: The bounds of a request.
    """

    def __init__(self, *, admission: Admission, intake: Intake, settings: Settings) -> None:
        self._admission = admission
        self._intake = intake
        self._settings = settings

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return the routes."""
        return [web.post("/v1/events", self.post)]

    async def post(self, request: web.Request) -> web.Response:
        """Take one event and answer what became of it.

        The cheap checks come first: a caller that may not send at all costs no reading.
        """
        service = await self._admission.identify(request.headers.get(hdrs.AUTHORIZATION))
        request[FACTS]["service"] = service.name
        self._admission.count(service, 1, time.monotonic())
        media_of(request.headers)
        body = await read_body(request, timeout_s=self._settings.body_timeout_s)
        request[FACTS]["body_bytes"] = len(body)
        event = self._event(body)
        request[FACTS].update(event_id=event.id, addresses=len(event.to))
        service.check_may_publish(event.to)
        report = await self._intake.accept(event, service)
        request[FACTS]["state"] = report.state
        return _answer(request, report)

    def _event(self, body: bytes) -> Event:
        return parse_event(
            parse_json(body, max_depth=self._settings.max_json_depth),
            namespace=self._settings.namespace,
            new_id=new_event_id(),
            max_addresses=self._settings.max_addresses,
        )


def _answer(request: web.Request, report: Report) -> web.Response:
    if report.nothing_published:
        answer = problems.unpublished(report)
        request[FACTS]["code"] = answer.problem.code
        return answer.response()
    return web.json_response(
        {"id": report.id, "status": report.state, "addresses": report.addresses()}
    )
