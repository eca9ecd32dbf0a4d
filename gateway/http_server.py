"""aiohttp's server with problem documents for what is not even HTTP.

Owns the answer to what aiohttp itself refuses before any middleware sees it: bytes that are no
request, and expectations (`Expect`) that it does not know.
Does not: touch requests that reach a handler.
Source: aiohttp 3.14, `RequestHandler.handle_error` and `finish_response`; RFC 9457.
"""

from __future__ import annotations

from aiohttp import hdrs, web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_server import Server

from gateway import problems
from gateway.request_line import SERVER_NAME


class ProblemRunner(web.AppRunner):
    """An application runner whose connections answer bad HTTP like everything else."""

    async def _make_server(self) -> Server:
        server = await super()._make_server()
        return _ProblemServer(
            server.request_handler,
            request_factory=server.request_factory,
            **server._kwargs,  # noqa: SLF001 - aiohttp has no other way to them
        )


class _ProblemServer(Server):
    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


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
