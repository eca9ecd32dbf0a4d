"""Saving: settlements on their way to the file.

Owns gathering them for a moment, so that they share a commit, and knowing which are not on disk.
Does not: decide that something is settled.
Source: docs/decisions/0007-outbox.md, "Settlements".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gateway.core.kept_event import KeptEvent
from gateway.outbox.sqlite.store import settlement_of
from gateway.outbox.sqlite.writer import Settling, Writer

SETTLE_DELAY_S: Final = 0.01
"""How long a settlement may wait for others. Nobody waits for it, and a commit costs much the same
for one as for a hundred."""


class Saving:
    """Bring settlements to disk.

    Bounded by what is bounded elsewhere: an event stands here once, and was accepted before.

    Args:
        writer: Who writes.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._gathered: dict[int, KeptEvent] = {}
        self._unsaved: dict[int, KeptEvent] = {}
        self._then: list[Callable[[], None]] = []
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """Count the events whose row is behind."""
        return len(self._unsaved)

    def get(self, seq: int) -> KeptEvent | None:
        """Return an event whose row is behind, or None."""
        return self._unsaved.get(seq)

    def note(self, event: KeptEvent, then: Callable[[], None] | None = None) -> None:
        """Take an event of which a delivery was settled; it is written soon.

        Args:
            event: The event.
            then: Called once it is on disk.
        """
        if then is not None:
            self._then.append(then)
        self._gathered[event.seq] = self._unsaved[event.seq] = event
        if self._timer is None:
            self._timer = self._loop.call_later(SETTLE_DELAY_S, self.flush)

    def flush(self) -> None:
        """Hand what was gathered to the writer now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._gathered:
            return
        events, self._gathered = self._gathered, {}
        waiting, self._then = self._then, []

        def done() -> None:
            for seq in events:
                # Unless another delivery of the event was settled meanwhile.
                if seq not in self._gathered:
                    self._unsaved.pop(seq, None)
            for then in waiting:
                then()

        changes = [settlement_of(event) for event in events.values()]
        self._writer.submit(Settling(changes, done))
