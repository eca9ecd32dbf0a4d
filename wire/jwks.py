"""The keys that a token may be signed with, and the choice among them.

Owns reading a JWKS and choosing the candidates for one token. Does not verify (`wire.token`), does
not fetch and does not decide when to fetch (`wire.jwks_cache`).

A published set is read leniently, as RFC 7517 section 5 asks: a key we cannot use is skipped, so
that an issuer may add new kinds. A set without a single usable key is refused, so that it never
takes the place of one that works.

Source: RFC 7517; RFC 7515 section 4.1.4; OpenID Connect Core section 10.1 (a `kid` is needed when a
set has several keys).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from wire.errors import InvalidKey, InvalidKeySet, InvalidToken
from wire.verification_key import VerificationKey, key_from_jwk

MAX_JWKS_BYTES: Final = 256 * 1024
"""Largest key set that is read, bytes: certificates in `x5c` make real ones about 20 KiB."""

MAX_JWKS_KEYS: Final = 100
"""Most keys in a set; a real one holds two to ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """Keys of one issuer.

    Attributes:
        keys: At least one.
        published: Whether these come from a JWKS, where a token names its key by `kid`. With a key
            from our own configuration there is no choice, and the token's `kid` means nothing.
    """

    keys: tuple[VerificationKey, ...]
    published: bool

    def knows(self, kid: str) -> bool:
        """Tell whether a token that names this key could be verified without a newer set."""
        return not self.published or any(key.kid == kid for key in self.keys)

    def candidates(self, kid: str | None, algorithm: str) -> tuple[VerificationKey, ...]:
        """Return the keys that may have signed a token; usually one.

        More than one is possible where a set repeats a `kid`.

        Args:
            kid: The key the token names, or None.
            algorithm: The token's algorithm, already checked against the configuration.

        Raises:
            InvalidToken: ``unknown_key`` if no key has that id, or the token names none and several
                fit; ``algorithm_not_allowed`` if the named key is not for this algorithm.
        """
        named = self.keys
        if self.published and kid is not None:
            named = tuple(key for key in self.keys if key.kid == kid)
            if not named:
                raise InvalidToken("unknown_key", "The token's key is not in the issuer's key set.")
        fitting = tuple(key for key in named if algorithm in key.algorithms)
        if not fitting:
            raise InvalidToken(
                "algorithm_not_allowed", "The key for this token does not serve its algorithm."
            )
        if self.published and kid is None and len(fitting) > 1:
            raise InvalidToken(
                "unknown_key", "The token names no key (kid) and the issuer has several."
            )
        return fitting


def static_key_set(key: VerificationKey) -> KeySet:
    """Return the set of one configured key."""
    return KeySet(keys=(key,), published=False)


def parse_jwks(document: bytes | str) -> KeySet:
    """Return the usable keys of a JWKS document.

    Raises:
        InvalidKeySet: It is no JWKS, is too large, or holds no key that can verify tokens here.
    """
    if len(document) > MAX_JWKS_BYTES:
        raise InvalidKeySet(f"it is larger than {MAX_JWKS_BYTES} bytes")
    try:
        parsed = json.loads(document)
    except (ValueError, RecursionError):
        raise InvalidKeySet("it is not JSON") from None
    listed = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(listed, list):
        raise InvalidKeySet('it is not an object with a list of "keys"')
    if len(listed) > MAX_JWKS_KEYS:
        raise InvalidKeySet(f"it has {len(listed)} keys; at most {MAX_JWKS_KEYS} are read")
    keys = tuple(key for key in map(_usable, listed) if key is not None)
    if not keys:
        raise InvalidKeySet(f"none of its {len(listed)} keys can verify tokens here")
    return KeySet(keys=keys, published=True)


def _usable(jwk: object) -> VerificationKey | None:
    if not isinstance(jwk, dict):
        return None
    try:
        return key_from_jwk(jwk)
    except InvalidKey:
        return None
