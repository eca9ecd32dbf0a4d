"""The backlog: every delivery that is not settled, and which of them may be sent now.

Owns how lanes, schedule and collapsing work together; it is the whole of what an embedded outbox
decides in memory. Does not: hold events or payloads (keys stand for deliveries), do I/O, or read
clocks: `now` is seconds of a monotonic clock, `now_ms` milliseconds since the epoch.
Source: docs/design.md, "Event API"; docs/decisions/0007-outbox.md.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.core.collapse import Collapsing
from gateway.core.lanes import Key, Lanes
from gateway.core.schedule import Schedule


class Place(NamedTuple):
    """Where a delivery belongs.

    Attributes:
        key: The delivery.
        topic: Its lane.
        collapse_key: What it may be replaced by, or None.
    """

    key: Key
    topic: str
    collapse_key: str | None = None


class Backlog:
    """All deliveries that are not settled.

    Theory of operation: a delivery is *scheduled* until it is due, then stands in its topic's
    lane. Whoever sends claims one delivery at a time and must settle it or park it; until then its
    topic gives no other. A delivery whose outcome must be durable before its topic goes on is
    *barred*: it stays where it stands, gives way to nothing, and is not given out, until it is
    released. Times of attempts are monotonic, so a clock that is set neither hurries
    nor stops them; due times are the wall clock's, because that is what callers named.
    """

    def __init__(self) -> None:
        self._lanes = Lanes()
        self._scheduled: Schedule[Place] = Schedule()
        self._collapsing = Collapsing()
        # The value tells whether its lane stands still for it.
        self._barred: dict[Key, bool] = {}

    def __len__(self) -> int:
        """Count the deliveries that are not settled, or settled and not released."""
        return self._lanes.waiting + self._lanes.busy + len(self._scheduled)

    @property
    def lanes(self) -> int:
        """Topics with deliveries that are due."""
        return len(self._lanes)

    @property
    def scheduled(self) -> int:
        """Deliveries that are not due yet."""
        return len(self._scheduled)

    @property
    def claimed(self) -> int:
        """Deliveries that are claimed now."""
        return self._lanes.busy

    @property
    def ready(self) -> int:
        """Topics that would give a delivery now."""
        return self._lanes.ready

    @property
    def still(self) -> bool:
        """Whether nothing would be given now or later, unless something changes."""
        return self._lanes.all_busy and not self._scheduled

    @property
    def parked(self) -> int:
        """Topics that wait for their next attempt."""
        return self._lanes.parked

    def add(self, place: Place, *, due_ms: float, now_ms: float) -> Key | None:
        """Take a delivery in; what became due before stands before it.

        Args:
            place: The delivery.
            due_ms: When it is due.
            now_ms: When it came. After a restart that is the moment of its acceptance again, so
                that what was scheduled stands where it stood before.

        Returns:
            The delivery that it replaces, which must be settled as collapsed by the caller; it is
            in no lane any more. None if there is none, or if it is being sent at this moment.
        """
        self._admit_due(now_ms)
        replaced = None
        if place.collapse_key is not None:
            replaced = self._replace(place, place.collapse_key)
        if due_ms > now_ms:
            self._scheduled.add(place, due_ms)
        else:
            self._lanes.offer(place.topic, place.key)
        return replaced

    def claim(self, now: float, now_ms: float) -> tuple[str, Key] | None:
        """Return the topic and key of the delivery to be sent next, or None if none may go."""
        self._admit_due(now_ms)
        while (taken := self._lanes.take(now)) is not None:
            if taken[1] not in self._barred:
                return taken
            self._barred[taken[1]] = True
        return None

    def settle(self, place: Place) -> None:
        """Forget a claimed delivery; its topic may give the next one."""
        self._forget(place)
        self._lanes.done(place.topic)

    def bar(self, place: Place) -> None:
        """Let nothing of its topic overtake a delivery whose outcome is not durable yet.

        Without this, a crash could bring back a delivery that failed or was cancelled after others
        of its topic had been sent, and it might succeed then.
        """
        self._forget(place)
        self._barred[place.key] = self.claimed_now(place)

    def release(self, place: Place) -> None:
        """Forget a barred delivery: its outcome is durable, and its topic may go on."""
        if self._barred.pop(place.key):
            self._lanes.done(place.topic)
        elif not self._scheduled.withdraw(place):
            self._lanes.withdraw(place.topic, place.key)

    def park(self, topic: str, until: float) -> None:
        """Keep the delivery claimed from a topic for another attempt."""
        self._lanes.park(topic, until)

    def superseded(self, place: Place) -> bool:
        """Tell whether a newer delivery has taken the place of one that is claimed.

        It was being sent when the newer one came; should the attempt fail, there is no reason for
        another.
        """
        collapse_key = place.collapse_key
        return collapse_key is not None and not self._collapsing.is_last(
            place.topic, collapse_key, place.key
        )

    def claimed_now(self, place: Place) -> bool:
        """Tell whether a delivery is claimed."""
        return self._lanes.busy_with(place.topic) == place.key

    def holds(self, place: Place) -> bool:
        """Tell whether a delivery is here and not barred; not for hot paths."""
        if place.key in self._barred:
            return False
        return place in self._scheduled or self._lanes.holds(place.topic, place.key)

    def behind(self, topic: str, most: int) -> list[Key]:
        """Return up to `most` keys that stand behind the head of a topic, in order."""
        return self._lanes.behind(topic, most)

    def next_at(self) -> float | None:
        """Return when the next parked topic may give a delivery, monotonic, or None."""
        return self._lanes.next_at()

    def next_due_ms(self) -> float | None:
        """Return when the next scheduled delivery is due, or None."""
        return self._scheduled.next_at()

    def _admit_due(self, now_ms: float) -> None:
        while (place := self._scheduled.pop_due(now_ms)) is not None:
            self._lanes.offer(place.topic, place.key)

    def _replace(self, place: Place, collapse_key: str) -> Key | None:
        before = self._collapsing.replace(place.topic, collapse_key, place.key)
        if before is None:
            return None
        older = Place(before, place.topic, collapse_key)
        if self._scheduled.withdraw(older) or self._lanes.withdraw(older.topic, older.key):
            return before
        return None

    def _forget(self, place: Place) -> None:
        if place.collapse_key is not None:
            self._collapsing.forget(place.topic, place.collapse_key, place.key)
