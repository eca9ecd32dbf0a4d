"""Turning every error of a request into its answer.

Owns the middleware around all handlers: nothing leaves it but an answer.
Does not: decide which answer (`gateway/problems.py`).
"""

from __future__ import annotations

import logging

from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway import problems
from gateway.errors import RequestRefused
from gateway.metrics import NOBODY, Metrics
from gateway.request_line import FACTS, REQUEST_ID, Handler

log = logging.getLogger(__name__)


def refusals(metrics: Metrics) -> Middleware:
    """Return the middleware.

    Args:
        metrics: Where refusals are counted.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except RequestRefused as error:
            answer = problems.refusal(error)
            service = request[FACTS].get("service", NOBODY)
            metrics.refused.labels(service, answer.problem.code).inc()
        except web.HTTPException as error:
            answer = problems.http_error(error)
        except Exception:
            # The top of this request's task: logged once, and the caller learns nothing of it.
            log.exception("unexpected error", extra={"request_id": request[REQUEST_ID]})
            answer = problems.unexpected(request[REQUEST_ID])
        request[FACTS]["code"] = answer.problem.code
        return answer.response()

    return middleware
