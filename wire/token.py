"""Verifying a JWT, statelessly.

Owns the compact JWS form, its header, the order of the checks and every reason a token is refused
for. Does not own keys (`wire.jwks`), claims (`wire.claims`) or rights (`wire.grant`).

What a token says about itself is never trusted to choose how it is checked: algorithms come from
the configuration, keys from the configuration or the issuer's published set, and `jku`, `jwk`,
`x5u` and `x5c` in the header are not even read. Reading is strict where JOSE libraries differ, so
that a token has one spelling: exactly three parts, canonical base64url, no repeated JSON member.

The order: size and form, header, algorithm, key, signature, then claims.

| reason | meaning |
|---|---|
| `malformed` | no compact JWS, no JSON objects inside, or larger than the limit |
| `algorithm_not_allowed` | `alg` is not configured (`none` never is), or the key does not serve it |
| `critical_header` | the issuer demands an extension (`crit`) that we do not know |
| `unknown_key` | no key for its `kid`, or no `kid` where one is needed |
| `bad_signature` | the signature does not hold |
| `missing_claim`, `invalid_claim` | a required claim is absent; a claim has the wrong type or value |
| `expired`, `not_yet_valid`, `wrong_issuer`, `wrong_audience` | as they say |

Source: RFC 7515; RFC 7519; RFC 8725 (JWT best current practices).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from wire.claims import Claims, Expected, read_claims
from wire.errors import InvalidToken
from wire.verification_key import ASYMMETRIC_ALGORITHMS, SYMMETRIC_ALGORITHMS

if TYPE_CHECKING:
    from datetime import datetime

    from wire.jwks import KeySet

MAX_TOKEN_BYTES: Final = 8_192
"""Largest token, bytes. API Gateway takes 10,240 bytes of headers in all."""

REASONS: Final = frozenset(
    {
        "malformed",
        "algorithm_not_allowed",
        "critical_header",
        "unknown_key",
        "bad_signature",
        "missing_claim",
        "invalid_claim",
        "expired",
        "not_yet_valid",
        "wrong_issuer",
        "wrong_audience",
    }
)
"""Every reason of an `InvalidToken` from here, in the order of the table above."""

_BASE64URL: Final = re.compile(rb"[A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """What this service demands of a token.

    Attributes:
        algorithms: Allowed `alg` values, from the configuration.
        expected: Issuer, audiences and clock leeway.
        max_token_bytes: Larger tokens are refused unread.
    """

    algorithms: frozenset[str]
    expected: Expected = field(default_factory=Expected)
    max_token_bytes: int = MAX_TOKEN_BYTES


def algorithm_problems(algorithms: Iterable[str], *, secret: bool) -> list[str]:
    """Return what is wrong with configured algorithms; empty when nothing is.

    Families never mix: with a secret only HS algorithms, with public keys only the others.

    Args:
        algorithms: As configured.
        secret: Whether tokens are verified with a shared secret.
    """
    allowed = SYMMETRIC_ALGORITHMS if secret else ASYMMETRIC_ALGORITHMS
    other = ASYMMETRIC_ALGORITHMS if secret else SYMMETRIC_ALGORITHMS
    kind = "a shared secret" if secret else "public keys"
    problems = []
    for algorithm in algorithms:
        if algorithm in other:
            problems.append(f"{algorithm} does not go with {kind}")
        elif algorithm not in allowed:
            problems.append(f"{algorithm!r} is none of {', '.join(sorted(allowed))}")
    return problems


def key_id(token: str, rules: TokenRules) -> str | None:
    """Return the `kid` that a token names, before anything about it is verified.

    It serves only to decide whether the key set should be fetched again.

    Raises:
        InvalidToken: The token could not pass whatever its key: its form, header or algorithm.
    """
    return _read(token, rules).kid


def verify(token: str, *, keys: KeySet, rules: TokenRules, now: datetime) -> Claims:
    """Return the claims of a token after checking all of it.

    Args:
        token: The compact JWS, without ``Bearer``.
        keys: The issuer's keys.
        rules: What this service demands.
        now: The time, with its zone.

    Raises:
        InvalidToken: With one of `REASONS`; its text never holds a part of the token.
    """
    parts = _read(token, rules)
    candidates = keys.candidates(parts.kid, parts.algorithm)
    if not any(
        key.verifies(parts.algorithm, parts.signing_input, parts.signature) for key in candidates
    ):
        raise InvalidToken("bad_signature", "The token's signature does not hold.")
    payload = _json_object(parts.payload, "payload")
    return read_claims(payload, expected=rules.expected, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """A token taken apart; nothing in it is verified yet."""

    algorithm: str
    kid: str | None
    payload: bytes
    signing_input: bytes
    signature: bytes


def _read(token: str, rules: TokenRules) -> _Parts:
    if len(token) > rules.max_token_bytes:
        raise InvalidToken("malformed", f"A token has at most {rules.max_token_bytes} bytes.")
    if not token.isascii():
        raise InvalidToken("malformed", "A token has only ASCII characters.")
    segments = token.encode("ascii").split(b".")
    if len(segments) != 3:
        raise InvalidToken("malformed", "A token has three parts with dots between.")
    header = _json_object(_decoded(segments[0], "header"), "header")
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str):
        raise InvalidToken("malformed", "The token's header has no alg.")
    if algorithm not in rules.algorithms:
        allowed = ", ".join(sorted(rules.algorithms))
        raise InvalidToken("algorithm_not_allowed", f"Tokens are signed with {allowed} here.")
    if "crit" in header or header.get("b64", True) is not True:
        raise InvalidToken("critical_header", "The token demands an extension unknown here.")
    if not isinstance(kid, str | None):
        raise InvalidToken("malformed", "The token's kid is no text.")
    return _Parts(
        algorithm=algorithm,
        kid=kid,
        payload=_decoded(segments[1], "payload"),
        signing_input=segments[0] + b"." + segments[1],
        signature=_decoded(segments[2], "signature"),
    )


def _decoded(segment: bytes, part: str) -> bytes:
    refusal = InvalidToken("malformed", f"The token's {part} is not base64url.")
    if not _BASE64URL.fullmatch(segment):
        raise refusal
    try:
        decoded = base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except binascii.Error:
        raise refusal from None
    # The last character's unused bits must be zero, or one token would have several spellings.
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != segment:
        raise refusal
    return decoded


def _json_object(text: bytes, part: str) -> dict[str, object]:
    refusal = InvalidToken("malformed", f"The token's {part} is not one JSON object.")
    try:
        value = json.loads(
            text.decode("utf-8"), object_pairs_hook=_unrepeated, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise refusal from None
    if not isinstance(value, dict):
        raise refusal
    return value


def _unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is repeated")  # RFC 7515 section 4, RFC 7519 section 4
    return members


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
