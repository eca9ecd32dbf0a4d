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


def new_event_id() -> str:
    """Return a new UUID version 7: unique, and sorted by the millisecond it was made in."""
    milliseconds = time.time_ns() // 1_000_000
    number = (milliseconds << 80) | int.from_bytes(_POOL.take(10), "big")
    number = number & ~(0xF << 76) | (0x7 << 76)
    number = number & ~(0x3 << 62) | (0x2 << 62)
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_request_id() -> str:
    """Return 16 random hexadecimal digits."""
    return _POOL.take(8).hex()
