"""aiohttp's server with connections that begin as ours.

Owns which connection a caller gets, the connections that are still ours, and aiohttp's answer to
what it refuses before any middleware sees it: bytes that are no request, and expectations
(`Expect`) that it does not know, as problem documents.
Does not: touch requests that reach a handler.
Source: aiohttp 3.14, `RequestHandler.handle_error` and `finish_response`, `Server.pre_shutdown` and
`shutdown`; RFC 9457.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_server import Server

from gateway import problems
from gateway.front.connection import EventConnection
from gateway.request_line import SERVER_NAME

if TYPE_CHECKING:
    from gateway.front.connection import PlainPosts

LOOK_S: Final = 0.5
"""Time between looks for idle and slow connections, seconds: one timer for all of them."""


class FrontRunner(web.AppRunner):
    """An application runner behind a front.

    Args:
        app: What answers everything but plain posts.
        posts: What answers plain posts, or None to let the application answer them, too.
        idle_s: How long a connection may be idle, seconds.
        drain_s: How long requests under way may take when it ends, seconds.
    """

    def __init__(
        self, app: web.Application, *, posts: PlainPosts | None, idle_s: float, drain_s: float
    ) -> None:
        super().__init__(
            app,
            access_log=None,  # the canonical line takes its place
            auto_decompress=False,  # `gateway/body.py` does, within its bound
            keepalive_timeout=idle_s,
            shutdown_timeout=drain_s,
        )
        self._posts = posts
        self._idle_s = idle_s

    async def _make_server(self) -> Server:
        return _FrontServer(await super()._make_server(), posts=self._posts, idle_s=self._idle_s)


class _FrontServer(Server):
    def __init__(self, server: Server, *, posts: PlainPosts | None, idle_s: float) -> None:
        super().__init__(
            server.request_handler,
            request_factory=server.request_factory,
            **server._kwargs,  # noqa: SLF001 - aiohttp has no other way to them
        )
        self._posts = posts
        self._idle_s = idle_s
        self._ours: set[EventConnection] = set()
        self._timer: asyncio.TimerHandle | None = None

    def __call__(self) -> RequestHandler:
        """Make the protocol of a new connection; asyncio calls this."""
        if self._posts is None:
            return self._others()
        return EventConnection(  # type: ignore[return-value] # asyncio takes any protocol
            posts=self._posts, others=self._others, connections=self
        )

    def _others(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)

    def joined(self, connection: EventConnection) -> None:
        """Look after a connection, see `Connections.joined`."""
        self._ours.add(connection)
        if self._timer is None:
            self._timer = self._loop.call_later(LOOK_S, self._look)

    def left(self, connection: EventConnection) -> None:
        """Forget a connection, see `Connections.left`."""
        self._ours.discard(connection)

    def _look(self) -> None:
        self._timer = None
        now = time.monotonic()
        for connection in tuple(self._ours):
            connection.look(now, self._idle_s)
        if self._ours:
            self._timer = self._loop.call_later(LOOK_S, self._look)

    def pre_shutdown(self) -> None:
        """Close what is idle, as aiohttp does with its own."""
        for connection in tuple(self._ours):
            connection.close()
        super().pre_shutdown()

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - aiohttp's
        """Give what is under way so long to finish."""
        # aiohttp disturbs its requests after that time and gives them as long again.
        longest_s = None if timeout is None else 2 * timeout
        ours = [connection.shutdown(longest_s) for connection in self._ours]
        await asyncio.gather(super().shutdown(timeout), *ours)
        if self._timer is not None:
            self._timer.cancel()


class _Connection(RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what aiohttp could not read, and close the connection.

        Not logged: anybody who reaches the port can send any bytes, as many as they like.
        """
        if status >= 500:
            return super().handle_error(request, status, exc, message)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was under way already") from exc
        response = problems.malformed_request(status).response()
        response.headers[hdrs.SERVER] = SERVER_NAME
        response.force_close()
        return response

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Write an answer; a refusal of aiohttp's own becomes a problem document."""
        if isinstance(resp, web.HTTPException):
            resp = problems.http_error(resp).response()
            resp.headers[hdrs.SERVER] = SERVER_NAME
        return await super().finish_response(request, resp, start_time)
