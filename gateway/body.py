"""Reading a request's body: bounded in size and time, decompressed.

Owns these bounds. Does not: know media types (`formats/media.py`) or parse (`gateway/formats`).
Source: RFC 9110 section 8.4.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import hdrs, web

from gateway.core.gunzip import gunzip
from gateway.errors import BodyTooLarge, BodyTooSlow, MalformedBody, UnsupportedMedia

GZIP: Final = "gzip"

_IDENTITY: Final = "identity"


async def read_body(request: web.Request, *, timeout_s: float) -> bytes:
    """Read the whole body of a request.

    Args:
        request: The request; its `client_max_size` bounds the body.
        timeout_s: Longest time for it to arrive, seconds.

    Raises:
        UnsupportedMedia: Another encoding.
        BodyTooLarge, BodyTooSlow: It exceeds a bound.
        MalformedBody: It does not arrive whole, or does not decompress.
    """
    encoding = request.headers.get(hdrs.CONTENT_ENCODING, _IDENTITY).strip().lower()
    if encoding not in (GZIP, _IDENTITY):
        raise UnsupportedMedia("Content-Encoding", (GZIP, _IDENTITY))
    limit_bytes = request.client_max_size
    if (request.content_length or 0) > limit_bytes:
        raise BodyTooLarge(limit_bytes)
    body = await _read(request, limit_bytes, timeout_s)
    return gunzip(body, limit_bytes=limit_bytes) if encoding == GZIP else body


async def _read(request: web.Request, limit_bytes: int, timeout_s: float) -> bytes:
    try:
        if request.content.is_eof():
            return await request.read()  # all of it is here: nothing to wait for
        async with asyncio.timeout(timeout_s):
            return await request.read()
    except TimeoutError:
        raise BodyTooSlow(timeout_s) from None
    except web.HTTPRequestEntityTooLarge:
        raise BodyTooLarge(limit_bytes) from None
    except web.RequestPayloadError:
        raise MalformedBody("the body does not arrive whole") from None
