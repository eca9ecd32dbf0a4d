"""Who signed this request: the signature rules and the key directory put together.

Owns the order of the questions (read, look up, verify, then who is it) for both surfaces of the IoT
endpoint and for all other APIs. Does not hold keys (a `Directory` does; `localaws.moto_server` has
one) and does not authorize.

Source: facts 1 and 2.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from localaws.core.refusal import Refusal
from localaws.core.signature import AccessKey, verify
from localaws.core.signed_request import (
    Claim,
    Request,
    Rules,
    iot_rules,
    read_authorization,
    read_query,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from localaws.core.principal import Principal


@dataclass(frozen=True, slots=True)
class KnownKey:
    """An access key and who it belongs to, with that one's policies as they are now."""

    key: AccessKey
    principal: Principal


class Directory(Protocol):
    """Where access keys are known."""

    def known_key(self, access_key_id: str) -> KnownKey | None:
        """Return an active key, expired or not; None for an unknown or inactive one."""


class Authentication:
    """Tell who signed a request to the IoT endpoint of one region, or to any other API."""

    __slots__ = ("_directory", "_iot")

    def __init__(self, directory: Directory, *, region: str) -> None:
        self._directory = directory
        self._iot = iot_rules(region)

    def authenticate(
        self, path: str, query: str, headers: Mapping[str, str], now: datetime
    ) -> Principal | Refusal:
        """Tell who signed a WebSocket handshake.

        Args:
            path: Raw path, e.g. ``/mqtt``.
            query: Raw query string without ``?``.
            headers: The handshake's headers; names in any case.
            now: Aware UTC time.
        """
        lowered = {name.lower(): value for name, value in headers.items()}
        request = Request(method="GET", path=path, query=query, headers=lowered)
        return self._prove(read_query(request, self._iot), request, self._iot, now)

    def authenticate_iot(self, request: Request, now: datetime) -> Principal | Refusal:
        """Tell who signed a request to IoT's HTTP data plane."""
        return self.authenticate_api(request, rules=self._iot, now=now)

    def authenticate_api(
        self, request: Request, *, rules: Rules, now: datetime
    ) -> Principal | Refusal:
        """Tell who signed a request by its Authorization header, by an endpoint's rules."""
        return self._prove(read_authorization(request, rules), request, rules, now)

    def _prove(
        self, claim: Claim | Refusal, request: Request, rules: Rules, now: datetime
    ) -> Principal | Refusal:
        if isinstance(claim, Refusal):
            return claim
        known = self._directory.known_key(claim.access_key_id)
        key = known.key if known else None
        refusal = verify(claim, key, request, rules=rules, now=now)
        if refusal is not None:
            return refusal
        assert known is not None  # noqa: S101 (verify refuses an unknown key)
        return known.principal
