"""What a verified token says: its claims, read and checked.

Owns the claims we know, their types, and time, issuer and audience. Does not verify signatures
(`wire.token`, which calls this only after one held) and does not turn names into rights
(`wire.grant`: an impossible group is a refused grant, not a bad token).

| claim | required | shape |
|---|---|---|
| `sub` | yes | a user id |
| `exp` | yes | seconds since 1970 |
| `nbf` | no | seconds since 1970 |
| `iss` | when an issuer is configured | that text |
| `aud` | when an audience is configured | a text or list of texts, one of them configured |
| `groups` | no | list of group names; a trailing `/*` grants the subtree |
| `publish` | no | list of address patterns the client may publish to |

Everything else is kept in `extras`, unread.

Source: RFC 7519 section 4.1; docs/design.md, "Tokens, grants, session policy".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from wire.address import check_user_id
from wire.errors import InvalidAddress, InvalidToken

_KNOWN: Final = frozenset({"sub", "exp", "groups", "publish"})
_LAST_SECOND: Final = 253_402_300_799
"""9999-12-31T23:59:59Z; a larger `exp` is in milliseconds or nonsense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The claims of a token whose signature, times, issuer and audience hold.

    Attributes:
        subject: The user id (`sub`).
        expires_at: End of the token's life (`exp`), UTC.
        groups: Group names as written, without repeats; not checked yet.
        publish: Address patterns as written, without repeats; not checked yet.
        extras: Every other claim, as JSON gave it; not shown in the repr.
    """

    subject: str
    expires_at: datetime
    groups: tuple[str, ...] = ()
    publish: tuple[str, ...] = ()
    extras: Mapping[str, object] = field(default_factory=dict, repr=False, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What this service demands of a token's claims.

    Attributes:
        issuer: The one `iss` accepted, or None for any.
        audiences: `aud` must name one of these; empty for any.
        leeway_s: How far the issuer's clock may be off, seconds.
    """

    issuer: str | None = None
    audiences: tuple[str, ...] = ()
    leeway_s: float = 30


def read_claims(payload: Mapping[str, object], *, expected: Expected, now: datetime) -> Claims:
    """Return the claims of a token's payload.

    Args:
        payload: The JSON object that was signed.
        expected: What this service demands.
        now: The time, with its zone.

    Raises:
        InvalidToken: ``missing_claim``, ``invalid_claim``, ``expired``, ``not_yet_valid``,
            ``wrong_issuer`` or ``wrong_audience``.
    """
    leeway = timedelta(seconds=expected.leeway_s)
    expires_at = _instant(payload, "exp")
    if now - leeway >= expires_at:
        ago = math.floor((now - expires_at).total_seconds())
        raise InvalidToken("expired", f"The token expired {ago} s ago.")
    if "nbf" in payload:
        starts_at = _instant(payload, "nbf")
        if now + leeway < starts_at:
            ahead = math.ceil((starts_at - now).total_seconds())
            raise InvalidToken("not_yet_valid", f"The token becomes valid in {ahead} s.")
    _check_issuer(payload, expected.issuer)
    _check_audience(payload, expected.audiences)
    return Claims(
        subject=_subject(payload),
        expires_at=expires_at,
        groups=_names(payload, "groups"),
        publish=_names(payload, "publish"),
        extras={name: value for name, value in payload.items() if name not in _KNOWN},
    )


def _required(payload: Mapping[str, object], claim: str) -> object:
    if claim not in payload:
        raise InvalidToken("missing_claim", f"The token has no claim {claim}.")
    return payload[claim]


def _instant(payload: Mapping[str, object], claim: str) -> datetime:
    value = _required(payload, claim)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidToken("invalid_claim", f"Claim {claim} must be a number of seconds.")
    if not 0 <= value <= _LAST_SECOND:
        raise InvalidToken("invalid_claim", f"Claim {claim} must be seconds since 1970.")
    return datetime.fromtimestamp(value, UTC)


def _check_issuer(payload: Mapping[str, object], issuer: str | None) -> None:
    if issuer is None:
        return
    value = _required(payload, "iss")
    if not isinstance(value, str):
        raise InvalidToken("invalid_claim", "Claim iss must be a text.")
    if value != issuer:
        raise InvalidToken("wrong_issuer", "The token comes from another issuer.")


def _check_audience(payload: Mapping[str, object], audiences: tuple[str, ...]) -> None:
    if not audiences:
        return
    value = _required(payload, "aud")
    named = [value] if isinstance(value, str) else value
    if not isinstance(named, list) or not all(isinstance(item, str) for item in named):
        raise InvalidToken("invalid_claim", "Claim aud must be a text or a list of texts.")
    if not set(named) & set(audiences):
        raise InvalidToken("wrong_audience", "The token is meant for another audience.")


def _subject(payload: Mapping[str, object]) -> str:
    value = _required(payload, "sub")
    if not isinstance(value, str):
        raise InvalidToken("invalid_claim", "Claim sub must be a text.")
    try:
        return check_user_id(value)
    except InvalidAddress as error:
        raise InvalidToken("invalid_claim", f"Claim sub: {error.problem}.") from None


def _names(payload: Mapping[str, object], claim: str) -> tuple[str, ...]:
    value = payload.get(claim, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidToken("invalid_claim", f"Claim {claim} must be a list of texts.")
    return tuple(dict.fromkeys(value))
