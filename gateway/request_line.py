"""The canonical line: one log line and one measurement for each request.

Owns the request id, the facts handlers add to their request's line, and writing it.
Does not: log anything while a request is under way.
Source: style guide, "Logging: stdlib".
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from gateway.event_id import new_request_id
from gateway.instruments import Distribution
from gateway.logs import write_line
from gateway.metrics import Metrics

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

SERVER_NAME: Final = "gateway"
"""Stands in place of aiohttp's own Server header, which tells versions to whoever asks."""

GONE: Final = 499
"""nginx's word for a caller who went away before there was an answer."""

REQUEST_ID: Final = "X-Request-Id"

_CALLERS_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
_QUIET_ROUTES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

log = logging.getLogger(__name__)


class Line:
    """What is known about a request while it is under way.

    Attributes:
        request_id: Stands in the answer, in the log, and in the answer to a bug of ours.
        facts: What a handler wants to see on the line: JSON-ready values, no payloads, no secrets.
        trace: The gateway's own span as W3C headers, where traces are on and this one is taken.
    """

    __slots__ = ("_started", "facts", "request_id", "trace")

    def __init__(self, shown_id: str | None) -> None:
        """Begin a line.

        Args:
            shown_id: The caller's own request id, kept if it is harmless.
        """
        self._started = time.monotonic()
        known = shown_id is not None and _CALLERS_ID.fullmatch(shown_id)
        self.request_id = shown_id if shown_id is not None and known else new_request_id()
        self.facts: dict[str, object] = {}
        self.trace: Mapping[str, str] = {}

    @property
    def seconds(self) -> float:
        """How long the request has been under way."""
        return time.monotonic() - self._started


LINE: Final = web.RequestKey("line", Line)
"""Where aiohttp's handlers find the line of their request."""


class RequestLines:
    """Where lines go.

    Args:
        metrics: Where requests are measured.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._requests = metrics.requests
        self._measured: dict[tuple[str, str, int], Distribution] = {}

    def write(
        self, line: Line, *, method: str, route: str, status: int, remote: str | None
    ) -> None:
        """Write a line and measure its request, which is over.

        Args:
            line: The line.
            method: The request's method, whatever it is.
            route: The route's template, which is one of a few; never the path, which is not.
            status: Status of the answer, or `GONE`.
            remote: The caller's address.
        """
        seconds = line.seconds
        # Any word can stand where a method should; unknown ones share a label.
        method = method if method in _METHODS else "-"
        measured = self._measured.get((method, route, status))
        if measured is None:  # looking a child up by its labels costs more than counting
            measured = self._requests.labels(method, route, str(status))
            self._measured[method, route, status] = measured
        measured.observe(seconds)
        level = logging.DEBUG if route in _QUIET_ROUTES and status < 400 else logging.INFO
        facts: dict[str, object] = {
            "request_id": line.request_id,
            "method": method,
            "route": route,
            "status": status,
            "seconds": int(seconds * 1_000_000) / 1_000_000,
            "remote": remote,
            **line.facts,
        }
        write_line(log, level, "request", facts)


def request_line(lines: RequestLines) -> Middleware:
    """Return the middleware that writes the line; it must be the outermost.

    Args:
        lines: Where they go.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        line = request[LINE] = Line(request.headers.get(REQUEST_ID))
        status = GONE
        try:
            response = await handler(request)
            response.headers[REQUEST_ID] = line.request_id
            response.headers[hdrs.SERVER] = SERVER_NAME
            status = response.status
            return response
        finally:
            lines.write(
                line,
                method=request.method,
                route=route_of(request),
                status=status,
                remote=request.remote,
            )

    return middleware


def route_of(request: web.Request) -> str:
    """Return the route's template, which is one of a few; never the path, which is not."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "-"
