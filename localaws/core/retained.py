"""Retained messages: the last one of each topic, kept for those who subscribe later.

Owns the store and its bound. Does not deliver.

Source: aws-iot-facts 3.5 and 3.11.
"""

from dataclasses import dataclass

from localaws.core.message import Message


@dataclass(frozen=True, slots=True)
class RetainedMessage:
    """A stored message.

    Attributes:
        at: Epoch seconds when it was stored.
    """

    message: Message
    at: float


class Retained:
    """The retained messages of all topics, in the order their topics were first stored."""

    __slots__ = ("_limit", "_stored")

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._stored: dict[str, RetainedMessage] = {}

    def has_room(self, message: Message, now: float) -> bool:
        """Tell whether a message can be stored, having made room by forgetting expired ones."""
        limit = self._limit
        if limit is None or len(self._stored) < limit:
            return True
        if not message.payload or message.topic in self._stored:
            return True
        for topic in [one for one, kept in self._stored.items() if kept.message.expired(now)]:
            del self._stored[topic]
        return len(self._stored) < limit

    def keep(self, message: Message, now: float) -> bool:
        """Store a message, or delete the topic's if the payload is empty.

        Returns:
            False when the store is full; AWS throttles then.
        """
        if not message.payload:
            self._stored.pop(message.topic, None)
            return True
        if not self.has_room(message, now):
            return False
        self._stored[message.topic] = RetainedMessage(message, now)
        return True

    def get(self, topic: str, now: float) -> RetainedMessage | None:
        """Return a topic's message unless it has expired."""
        stored = self._stored.get(topic)
        if stored is not None and stored.message.expired(now):
            del self._stored[topic]
            return None
        return stored

    def listing(self, now: float) -> list[RetainedMessage]:
        """Return all that have not expired."""
        return [one for one in self._stored.values() if not one.message.expired(now)]
