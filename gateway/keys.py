"""Service keys: the long random words that services show.

Owns making a key, hashing it, finding the service behind one, and the JSON text of a keys file, in
which principals stand beside the keys (`gateway/principals.py`).
Does not: touch the disk (`gateway/key_file.py`) or count requests (`gateway/admission.py`).
A key itself is never kept: the file holds SHA-256 of it. A fast hash is right here, because a key
is 256 random bits and not a password that could be guessed.
Source: docs/design.md, "Service keys".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from gateway.core.service import Service
from gateway.errors import KeyRefused
from gateway.principals import Principal, principal_of, read_principal
from gateway.rights import read_moment, read_service, rights_of
from wire.envelope import format_time
from wire.secret import Secret

KEY_PREFIX: Final = "swk_"
"""Start of every key, so that secret scanners and people recognise one."""

KEY_BYTES: Final = 32
"""Random bytes in a key: 256 bits. Source: docs/design.md."""

_VERSION: Final = 1
_ID_CHARS: Final = 12
_KEY_FIELDS: Final = frozenset({"sha256", "name", "publish", "rate", "admin", "created"})

Entry = TypeVar("Entry")


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
    """All keys and principals of a gateway, found by what a caller shows or who it is.

    The look-up of a key goes by the hash of what was shown, so its timing tells nothing about the
    keys; the hash that was found is compared again in constant time.
    """

    def __init__(
        self, keys: Iterable[ServiceKey] = (), principals: Iterable[Principal] = ()
    ) -> None:
        self._by_hash = {key.sha256: key for key in keys}
        self._by_id = {principal.id: principal for principal in principals}

    def __len__(self) -> int:
        return len(self._by_hash) + len(self._by_id)

    @property
    def keys(self) -> tuple[ServiceKey, ...]:
        """Every key, in the order of the file."""
        return tuple(self._by_hash.values())

    @property
    def principals(self) -> tuple[Principal, ...]:
        """Every principal, in the order of the file."""
        return tuple(self._by_id.values())

    @property
    def services(self) -> tuple[Service, ...]:
        """The service of every entry, keys first."""
        keys = tuple(key.service for key in self.keys)
        return (*keys, *(principal.service for principal in self.principals))

    def find(self, shown: str) -> Service | None:
        """Return the service behind a key, or None for an unknown one."""
        return self.find_by_hash(hash_of(shown))

    def find_by_hash(self, key_hash: str) -> Service | None:
        """Return the service behind the key that has this hash, or None for an unknown one."""
        key = self._by_hash.get(key_hash)
        if key is None or not hmac.compare_digest(key.sha256, key_hash):
            return None
        return key.service

    def find_sender(self, sender: str) -> Service | None:
        """Return the service behind the sender of an SQS message, or None for an unknown one."""
        principal = self._by_id.get(principal_of(sender))
        return None if principal is None else principal.service

    def with_key(self, key: ServiceKey) -> Keyring:
        """Return a keyring that also has this key."""
        return Keyring((*self.keys, key), self.principals)

    def with_principal(self, principal: Principal) -> Keyring:
        """Return a keyring that also has this principal.

        Raises:
            KeyRefused: It is there; one identity is one service.
        """
        if principal.id in self._by_id:
            raise KeyRefused(f"principal {principal.id} is there already; revoke it first")
        return Keyring(self.keys, (*self.principals, principal))

    def without(self, wanted: str) -> Keyring:
        """Return a keyring without one entry, given its id, or without all of one service.

        Raises:
            KeyRefused: There is no such entry or service.
        """
        gone = [one for one in self.services if one.credential_id == wanted]
        gone = gone or [one for one in self.services if one.name == wanted]
        if not gone:
            raise KeyRefused(f"there is no key or service {wanted}; see `key list`")
        return Keyring(
            (key for key in self.keys if key.service not in gone),
            (one for one in self.principals if one.service not in gone),
        )

    def dump(self) -> str:
        """Return the text of a keys file."""
        keys = [
            {
                "sha256": key.sha256,
                **rights_of(key.service),
                "admin": key.service.admin,
                "created": format_time(key.created_at),
            }
            for key in self.keys
        ]
        document: dict[str, object] = {"version": _VERSION, "keys": keys}
        if self._by_id:
            document["principals"] = [principal.members() for principal in self.principals]
        return json.dumps(document, indent=2) + "\n"

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
        keys = document.get("keys")
        if not isinstance(keys, list):
            raise KeyRefused("it has no array of keys")
        principals = document.get("principals", [])
        if not isinstance(principals, list):
            raise KeyRefused("its principals are no array")
        return cls(_each("key", keys, _read_key), _each("principal", principals, read_principal))


def _each(kind: str, entries: list[object], read: Callable[[object], Entry]) -> list[Entry]:
    found = []
    for index, entry in enumerate(entries):
        try:
            found.append(read(entry))
        except KeyRefused as error:
            raise KeyRefused(f"{kind} {index}: {error}") from None
    return found


def _read_key(entry: object) -> ServiceKey:
    if not isinstance(entry, dict) or entry.keys() != _KEY_FIELDS:
        raise KeyRefused(f"it must have exactly {', '.join(sorted(_KEY_FIELDS))}")
    return _key_of(entry)


def _key_of(members: Mapping[str, object]) -> ServiceKey:
    digest = members["sha256"]
    if (
        not isinstance(digest, str)
        or len(digest) != 64
        or not set(digest) <= set("0123456789abcdef")
    ):
        raise KeyRefused("sha256 must be 64 hex digits")
    admin = members["admin"]
    if not isinstance(admin, bool):
        raise KeyRefused("admin must be true or false")
    return ServiceKey(
        sha256=digest,
        service=read_service(members, credential_id=digest[:_ID_CHARS], admin=admin),
        created_at=read_moment(members["created"]),
    )
