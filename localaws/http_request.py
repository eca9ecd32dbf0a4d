"""Between aiohttp's requests and answers and the values that `localaws.core` decides on.

Owns taking a request exactly as it arrived (raw path, raw query, joined headers) and writing an
answer exactly as it was decided. Does not decide and does not route.

Source: RFC 9110 section 5.3 (repeated fields); facts 2.5 (the raw path is what was signed).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from localaws.core.signed_request import Request

if TYPE_CHECKING:
    from localaws.core.refusal import Answer


async def received(incoming: web.Request) -> Request:
    """Return a request as it arrived, its whole body included.

    Raises:
        web.HTTPRequestEntityTooLarge: The body is longer than the application allows.
    """
    path, _, query = incoming.raw_path.partition("?")
    headers: dict[str, str] = {}
    for name, value in incoming.headers.items():
        lowered = name.lower()
        headers[lowered] = f"{headers[lowered]},{value}" if lowered in headers else value
    body = await incoming.read()
    return Request(method=incoming.method, path=path, query=query, headers=headers, body=body)


def sent(answer: Answer) -> web.Response:
    """Return an answer for aiohttp to write; aiohttp itself adds Server, and Date if missing."""
    response = web.Response(status=answer.status, body=answer.body)
    response.headers.popall("Content-Type", None)
    for name, value in answer.headers:
        response.headers.add(name, value)
    return response
