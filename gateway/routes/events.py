"""`POST /v1/events` as aiohttp reads it.

Owns reading the body within its bounds. Does not: take events (`gateway/event_api.py`). Plain posts
never come here, see `gateway/front`; what does is everything else: compressed or chunked bodies,
calls from pages, and all of them where traces are on.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.answers import EVENTS
from gateway.body import read_body
from gateway.formats.post_head import PostHead
from gateway.request_line import LINE

if TYPE_CHECKING:
    from gateway.event_api import EventApi


class EventRoutes:
    """The way in through aiohttp.

    Args:
        api: Who takes events.
        body_timeout_s: Longest time for a body to arrive, seconds.
    """

    def __init__(self, api: EventApi, *, body_timeout_s: float) -> None:
        self._api = api
        self._body_timeout_s = body_timeout_s

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return the routes."""
        return [web.post(EVENTS, self.post)]

    async def post(self, request: web.Request) -> web.Response:
        """Take events and answer where they stand."""
        read = partial(read_body, request, timeout_s=self._body_timeout_s)
        return (await self._api.post(PostHead(request.headers), read, request[LINE])).response()
