"""The sweep: what any gateway does for all, so that nothing depends on one that is gone.

Owns sending what is due, sending what was written and not queued, looking again at what is not
settled after a long time, and settling dead letters of the queue as failed.
Does not: deliver. Every step is a conditional claim of one item, so any number may sweep at once.
Source: docs/decisions/0011-shared-outbox.md.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import suppress
from typing import Final

from gateway.clock import Clock
from gateway.core.report import State
from gateway.core.settlement import Outcome, Reason
from gateway.errors import OutboxUnavailable
from gateway.outbox.aws.calls import AWS_ERRORS, all_of, word_for
from gateway.outbox.aws.item import SHARDS, Item, event_of, generation_of, turns_of
from gateway.outbox.aws.message import Turn
from gateway.outbox.aws.queue import Queue
from gateway.outbox.aws.table import WITHIN_S, Table

log = logging.getLogger(__name__)

SWEEP_S: Final = 1.0
"""Time between looks at what is due, seconds; how late a scheduled event may be."""

PAGE: Final = 25
"""Entries of one shard taken in one look."""

RETAKE_S: Final = 30.0
"""How long one gateway has to queue what it took over, before another one may, seconds."""

MARK_S: Final = 5.0
"""Time after sending until an event that is still open is marked as queued, seconds: most are
settled by then, and need no mark."""

WATCH_S: Final = 3_600.0
"""Time after which what was queued and is not settled is sent once more, seconds: beyond the five
minutes in which SQS drops repeats, and harmless, since a settled delivery is not claimed again."""

LOOK_S: Final = 10.0
"""Time between looks at the queue itself and at its dead letters, seconds."""

POISONED: Final = Reason(
    code="poisoned",
    detail="the queue gave it up: gateways took it many times and never settled it",
    retryable=True,
)


class Sweep:
    """The tasks of one gateway that serve all.

    Attributes:
        trouble: Why the table cannot be read now, or None.

    Args:
        queue: The queue.
        table: The table.
        clock: What it reads the time from.
    """

    def __init__(self, *, queue: Queue, table: Table, clock: Clock) -> None:
        self.trouble: str | None = "starting"
        self._queue = queue
        self._table = table
        self._clock = clock
        self._sent: dict[tuple[str, str], tuple[float, Turn]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._looked = asyncio.Event()

    def start(self) -> None:
        """Begin."""
        self._tasks = [
            asyncio.create_task(self._sweep(), name="sweep"),
            asyncio.create_task(self._look(), name="look"),
        ]

    async def ready(self, timeout_s: float) -> None:
        """Wait until queue and table were seen, or the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._looked.wait()

    async def stop(self) -> None:
        """End; what was sent and not marked is marked now, as far as that works at once."""
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        with suppress(OutboxUnavailable):
            await self._mark(older_than_s=0.0)

    def sent(self, turn: Turn) -> None:
        """Remember that all turns of an event were sent."""
        self._sent[turn.service, turn.event_id] = (self._clock.monotonic_s(), turn)

    def settled(self, service: str, event_id: str) -> None:
        """Forget an event that needs no mark."""
        self._sent.pop((service, event_id), None)

    # --- sweep --------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        while True:
            more = False
            try:
                more = await self._sweep_once()
                await self._mark(older_than_s=MARK_S)
                self.trouble = None
                self._looked.set()
            except OutboxUnavailable as error:
                self.trouble = error.why
            except Exception:
                # Our bug; what others wrote must still be looked at.
                log.exception("sweep failed")
            if not more:
                await asyncio.sleep(SWEEP_S)

    async def _sweep_once(self) -> bool:
        """Take over what is due, the earliest first, and send it; tell whether there is more."""
        now_ms = self._clock.now_ms()
        # One after the other: it is never in a hurry, and a table in trouble gets no burst of them.
        pages = [
            await self._table.to_look_at(shard, now_ms=now_ms, limit=PAGE)
            for shard in range(SHARDS)
        ]
        # What lies behind the end of a full page is not known yet, so nothing later is sent now.
        ends = [_when(page[-1]) for page in pages if len(page) == PAGE]
        entries = [e for page in pages for e in page if not ends or _when(e) <= min(ends)]
        entries.sort(key=_when)
        look_ms = now_ms + int(RETAKE_S * 1000)
        taken = await all_of([self._table.take_over(entry, look_ms=look_ms) for entry in entries])
        await self._queue_up([item for item in taken if item is not None])
        return bool(ends)

    async def _queue_up(self, items: list[Item]) -> None:
        turns = [(item, self._turns_of(item)) for item in items]
        await all_of([self._table.finish(item) for item, open_ in turns if open_ == []])
        sent = [open_ for _, open_ in turns if open_]
        await self._queue.send([turn for open_ in sent for turn in open_])
        look_ms = self._clock.now_ms() + int(WATCH_S * 1000)
        await all_of([self._table.queued(open_[0], look_ms=look_ms) for open_ in sent])

    def _turns_of(self, item: Item) -> list[Turn] | None:
        try:
            event = event_of(item)
            turns = turns_of(event, generation_of(item))
        except Exception:
            # Nobody can deliver it; it must not keep others from being swept.
            log.exception("item cannot be read", extra={"key": item["pk"]["S"]})
            return None
        if turns and (not event.scheduled or "queued" in item):
            facts = {"service": event.service, "event_id": event.id, "queued": "queued" in item}
            log.info("event sent to the queue again", extra=facts)
        return turns

    async def _mark(self, *, older_than_s: float) -> None:
        before = self._clock.monotonic_s() - older_than_s
        for name, (at, turn) in list(self._sent.items()):
            if at <= before:
                await self._table.queued(turn, look_ms=self._clock.now_ms() + int(WATCH_S * 1000))
                self._sent.pop(name, None)

    # --- the queue ----------------------------------------------------------------------------

    async def _look(self) -> None:
        while True:
            try:
                await self._queue.look()
                await self._bury_dead()
            except (OutboxUnavailable, *AWS_ERRORS) as error:
                log.warning("aws call failed", extra={"what": "look", "why": word_for(error)})
            await asyncio.sleep(LOOK_S)

    async def _bury_dead(self) -> None:
        for message in await self._queue.receive_dead():
            # What is none of ours stays there, to be looked at.
            if message.turn is not None and await self._failed(message.turn):
                await self._queue.delete_dead(message)

    async def _failed(self, turn: Turn) -> bool:
        """Settle a delivery that the queue gave up; False while somebody attempts it all the same."""
        now_ms = self._clock.now_ms()
        item = await self._table.load(turn.service, turn.event_id, now_ms=now_ms)
        if item is None or f"o{turn.position}" in item or generation_of(item) != turn.generation:
            return True
        until_ms = now_ms + int(WITHIN_S * 1000)
        item = await self._table.claim(turn, secrets.token_hex(8), now_ms=now_ms, until_ms=until_ms)
        if item is None:
            return False
        event = event_of(item)
        outcome = Outcome(State.FAILED, now_ms, event.attempts_of(turn.position).tried, POISONED)
        await self._table.settle(turn, outcome, deliveries=len(event.names))
        facts = {"service": turn.service, "event_id": turn.event_id, "address": turn.name}
        log.error("delivery poisoned", extra=facts)
        return True


def _when(entry: Item) -> str:
    return str(entry["gsi1sk"]["S"])
