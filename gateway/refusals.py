"""Turning every error of a request into its answer.

Owns that nothing leaves a handler but an answer, with the error counted and on the request's line.
Does not: decide which answer (`gateway/problems.py`).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway import problems
from gateway.errors import RequestRefused
from gateway.metrics import NOBODY, Metrics
from gateway.request_line import LINE, Handler, Line

if TYPE_CHECKING:
    from gateway.reply import Reply

log = logging.getLogger(__name__)


class Refusals:
    """Answer errors.

    Args:
        metrics: Where refusals are counted.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._refused = metrics.refused

    def reply(self, error: Exception, line: Line) -> Reply:
        """Return the answer to an error.

        Args:
            error: What went wrong.
            line: The line of the request.
        """
        match error:
            case RequestRefused():
                answer = problems.refusal(error)
                service = str(line.facts.get("service", NOBODY))
                self._refused.labels(service, answer.problem.code).inc()
            case web.HTTPException():
                answer = problems.http_error(error)
            case _:
                # The top of this request's task: logged once, and the caller learns nothing of it.
                facts = {"request_id": line.request_id}
                log.error("unexpected error", exc_info=error, extra=facts)
                answer = problems.unexpected(line.request_id)
        line.facts["code"] = answer.problem.code
        return answer.reply()


def refusals(answering: Refusals) -> Middleware:
    """Return the middleware around all handlers.

    Args:
        answering: Who answers errors.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Exception as error:
            return answering.reply(error, request[LINE]).response()

    return middleware
