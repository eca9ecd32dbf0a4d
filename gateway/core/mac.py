"""HMAC-SHA-256 for many messages under one key.

Owns keeping the key's part of the work. Does not: derive keys (`wire/sigv4.py`).
The standard library's `hmac.new(...).copy()` does the same in three times the time, one layer of
Python above each step, and `hmac.digest` lets go of the interpreter's lock and waits to get it back.
Source: RFC 2104, section 4: the compression of the padded keys is done once for each key.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

_BLOCK_BYTES: Final = 64
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))


class Mac:
    """Authenticate messages under one key.

    Args:
        key: The key, of any length.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) > _BLOCK_BYTES:
            key = sha256(key).digest()
        padded = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = sha256(padded.translate(_INNER))
        self._outer = sha256(padded.translate(_OUTER))

    def hexdigest(self, message: bytes) -> str:
        """Return the code of one message, 64 hexadecimal digits."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.hexdigest()
