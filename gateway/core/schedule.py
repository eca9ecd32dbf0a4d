"""A schedule: what becomes due, and when.

Owns the order of times, and forgetting what is withdrawn before its time.
Does not: read a clock or set timers; the caller passes `now` in the unit of its own times.
Used for lanes that wait for their next attempt (seconds of a monotonic clock) and for events that
wait for their `deliverAt` (milliseconds since the epoch).
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)

_SLACK: Final = 64
"""Withdrawn entries that may stay in the heap before it is rebuilt."""


class Schedule(Generic[Item]):
    """Items by the time at which they become due; each item stands in it once.

    Theory of operation: a heap of (time, entry number, item), and for each item the number of the
    one entry that counts. Withdrawing forgets the number and leaves the entry; entries without a
    number are skipped, and the heap is rebuilt before they outnumber the others.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Item]] = []
        self._entry: dict[Item, int] = {}
        self._entries = 0

    def __len__(self) -> int:
        return len(self._entry)

    def __contains__(self, item: Item) -> bool:
        return item in self._entry

    def add(self, item: Item, at: float) -> None:
        """Let an item become due at a time; one that stands here already gets the new time."""
        self._entries += 1
        self._entry[item] = self._entries
        heapq.heappush(self._heap, (at, self._entries, item))
        if len(self._heap) > 2 * len(self._entry) + _SLACK:
            self._heap = [entry for entry in self._heap if self._counts(entry)]
            heapq.heapify(self._heap)

    def withdraw(self, item: Item) -> bool:
        """Forget an item; tell whether it was there."""
        return self._entry.pop(item, None) is not None

    def pop_due(self, now: float) -> Item | None:
        """Remove and return the item that has been due longest, or None if none is due."""
        if not self._heap:  # nearly always, and asked for each delivery
            return None
        at = self.next_at()
        if at is None or at > now:
            return None
        item = heapq.heappop(self._heap)[2]
        del self._entry[item]
        return item

    def next_at(self) -> float | None:
        """Return when the next item becomes due, or None if there is none."""
        while self._heap and not self._counts(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def _counts(self, entry: tuple[float, int, Item]) -> bool:
        return self._entry.get(entry[2]) == entry[1]
