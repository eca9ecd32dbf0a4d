"""A message of the shared outbox that this gateway holds.

Owns what is known about it here. Does not: change any of it (`deliveries.py` does).
Source: docs/decisions/0011-shared-outbox.md.
"""

from __future__ import annotations

from gateway.outbox.aws.message import Turn
from gateway.outbox.aws.queue import Message


class Held:
    """A message and what this gateway does with it.

    Attributes:
        message: The message.
        turn: Whose turn it says it is.
        extend_at: When it must be kept for longer, monotonic seconds.
        claimed_until_ms: When this gateway's claim ends by itself, milliseconds since the epoch.
        holder: The text of that claim; empty where there is none.
        lost: Whether it is another gateway's by now.
    """

    __slots__ = ("claimed_until_ms", "extend_at", "holder", "lost", "message", "turn")

    def __init__(self, message: Message, turn: Turn, extend_at: float) -> None:
        self.message = message
        self.turn = turn
        self.extend_at = extend_at
        self.claimed_until_ms = 0
        self.holder = ""
        self.lost = False
