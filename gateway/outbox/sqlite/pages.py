"""Pages: reading events back whose turn has come and which are not held.

Owns asking for them a page at a time, with those that will be wanted next.
Does not: decide whose turn it is (`core/backlog.py`) or hold them (`shelf.py`).
Source: docs/decisions/0007-outbox.md, "Memory".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

from gateway.core.backlog import Backlog
from gateway.core.kept_event import KeptEvent
from gateway.outbox.sqlite.keys import seq_of
from gateway.outbox.sqlite.shelf import Shelf
from gateway.outbox.sqlite.writer import RETRY_S, Errand, Writer

PAGE_EVENTS: Final = 64
"""Events read at once, and most deliveries that wait for being read."""


class Wanted(NamedTuple):
    """A delivery whose turn has come."""

    topic: str
    key: int


class Pages:
    """Read events for deliveries that are claimed and wait for their payload.

    Args:
        writer: Who reads.
        backlog: Knows what stands behind them.
        shelf: Knows how much room there is.
        arrived: Called with what was wanted and all that was read.
    """

    def __init__(
        self,
        *,
        writer: Writer,
        backlog: Backlog,
        shelf: Shelf,
        arrived: Callable[[list[Wanted], list[KeptEvent]], None],
    ) -> None:
        self._writer = writer
        self._backlog = backlog
        self._shelf = shelf
        self._arrived = arrived
        self._loop = asyncio.get_running_loop()
        self._wanted: list[Wanted] = []
        self._under_way = 0
        self._again: asyncio.TimerHandle | None = None

    @property
    def room(self) -> bool:
        """Whether another delivery may be asked for."""
        return self._under_way < PAGE_EVENTS

    def want(self, wanted: Wanted) -> None:
        """Ask for one; it is read together with all others of this turn of the loop."""
        self._under_way += 1
        self._ask([wanted])

    def stop(self) -> None:
        """Ask for nothing more."""
        if self._again is not None:
            self._again.cancel()

    def _ask(self, wanted: list[Wanted]) -> None:
        if not self._wanted:
            self._loop.call_soon(self._read)
        self._wanted += wanted

    def _read(self) -> None:
        wanted, self._wanted = self._wanted, []
        seqs = dict.fromkeys(seq_of(one.key) for one in wanted)
        for one in wanted:
            room = PAGE_EVENTS - len(seqs)
            if room <= 0 or self._shelf.full:
                break
            # Without this, a topic with much behind it would take one round trip for each.
            seqs |= dict.fromkeys(map(seq_of, self._backlog.behind(one.topic, room)))

        def read(result: object) -> None:
            if isinstance(result, list):
                self._under_way -= len(wanted)
                self._arrived(wanted, result)
            else:
                self._again = self._loop.call_later(RETRY_S, self._ask, wanted)

        self._writer.submit(Errand(lambda store, _: store.load(seqs), read, writes=False))
