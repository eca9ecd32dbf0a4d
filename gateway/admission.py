"""Admission: who is calling, and whether it is too fast.

Owns the keyring in force and one token bucket for each credential.
Does not: verify tokens (`gateway/tokens.py`), decide about addresses (`core/service.py`) or speak
HTTP.
Source: docs/design.md, "Event API".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.bearer import Bearer
from gateway.core.service import ANYBODY, Service
from gateway.core.service_token import CREDENTIAL_PREFIX
from gateway.core.token_bucket import TokenBucket
from gateway.errors import NotAuthenticated, RateExceeded, UnknownSender
from gateway.keys import Keyring

if TYPE_CHECKING:
    from gateway.tokens import ServiceTokens

_MAX_BUCKETS: Final = 10_000
"""Most credentials whose use is remembered; an issuer may name any number of services."""


class Admission:
    """Let services in by the `Authorization` header they send.

    Args:
        keyring: The keys in force.
        tokens: Who verifies tokens, or None where none are taken.
        insecure_no_auth: Let everybody in, as a service called ``anybody``.
    """

    def __init__(
        self,
        keyring: Keyring,
        *,
        tokens: ServiceTokens | None = None,
        insecure_no_auth: bool = False,
    ) -> None:
        self._keyring = keyring
        self._tokens = tokens
        self._insecure_no_auth = insecure_no_auth
        self._buckets: dict[str, TokenBucket] = {}

    def replace(self, keyring: Keyring) -> None:
        """Put another keyring in force; what a credential has already used still counts."""
        self._keyring = keyring
        known = {service.credential_id for service in keyring.services}
        self._buckets = {
            id_: bucket
            for id_, bucket in self._buckets.items()
            if id_ in known or id_.startswith(CREDENTIAL_PREFIX)
        }

    @property
    def services(self) -> frozenset[str]:
        """The names of all services that have a key or are known by their principal."""
        return frozenset(service.name for service in self._keyring.services)

    async def identify(self, authorization: str | None) -> Service:
        """Return the service that is calling; waits only where an issuer's keys must be fetched.

        Args:
            authorization: The header's value, or None if it was not sent.

        Raises:
            NotAuthenticated: No key or token was shown, or one that proves nothing here.
            IssuerUnavailable: The token cannot be checked right now.
        """
        return await self.identify_bearer(Bearer.of(authorization))

    async def identify_bearer(self, bearer: Bearer | None) -> Service:
        """Return the service that shows something; raises as `identify`."""
        if self._insecure_no_auth:
            return ANYBODY
        if bearer is None:
            raise NotAuthenticated("missing")
        if self._tokens is not None and not bearer.is_key:
            return await self._tokens.service(bearer.shown)
        service = None
        if bearer.key_hash is not None:
            service = self._keyring.find_by_hash(bearer.key_hash)
        if service is None:
            raise NotAuthenticated("unknown_key")
        return service

    def identify_sender(self, sender: str) -> Service:
        """Return the service that sent a message to the inbox.

        Args:
            sender: What SQS stamped on the message; nobody can send in another's name.

        Raises:
            UnknownSender: It is nobody's that is known here.
        """
        if self._insecure_no_auth:
            return ANYBODY
        service = self._keyring.find_sender(sender)
        if service is None:
            raise UnknownSender(sender)
        return service

    def count(self, service: Service, events: int, now: float) -> None:
        """Count events of a service against its rate, all or none.

        Args:
            service: Who sends them.
            events: How many.
            now: Seconds of a monotonic clock.

        Raises:
            RateExceeded: They come too fast; none was counted.
        """
        if service.rate_per_s is None:
            return
        bucket = self._bucket(service, service.rate_per_s, now)
        wait_s = bucket.take(events, now)
        if wait_s > 0:
            raise RateExceeded(rate_per_s=service.rate_per_s, wait_s=wait_s)

    def count_each(
        self, service: Service, events: int, now: float
    ) -> tuple[int, RateExceeded | None]:
        """Count as many events of a batch as the service's rate has room for.

        Args:
            service: Who sends them.
            events: How many.
            now: Seconds of a monotonic clock.

        Returns:
            How many were counted, and the refusal of the rest.
        """
        try:
            self.count(service, events, now)
        except RateExceeded:
            for counted in range(events):
                try:
                    self.count(service, 1, now)
                except RateExceeded as refusal:
                    return counted, refusal
        return events, None

    def _bucket(self, service: Service, rate_per_s: float, now: float) -> TokenBucket:
        bucket = self._buckets.get(service.credential_id)
        if bucket is None or bucket.rate_per_s != rate_per_s:
            while len(self._buckets) >= _MAX_BUCKETS:
                del self._buckets[next(iter(self._buckets))]
            # A rate below 1 must still let one whole event through.
            bucket = TokenBucket(rate_per_s=rate_per_s, burst=max(1.0, rate_per_s), now=now)
            self._buckets[service.credential_id] = bucket
        return bucket
