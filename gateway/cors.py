"""Cross-origin calls: which web pages may call the event API from a browser.

Owns the preflight answer and the headers on every other one.
Does not: authenticate anybody; a page still needs a service key, so this is for tools such as the
demo page and not for pages of the public.
Source: WHATWG Fetch, "CORS protocol".
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from gateway.request_line import Handler

_METHODS: Final = "GET, POST, DELETE"
_HEADERS: Final = "Authorization, Content-Type, Prefer, Traceparent, X-Request-Id"
_EXPOSED: Final = "Link, Location, Preference-Applied, Retry-After, X-Request-Id"
_MAX_AGE_S: Final = 600


def cors(origins: Collection[str]) -> Middleware:
    """Return the middleware; it must stand outside the one that answers errors.

    Args:
        origins: Exact origins that may call; all others get no header, so browsers refuse them.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None or origin not in origins:
            return await handler(request)
        asked = hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
        if request.method == hdrs.METH_OPTIONS and asked:
            response: web.StreamResponse = web.Response(status=204)
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = _METHODS
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = _HEADERS
            response.headers[hdrs.ACCESS_CONTROL_MAX_AGE] = str(_MAX_AGE_S)
        else:
            response = await handler(request)
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _EXPOSED
        response.headers.add(hdrs.VARY, hdrs.ORIGIN)
        return response

    return middleware
