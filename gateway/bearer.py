"""What a caller shows to say who it is: a key or a token behind `Bearer`.

Owns taking it out of the `Authorization` header, and hashing it once.
Does not: know whose it is (`gateway/keys.py`, `gateway/tokens.py`).
Source: RFC 6750 section 2.1; RFC 9110 section 11.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.keys import KEY_PREFIX, hash_of

_MAX_KEY_CHARS: Final = 4_096


@dataclass(frozen=True, slots=True, repr=False)
class Bearer:
    """What was shown.

    Attributes:
        shown: The text itself: never in a log, an error or a repr.
        key_hash: Hash of it where it may be a key; None where it is a token, or too long for both.
    """

    shown: str
    key_hash: str | None

    @classmethod
    def of(cls, authorization: str | None) -> Bearer | None:
        """Return what a header shows, or None where it shows nothing.

        Args:
            authorization: The header's value, or None if it was not sent.
        """
        scheme, _, shown = (authorization or "").partition(" ")
        shown = shown.strip()
        if scheme.lower() != "bearer" or not shown:
            return None
        return cls(shown, hash_of(shown) if len(shown) <= _MAX_KEY_CHARS else None)

    @property
    def is_key(self) -> bool:
        """Whether it looks like a service key, and not like a token."""
        return self.shown.startswith(KEY_PREFIX)
