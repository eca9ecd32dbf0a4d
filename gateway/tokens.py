"""Service tokens: JWTs from an issuer, in place of service keys.

Theory of operation
    Tokens are verified against the issuer's published keys. When those are fetched is decided by
    `wire.jwks_cache`; at most one fetch runs at a time. A request whose key is not there waits for
    the fetch that is under way, bounded by its timeout; one whose keys are merely old does not wait.

Owns the fetch and its task. Does not: verify (`wire/token.py`), decide about rights
(`core/service_token.py`), or count requests (`gateway/admission.py`).
Source: docs/design.md, "Tokens, grants, session policy"; docs/decisions/0008-event-api.md.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.core.service_token import service_of
from gateway.errors import IssuerUnavailable, KeySetUnavailable, NotAuthenticated
from wire.errors import InvalidKeySet, InvalidToken
from wire.jwks import parse_jwks
from wire.jwks_cache import JwksCache, JwksTimes, Refresh
from wire.token import TokenRules, key_id, verify

if TYPE_CHECKING:
    from gateway.core.service import Service
    from gateway.jwks_fetch import Fetch
    from wire.jwks import KeySet

log = logging.getLogger(__name__)


class ServiceTokens:
    """Let services in by the tokens of one issuer.

    Args:
        rules: What is demanded of a token.
        fetch: Brings the issuer's keys; bounded in time and size.
        times: When it does.
        rate_per_s: Events each second that one service may send, or None for no bound.
    """

    def __init__(
        self, *, rules: TokenRules, fetch: Fetch, times: JwksTimes, rate_per_s: float | None
    ) -> None:
        self._rules = rules
        self._fetch = fetch
        self._cache = JwksCache(times)
        self._rate_per_s = rate_per_s
        self._fetching: asyncio.Task[None] | None = None

    async def service(self, token: str) -> Service:
        """Return the service that a token speaks for.

        Raises:
            NotAuthenticated: The token proves nothing here; says why, never a part of it.
            IssuerUnavailable: The issuer's keys cannot be had right now.
        """
        try:
            keys = await self._keys(key_id(token, self._rules))
            claims = verify(token, keys=keys, rules=self._rules, now=datetime.now(UTC))
        except InvalidToken as error:
            raise NotAuthenticated(error.reason, error.detail) from None
        return service_of(claims, rate_per_s=self._rate_per_s)

    async def close(self) -> None:
        """End a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            with suppress(asyncio.CancelledError):
                await self._fetching

    async def _keys(self, kid: str | None) -> KeySet:
        now = time.monotonic()
        idle = self._fetching is None or self._fetching.done()
        if idle and self._cache.refresh_needed(kid, now) is not Refresh.NOT_NEEDED:
            self._cache.fetch_started(now)
            self._fetching = asyncio.create_task(self._refresh(kid), name="jwks")
        keys = self._cache.keys(now)
        if keys is None or (kid is not None and not keys.knows(kid)):
            if self._fetching is not None:
                # Shielded: who goes away must not take the keys from those who wait, too.
                await asyncio.shield(self._fetching)
            keys = self._cache.keys(time.monotonic())
        if keys is None:
            raise IssuerUnavailable
        return keys

    async def _refresh(self, kid: str | None) -> None:
        try:
            keys = parse_jwks(await self._fetch())
        except (KeySetUnavailable, InvalidKeySet) as error:
            self._cache.fetch_failed(time.monotonic())
            log.warning("jwks fetch failed", extra={"problem": str(error)})
        else:
            self._cache.fetched(keys, kid, time.monotonic())
