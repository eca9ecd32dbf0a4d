"""When an issuer's key set is fetched again, and which set counts meanwhile.

Theory of operation
    A set is *fresh* for `max_age_s`; then a refresh is *due*, and the old set goes on verifying
    until one succeeds, or until it is `max_stale_s` old and counts as absent.
    A token that names a key we do not know asks for a refresh at once (the issuer may just have
    rotated), but no more often than every `min_interval_s` whatever the tokens say, and not for a
    key id that a recent fetch did not bring (remembered for `unknown_kid_s`, at most
    `MAX_UNKNOWN_KIDS` of them, the oldest forgotten first). So tokens with invented key ids cost
    the issuer at most one request per interval.
    After a failed fetch the pause is `retry_s`.

Owns these decisions. Does not fetch, lock or read a clock: the shell calls `refresh_needed`, then
`fetch_started` before the request and `fetched` or `fetch_failed` after it. Several requests at
once are safe without `await`s between: after `fetch_started` the others see no need.

All times are seconds on one clock of the caller's, which may jump: a jump back only makes a
refresh come early.

Source: docs/design.md, "Tokens, grants, session policy"; RFC 7517.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wire.jwks import KeySet

MAX_UNKNOWN_KIDS: Final = 256
"""Most key ids remembered as unknown; beyond it the oldest is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JwksTimes:
    """The cache's durations, all in seconds.

    Attributes:
        max_age_s: How long a set is fresh.
        max_stale_s: Age at which a set no longer verifies anything although no newer one came.
        min_interval_s: Shortest time between two fetches.
        retry_s: The same after a failed fetch.
        unknown_kid_s: How long a key id that a fetch did not bring asks for no other fetch.
    """

    max_age_s: float = 600
    max_stale_s: float = 86_400
    min_interval_s: float = 30
    retry_s: float = 5
    unknown_kid_s: float = 300


class Refresh(Enum):
    """What a request should do about the key set before it verifies."""

    NOT_NEEDED = "not needed"
    DUE = "due"
    """The keys still serve; fetch in the background, or now and carry on if that fails."""
    REQUIRED = "required"
    """There are no keys, or not the one asked for: fetch before verifying."""


class JwksCache:
    """One issuer's key set over time; see the theory of operation above.

    Args:
        times: The durations.
    """

    def __init__(self, times: JwksTimes) -> None:
        self._times = times
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._attempted_at: float | None = None
        self._pause_s = 0.0
        self._unknown: dict[str, float] = {}

    def keys(self, now: float) -> KeySet | None:
        """Return the set that counts, fresh or stale, or None where there is none."""
        if now - self._fetched_at >= self._times.max_stale_s:
            return None
        return self._keys

    def refresh_needed(self, kid: str | None, now: float) -> Refresh:
        """Return whether to fetch before verifying a token that names this key.

        Args:
            kid: The key id the token names, or None.
            now: Seconds.
        """
        if self._attempted_at is not None and 0 <= now - self._attempted_at < self._pause_s:
            return Refresh.NOT_NEEDED
        keys = self.keys(now)
        if keys is None or (kid is not None and not keys.knows(kid) and self._worth(kid, now)):
            return Refresh.REQUIRED
        if not 0 <= now - self._fetched_at < self._times.max_age_s:
            return Refresh.DUE
        return Refresh.NOT_NEEDED

    def fetch_started(self, now: float) -> None:
        """Note that a fetch goes out."""
        self._attempted_at = now
        self._pause_s = self._times.min_interval_s

    def fetched(self, keys: KeySet, kid: str | None, now: float) -> None:
        """Take the new set in place of the old one.

        Args:
            keys: What came.
            kid: The key id that asked for the fetch, or None; remembered if it did not come.
            now: Seconds.
        """
        self._keys = keys
        self._fetched_at = now
        if kid is not None and not keys.knows(kid):
            self._unknown.pop(kid, None)
            while len(self._unknown) >= MAX_UNKNOWN_KIDS:
                del self._unknown[next(iter(self._unknown))]
            self._unknown[kid] = now

    def fetch_failed(self, now: float) -> None:
        """Note that the fetch brought nothing; the old set stays."""
        self._attempted_at = now
        self._pause_s = self._times.retry_s

    def _worth(self, kid: str, now: float) -> bool:
        refused_at = self._unknown.get(kid)
        return refused_at is None or not 0 <= now - refused_at < self._times.unknown_kid_s
