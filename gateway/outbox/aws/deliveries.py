"""The deliveries that this gateway holds of the shared outbox: received, claimed, on their way.

Owns receiving, keeping messages this gateway's while it works, claiming before each attempt, and
writing down how it ended. Does not: take events in (`outbox.py`), publish, or judge attempts.
Source: docs/decisions/0011-shared-outbox.md.

Theory of operation: a received message stands in its topic's lane. The head of a lane is claimed in
the table, which also reads its event, and then handed to the deliverer. A settlement is written
under the condition that there is none, then the message is deleted. All that is held is extended
well before its time; what could not be extended is dropped here, since another gateway has it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final

from gateway.clock import Clock
from gateway.core.lanes import Lanes
from gateway.core.report import State
from gateway.core.settlement import Outcome, Reason
from gateway.errors import OutboxUnavailable
from gateway.outbox.aws.calls import AWS_ERRORS, word_for
from gateway.outbox.aws.held import Held
from gateway.outbox.aws.item import Item, event_of, generation_of
from gateway.outbox.aws.message import BATCH, Turn
from gateway.outbox.aws.queue import Message, Queue
from gateway.outbox.aws.table import Table
from gateway.outbox.outbox import Claim, Deliverer
from gateway.outbox.sqlite.waiting_callers import WaitingCallers

log = logging.getLogger(__name__)

RECEIVERS: Final = 3
"""Receives that wait at the same time."""

MOST_HELD: Final = 5_000
"""Most messages held; above it nothing is received, so that other gateways take their part."""

AGAIN_S: Final = 0.5
"""Time until a delivery is tried again that could not be claimed or written down, seconds."""


class Deliveries:
    """What this gateway holds.

    Attributes:
        callers: Who waits here for an event to be settled.
        trouble: Why nothing can be received now, or None.

    Args:
        queue: Where turns come from.
        table: Where events are.
        visibility_s: How long a message is this gateway's without being extended, seconds.
        most_ready: Most deliveries claimed and not handed out.
        clock: What it reads the time from.
    """

    def __init__(
        self, *, queue: Queue, table: Table, visibility_s: float, most_ready: int, clock: Clock
    ) -> None:
        self.callers = WaitingCallers()
        self.trouble: str | None = None
        self._queue = queue
        self._table = table
        self._visibility_s = visibility_s
        self._most_ready = most_ready
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._lanes = Lanes()
        self._held: dict[int, Held] = {}
        self._ready: deque[Claim] = deque()
        self._claiming = 0
        self._out = 0
        self._next_key = 1
        self._done: list[Message] = []
        self._deliverer: Deliverer | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._receivers: list[asyncio.Task[None]] = []
        self._keeping: asyncio.Task[None] | None = None
        self._retiring = False

    # --- start and stop -----------------------------------------------------------------------

    def start(self) -> None:
        """Begin to receive."""
        self._receivers = [
            asyncio.create_task(self._receive(), name=f"receive-{number}")
            for number in range(RECEIVERS)
        ]
        self._keeping = asyncio.create_task(self._keep(), name="extend")

    def retire(self) -> None:
        """Receive nothing more; what was claimed is still handed out."""
        self._retiring = True

    async def stop(self, within_s: float) -> None:
        """End: let writes finish, and give back what is held, so that others go on at once."""
        self._retiring = True
        waits = [*self._receivers, *self._tasks]
        if waits:
            # Receives end by themselves: one that is cut off would hide its messages for a while.
            _, late = await asyncio.wait(waits, timeout=within_s)
            for task in late:
                task.cancel()
        if self._timer is not None:
            self._timer.cancel()
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
        await self._give_back()

    async def _give_back(self) -> None:
        ready = {claim.event.seq for claim in self._ready}
        held = list(self._held.values())
        with suppress(OutboxUnavailable, *AWS_ERRORS):
            for key in ready:
                await self._table.release(self._held[key].turn, self._held[key].holder)
            for start in range(0, len(self._done), BATCH):
                await self._queue.delete(self._done[start : start + BATCH])
            # The last of a topic first: its earlier ones must not be received without it.
            for start in range(0, len(held), BATCH):
                await self._queue.extend([h.message for h in held[::-1][start : start + BATCH]], 0)

    # --- what is held -------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """Deliveries held here or waiting in the queue, about."""
        return self._queue.waiting + len(self._held)

    @property
    def unsaved(self) -> int:
        """Reads and writes on their way, among them those of settlements."""
        return len(self._tasks)

    @property
    def scheduled(self) -> int:
        """Nothing: what is not due is the table's, and counting it would cost a read of all."""
        return 0

    def oldest_age_s(self) -> float:
        """Return for how long the oldest delivery that is claimed here has been due, seconds."""
        if not self._ready:
            return 0.0
        return max(0.0, (self._clock.now_ms() - min(c.event.due_ms for c in self._ready)) / 1000)

    def rests_for_s(self) -> float:
        """Return for how long nothing is to be sent, see `Outbox.rests_for_s`."""
        if self._ready or self._out or self._claiming or self._tasks:
            return 0.0
        if self._retiring:
            return float("inf")
        next_at = 0.0 if self._lanes.ready else self._lanes.next_at()
        return float("inf") if next_at is None else max(0.0, next_at - self._clock.monotonic_s())

    # --- receive ------------------------------------------------------------------------------

    async def _receive(self) -> None:
        failures = 0
        while not self._retiring:
            if len(self._held) >= MOST_HELD or self._lanes.ready > 2 * self._most_ready:
                await asyncio.sleep(0.05)
                continue
            try:
                received = await self._queue.receive()
            except AWS_ERRORS as error:
                failures += 1
                if failures >= 3:
                    self.trouble = word_for(error)
                log.warning("aws call failed", extra={"what": "receive", "why": word_for(error)})
                await asyncio.sleep(min(5.0, 0.1 * 2.0**failures))
                continue
            failures, self.trouble = 0, None
            for message in received:
                self._admit(message)
            self._pump()

    def _admit(self, message: Message) -> None:
        if message.turn is None:
            log.warning("message is none of ours", extra={"bytes": len(message.body)})
            self._spawn(self._bury(message))
            return
        key, self._next_key = self._next_key, self._next_key + 1
        extend_at = self._clock.monotonic_s() + self._visibility_s / 3
        self._held[key] = Held(message, message.turn, extend_at)
        self._lanes.offer(message.turn.name, key)

    async def _bury(self, message: Message) -> None:
        try:
            await self._queue.bury(message)
        except AWS_ERRORS as error:
            log.warning("aws call failed", extra={"what": "bury", "why": word_for(error)})

    # --- claim --------------------------------------------------------------------------------

    def attach(self, deliverer: Deliverer) -> None:
        """Name who makes the deliveries, see `Outbox.attach`."""
        self._deliverer = deliverer

    def claim(self) -> Claim | None:
        """Return a delivery to be made now, see `Outbox.claim`."""
        while self._ready:
            claim = self._ready.popleft()
            held = self._held[claim.event.seq]
            # An attempt must end before the claim does.
            if (
                not held.lost
                and self._clock.now_ms() < held.claimed_until_ms - self._visibility_s * 500
            ):
                self._out += 1
                self._pump()
                return claim
            self._park(claim.event.seq, AGAIN_S)
        self._pump()
        return None

    def _pump(self) -> None:
        while not self._retiring and self._claiming + len(self._ready) < self._most_ready:
            taken = self._lanes.take(self._clock.monotonic_s())
            if taken is None:
                break
            key = taken[1]
            self._claiming += 1
            self._spawn(self._claim(key))
        next_at = self._lanes.next_at()
        if next_at is not None and not self._retiring:
            if self._timer is not None:
                self._timer.cancel()
            delay_s = max(0.0, next_at - self._clock.monotonic_s())
            self._timer = self._loop.call_later(delay_s, self._pump)

    async def _claim(self, key: int) -> None:
        held = self._held[key]
        if held.lost:
            self._claiming -= 1
            self._drop(key)
            self._pump()
            return
        now_ms = self._clock.now_ms()
        until_ms = now_ms + int(self._visibility_s * 1000)
        held.holder = secrets.token_hex(8)
        try:
            item = await self._table.claim(held.turn, held.holder, now_ms=now_ms, until_ms=until_ms)
            over = item is None and await self._over(held.turn)
        except OutboxUnavailable:
            self._claiming -= 1
            self._park(key, AGAIN_S)
            self._pump()
            return
        self._claiming -= 1
        if item is None or held.lost:
            if item is not None:
                # Whoever has the message now need not wait for this claim to end.
                self._spawn(self._release(held))
            if over:
                self._finish(key)
            else:
                self._park(key, AGAIN_S)
        else:
            event = event_of(item)
            event.seq = key
            held.claimed_until_ms = until_ms
            wanted = item.get(f"w{held.turn.position}")
            claim = Claim(event, held.turn.position)
            if wanted is not None:
                # Whoever attempted it last is gone, and nobody wants another attempt.
                self._out += 1
                tried = event.attempts_of(claim.position)
                outcome = Outcome(State(wanted["S"]), now_ms, tried.tried, tried.reason)
                self.settle(claim, outcome)
                return
            self._ready.append(claim)
            if self._deliverer is not None:
                self._deliverer.wake()
        self._pump()

    async def _release(self, held: Held) -> None:
        with suppress(OutboxUnavailable):
            await self._table.release(held.turn, held.holder)

    async def _over(self, turn: Turn) -> bool:
        """Tell whether a turn that cannot be claimed leads to nothing any more."""
        item = await self._table.load(turn.service, turn.event_id, now_ms=self._clock.now_ms())
        if item is None or generation_of(item) != turn.generation:
            return True
        if f"o{turn.position}" not in item:
            return False
        # Whoever settled it may have died before it closed the event; then lists lack it.
        await self._table.closed(item)
        return True

    def _park(self, key: int, delay_s: float) -> None:
        held = self._held[key]
        if held.lost:
            self._drop(key)
        else:
            self._lanes.park(held.turn.name, self._clock.monotonic_s() + delay_s)

    # --- settle -------------------------------------------------------------------------------

    def settle(self, claim: Claim, outcome: Outcome) -> None:
        """Note how a claimed delivery ended, see `Outbox.settle`."""
        event, position = claim
        event.outcomes[position] = outcome
        if self._deliverer is not None:
            self._deliverer.settled(event, position)
        self._out -= 1
        # By the clock of whoever gets the next one, this one may not have expired.
        goes_on = outcome.state in (State.PUBLISHED, State.DELIVERED)
        if goes_on:
            self._lanes.done(event.names[position])
        self._spawn(self._save(claim, outcome, goes_on=goes_on))
        self._pump()

    async def _save(self, claim: Claim, outcome: Outcome, *, goes_on: bool) -> None:
        event = claim.event
        held = self._held[event.seq]
        while True:
            try:
                item = await self._table.settle(held.turn, outcome, deliveries=len(event.names))
                break
            except OutboxUnavailable:
                # Given up only with the gateway: then the message comes back to another one.
                await asyncio.sleep(AGAIN_S)
        if goes_on:
            del self._held[event.seq]
            self._delete(held.message)
        else:
            self._finish(event.seq)
        self._tell(item)
        self._pump()

    def extend(self, claim: Claim, delay_s: float, reason: Reason) -> None:
        """Put a claimed delivery off, see `Outbox.extend`."""
        self._spawn(self._put_off(claim, delay_s, reason))

    def give_back(self, claim: Claim) -> None:
        """Take a delivery back that was not attempted, see `Outbox.give_back`."""
        self._out -= 1
        self._ready.appendleft(claim)

    async def _put_off(self, claim: Claim, delay_s: float, reason: Reason) -> None:
        event, position = claim
        held = self._held[event.seq]
        attempts = event.attempts_of(position)
        attempts.reason = reason
        attempts.next_at_ms = self._clock.now_ms() + int(delay_s * 1000)
        wanted: State | None = None
        try:
            item = await self._table.put_off(held.turn, held.holder, attempts)
            if item is not None and f"w{position}" in item:
                wanted = State(item[f"w{position}"]["S"])
        except OutboxUnavailable:
            log.warning("attempt not noted", extra={"event_id": event.id})
        if wanted is not None:
            self.settle(claim, Outcome(wanted, self._clock.now_ms(), attempts.tried, reason))
            return
        self._out -= 1
        self._park(event.seq, delay_s)
        self._pump()

    def _finish(self, key: int) -> None:
        """Forget a delivery that is settled, and let its topic go on."""
        held = self._held.pop(key)
        self._lanes.done(held.turn.name)
        self._delete(held.message)

    def _drop(self, key: int) -> None:
        """Forget a delivery that another gateway has now."""
        held = self._held.pop(key)
        self._lanes.done(held.turn.name)

    def _delete(self, message: Message) -> None:
        self._done.append(message)
        if len(self._done) == 1:
            self._loop.call_later(0.02, lambda: self._spawn(self._delete_all()))

    async def _delete_all(self) -> None:
        done, self._done = self._done, []
        for start in range(0, len(done), BATCH):
            try:
                await self._queue.delete(done[start : start + BATCH])
            except AWS_ERRORS as error:
                # It comes again, is found settled, and is deleted then.
                log.warning("aws call failed", extra={"what": "delete", "why": word_for(error)})

    def _tell(self, item: Item | None) -> None:
        if item is not None and self.callers:
            event = event_of(item)
            if event.settled:
                self.callers.tell(event.service, event.id, event.report(self._clock.now_ms()))

    # --- keep ---------------------------------------------------------------------------------

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._visibility_s / 10)
            now = self._clock.monotonic_s()
            due = [held for held in self._held.values() if held.extend_at <= now and not held.lost]
            for start in range(0, len(due), BATCH):
                await self._extend(due[start : start + BATCH])

    async def _extend(self, held: list[Held]) -> None:
        try:
            lost = await self._queue.extend([one.message for one in held], self._visibility_s)
        except AWS_ERRORS as error:
            log.warning("aws call failed", extra={"what": "extend", "why": word_for(error)})
            late = self._clock.monotonic_s() - self._visibility_s / 3
            for one in held:
                one.lost = one.lost or one.extend_at < late
        else:
            extend_at = self._clock.monotonic_s() + self._visibility_s / 3
            for one in held:
                one.extend_at = extend_at
                one.lost = one.lost or one.message in lost
        # Nothing of a topic may go before what was lost of it: that is another gateway's now.
        topics = {one.turn.name for one in held if one.lost}
        for key, one in list(self._held.items()):
            one.lost = one.lost or one.turn.name in topics
            if one.lost and self._lanes.busy_with(one.turn.name) != key:
                self._withdraw(key)

    def _withdraw(self, key: int) -> None:
        held = self._held[key]
        # What is settled and not written yet stands in no lane any more.
        if self._lanes.holds(held.turn.name, key):
            self._lanes.withdraw(held.turn.name, key)
            del self._held[key]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
