"""Fetching an issuer's JWKS.

Owns the request and its bounds: time, size, and no redirect at all, so that nobody can lead this
function to another host. Does not parse (`wire.jwks`) or cache (`wire.jwks_cache`), and leaves it
to the settings whether plain HTTP is acceptable.

The standard library's client, because the Lambda runtime brings a urllib3 of its own choice.

Source: RFC 7517; Python library reference, `http.client`.
"""

from __future__ import annotations

import http.client
import time
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lambdas.credentials.errors import KeysUnavailable
from wire.jwks import MAX_JWKS_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK_BYTES = 16_384


def jwks_fetcher(url: str, *, timeout_s: float) -> Callable[[], bytes]:
    """Return a function that fetches the document and raises KeysUnavailable where it cannot.

    Args:
        url: Where the issuer publishes its keys, ``https`` or ``http``.
        timeout_s: Longest single wait, and longest time for the whole body.
    """
    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"

    def fetch() -> bytes:
        # A connection of its own each time: the next fetch is minutes away.
        connection = connect(parts.hostname or "", parts.port, timeout=timeout_s)
        try:
            connection.request("GET", target, headers={"Accept": "application/json"})
            response = connection.getresponse()
            if response.status != HTTPStatus.OK:
                raise KeysUnavailable(f"the JWKS URL answered {response.status}, not 200")
            return _read(response, time.monotonic() + timeout_s)
        except (OSError, http.client.HTTPException) as error:
            raise KeysUnavailable(f"the JWKS URL did not answer ({type(error).__name__})") from None
        finally:
            connection.close()

    return fetch


def _read(response: http.client.HTTPResponse, deadline_s: float) -> bytes:
    document = b""
    while chunk := response.read1(_CHUNK_BYTES):
        document += chunk
        if len(document) > MAX_JWKS_BYTES:
            raise KeysUnavailable(f"the JWKS document is larger than {MAX_JWKS_BYTES} bytes")
        if time.monotonic() > deadline_s:
            raise KeysUnavailable("the JWKS document did not arrive in time")
    return document
