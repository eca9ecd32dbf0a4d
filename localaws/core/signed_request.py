"""Read what a request says about its own signature, in a header or in a query string.

Owns the request as it arrived, what an endpoint accepts (`Rules`), its error codes (`Wording`) and
the reading of a `Claim`. Does not prove the claim (`localaws.core.signature.verify` does) and knows
no keys.

Source: facts 1.3 to 1.5 and 1.8; AWS General Reference, "Authentication methods"; common errors of
the API references.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from localaws.core.refusal import Refusal
from wire import sigv4
from wire.limits import HANDSHAKE_WINDOW_S

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

API_WINDOW_S: Final = 900
"""How far X-Amz-Date may be from the clock of any API but IoT's, seconds. Source: facts 1.5."""

IOT_SERVICES: Final = frozenset({"iotdevicegateway", "iotdata"})
"""Signing names that the IoT endpoint takes, on both of its surfaces. Source: facts 1.2."""

TIMESTAMP: Final = "%Y%m%dT%H%M%SZ"
"""Format of X-Amz-Date."""

MAX_QUERY_PARAMETERS: Final = 100
"""Most query parameters that are read; AWS's own limit is not published."""

MISSING: Final = "Missing Authentication Token"
"""Nothing in the request is signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The error codes of one family of APIs; the sentences are common to all.

    Attributes:
        missing: No signature at all.
        incomplete: A signature that cannot be read.
        invalid_token: Unknown access key or wrong session token.
        expired_token: Temporary credentials past their end.
        mismatch: Wrong signature, or a date outside the window.
        status: HTTP status of all but `incomplete`, which is 400 unless this family differs.
        incomplete_status: HTTP status of `incomplete`.
    """

    missing: str
    incomplete: str
    invalid_token: str
    expired_token: str
    mismatch: str
    status: int = 403
    incomplete_status: int = 400


IOT_WORDING: Final = Wording(
    missing="ForbiddenException",
    incomplete="ForbiddenException",
    invalid_token="ForbiddenException",  # noqa: S106
    expired_token="ForbiddenException",  # noqa: S106
    mismatch="ForbiddenException",
    incomplete_status=403,
)
"""The IoT endpoint answers every failed signature with one code, 403. Source: facts 1.6."""

QUERY_WORDING: Final = Wording(
    missing="MissingAuthenticationToken",
    incomplete="IncompleteSignature",
    invalid_token="InvalidClientTokenId",  # noqa: S106
    expired_token="ExpiredToken",  # noqa: S106
    mismatch="SignatureDoesNotMatch",
)
"""STS, IAM, SNS. Source: STS API reference, "Common Errors"."""

JSON_WORDING: Final = Wording(
    missing="MissingAuthenticationTokenException",
    incomplete="IncompleteSignatureException",
    invalid_token="UnrecognizedClientException",  # noqa: S106
    expired_token="ExpiredTokenException",  # noqa: S106
    mismatch="InvalidSignatureException",
    status=400,
)
"""SQS, DynamoDB and other JSON APIs. Source: DynamoDB developer guide, "Error handling"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request as it arrived.

    Attributes:
        method: Upper-case.
        path: The raw path, still percent-encoded; a decoded one cannot be verified.
        query: The raw query string without `?`.
        headers: Values by lower-case name.
        body: The whole body.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What one endpoint accepts.

    Attributes:
        wording: Its error codes.
        window_s: How far X-Amz-Date may be from now, seconds, either way.
        services: Signing names it takes; None takes any.
        region: The region it stands in; None takes any.
    """

    wording: Wording
    window_s: int
    services: frozenset[str] | None = None
    region: str | None = None


def iot_rules(region: str) -> Rules:
    """Return what the IoT endpoint of a region accepts."""
    return Rules(
        wording=IOT_WORDING, window_s=HANDSHAKE_WINDOW_S, services=IOT_SERVICES, region=region
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a request says about its own signature; nothing of it is proven yet.

    Attributes:
        access_key_id: The key said to have signed.
        scope: Day, region and service said to have been signed for.
        timestamp: X-Amz-Date as sent, valid.
        signed_at: The same as an aware UTC time.
        signed_headers: Lower-case names in the order they were signed; `host` is among them.
        signature: Lower-case hex.
        session_token: The token sent, if any.
        lifetime_s: X-Amz-Expires, where it was sent.
        parameters: Decoded query parameters that are part of what was signed.
        payload_sha256: Hash the canonical request ends with.
    """

    access_key_id: str
    scope: sigv4.Scope
    timestamp: str
    signed_at: datetime
    signed_headers: tuple[str, ...]
    signature: str
    session_token: str | None
    lifetime_s: int | None
    parameters: tuple[tuple[str, str], ...]
    payload_sha256: str


def read_authorization(request: Request, rules: Rules) -> Claim | Refusal:
    """Read the Authorization header of an HTTPS request.

    Returns:
        The claim, or MissingAuthenticationToken / IncompleteSignature in the endpoint's wording.
    """
    wording = rules.wording
    header = request.headers.get("authorization", "")
    if not header:
        return Refusal(wording.status, wording.missing, MISSING)
    scheme, _, rest = header.partition(" ")
    if scheme != sigv4.ALGORITHM:
        return _incomplete(wording, f"Unsupported AWS 'algorithm': '{scheme[:32]}'")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    for name in ("Credential", "Signature", "SignedHeaders"):
        if not parts.get(name):
            return _incomplete(wording, f"Authorization header requires '{name}' parameter.")
    parameters = _parameters(request.query)
    if parameters is None:
        return _incomplete(wording, "The query string cannot be read.")
    actual = hashlib.sha256(request.body).hexdigest()
    declared = request.headers.get("x-amz-content-sha256", actual)
    return _claim(
        wording,
        credential=parts["Credential"],
        timestamp=request.headers.get("x-amz-date", ""),
        signed_headers=parts["SignedHeaders"],
        signature=parts["Signature"],
        session_token=request.headers.get("x-amz-security-token"),
        lifetime=None,
        parameters=tuple(parameters),
        # A declared hash of another body must fail, so it never replaces the real one.
        payload_sha256=declared if declared == actual else f"{actual} is not {declared}",
    )


def read_query(request: Request, rules: Rules) -> Claim | Refusal:
    """Read the query string of a WebSocket handshake.

    The signature and the session token are not among the signed parameters; X-Amz-Expires is
    signed when it is there and need not be.

    Returns:
        The claim, or the endpoint's refusal.
    """
    wording = rules.wording
    parameters = _parameters(request.query)
    if parameters is None:
        return _incomplete(wording, "The query string cannot be read.")
    own = [name for name, _ in parameters if name.startswith("X-Amz-")]
    if "X-Amz-Signature" not in own:
        return Refusal(wording.status, wording.missing, MISSING)
    if len(own) != len(set(own)):
        return _incomplete(wording, "AWS query-string parameters must not repeat.")
    sent = dict(parameters)
    if sent.get("X-Amz-Algorithm") != sigv4.ALGORITHM:
        return _incomplete(wording, f"X-Amz-Algorithm must be {sigv4.ALGORITHM}")
    return _claim(
        wording,
        credential=sent.get("X-Amz-Credential", ""),
        timestamp=sent.get("X-Amz-Date", ""),
        signed_headers=sent.get("X-Amz-SignedHeaders", ""),
        signature=sent["X-Amz-Signature"],
        session_token=sent.get("X-Amz-Security-Token"),
        lifetime=sent.get("X-Amz-Expires"),
        parameters=tuple(
            (name, value)
            for name, value in parameters
            if name not in ("X-Amz-Signature", "X-Amz-Security-Token")
        ),
        payload_sha256=sigv4.EMPTY_SHA256,
    )


def _claim(
    wording: Wording,
    *,
    credential: str,
    timestamp: str,
    signed_headers: str,
    signature: str,
    session_token: str | None,
    lifetime: str | None,
    parameters: tuple[tuple[str, str], ...],
    payload_sha256: str,
) -> Claim | Refusal:
    parts = credential.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request" or not all(parts):
        return _incomplete(wording, "Credential must have exactly 5 slash-delimited elements.")
    access_key_id, day, region, service, _ = parts
    signed_at = _instant(timestamp)
    if signed_at is None:
        return _incomplete(wording, "Date must be in ISO-8601 'basic format'.")
    names = tuple(signed_headers.split(";"))
    if "host" not in names:
        return _incomplete(wording, "'Host' must be a 'SignedHeader' in the AWS Authorization.")
    lifetime_s: int | None = None
    if lifetime is not None:
        if not lifetime.isascii() or not lifetime.isdecimal() or len(lifetime) > 9:
            return _incomplete(wording, "X-Amz-Expires must be a non-negative number of seconds.")
        lifetime_s = int(lifetime)
    return Claim(
        access_key_id=access_key_id,
        scope=sigv4.Scope(day=day, region=region, service=service),
        timestamp=timestamp,
        signed_at=signed_at,
        signed_headers=names,
        signature=signature,
        session_token=session_token,
        lifetime_s=lifetime_s,
        parameters=parameters,
        payload_sha256=payload_sha256,
    )


def _instant(timestamp: str) -> datetime | None:
    if len(timestamp) != 16:
        return None
    try:
        return datetime.strptime(timestamp, TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def _parameters(query: str) -> Sequence[tuple[str, str]] | None:
    try:
        return parse_qsl(
            query, keep_blank_values=True, max_num_fields=MAX_QUERY_PARAMETERS, errors="strict"
        )
    except ValueError:
        return None


def _incomplete(wording: Wording, message: str) -> Refusal:
    return Refusal(wording.incomplete_status, wording.incomplete, message)
