"""Ids for events and requests that bring none.

Owns making them. Does not: check the ids callers bring (`core/event.py`).
Source: RFC 9562 section 5.7, UUID version 7.
"""

from __future__ import annotations

import os
import time
from typing import Final

_POOL_BYTES: Final = 4_000
"""Random bytes fetched at once: each fetch is a system call that lets go of the interpreter, and
under load waits to get it back."""


class _RandomPool:
    """Random bytes of the operating system, each given out once."""

    def __init__(self) -> None:
        self._bytes = b""
        self._at = 0

    def take(self, count: int) -> bytes:
        if self._at + count > len(self._bytes):
            self._bytes = os.urandom(_POOL_BYTES)
            self._at = 0
        start, self._at = self._at, self._at + count
        return self._bytes[start : self._at]


_POOL: Final = _RandomPool()

_VARIANT: Final = "89ab"
"""What the digit may be whose upper two bits are the variant. Source: RFC 9562 section 4.1."""


def new_event_id() -> str:
    """Return a new UUID version 7: unique, and sorted by the millisecond it was made in."""
    stamp = f"{time.time_ns() // 1_000_000:012x}"
    random = _POOL.take(10)
    digits, variant = random.hex(), _VARIANT[random[9] & 3]
    return f"{stamp[:8]}-{stamp[8:]}-7{digits[:3]}-{variant}{digits[3:6]}-{digits[6:18]}"


def new_request_id() -> str:
    """Return 16 random hexadecimal digits."""
    return _POOL.take(8).hex()
