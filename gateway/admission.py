"""Admission: who is calling, and whether it is too fast.

Owns the keyring in force and one token bucket for each credential.
Does not: decide about addresses (`core/service.py`) or speak HTTP beyond one header's text.
Source: docs/design.md, "Event API"; RFC 6750 section 2.1 for the header.
"""

from __future__ import annotations

from gateway.core.service import ANYBODY, Service
from gateway.core.token_bucket import TokenBucket
from gateway.errors import NotAuthenticated, RateExceeded
from gateway.keys import Keyring

_MAX_HEADER_CHARS = 4_096


class Admission:
    """Let services in by the `Authorization` header they send.

    Args:
        keyring: The keys in force.
        insecure_no_auth: Let everybody in, as a service called ``anybody``.
    """

    def __init__(self, keyring: Keyring, *, insecure_no_auth: bool = False) -> None:
        self._keyring = keyring
        self._insecure_no_auth = insecure_no_auth
        self._buckets: dict[str, TokenBucket] = {}

    def replace(self, keyring: Keyring) -> None:
        """Put another keyring in force; what a credential has already used still counts."""
        self._keyring = keyring
        known = {key.service.credential_id for key in keyring.keys}
        self._buckets = {id_: b for id_, b in self._buckets.items() if id_ in known}

    def identify(self, authorization: str | None) -> Service:
        """Return the service that is calling.

        Args:
            authorization: The header's value, or None if it was not sent.

        Raises:
            NotAuthenticated: No key was shown, or one that is not known.
        """
        if self._insecure_no_auth:
            return ANYBODY
        scheme, _, key = (authorization or "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise NotAuthenticated("missing")
        service = None if len(key) > _MAX_HEADER_CHARS else self._keyring.find(key)
        if service is None:
            raise NotAuthenticated("unknown_key")
        return service

    def count(self, service: Service, events: int, now: float) -> None:
        """Count events of a service against its rate.

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

    def _bucket(self, service: Service, rate_per_s: float, now: float) -> TokenBucket:
        bucket = self._buckets.get(service.credential_id)
        if bucket is None or bucket.rate_per_s != rate_per_s:
            # A rate below 1 must still let one whole event through.
            bucket = TokenBucket(rate_per_s=rate_per_s, burst=max(1.0, rate_per_s), now=now)
            self._buckets[service.credential_id] = bucket
        return bucket
