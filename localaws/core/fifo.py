"""FIFO queues: which messages may be received, which receipts count, and what is a repeat.

Owns the rules of SQS's FIFO queues, as functions of what stands in a queue and of `now`; times are
milliseconds since the epoch. Does not: keep messages or wait for them (`localaws.moto_fifo`).
Source: SQS developer guide, "FIFO queue delivery logic", "Visibility timeout" and "Using the
message deduplication ID".
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, Protocol, TypeVar

DEDUPLICATION_MS: Final = 300_000
"""How long the id of a message is remembered, deleted or not: 5 minutes."""


class Standing(Protocol):
    """What these rules ask of a message.

    Attributes:
        group_id: Its message group.
        receipt_handle: What its last receive is known by, or None.
        visible_at: Until when it is in flight; in the past if it is not.
    """

    group_id: str | None
    receipt_handle: str | None
    visible_at: float


Message = TypeVar("Message", bound=Standing)


def in_flight(message: Standing, now_ms: float) -> bool:
    """Tell whether somebody received a message and may still work on it."""
    return message.visible_at > now_ms


def receivable(messages: Iterable[Message], *, now_ms: float, most: int) -> list[Message]:
    """Return what one receive gives: in order, and nothing of a group that is in flight.

    Several messages of one group come together; then no more of it, until none is in flight.

    Args:
        messages: All that stand in the queue, the oldest first.
        now_ms: Now.
        most: Most messages.
    """
    standing = list(messages)
    locked = {message.group_id for message in standing if in_flight(message, now_ms)}
    return [message for message in standing if message.group_id not in locked][:most]


def next_visible_ms(messages: Iterable[Standing], now_ms: float) -> float | None:
    """Return when the next message in flight shows again, or None if none is in flight."""
    return min((m.visible_at for m in messages if in_flight(m, now_ms)), default=None)


def held_by(messages: Iterable[Message], receipt: str, now_ms: float) -> Message | None:
    """Return the message that a receipt still stands for, or None: it expires with the time-out."""
    for message in messages:
        if message.receipt_handle == receipt:
            return message if in_flight(message, now_ms) else None
    return None


class Deduplication:
    """The deduplication ids that a queue has seen lately.

    Args:
        per_group: Whether the same id in two groups is two messages (`DeduplicationScope`).
    """

    def __init__(self, *, per_group: bool) -> None:
        self._per_group = per_group
        self._seen: OrderedDict[tuple[str | None, str], float] = OrderedDict()

    def is_new(self, group_id: str | None, deduplication_id: str, now_ms: float) -> bool:
        """Tell whether a message is none of the last five minutes', and remember it if so."""
        while self._seen and next(iter(self._seen.values())) <= now_ms - DEDUPLICATION_MS:
            self._seen.popitem(last=False)
        name = (group_id if self._per_group else None, deduplication_id)
        if name in self._seen:
            return False
        self._seen[name] = now_ms
        return True
