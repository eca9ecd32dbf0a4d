"""Verify Signature Version 4 the way the AWS front doors do, with their exact refusals.

Owns what proves a claim: candidate hosts, the canonical path, the time window, the session token
and the signature itself. Does not read requests (`localaws.core.signed_request` does), does not
find the secret (the caller looks the access key up in between), does not authorize, and reads no
clock.

Theory of operation: `read_authorization` or `read_query` turn a request into a `Claim` ("this key
signed this, then"); the caller finds the `AccessKey`; `verify` tells whether the claim is true. All
three answer with a `Refusal` instead where AWS would refuse.

Where the session token stands differs: in the query of a handshake it is never signed (a *signed*
one is refused, as AWS does), in headers it is signed like any other header.

Source: facts 1.2 to 1.10; AWS General Reference, "Create a signed AWS API request"; IoT developer
guide, "IAM users, groups, and roles".
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from localaws.core.refusal import Refusal
from localaws.core.signed_request import TIMESTAMP, Claim, Request, Rules
from wire import sigv4

if TYPE_CHECKING:
    from datetime import datetime

    from wire.secret import Secret

INVALID_TOKEN: Final = "The security token included in the request is invalid."  # noqa: S105
"""Unknown key, or a session token that does not belong to it. Source: STS common errors."""

EXPIRED_TOKEN: Final = "The security token included in the request is expired"  # noqa: S105
"""Temporary credentials past their end; AWS writes no full stop. Source: STS common errors."""

MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method. Consult the service documentation for details."
)
"""The signature is wrong. Source: facts 1.6, 241 bytes as a handshake refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """What is known of an access key.

    Attributes:
        access_key_id: `AKIA…` or `ASIA…`.
        secret: Its secret.
        session_token: For temporary credentials, else None.
        expires_at: Aware UTC end of temporary credentials, else None.
    """

    access_key_id: str
    secret: Secret
    session_token: Secret | None = None
    expires_at: datetime | None = None


def verify(
    claim: Claim, key: AccessKey | None, request: Request, *, rules: Rules, now: datetime
) -> Refusal | None:
    """Tell whether a claim is true.

    Args:
        claim: From `read_authorization` or `read_query` of the same request.
        key: What is known of the claimed access key; None for an unknown one.
        request: The request the claim was read from.
        rules: The endpoint's.
        now: Aware UTC time.

    Returns:
        None when the signature is good, else what AWS answers.
    """
    wording = rules.wording
    problem = _scope_problem(claim, rules)
    if problem is not None:
        return Refusal(wording.status, wording.mismatch, problem)
    if key is None or not _same_token(claim.session_token, key.session_token):
        return Refusal(wording.status, wording.invalid_token, INVALID_TOKEN)
    if key.expires_at is not None and now >= key.expires_at:
        return Refusal(wording.status, wording.expired_token, EXPIRED_TOKEN)
    stale = _time_problem(claim, window_s=rules.window_s, now=now)
    if stale is not None:
        return Refusal(wording.status, wording.mismatch, stale)
    signing_key = sigv4.signing_key(key.secret.reveal(), claim.scope)
    for host in candidate_hosts(request.headers.get("host", "")):
        expected = _signature(claim, request, host=host, signing_key=signing_key)
        if hmac.compare_digest(expected.encode(), claim.signature.encode()):
            return None
    return Refusal(wording.status, wording.mismatch, MISMATCH)


def candidate_hosts(host: str) -> tuple[str, ...]:
    """Return what a client may have signed for the Host header it sent, likeliest first.

    As received; without a default port; without any port. Clients differ: the AWS SDKs for
    browsers sign the bare name, others keep the port. Source: facts 1.7 and 1.8.
    """
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdecimal():
        return (host,)
    return (host, name)


def canonical_path(raw_path: str) -> str:
    """Return the path as it is signed: dot segments and repeated slashes gone, encoded once more.

    Args:
        raw_path: As on the request line, e.g. ``/topics/ws%2Fa``.
    """
    kept: list[str] = []
    for segment in raw_path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    tail = "/" if kept and raw_path.endswith("/") else ""
    return sigv4.uri_encode(f"/{'/'.join(kept)}{tail}", safe="/")


def _signature(claim: Claim, request: Request, *, host: str, signing_key: bytes) -> str:
    text = sigv4.canonical_request(
        method=request.method,
        path=canonical_path(request.path),
        query=sigv4.canonical_query(claim.parameters),
        headers={**request.headers, "host": host},
        signed_headers=claim.signed_headers,
        payload_sha256=claim.payload_sha256,
    )
    to_sign = sigv4.string_to_sign(timestamp=claim.timestamp, scope=claim.scope, request=text)
    return sigv4.signature(signing_key, to_sign)


def _scope_problem(claim: Claim, rules: Rules) -> str | None:
    """Texts of the two region and service refusals: SigV4 test reports, unverified for IoT."""
    scope = claim.scope
    if rules.region is not None and scope.region != rules.region:
        return f"Credential should be scoped to a valid region, not '{scope.region}'."
    if rules.services is not None and scope.service not in rules.services:
        wanted = sorted(rules.services)[-1]
        return f"Credential should be scoped to correct service: '{wanted}'."
    day = claim.timestamp[:8]
    if scope.day != day:
        return (
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{scope.day}' != '{day}', from '{claim.timestamp}'."
        )
    return None


def _time_problem(claim: Claim, *, window_s: int, now: datetime) -> str | None:
    backward = window_s if claim.lifetime_s is None else min(claim.lifetime_s, window_s)
    earliest, latest = now - timedelta(seconds=backward), now + timedelta(seconds=window_s)
    if claim.signed_at < earliest.replace(microsecond=0):
        return (
            f"Signature expired: {claim.timestamp} is now earlier than {earliest:{TIMESTAMP}} "
            f"({now:{TIMESTAMP}} - {_span(backward)})"
        )
    if claim.signed_at > latest:
        return (
            f"Signature not yet current: {claim.timestamp} is still later than "
            f"{latest:{TIMESTAMP}} ({now:{TIMESTAMP}} + {_span(window_s)})"
        )
    return None


def _span(seconds: int) -> str:
    return f"{seconds} sec." if seconds % 60 else f"{seconds // 60} min."


def _same_token(sent: str | None, known: Secret | None) -> bool:
    if sent is None or known is None:
        return sent is None and known is None
    return hmac.compare_digest(sent.encode(), known.reveal().encode())
