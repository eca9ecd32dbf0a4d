"""Taking events into the shared outbox: written to the table, then handed to the queue.

Owns the two steps, undoing the first where the second does not succeed, what is answered where an
id is known, and letting newer events take the place of older ones. Does not: call AWS (`table.py`,
`queue.py`), or look at events again later (`sweep.py`).
Source: docs/decisions/0011-shared-outbox.md, "Every point at which a gateway may die".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from gateway.clock import Clock
from gateway.core.kept_event import KeptEvent
from gateway.core.report import State
from gateway.errors import OutboxUnavailable
from gateway.outbox.aws.calls import all_of
from gateway.outbox.aws.item import (
    Draft,
    Item,
    draft_of,
    event_of,
    generation_of,
    turns_of,
)
from gateway.outbox.aws.message import Turn
from gateway.outbox.aws.queue import Queue
from gateway.outbox.aws.table import Table
from gateway.outbox.aws.withdrawal import withdraw
from gateway.outbox.outbox import ADDED, CHANGED, Addition, Known

log = logging.getLogger(__name__)

ADD_S: Final = 10.0
"""Longest time in which events are written and queued, seconds; then they are refused."""

FORGET_S: Final = 8.0
"""Longest time in which refused events are forgotten again, seconds."""

GRACE_S: Final = 15.0
"""Time that the gateway which wrote an event has to queue it, before others do, seconds; longer
than it tries, since two that queue at once may change the order of a topic."""

YOUNG_S: Final = 60
"""Age up to which an event may still be refused by the gateway that wrote it, seconds: what it
tries and forgets in, and room for clocks that differ."""

_Name: TypeAlias = tuple[str, str]
"""Service and id of an event."""


class Adding:
    """The way in.

    Args:
        queue: The queue.
        table: The table.
        clock: What it reads the time from.
        sent: Told the first turn of each event that was queued as a whole.
        withdrawn: Told the item and the position of each delivery that a newer event replaced.
    """

    def __init__(
        self,
        *,
        queue: Queue,
        table: Table,
        clock: Clock,
        sent: Callable[[Turn], None],
        withdrawn: Callable[[Item | None, int], None],
    ) -> None:
        self._queue = queue
        self._table = table
        self._clock = clock
        self._sent = sent
        self._withdrawn = withdrawn

    async def add(self, events: Sequence[KeptEvent]) -> tuple[Addition, ...]:
        """Keep events: write them, then queue them.

        Raises:
            OutboxUnavailable: Not now; what was written is forgotten again as far as that is
                possible.
        """
        now_ms = self._clock.now_ms()
        drafts: dict[_Name, Draft] = {}
        for event in events:
            drafts.setdefault((event.service, event.id), draft_of(event, _look_ms(event, now_ms)))
        try:
            async with asyncio.timeout(ADD_S):
                known = await self._write(list(drafts.values()), now_ms)
                fresh = [draft for name, draft in drafts.items() if name not in known]
                results, turns = _judge(events, drafts, known, now_ms)
                await self._queue.send(turns)
                await self._tell_known(results, known, now_ms)
        except (OutboxUnavailable, TimeoutError) as error:
            await self._forget(list(drafts.values()))
            why = error.why if isinstance(error, OutboxUnavailable) else "timeout"
            raise OutboxUnavailable(why) from error
        for draft in fresh:
            if draft.event.due_ms <= now_ms:
                self._sent(draft.turns[0])
        await self._collapse_all([draft.event for draft in fresh])
        return tuple(results)

    async def _write(self, drafts: Sequence[Draft], now_ms: int) -> dict[_Name, Item]:
        """Write what is not known; return the items of what is."""
        nameless = [draft for draft in drafts if draft.event.fingerprint is None]
        named = [draft for draft in drafts if draft.event.fingerprint is not None]
        if nameless:
            await self._table.put_new(nameless)
        found = await all_of([self._table.put(draft, now_ms=now_ms) for draft in named])
        return {
            (draft.event.service, draft.event.id): item
            for draft, item in zip(named, found, strict=True)
            if item is not None
        }

    async def _tell_known(
        self, results: Sequence[Addition], known: dict[_Name, Item], now_ms: int
    ) -> None:
        """See to it that what is called known here is not forgotten by whoever wrote it.

        That gateway may be about to refuse it: it has written it, and does not get it queued.
        """
        same = {result.report.id for result in results if isinstance(result, Known)}
        young = [
            event_of(item)
            for (_, event_id), item in known.items()
            if event_id in same and int(item["accepted"]["N"]) > now_ms - YOUNG_S * 1000
        ]
        await all_of(
            [
                self._table.note_told(turn)
                for event in young
                if (turn := _first_turn(known[event.service, event.id])) is not None
            ]
        )

    async def _forget(self, drafts: Sequence[Draft]) -> None:
        """Undo what was written; that of others stays, and so does what they were told about."""
        try:
            async with asyncio.timeout(FORGET_S):
                await all_of([self._table.remove(draft) for draft in drafts])
        except (OutboxUnavailable, TimeoutError):
            log.warning("refused events may be delivered", extra={"events": len(drafts)})

    async def _collapse_all(self, events: Sequence[KeptEvent]) -> None:
        """Let events take the place of older ones, those of one key one after the other."""
        chains: dict[str, list[KeptEvent]] = {}
        for event in events:
            if event.collapse_key is not None:
                chains.setdefault(event.collapse_key, []).append(event)

        async def follow(chain: list[KeptEvent]) -> None:
            for event in chain:
                await self._collapse(event)

        try:
            await all_of([follow(chain) for chain in chains.values()])
        except OutboxUnavailable as error:
            # These events are kept, whatever becomes of older ones.
            log.warning("older events may be delivered, too", extra={"why": error.why})

    async def _collapse(self, event: KeptEvent) -> None:
        for name in event.names:
            before = await self._table.replace_latest(event, name)
            if before is None or before == (event.service, event.id):
                continue
            now_ms = self._clock.now_ms()
            item = await self._table.load(*before, now_ms=now_ms)
            older = event_of(item) if item is not None else None
            if item is None or older is None or name not in older.names:
                continue
            position = older.names.index(name)
            if older.outcomes[position] is None:
                turn = Turn(older.service, older.id, generation_of(item), position, name)
                settled = await withdraw(
                    self._table,
                    turn,
                    State.COLLAPSED,
                    now_ms=now_ms,
                    deliveries=len(older.names),
                )
                self._withdrawn(settled, position)


def _look_ms(event: KeptEvent, now_ms: int) -> int:
    """Return when somebody must look at a new event: when it is due, or soon."""
    return event.due_ms if event.due_ms > now_ms else now_ms + int(GRACE_S * 1000)


def _judge(
    events: Sequence[KeptEvent],
    drafts: dict[_Name, Draft],
    known: dict[_Name, Item],
    now_ms: int,
) -> tuple[list[Addition], list[Turn]]:
    """Return what became of each event, and the turns to be sent, each topic's in order."""
    results: list[Addition] = []
    turns: list[Turn] = []
    seen: set[_Name] = set()
    for event in events:
        name = (event.service, event.id)
        item, draft = known.get(name), drafts[name]
        again = name in seen
        seen.add(name)
        if item is None and not again:
            results.append(ADDED)
            turns += draft.turns if event.due_ms <= now_ms else []
            continue
        before = draft.event if item is None else event_of(item)
        same = before.fingerprint == event.fingerprint
        results.append(Known(before.report(now_ms)) if same else CHANGED)
        if same and item is not None and not again:
            turns += _unqueued(item, now_ms)
    return results, turns


def _unqueued(item: Item, now_ms: int) -> list[Turn]:
    """Return what is known, due, and perhaps not queued: nobody may be promised less."""
    if "queued" in item or "gsi1sk" not in item or int(item["due"]["N"]) > now_ms:
        return []
    return turns_of(event_of(item), generation_of(item))


def _first_turn(item: Item) -> Turn | None:
    """Return a turn of an event that its gateway may still refuse; None if it cannot any more."""
    turns = turns_of(event_of(item), generation_of(item))
    return turns[0] if turns and "queued" not in item and "told" not in item else None
