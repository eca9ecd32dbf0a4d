"""Taking events: what `POST /v1/events` does, whoever read the request.

Owns the order of the checks, and that one bad event of many spoils no other.
Does not: read requests from a socket (`routes/events.py` and `front/connection.py` do), know how
events are delivered or kept (`gateway/intake.py`), in which forms they arrive (`gateway/formats`),
or what answers look like (`gateway/answers.py`).
Source: docs/design.md, "Event API".
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs

from gateway import answers, problems
from gateway.answers import NotTaken, Result, Taken
from gateway.core.compact_json import compact_json
from gateway.core.event import Event
from gateway.core.preference import wait_s
from gateway.errors import ChangedEvent, RequestRefused
from gateway.event_id import new_event_id
from gateway.formats.submission import Bounds, Item, Reader, Submission
from gateway.intake import Acceptance, Accepted, Conflict, Refused
from gateway.reply import Reply

if TYPE_CHECKING:
    from gateway.admission import Admission
    from gateway.core.report import Report
    from gateway.core.service import Service
    from gateway.formats.post_head import PostHead
    from gateway.intake import Intake
    from gateway.metrics import Metrics
    from gateway.request_line import Line
    from gateway.settings import Settings

_APPLIED: Final = "Preference-Applied"


JSON_TYPE: Final = "application/json; charset=utf-8"


class EventApi:
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

    async def post(self, head: PostHead, read: Callable[[], Awaitable[bytes]], line: Line) -> Reply:
        """Take events and answer where they stand.

        The cheap checks come first: a caller that may not send at all costs no reading.

        Args:
            head: Head of the request.
            read: Reads its body, decompressed.
            line: Its line.

        Raises:
            RequestRefused: Nothing was taken.
        """
        service = await self._admission.identify_bearer(head.bearer)
        line.facts["service"] = service.name
        self._admission.count(service, 1, time.monotonic())
        media = head.media
        body = await read()
        line.facts["body_bytes"] = len(body)
        submission = self._reader.read(
            media,
            head.headers,
            body,
            own_source=service.source,
            trace=head.trace or line.trace,
        )
        results = await self._take(submission, service)
        applied: dict[str, str] = {}
        if head.preferences:
            asked_s = wait_s(head.preferences, most_s=self._settings.max_wait_s)
            if asked_s:
                results = await self._wait(results, service, asked_s)
                applied[_APPLIED] = f"wait={asked_s}"
        if submission.batch:
            return self._answer_many(line, results, service, applied)
        return _answer_one(line, results[0], applied)

    async def _take(self, submission: Submission, service: Service) -> list[Result]:
        """Let in what may come in; the results are in the order of the request."""
        if len(submission.items) == 1:
            return [await self._take_one(submission.items[0], service)]
        found: dict[int, Result] = {}
        wanted: list[tuple[int, Event]] = []
        for place, item in enumerate(submission.items):
            try:
                wanted.append((place, _allowed(item, service)))
            except RequestRefused as refusal:
                found[place] = _not_taken(item, refusal)
        let_in = wanted
        if len(wanted) > 1:  # the first event was counted before the body was read
            counted, too_fast = self._admission.count_each(
                service, len(wanted) - 1, time.monotonic()
            )
            if too_fast is not None:
                let_in = wanted[: counted + 1]
                for place, event in wanted[counted + 1 :]:
                    found[place] = _not_taken(event, too_fast)
        if let_in:
            accepted = await self._intake.accept([event for _, event in let_in], service)
            for (place, event), acceptance in zip(let_in, accepted, strict=True):
                found[place] = _result(event, acceptance)
        return [found[place] for place in range(len(submission.items))]

    async def _take_one(self, item: Item, service: Service) -> Result:
        # As `_take` does, for a third of the price; it was counted before the body was read.
        try:
            event = _allowed(item, service)
        except RequestRefused as refusal:
            return _not_taken(item, refusal)
        (acceptance,) = await self._intake.accept((event,), service)
        return _result(event, acceptance)

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
        line: Line,
        results: Sequence[Result],
        service: Service,
        headers: dict[str, str],
    ) -> Reply:
        taken = [result for result in results if isinstance(result, Taken)]
        refused = [result for result in results if isinstance(result, NotTaken)]
        for result in refused:
            code = problems.refusal(result.error).problem.code
            self._metrics.refused.labels(service.name, code).inc()
        line.facts.update(events=len(results), refused=len(refused))
        if refused and not taken:
            answer = problems.nothing_taken([one.error for one in refused], answers.many(results))
            line.facts["code"] = answer.problem.code
            return answer.reply()
        if refused:
            headers |= problems.retry_after_any([one.error for one in refused])
        body = compact_json(answers.many(results))
        return Reply(answers.status_of(taken), body, JSON_TYPE, headers)


def _answer_one(line: Line, result: Result, headers: dict[str, str]) -> Reply:
    if isinstance(result, NotTaken):
        raise result.error
    report = result.report
    facts = line.facts
    facts["event_id"], facts["state"] = report.id, report.state
    facts["addresses"] = len(report.deliveries)
    body = compact_json(result.members())
    headers[hdrs.LOCATION] = answers.location(report.id)
    return Reply(answers.status_of([result]), body, JSON_TYPE, headers)


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
