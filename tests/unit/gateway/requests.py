"""Requests without a network, for tests of middlewares and handlers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from unittest import mock

from aiohttp import StreamReader, web
from aiohttp.test_utils import make_mocked_request
from aiohttp.web_urldispatcher import MatchInfoError

from gateway.request_line import LINE, Line

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def request_for(
    method: str = "GET",
    path: str = "/",
    headers: Mapping[str, str] | None = None,
    *,
    body: bytes | None = b"",
    max_bytes: int = 1_024,
) -> web.Request:
    """Return a request that matched no route.

    Args:
        method: Its method.
        path: Its path.
        headers: Its headers.
        body: All of its body, or None for one that never arrives.
        max_bytes: Largest body that is read.
    """
    loop = asyncio.get_running_loop()
    protocol = mock.Mock(_reading_paused=False)
    payload = StreamReader(protocol, limit=2**16, loop=loop)
    if body is not None:
        payload.feed_data(body)
        payload.feed_eof()
    request = make_mocked_request(
        method, path, headers=dict(headers or {}), payload=payload, client_max_size=max_bytes
    )
    request._match_info = MatchInfoError(web.HTTPNotFound())
    request[LINE] = Line("r-1")
    return request


async def ok(_request: web.Request) -> web.StreamResponse:
    """Answer 200."""
    return web.Response(text="ok")


def raising(error: BaseException) -> Handler:
    """Return a handler that fails."""

    async def handler(_request: web.Request) -> web.StreamResponse:
        raise error

    return handler
