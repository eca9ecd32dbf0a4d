"""Service keys: the long random words that services show.

Owns making a key, hashing it, finding the service behind one, and the JSON text of a keys file.
Does not: touch the disk (`gateway/key_file.py`) or count requests (`gateway/admission.py`).
A key itself is never kept: the file holds SHA-256 of it. A fast hash is right here, because a key
is 256 random bits and not a password that could be guessed.
Source: docs/design.md, "Service keys".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.core.service import SERVICE_NAME, SERVICE_NAME_RULE, Service
from gateway.errors import KeyRefused
from wire.address import AddressPattern
from wire.envelope import format_time, parse_time
from wire.errors import InvalidAddress
from wire.secret import Secret

KEY_PREFIX: Final = "swk_"
"""Start of every key, so that secret scanners and people recognise one."""

KEY_BYTES: Final = 32
"""Random bytes in a key: 256 bits. Source: docs/design.md."""

MAX_RATE_PER_S: Final = 100_000.0
"""Largest rate a key can have, events per second."""

_VERSION: Final = 1
_ID_CHARS: Final = 12
_KEY_FIELDS: Final = frozenset({"sha256", "name", "publish", "rate", "admin", "created"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceKey:
    """One key as the gateway keeps it.

    Attributes:
        sha256: Hex SHA-256 of the key.
        service: Whom it belongs to and what it may do.
        created_at: When it was made.
    """

    sha256: str
    service: Service
    created_at: datetime


def new_key(
    *,
    name: str,
    publish: Iterable[str],
    rate_per_s: float | None,
    admin: bool,
    now: datetime,
) -> tuple[Secret, ServiceKey]:
    """Make a key.

    Args:
        name: The service's name.
        publish: Address patterns it may publish to, e.g. ``group:orders/*``.
        rate_per_s: Events per second, or None for no bound.
        admin: Whether it may use the admin routes.
        now: When it is made.

    Returns:
        The key itself, to be shown once, and what is kept of it.

    Raises:
        KeyRefused: The name, a pattern or the rate breaks its rule.
    """
    key = Secret(KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES))
    members: Mapping[str, object] = {
        "sha256": hash_of(key.reveal()),
        "name": name,
        "publish": list(publish),
        "rate": rate_per_s,
        "admin": admin,
        "created": format_time(now),
    }
    return key, _key_of(members)


def hash_of(key: str) -> str:
    """Return the hex SHA-256 of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


class Keyring:
    """All keys of a gateway, found by what a caller shows.

    The look-up goes by the hash of what was shown, so its timing tells nothing about the keys;
    the hash that was found is compared again in constant time.
    """

    def __init__(self, keys: Iterable[ServiceKey] = ()) -> None:
        self._by_hash = {key.sha256: key for key in keys}

    def __len__(self) -> int:
        return len(self._by_hash)

    @property
    def keys(self) -> tuple[ServiceKey, ...]:
        """Every key, in the order of the file."""
        return tuple(self._by_hash.values())

    def find(self, shown: str) -> Service | None:
        """Return the service behind a key, or None for an unknown one."""
        digest = hash_of(shown)
        key = self._by_hash.get(digest)
        if key is None or not hmac.compare_digest(key.sha256, digest):
            return None
        return key.service

    def with_key(self, key: ServiceKey) -> Keyring:
        """Return a keyring that also has this key."""
        return Keyring((*self.keys, key))

    def without(self, wanted: str) -> Keyring:
        """Return a keyring without one key, given its id, or without all keys of one service.

        Raises:
            KeyRefused: There is no such key or service.
        """
        by_id = [key for key in self.keys if key.service.credential_id == wanted]
        gone = by_id or [key for key in self.keys if key.service.name == wanted]
        if not gone:
            raise KeyRefused(f"there is no key or service {wanted}; see `key list`")
        return Keyring(key for key in self.keys if key not in gone)

    def dump(self) -> str:
        """Return the text of a keys file."""
        keys = [
            {
                "sha256": key.sha256,
                "name": key.service.name,
                "publish": [str(pattern) for pattern in key.service.publish],
                "rate": key.service.rate_per_s,
                "admin": key.service.admin,
                "created": format_time(key.created_at),
            }
            for key in self.keys
        ]
        return json.dumps({"version": _VERSION, "keys": keys}, indent=2) + "\n"

    @classmethod
    def load(cls, text: str) -> Keyring:
        """Read the text of a keys file.

        Raises:
            KeyRefused: It is none; says which key and what is wrong.
        """
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            raise KeyRefused("it is not JSON") from None
        if not isinstance(document, dict) or document.get("version") != _VERSION:
            raise KeyRefused(f"it is not a keys file of version {_VERSION}")
        entries = document.get("keys")
        if not isinstance(entries, list):
            raise KeyRefused("it has no array of keys")
        keys = []
        for index, entry in enumerate(entries):
            if not isinstance(entry, dict) or entry.keys() != _KEY_FIELDS:
                raise KeyRefused(f"key {index} must have exactly {', '.join(sorted(_KEY_FIELDS))}")
            try:
                keys.append(_key_of(entry))
            except KeyRefused as error:
                raise KeyRefused(f"key {index}: {error}") from None
        return cls(keys)


def _key_of(members: Mapping[str, object]) -> ServiceKey:
    digest = members["sha256"]
    if (
        not isinstance(digest, str)
        or len(digest) != 64
        or not set(digest) <= set("0123456789abcdef")
    ):
        raise KeyRefused("sha256 must be 64 hex digits")
    name = members["name"]
    if not isinstance(name, str) or not SERVICE_NAME.fullmatch(name):
        raise KeyRefused(f"a service's name is {SERVICE_NAME_RULE}")
    admin = members["admin"]
    if not isinstance(admin, bool):
        raise KeyRefused("admin must be true or false")
    return ServiceKey(
        sha256=digest,
        service=Service(
            name=name,
            credential_id=digest[:_ID_CHARS],
            publish=_patterns(members["publish"]),
            rate_per_s=_rate(members["rate"]),
            admin=admin,
        ),
        created_at=_moment(members["created"]),
    )


def _patterns(value: object) -> tuple[AddressPattern, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise KeyRefused("publish must be an array of address patterns")
    patterns = []
    for item in value:
        try:
            patterns.append(AddressPattern.parse(item))
        except InvalidAddress as error:
            raise KeyRefused(f"publish {item!r}: {error.problem}") from None
    return tuple(patterns)


def _rate(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise KeyRefused("rate must be a number of events per second, or null for no bound")
    if not 0 < value <= MAX_RATE_PER_S:
        raise KeyRefused(f"rate must be above 0 and at most {MAX_RATE_PER_S:g} events per second")
    return float(value)


def _moment(value: object) -> datetime:
    try:
        return parse_time(value if isinstance(value, str) else "")
    except ValueError:
        raise KeyRefused("created must be an RFC 3339 time with a zone") from None
