"""Lanes: one for each topic, so that order is kept there and nowhere else.

Owns which delivery may be sent next: within a topic strictly one after the other, across topics in
turn. Does not: know what a delivery is (a key stands for it), publish, or read a clock; `now` is
seconds of a monotonic clock.
Source: docs/design.md, "To one topic, order is kept".
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

from gateway.core.schedule import Schedule

Key = int
"""Stands for one delivery: an event and one of its addresses."""

_SLACK: Final = 16
"""Withdrawn keys that may stay in a lane before it is rebuilt."""


class _Lane:
    """A topic with deliveries that are not settled.

    `head` is the one that may be sent; `rest` are those behind it, with withdrawn ones among them.
    """

    __slots__ = ("busy", "head", "rest", "topic", "withdrawn")

    def __init__(self, topic: str, head: Key) -> None:
        self.topic = topic
        self.head = head
        # Most lanes never hold a second one, and an empty deque takes 600 bytes.
        self.rest: deque[Key] | None = None
        self.withdrawn: set[Key] | None = None
        self.busy = False

    def append(self, key: Key) -> None:
        if self.rest is None:
            self.rest = deque()
        self.rest.append(key)

    def advance(self) -> bool:
        """Make the next delivery the head; tell whether there is one."""
        while self.rest:
            key = self.rest.popleft()
            if self.withdrawn and key in self.withdrawn:
                self.withdrawn.discard(key)
                continue
            self.head = key
            return True
        return False

    def drop(self, key: Key) -> None:
        """Forget one that stands behind the head."""
        if self.withdrawn is None:
            self.withdrawn = set()
        self.withdrawn.add(key)
        # A topic that stands still while newer events replace older ones must not grow.
        if self.rest and len(self.withdrawn) > _SLACK and 2 * len(self.withdrawn) > len(self.rest):
            self.rest = deque(key for key in self.rest if key not in self.withdrawn)
            self.withdrawn = None


class Lanes:
    """All topics with deliveries that are not settled.

    Theory of operation: a lane is in exactly one of three places. It is *ready*: its head may be
    sent, and it stands in one queue with the other ready lanes. It is *busy*: its head was taken
    and is being sent. It is *parked*: its head was sent, failed, and waits for its next attempt.

        offer → ready → take → busy → done → ready (at the end of the queue), or gone if empty
                                 └──→ park → parked → wake → ready (at the end of the queue)

    So a busy topic has as many turns as a quiet one, and a topic that stands still costs the
    others nothing.
    """

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._ready: OrderedDict[str, _Lane] = OrderedDict()
        self._parked: Schedule[str] = Schedule()
        self._waiting = 0
        self._busy = 0

    def __len__(self) -> int:
        """Count the lanes."""
        return len(self._lanes)

    @property
    def waiting(self) -> int:
        """Deliveries that are not being sent now."""
        return self._waiting

    @property
    def busy(self) -> int:
        """Deliveries that are being sent now."""
        return self._busy

    @property
    def ready(self) -> int:
        """Lanes whose head may be sent now."""
        return len(self._ready)

    @property
    def all_busy(self) -> bool:
        """Whether no lane would give a delivery now or later, unless something changes."""
        return self._busy == len(self._lanes)

    @property
    def parked(self) -> int:
        """Lanes whose head waits for its next attempt."""
        return len(self._parked)

    def offer(self, topic: str, key: Key) -> None:
        """Put a delivery at the end of its topic's lane."""
        self._waiting += 1
        lane = self._lanes.get(topic)
        if lane is None:
            lane = self._lanes[topic] = self._ready[topic] = _Lane(topic, key)
        else:
            lane.append(key)

    def take(self, now: float) -> tuple[str, Key] | None:
        """Return the delivery whose turn it is and keep its lane busy, or None if none may go."""
        while (topic := self._parked.pop_due(now)) is not None:
            self._ready[topic] = self._lanes[topic]
        if not self._ready:
            return None
        topic, lane = self._ready.popitem(last=False)
        lane.busy = True
        self._busy += 1
        self._waiting -= 1
        return topic, lane.head

    def done(self, topic: str) -> None:
        """Forget the delivery that was taken from a topic: it is settled."""
        lane = self._release(topic)
        self._waiting -= 1
        self._advance(lane)

    def park(self, topic: str, until: float) -> None:
        """Keep the delivery that was taken at the head of its lane until its next attempt."""
        self._release(topic)
        self._parked.add(topic, until)

    def withdraw(self, topic: str, key: Key) -> bool:
        """Forget a delivery of the topic that is not being sent now.

        Args:
            topic: Its topic.
            key: A key that was offered and is not settled.

        Returns:
            Whether it was forgotten; False if it is being sent.
        """
        lane = self._lanes[topic]
        if lane.head != key:
            lane.drop(key)
            self._waiting -= 1
            return True
        if lane.busy:
            return False
        self._waiting -= 1
        # What waits for the topic's next attempt goes on waiting: the topic was in trouble.
        if not self._advance(lane, keep_parked=topic in self._parked):
            self._parked.withdraw(topic)
            self._ready.pop(topic, None)
        return True

    def busy_with(self, topic: str) -> Key | None:
        """Return the delivery of a topic that is being sent now, or None."""
        lane = self._lanes.get(topic)
        return lane.head if lane is not None and lane.busy else None

    def holds(self, topic: str, key: Key) -> bool:
        """Tell whether a delivery stands in its topic's lane; looks through the whole lane."""
        lane = self._lanes.get(topic)
        if lane is None:
            return False
        if lane.head == key:
            return True
        gone = lane.withdrawn is not None and key in lane.withdrawn
        return lane.rest is not None and not gone and key in lane.rest

    def behind(self, topic: str, most: int) -> list[Key]:
        """Return up to `most` keys that stand behind the head of a topic, in order."""
        rest = self._lanes[topic].rest
        return [rest[i] for i in range(min(most, len(rest)))] if rest else []

    def next_at(self) -> float | None:
        """Return when the next parked lane becomes ready, or None if none is parked."""
        return self._parked.next_at()

    def _release(self, topic: str) -> _Lane:
        lane = self._lanes[topic]
        if not lane.busy:
            raise ValueError("only a delivery that was taken can be settled or parked")
        lane.busy = False
        self._busy -= 1
        self._waiting += 1
        return lane

    def _advance(self, lane: _Lane, *, keep_parked: bool = False) -> bool:
        if not lane.advance():
            del self._lanes[lane.topic]
            return False
        if not keep_parked:
            self._ready[lane.topic] = lane
        return True
