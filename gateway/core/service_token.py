"""A service behind a verified token: which claims give which rights.

Owns that mapping. Does not: verify tokens (`wire/token.py`) or fetch keys (`gateway/tokens.py`).

| claim | meaning |
|---|---|
| `sub` | the service's name, 1 to 63 characters of a-z 0-9 _ -; its events are its own by that name |
| `publish` | list of address patterns it may publish to; absent: none |
| `admin` | `true` gives the admin right; absent: none |

Source: docs/design.md, "Service keys" and "Tokens, grants, session policy".
"""

from __future__ import annotations

from typing import Final

from gateway.core.service import SERVICE_NAME, SERVICE_NAME_RULE, Service
from gateway.errors import NotAuthenticated
from wire.address import AddressPattern
from wire.claims import Claims
from wire.errors import InvalidAddress

CREDENTIAL_PREFIX: Final = "jwt:"
"""Start of the credential id of every service that shows tokens: all its tokens share a rate."""


def service_of(claims: Claims, *, rate_per_s: float | None) -> Service:
    """Return the service that a token speaks for.

    Args:
        claims: The claims of a token whose signature, times, issuer and audience hold.
        rate_per_s: Events each second that it may send, or None for no bound.

    Raises:
        NotAuthenticated: ``invalid_claim``; says which.
    """
    name = claims.subject
    if not SERVICE_NAME.fullmatch(name):
        raise NotAuthenticated(
            "invalid_claim", f"Claim sub: a service's name is {SERVICE_NAME_RULE}."
        )
    admin = claims.extras.get("admin", False)
    if not isinstance(admin, bool):
        raise NotAuthenticated("invalid_claim", "Claim admin must be true or false.")
    return Service(
        name=name,
        credential_id=f"{CREDENTIAL_PREFIX}{name}",
        publish=tuple(_pattern(text) for text in claims.publish),
        rate_per_s=rate_per_s,
        admin=admin,
    )


def _pattern(text: str) -> AddressPattern:
    try:
        return AddressPattern.parse(text)
    except InvalidAddress as error:
        raise NotAuthenticated("invalid_claim", f"Claim publish: {error.problem}.") from None
