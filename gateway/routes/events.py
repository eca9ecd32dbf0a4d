"""`POST /v1/events`: take events.

Owns the order of the checks, and that one bad event of many spoils no other.
Does not: know how events are delivered or kept (`gateway/intake.py`), in which forms they arrive
(`gateway/formats`), or what answers look like (`gateway/answers.py`).
Source: docs/design.md, "Event API".
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web

from gateway import answers, problems
from gateway.answers import NotTaken, Result, Taken
from gateway.body import read_body
from gateway.core.event import Event
from gateway.core.preference import wait_s
from gateway.errors import ChangedEvent, RequestRefused
from gateway.event_id import new_event_id
from gateway.formats.media import media_of
from gateway.formats.submission import Bounds, Item, Reader, Submission
from gateway.formats.trace_context import trace_extensions
from gateway.intake import Acceptance, Accepted, Conflict, Refused
from gateway.request_line import FACTS, TRACE
from gateway.routes.caller import caller_of

if TYPE_CHECKING:
    from gateway.admission import Admission
    from gateway.core.report import Report
    from gateway.core.service import Service
    from gateway.intake import Intake
    from gateway.metrics import Metrics
    from gateway.settings import Settings

_JSON: Final = json.JSONEncoder()
_PREFER: Final = "Prefer"
_APPLIED: Final = "Preference-Applied"


class EventRoutes:
    """The way in.

    Args:
        admission: Who may call.
        intake: Who keeps and delivers.
        metrics: Where refused events of a batch are counted.
        settings: The bounds of a request.
    """

    def __init__(
        self, *, admission: Admission, intake: Intake, metrics: Metrics, settings: Settings
    ) -> None:
        self._admission = admission
        self._intake = intake
        self._metrics = metrics
        self._settings = settings
        self._reader = Reader(Bounds.of(settings), new_event_id)

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return the routes."""
        return [web.post(answers.EVENTS, self.post)]

    async def post(self, request: web.Request) -> web.Response:
        """Take events and answer where they stand.

        The cheap checks come first: a caller that may not send at all costs no reading.
        """
        service = await caller_of(request, self._admission)
        self._admission.count(service, 1, time.monotonic())
        media = media_of(request.headers)
        body = await read_body(request, timeout_s=self._settings.body_timeout_s)
        request[FACTS]["body_bytes"] = len(body)
        submission = self._reader.read(
            media,
            request.headers,
            body,
            own_source=service.source,
            trace=trace_extensions(request.headers) or request.get(TRACE, {}),
        )
        results = await self._take(submission, service)
        asked_s = wait_s(request.headers.getall(_PREFER, ()), most_s=self._settings.max_wait_s)
        if asked_s:
            results = await self._wait(results, service, asked_s)
        headers = {_APPLIED: f"wait={asked_s}"} if asked_s else {}
        if submission.batch:
            return self._answer_many(request, results, service, headers)
        return _answer_one(request, results[0], headers)

    async def _take(self, submission: Submission, service: Service) -> list[Result]:
        """Let in what may come in; the results are in the order of the request."""
        found: dict[int, Result] = {}
        wanted: list[tuple[int, Event]] = []
        for place, item in enumerate(submission.items):
            try:
                wanted.append((place, _allowed(item, service)))
            except RequestRefused as refusal:
                found[place] = _not_taken(item, refusal)
        # The first event was counted before the body was read.
        counted, too_fast = self._admission.count_each(
            service, max(0, len(wanted) - 1), time.monotonic()
        )
        let_in = wanted[: counted + 1]
        if too_fast is not None:
            for place, event in wanted[counted + 1 :]:
                found[place] = _not_taken(event, too_fast)
        if let_in:
            accepted = await self._intake.accept([event for _, event in let_in], service)
            for (place, event), acceptance in zip(let_in, accepted, strict=True):
                found[place] = _result(event, acceptance)
        return [found[place] for place in range(len(submission.items))]

    async def _wait(
        self, results: Sequence[Result], service: Service, seconds: int
    ) -> list[Result]:
        """Return the outcomes, each as far as it is known when the time is over."""

        async def outcome(result: Result) -> Result:
            if isinstance(result, NotTaken):
                return result
            report: Report = result.report
            if not report.settled:
                report = await self._intake.outcome(service, report.id, seconds)
            return Taken(report=report, duplicate=result.duplicate, waited=True)

        return list(await asyncio.gather(*map(outcome, results)))

    def _answer_many(
        self,
        request: web.Request,
        results: Sequence[Result],
        service: Service,
        headers: dict[str, str],
    ) -> web.Response:
        taken = [result for result in results if isinstance(result, Taken)]
        refused = [result for result in results if isinstance(result, NotTaken)]
        for result in refused:
            code = problems.refusal(result.error).problem.code
            self._metrics.refused.labels(service.name, code).inc()
        request[FACTS].update(events=len(results), refused=len(refused))
        if refused and not taken:
            answer = problems.nothing_taken([one.error for one in refused], answers.many(results))
            request[FACTS]["code"] = answer.problem.code
            return answer.response()
        if refused:
            headers |= problems.retry_after_any([one.error for one in refused])
        return web.json_response(
            answers.many(results), status=answers.status_of(taken), headers=headers
        )


def _answer_one(request: web.Request, result: Result, headers: dict[str, str]) -> web.Response:
    if isinstance(result, NotTaken):
        raise result.error
    report = result.report
    request[FACTS].update(event_id=report.id, state=report.state, addresses=len(report.deliveries))
    # Type and body as `web.json_response` would make them, in half the time.
    return web.Response(
        body=_JSON.encode(result.members()).encode(),
        status=answers.status_of([result]),
        headers={
            **headers,
            hdrs.CONTENT_TYPE: "application/json; charset=utf-8",
            hdrs.LOCATION: answers.location(report.id),
        },
    )


def _allowed(item: Item, service: Service) -> Event:
    if isinstance(item, RequestRefused):
        raise item
    service.check_may_publish(item.to)
    return item


def _not_taken(item: Item, error: RequestRefused) -> NotTaken:
    event_id = item.id if isinstance(item, Event) and item.id_given else None
    return NotTaken(error=error, event_id=event_id)


def _result(event: Event, acceptance: Acceptance) -> Result:
    match acceptance:
        case Accepted():
            return Taken(report=acceptance.report, duplicate=acceptance.duplicate)
        case Conflict():
            return _not_taken(event, ChangedEvent(acceptance.event_id))
        case Refused():
            return _not_taken(event, acceptance.error)
