"""Ids for events that bring none.

Owns making them. Does not: check the ids callers bring (`core/event.py`).
Source: RFC 9562 section 5.7, UUID version 7.
"""

from __future__ import annotations

import secrets
import time
import uuid


def new_event_id() -> str:
    """Return a new UUID version 7: unique, and sorted by the millisecond it was made in."""
    milliseconds = time.time_ns() // 1_000_000
    number = (milliseconds << 80) | secrets.randbits(80)
    number = number & ~(0xF << 76) | (0x7 << 76)
    number = number & ~(0x3 << 62) | (0x2 << 62)
    return str(uuid.UUID(int=number))
