"""Decompressing a gzip body within a bound.

Owns the bound: a small body that swells is refused before it fills memory.
Does not: know other codings. The HTTP library is told not to decompress, since what it can read
depends on what else is installed.
Source: RFC 1952; RFC 9110 section 8.4.1.3.
"""

from __future__ import annotations

import zlib
from typing import Final

from gateway.errors import BodyTooLarge, MalformedBody

_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
"""Tells zlib to expect a gzip header and trailer, with their checksum."""


def gunzip(data: bytes, *, limit_bytes: int) -> bytes:
    """Return the decompressed body.

    Args:
        data: One gzip member.
        limit_bytes: Most bytes it may swell to.

    Raises:
        BodyTooLarge: It swells beyond the limit.
        MalformedBody: It is not gzip, is cut short, or something follows it.
    """
    inflater = zlib.decompressobj(_GZIP_WINDOW)
    try:
        body = inflater.decompress(data, limit_bytes + 1)
    except zlib.error:
        raise MalformedBody("the body is not gzip, though Content-Encoding says so") from None
    if len(body) > limit_bytes:
        raise BodyTooLarge(limit_bytes)
    if not inflater.eof or inflater.unused_data:
        raise MalformedBody("the gzip body is cut short, or something follows it")
    return body
