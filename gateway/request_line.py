"""The canonical line: one log line and one measurement for each request.

Owns the request id, the facts handlers add to their request's line, and writing it.
Does not: log anything while a request is under way.
Source: style guide, "Logging: stdlib".
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware
from prometheus_client import Histogram

from gateway.event_id import new_request_id
from gateway.metrics import Metrics

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUEST_ID: Final = web.RequestKey("request_id", str)
"""Stands in the answer's X-Request-Id, in the log, and in the answer to a bug of ours."""

FACTS: Final = web.RequestKey("facts", dict[str, object])
"""What a handler wants to see on its request's line: JSON-ready values, no payloads, no secrets."""

TRACE: Final = web.RequestKey("trace", dict[str, str])
"""The gateway's own span as W3C headers; there only where traces are on and this one is taken."""

SERVER_NAME: Final = "gateway"
"""Stands in place of aiohttp's own Server header, which tells versions to whoever asks."""

_CALLERS_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
_QUIET_ROUTES: Final = frozenset({"/healthz", "/readyz", "/metrics"})

log = logging.getLogger(__name__)


def request_line(metrics: Metrics) -> Middleware:
    """Return the middleware that writes the line; it must be the outermost.

    Args:
        metrics: Where requests are measured.
    """
    measured: dict[tuple[str, str, int], Histogram] = {}

    def measure(method: str, route: str, status: int, seconds: float) -> None:
        key = (method, route, status)
        found = measured.get(key)
        if found is None:  # looking a child up by its labels costs more than counting
            found = measured[key] = metrics.requests.labels(method, route, str(status))
        found.observe(seconds)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.monotonic()
        shown = request.headers.get("X-Request-Id", "")
        request[REQUEST_ID] = shown if _CALLERS_ID.fullmatch(shown) else new_request_id()
        request[FACTS] = {}
        status = 499  # nginx's word for a caller who went away before there was an answer
        try:
            response = await handler(request)
            response.headers["X-Request-Id"] = request[REQUEST_ID]
            response.headers[hdrs.SERVER] = SERVER_NAME
            status = response.status
            return response
        finally:
            _write(request, status=status, seconds=time.monotonic() - started, measure=measure)

    return middleware


def route_of(request: web.Request) -> str:
    """Return the route's template, which is one of a few; never the path, which is not."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "-"


def _write(
    request: web.Request,
    *,
    status: int,
    seconds: float,
    measure: Callable[[str, str, int, float], None],
) -> None:
    route = route_of(request)
    # Any word can stand where a method should; unknown ones share a label.
    method = request.method if request.method in _METHODS else "-"
    measure(method, route, status, seconds)
    facts = request[FACTS]
    level = logging.DEBUG if route in _QUIET_ROUTES and status < 400 else logging.INFO
    log.log(
        level,
        "request",
        extra={
            "request_id": request[REQUEST_ID],
            "method": method,
            "route": route,
            "status": status,
            "seconds": round(seconds, 6),
            "remote": request.remote,
            **facts,
        },
    )


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
