"""Keys: one number for one delivery.

Owns how an event's order and the position of an address become a key of the backlog, and back.
Does not: know what stands behind it.
"""

from __future__ import annotations

from typing import Final

_POSITION_BITS: Final = 7
"""An event has at most 100 addresses."""

_POSITION_MASK: Final = (1 << _POSITION_BITS) - 1


def key_of(seq: int, position: int) -> int:
    """Return the key of the delivery of an event to one of its addresses."""
    return seq << _POSITION_BITS | position


def seq_of(key: int) -> int:
    """Return the event's order."""
    return key >> _POSITION_BITS


def position_of(key: int) -> int:
    """Return which of the event's addresses it is."""
    return key & _POSITION_MASK
