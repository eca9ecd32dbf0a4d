"""The tail: the newest notices about events that one reader has not taken yet.

Owns the bound and the overflow rule: the oldest notice gives way, and how many did is told.
Does not: wait, wake anybody, or write (`gateway/feed.py`).
Source: docs/design.md, "Event API"; style guide, rule 4.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that happened to an event.

    Attributes:
        name: ``accepted`` or ``settled``.
        at: When, RFC 3339.
        service: Whose event it is.
        id: The event's id.
        addresses: The addresses it is about.
        state: Where it stands there.
        type: The event's type, where it is told.
        attempts: Publishes tried, where it is settled.
        seconds: From being taken or due to being settled.
        code: Why it failed, for machines.
        detail: Why it failed, for people.
        data: Its payload as JSON text, shortened; only for those who asked and may.
    """

    name: str
    at: str
    service: str
    id: str
    addresses: tuple[str, ...]
    state: str
    type: str | None = None
    attempts: int | None = None
    seconds: float | None = None
    code: str | None = None
    detail: str | None = None
    data: str | None = None

    def members(self, *, payload: bool) -> dict[str, object]:
        """Return it as members of an answer, without its payload unless that is wanted."""
        found: dict[str, object] = {
            "at": self.at,
            "service": self.service,
            "id": self.id,
            "addresses": list(self.addresses),
            "state": self.state,
            "type": self.type,
            "attempts": self.attempts,
            "seconds": self.seconds,
            "code": self.code,
            "detail": self.detail,
            "data": self.data if payload else None,
        }
        return {name: value for name, value in found.items() if value is not None}


class Tail:
    """Up to `most` notices, the oldest first.

    Args:
        most: Its bound; 1 or more.
    """

    def __init__(self, most: int) -> None:
        self._notices: deque[Notice] = deque(maxlen=most)
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._notices)

    def offer(self, notice: Notice) -> None:
        """Add a notice; where there is no room the oldest goes."""
        if len(self._notices) == self._notices.maxlen:
            self._dropped += 1
        self._notices.append(notice)

    def take(self) -> tuple[list[Notice], int]:
        """Return all notices and how many were dropped before them, and forget both."""
        taken, dropped = list(self._notices), self._dropped
        self._notices.clear()
        self._dropped = 0
        return taken, dropped
