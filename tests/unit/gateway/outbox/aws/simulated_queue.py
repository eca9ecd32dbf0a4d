"""A FIFO queue as SQS documents it, in memory and in given time.

Owns order within a message group, the lock on a group while a message of it is in flight,
deduplication, visibility, receipts and dead letters. Does not: fail, wait, or know who calls.
Source: SQS developer guide, "FIFO queue delivery logic", "Exactly-once processing", "Visibility
timeout" and "Dead-letter queues"; SQS API, DeleteMessage ("if the receipt handle has expired").
Left out: retention, and the 12 hours after which a message shows again whatever is extended.
"""

from __future__ import annotations

from dataclasses import dataclass

DEDUPLICATION_S = 300.0
"""Time in which a repeated deduplication id of a group adds nothing."""


@dataclass(slots=True)
class SimulatedMessage:
    """A message in a queue.

    Attributes:
        body: Its body.
        group: Its message group.
        receives: How often it was received.
        hidden_until: From when on it may be received, seconds.
        receipt: What its last receive gave; the only one that works.
    """

    body: str
    group: str
    receives: int = 0
    hidden_until: float = 0.0
    receipt: str = ""


class SimulatedQueue:
    """A FIFO queue, with deduplication by message group.

    Args:
        dead_letters: Where messages go that were received too often, or None.
        most_receives: How often one may be received.
    """

    def __init__(
        self, dead_letters: SimulatedQueue | None = None, *, most_receives: int = 10
    ) -> None:
        self.messages: list[SimulatedMessage] = []
        self._dead_letters = dead_letters
        self._most_receives = most_receives
        self._sent: dict[tuple[str, str], float] = {}
        self._receipts = 0

    def send(self, body: str, *, group: str, deduplication_id: str, now: float) -> None:
        """Add a message, unless the same was sent a short while ago; whatever became of that."""
        before = self._sent.get((group, deduplication_id))
        if before is not None and now < before + DEDUPLICATION_S:
            return
        self._sent[group, deduplication_id] = now
        self.messages.append(SimulatedMessage(body, group))

    def receive(self, most: int, *, visibility_s: float, now: float) -> list[SimulatedMessage]:
        """Give out messages of groups of which none is in flight, each group's in order."""
        locked = {m.group for m in self.messages if m.hidden_until > now}
        given: list[SimulatedMessage] = []
        for message in list(self.messages):
            if message.group in locked or len(given) == most:
                continue
            if message.receives >= self._most_receives and self._dead_letters is not None:
                self.messages.remove(message)
                self._dead_letters.messages.append(SimulatedMessage(message.body, message.group))
                continue
            self._receipts += 1
            message.receives += 1
            message.receipt = f"{id(self)}-{self._receipts}"
            message.hidden_until = now + visibility_s
            given.append(message)
        return given

    def change_visibility(self, receipt: str, seconds: float, *, now: float) -> bool:
        """Hide a message for so long from now; tell whether it was still the caller's."""
        message = self._in_flight(receipt, now)
        if message is None:
            return False
        message.hidden_until = now + seconds
        return True

    def delete(self, receipt: str, *, now: float) -> bool:
        """Drop a message; tell whether it was still the caller's."""
        message = self._in_flight(receipt, now)
        if message is None:
            return False
        self.messages.remove(message)
        return True

    def changes_at(self, now: float) -> float | None:
        """Return when the next hidden message shows again, or None."""
        return min((m.hidden_until for m in self.messages if m.hidden_until > now), default=None)

    def _in_flight(self, receipt: str, now: float) -> SimulatedMessage | None:
        for message in self.messages:
            if message.receipt == receipt and message.hidden_until > now:
                return message
        return None
