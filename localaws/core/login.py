"""Who a client on plain TCP is: there is no signed handshake, so CONNECT's user name and password say it.

Owns the reading of both and the check against the key directory. This is ours, for tests and tools
on the same machine: IoT Core takes MQTT over TCP with certificates only.

    user name: <access key id>            or  <access key id>:<session token>
    password:  <secret access key>

Source: docs/fidelity.md; aws-iot-facts 1.1.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from localaws.core.authentication import Directory
    from localaws.core.authorizer import Authorizer, Context, ResourceKind


class Login(Protocol):
    """Tells who a client is by what its CONNECT says."""

    def __call__(
        self, user_name: str | None, password: bytes | None, now: float
    ) -> Authorizer | str:
        """Return the caller, or why it is refused."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """A decision that no policy made."""

    allowed: bool
    explanation: str


class Nobody:
    """Whoever has not logged in yet: may do nothing."""

    user_id = ""

    def decide(
        self, action: str, resource_kind: ResourceKind, name: str, context: Context
    ) -> _Verdict:
        """Deny."""
        del action, resource_kind, name, context
        return _Verdict(allowed=False, explanation="not logged in")


class Anonymous:
    """A client without credentials where those are not asked for: may do everything."""

    user_id = "anonymous"

    def decide(
        self, action: str, resource_kind: ResourceKind, name: str, context: Context
    ) -> _Verdict:
        """Allow."""
        del action, resource_kind, name, context
        return _Verdict(allowed=True, explanation="anonymous clients are allowed")


class KeyLogin:
    """Log in with an access key, with the policies that key has.

    Args:
        directory: Where access keys are known.
        allow_anonymous: A CONNECT without user name may do everything.
    """

    __slots__ = ("_allow_anonymous", "_directory")

    def __init__(self, directory: Directory, *, allow_anonymous: bool = False) -> None:
        self._directory = directory
        self._allow_anonymous = allow_anonymous

    def __call__(
        self, user_name: str | None, password: bytes | None, now: float
    ) -> Authorizer | str:
        """Return the caller, or why it is refused."""
        if not user_name:
            return Anonymous() if self._allow_anonymous else "no user name"
        access_key_id, _, token = user_name.partition(":")
        known = self._directory.known_key(access_key_id)
        if known is None:
            return "an unknown access key"
        key = known.key
        expected_token = key.session_token.reveal() if key.session_token else ""
        secret = key.secret.reveal().encode()
        right_token = hmac.compare_digest(token.encode(), expected_token.encode())
        if not hmac.compare_digest(password or b"", secret) or not right_token:
            return "the secret or the session token is wrong"
        if key.expires_at is not None and datetime.fromtimestamp(now, UTC) >= key.expires_at:
            return "the credentials have expired"
        return known.principal
