"""Collapsing: the newest event of a key stands for the ones before it.

Owns which delivery of an address carries a collapse key and was not settled yet.
Does not: settle the one that is replaced, or know whether it is on its way (`backlog`).
Source: docs/design.md, "Event API", `collapseKey`.
"""

from __future__ import annotations

from gateway.core.lanes import Key


class Collapsing:
    """The last unsettled delivery for each topic and collapse key."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], Key] = {}

    def __len__(self) -> int:
        return len(self._last)

    def replace(self, topic: str, collapse_key: str, key: Key) -> Key | None:
        """Note the newest delivery; return the one it follows, or None if there is none."""
        before = self._last.get((topic, collapse_key))
        self._last[topic, collapse_key] = key
        return before

    def is_last(self, topic: str, collapse_key: str, key: Key) -> bool:
        """Tell whether no newer delivery was noted."""
        return self._last.get((topic, collapse_key)) == key

    def forget(self, topic: str, collapse_key: str, key: Key) -> None:
        """Forget a delivery that is settled, unless a newer one took its place."""
        if self._last.get((topic, collapse_key)) == key:
            del self._last[topic, collapse_key]
