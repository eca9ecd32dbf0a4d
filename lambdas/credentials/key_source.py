"""Where a container's verification keys come from.

Owns the two shapes of it: a key that never changes, and an issuer's published set, fetched when
`wire.jwks_cache` says so. A container serves one request at a time, so there is no lock.

Source: docs/design.md, "Tokens, grants, session policy".
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from lambdas.credentials.errors import KeysUnavailable
from lambdas.credentials.jwks_fetch import jwks_fetcher
from lambdas.credentials.settings import PublishedSet, StoredSecret
from lambdas.credentials.stored_secret import read_stored_secret
from wire.errors import InvalidKey, InvalidKeySet
from wire.jwks import parse_jwks, static_key_set
from wire.jwks_cache import JwksCache, JwksTimes, Refresh
from wire.verification_key import VerificationKey, key_from_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambdas.credentials.aws import AwsClients
    from lambdas.credentials.settings import KeyFrom
    from wire.jwks import KeySet

log = logging.getLogger(__name__)


class KeySource(Protocol):
    """Gives the keys to verify one token with."""

    def keys(self, kid: str | None, now_s: float) -> KeySet:
        """Return the keys that count now.

        Args:
            kid: The key the token names, unverified, or None.
            now_s: Seconds since 1970.

        Raises:
            KeysUnavailable: There are none.
        """


class ConfiguredKey:
    """One key from the configuration."""

    def __init__(self, key: VerificationKey) -> None:
        self._keys = static_key_set(key)

    def keys(self, kid: str | None, now_s: float) -> KeySet:
        """Return the one key, whatever the token names."""
        del kid, now_s
        return self._keys


class PublishedKeys:
    """An issuer's JWKS.

    Args:
        fetch: Brings the document's bytes, or raises KeysUnavailable; bounded in time and size.
        times: When to fetch.
    """

    def __init__(self, fetch: Callable[[], bytes], times: JwksTimes) -> None:
        self._fetch = fetch
        self._cache = JwksCache(times)

    def keys(self, kid: str | None, now_s: float) -> KeySet:
        """Return the issuer's keys, fetching them first where that is due."""
        if self._cache.refresh_needed(kid, now_s) is not Refresh.NOT_NEEDED:
            self._refresh(kid, now_s)
        keys = self._cache.keys(now_s)
        if keys is None:
            raise KeysUnavailable("the issuer's key set cannot be fetched right now")
        return keys

    def _refresh(self, kid: str | None, now_s: float) -> None:
        self._cache.fetch_started(now_s)
        try:
            self._cache.fetched(parse_jwks(self._fetch()), kid, now_s)
        except (KeysUnavailable, InvalidKeySet) as error:
            self._cache.fetch_failed(now_s)
            log.warning("jwks fetch failed", extra={"problem": str(error)})


def key_source(key_from: KeyFrom, clients: AwsClients) -> KeySource:
    """Return the source that the settings describe.

    Args:
        key_from: From the settings.
        clients: Used only for a secret kept in AWS.

    Raises:
        KeysUnavailable: That secret cannot be read, or is no secret for tokens.
    """
    match key_from:
        case VerificationKey():
            return ConfiguredKey(key_from)
        case StoredSecret():
            secret = read_stored_secret(clients, key_from)
            try:
                return ConfiguredKey(key_from_secret(secret.reveal()))
            except InvalidKey as error:
                raise KeysUnavailable(f"the stored token secret: {error.problem}") from None
        case PublishedSet():
            fetch = jwks_fetcher(key_from.url, timeout_s=key_from.timeout_s)
            return PublishedKeys(fetch, key_from.times)
