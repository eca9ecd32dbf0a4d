"""A table as DynamoDB documents it, in memory and in given time.

Owns items, conditional writes, and two indexes that follow the table late.
Does not: fail, wait, or know who calls. Items past their TTL stay, as they may for days.
Source: DynamoDB API, PutItem, UpdateItem, DeleteItem, Query; developer guide, "Global secondary
indexes" (eventually consistent) and "Time to Live".
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

from tests.unit.gateway.outbox.aws.expressions import Item, Values, holds, updated

Key = tuple[str, str]

INDEXES = {"gsi1": ("pk", "sk"), "gsi2": ("pk", "sk", "st")}
"""What each index holds besides its own keys."""


class ConditionFailed(Exception):
    """A write's condition did not hold."""


class SimulatedTable:
    """A table with the outbox's keys and indexes.

    Args:
        index_lag_s: How late the indexes are, seconds.
        watch: Called after every write with the item before and after.
    """

    def __init__(
        self, *, index_lag_s: float, watch: Callable[[Item | None, Item | None], None]
    ) -> None:
        self.items: dict[Key, Item] = {}
        self._lag_s = index_lag_s
        self._watch = watch
        self._late: deque[tuple[float, Key, Item | None]] = deque()
        self._parts: dict[str, dict[str, dict[Key, Item]]] = {i: defaultdict(dict) for i in INDEXES}
        self._place: dict[tuple[str, Key], str] = {}

    def get(self, key: Item) -> Item | None:
        """Return an item as it is now."""
        return self.items.get(_key(key))

    def put(self, item: Item, condition: str | None, values: Values, *, now: float) -> None:
        """Write an item whole; raises ConditionFailed."""
        self._write(_key(item), item, condition, values, now)

    def update(
        self, key: Item, update: str, condition: str | None, values: Values, *, now: float
    ) -> tuple[Item | None, Item]:
        """Change an item, or make it; return it before and after; raises ConditionFailed."""
        before = self.items.get(_key(key))
        after = updated(update, before or dict(key), values)
        self._write(_key(key), after, condition, values, now)
        return before, after

    def delete(self, key: Item, condition: str | None, values: Values, *, now: float) -> None:
        """Drop an item; raises ConditionFailed."""
        self._write(_key(key), None, condition, values, now)

    def query(
        self,
        index: str,
        condition: str,
        values: Values,
        *,
        limit: int,
        forward: bool,
        keep: str | None,
        now: float,
    ) -> tuple[list[Item], Item | None]:
        """Return entries of one partition of an index, and where the rest begins, or None."""
        self._catch_up(now)
        part = self._parts[index].get(values[":shard"]["S"])
        if not part:
            return [], None
        found = [entry for entry in part.values() if holds(condition, entry, values)]
        found.sort(key=lambda entry: str(entry[f"{index}sk"]["S"]), reverse=not forward)
        page = found[:limit]
        rest = page[-1] if len(found) > limit else None
        return [entry for entry in page if holds(keep, entry, values)], rest

    def _write(
        self, key: Key, after: Item | None, condition: str | None, values: Values, now: float
    ) -> None:
        before = self.items.get(key)
        if not holds(condition, before, values):
            raise ConditionFailed
        if after is None:
            self.items.pop(key, None)
        else:
            self.items[key] = after
        self._late.append((now + self._lag_s, key, after))
        self._watch(before, after)

    def _catch_up(self, now: float) -> None:
        while self._late and self._late[0][0] <= now:
            _, key, item = self._late.popleft()
            for index, kept in INDEXES.items():
                old = self._place.pop((index, key), None)
                if old is not None:
                    del self._parts[index][old][key]
                keys = (f"{index}pk", f"{index}sk")
                # An item without the index's keys does not stand in it.
                if item is not None and all(name in item for name in keys):
                    shard = item[keys[0]]["S"]
                    self._parts[index][shard][key] = {n: item[n] for n in (*kept, *keys)}
                    self._place[index, key] = shard


def _key(item: Item) -> Key:
    pk: dict[str, Any] = item["pk"]
    return pk["S"], item["sk"]["S"]
