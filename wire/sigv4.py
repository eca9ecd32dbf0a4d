"""AWS Signature Version 4: the arithmetic, and nothing else.

Owns the canonical request, the string to sign and the signature as pure functions of values. Does
not decide what is accepted (which headers, how old, which service): a verifier does that. Does not
fetch credentials.

Source: AWS General Reference, "Create a signed AWS API request".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

ALGORITHM: Final = "AWS4-HMAC-SHA256"
"""The only signing algorithm used here."""

EMPTY_SHA256: Final = hashlib.sha256(b"").hexdigest()
"""Payload hash of a request without a body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The credential scope: the day, region and service a signing key is good for.

    Attributes:
        day: ``yyyymmdd`` in UTC.
        region: E.g. ``us-east-1``.
        service: The signing name, e.g. ``iotdevicegateway``.
    """

    day: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/aws4_request"


def uri_encode(text: str, *, safe: str = "") -> str:
    """Percent-encode as SigV4 does: all but ``A-Z a-z 0-9 - _ . ~`` and `safe`."""
    return quote(text, safe=f"-_.~{safe}")


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Return decoded query parameters encoded and sorted by encoded name, then value."""
    encoded = sorted((uri_encode(name), uri_encode(value)) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def canonical_request(
    *,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    signed_headers: Sequence[str],
    payload_sha256: str,
) -> str:
    """Return the canonical request.

    Args:
        method: Upper-case HTTP method.
        path: The canonical path, already encoded as the service wants it.
        query: From `canonical_query`.
        headers: Values by lower-case name; missing signed headers count as empty.
        signed_headers: Lower-case names in the order they were signed.
        payload_sha256: Hex digest of the body, or a literal such as ``UNSIGNED-PAYLOAD``.
    """
    lines = "".join(
        f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in signed_headers
    )
    return "\n".join((method, path, query, lines, ";".join(signed_headers), payload_sha256))


def string_to_sign(*, timestamp: str, scope: Scope, request: str) -> str:
    """Return the string to sign for a canonical request.

    Args:
        timestamp: ``yyyymmddThhmmssZ``.
        scope: The credential scope.
        request: From `canonical_request`.
    """
    digest = hashlib.sha256(request.encode()).hexdigest()
    return f"{ALGORITHM}\n{timestamp}\n{scope}\n{digest}"


def signing_key(secret: str, scope: Scope) -> bytes:
    """Return the key of one day, region and service; worth keeping for that day."""
    key = f"AWS4{secret}".encode()
    for part in (scope.day, scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signature(key: bytes, text: str) -> str:
    """Return the signature, lower-case hex, of a string to sign."""
    return hmac.digest(key, text.encode(), "sha256").hex()
