"""Tokens for the demo page, standing in for an application's own issuer.

Owns what may be asked for and how it is signed. Does not verify tokens: the credential Lambda does,
with the same secret, and cannot tell a demo issuer from a real one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import jwt

from localaws.errors import PeerMisbehaved
from wire.address import AddressPattern, check_user_id
from wire.errors import PeerError

if TYPE_CHECKING:
    from datetime import datetime

    from wire.secret import Secret

ISSUER: Final = "localaws-demo"
"""Claim `iss` of demo tokens."""

MAX_TTL_S: Final = 86_400
DEFAULT_TTL_S: Final = 3_600
MEMBERS: Final = frozenset({"user", "groups", "publish", "ttl_s"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoUser:
    """Whom a demo token is for.

    Attributes:
        user: User id.
        groups: Names of groups; a trailing `/*` grants a subtree.
        publish: Address patterns the client may publish to.
        ttl_s: Life of the token.
    """

    user: str
    groups: tuple[str, ...] = ()
    publish: tuple[str, ...] = ()
    ttl_s: int = DEFAULT_TTL_S


def read_demo_user(body: bytes) -> DemoUser:
    """Read the JSON body of a request for a demo token.

    Raises:
        PeerMisbehaved: It is not what the demo page sends.
    """
    try:
        document = json.loads(body)
    except ValueError:
        raise PeerMisbehaved("the body is not JSON") from None
    if not isinstance(document, dict) or not document.keys() <= MEMBERS:
        raise PeerMisbehaved(f"the body is an object of {', '.join(sorted(MEMBERS))}")
    user, ttl_s = document.get("user"), document.get("ttl_s", DEFAULT_TTL_S)
    groups, publish = _texts(document, "groups"), _texts(document, "publish")
    if not isinstance(user, str):
        raise PeerMisbehaved("user is a text")
    if type(ttl_s) is not int or not 1 <= ttl_s <= MAX_TTL_S:
        raise PeerMisbehaved(f"ttl_s is a whole number from 1 to {MAX_TTL_S}")
    try:
        check_user_id(user)
        for pattern in (*(f"group:{group}" for group in groups), *publish):
            AddressPattern.parse(pattern)
    except PeerError as error:
        raise PeerMisbehaved(str(error)) from None
    return DemoUser(user=user, groups=groups, publish=publish, ttl_s=ttl_s)


def sign_demo_token(user: DemoUser, *, secret: Secret, audience: str, now: datetime) -> str:
    """Sign a token for a demo user with HS256."""
    issued_at = int(now.timestamp())
    claims = {
        "iss": ISSUER,
        "aud": audience,
        "sub": user.user,
        "groups": list(user.groups),
        "publish": list(user.publish),
        "iat": issued_at,
        "exp": issued_at + user.ttl_s,
    }
    return jwt.encode(claims, secret.reveal(), algorithm="HS256")


def _texts(document: dict[str, object], name: str) -> tuple[str, ...]:
    value = document.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise PeerMisbehaved(f"{name} is a list of texts")
    return tuple(value)
