"""Fetching an issuer's key set.

Owns one HTTP request, bounded in time and size. Does not: parse (`wire/jwks.py`), decide when
(`wire/jwks_cache.py`), or judge whether plain HTTP is acceptable (`gateway/token_settings.py`).
Source: RFC 7517; aiohttp client reference.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import aiohttp

from gateway.errors import KeySetUnavailable
from wire.jwks import MAX_JWKS_BYTES

Fetch: TypeAlias = Callable[[], Awaitable[bytes]]
"""Brings a JWKS document, or raises KeySetUnavailable."""


def jwks_fetch(url: str, *, timeout_s: float) -> Fetch:
    """Return a function that fetches the document.

    Args:
        url: Where the issuer publishes its keys.
        timeout_s: Longest time for all of it, seconds.
    """
    timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def fetch() -> bytes:
        # A session of its own each time: the next fetch is minutes away.
        # No redirects: the operator named the place that is trusted.
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(
                    url, allow_redirects=False, headers={"Accept": "application/json"}
                ) as answer,
            ):
                if answer.status != 200:
                    raise KeySetUnavailable(f"the JWKS URL answered {answer.status}, not 200")
                return await _read(answer.content)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise KeySetUnavailable(
                f"the JWKS URL did not answer ({type(error).__name__})"
            ) from None

    return fetch


async def _read(content: aiohttp.StreamReader) -> bytes:
    document = b""
    async for chunk in content.iter_any():
        document += chunk
        if len(document) > MAX_JWKS_BYTES:
            raise KeySetUnavailable(f"the JWKS document is larger than {MAX_JWKS_BYTES} bytes")
    return document
