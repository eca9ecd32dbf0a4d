"""The latest denials by policy, kept to be looked at: AWS itself would say nothing about them.

Owns what is remembered of a denial and its bound. Does not decide and does not log.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Final

MAX_DENIALS: Final = 1_000
"""Denials kept; past it the oldest is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """Somebody was not allowed something.

    Attributes:
        at: Epoch seconds.
        where: ``iot`` for the IoT endpoint (MQTT, HTTP and rules), else the API's signing name.
        client_id: Empty for a caller that is no MQTT client.
        principal: `AROA…:<session name>` or a user's id; for other APIs the caller's ARN.
        action: E.g. ``iot:Receive``.
        resource: ARN.
        why: The statement, or the lack of one, that decided.
    """

    at: float
    where: str
    client_id: str
    principal: str
    action: str
    resource: str
    why: str


class Denials:
    """The latest denials, the newest last.

    Attributes:
        total: How many there were, forgotten ones included.
    """

    __slots__ = ("_kept", "total")

    def __init__(self) -> None:
        self._kept: deque[Denied] = deque(maxlen=MAX_DENIALS)
        self.total = 0

    def add(self, denied: Denied) -> None:
        """Remember a denial."""
        self._kept.append(denied)
        self.total += 1

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self.total = 0

    def latest(self, *, client_id: str | None = None, action: str | None = None) -> list[Denied]:
        """Return what is kept, narrowed to a client or an action if wanted."""
        return [
            one
            for one in self._kept
            if client_id in (None, one.client_id) and action in (None, one.action)
        ]


def told(denied: Denied) -> dict[str, object]:
    """Return a denial as JSON."""
    return asdict(denied)
