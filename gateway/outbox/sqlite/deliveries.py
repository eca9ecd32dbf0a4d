"""The deliveries of the embedded outbox: what is sent next, and what became of it.

Owns how backlog, shelf, pages and saving work together.
Does not: take events in or look them up (`outbox.py`), publish, or judge attempts.
Source: docs/decisions/0007-outbox.md.

Theory of operation: everything here runs on the event loop and between two awaits. Each delivery
that is not settled stands in the backlog as one number; events themselves, with their payloads,
are held while there is room for them and read back from the file when their turn comes. A
settlement takes effect here at once and on disk with one of the next commits; only where a crash
in between could break the order of a topic does the topic wait for the disk (`Backlog.bar`). An
event of which some deliveries are settled and others are not is always held.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from gateway.core.backlog import Backlog, Place
from gateway.core.kept_event import KeptEvent
from gateway.core.report import State
from gateway.core.settlement import Outcome, Reason
from gateway.outbox.outbox import Claim, Deliverer
from gateway.outbox.sqlite.keys import key_of, position_of, seq_of
from gateway.outbox.sqlite.pages import Pages, Wanted
from gateway.outbox.sqlite.saving import Saving
from gateway.outbox.sqlite.shelf import Shelf
from gateway.outbox.sqlite.store import Waiting
from gateway.outbox.sqlite.waiting_callers import WaitingCallers
from gateway.outbox.sqlite.writer import RETRY_S, Errand, Writer

log = logging.getLogger(__name__)

_MOST_ARMED_S: Final = 30.0
"""Longest sleep until something scheduled is due: the wall clock may be set meanwhile."""


class Deliveries:
    """All deliveries that are accepted and not settled.

    Attributes:
        callers: Who waits for an event to be settled.

    Args:
        writer: Who reads and writes the file.
        memory_bytes: Most payload bytes of waiting events held in memory.
    """

    def __init__(self, writer: Writer, *, memory_bytes: int) -> None:
        self.callers = WaitingCallers()
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._backlog = Backlog()
        self._shelf = Shelf(memory_bytes)
        self._saving = Saving(writer)
        self._pages = Pages(
            writer=writer, backlog=self._backlog, shelf=self._shelf, arrived=self._arrived
        )
        self._read: deque[Claim] = deque()
        self._deliverer: Deliverer | None = None
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._waking = False
        self._stopping = False

    def stop(self) -> None:
        """Give nothing more out, and hand what is settled to the writer."""
        self._stopping = True
        if self._timer is not None:
            self._timer.cancel()
        self._pages.stop()
        self._saving.flush()

    def flush(self) -> None:
        """Hand what is settled to the writer now."""
        self._saving.flush()

    # --- what waits ---------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """Deliveries that count against the bound: not settled, or about to be accepted."""
        return self._count

    def reserve(self, deliveries: int) -> None:
        """Count deliveries that are about to be accepted; a negative number gives them back."""
        self._count += deliveries

    @property
    def unsaved(self) -> int:
        """Events with settlements that are not on disk yet."""
        return len(self._saving)

    @property
    def scheduled(self) -> int:
        """How many of them are not due yet."""
        return self._backlog.scheduled

    @property
    def payload_bytes(self) -> int:
        """Payload bytes held in memory."""
        return self._shelf.payload_bytes

    def oldest_age_s(self) -> float:
        """Return for how long the oldest delivery in memory has been due, seconds."""
        now_ms = _now_ms()
        return (now_ms - self._shelf.oldest_due_ms(now_ms)) / 1000

    def rests_for_s(self) -> float:
        """Return for how long nothing is to be sent, seconds: 0 while something is on its way."""
        if self._backlog.claimed or self._backlog.ready:
            return 0.0
        next_at = self._backlog.next_at()
        return float("inf") if next_at is None else max(0.0, next_at - time.monotonic())

    # --- take in ------------------------------------------------------------------------------

    def offer(self, event: KeptEvent) -> None:
        """Take in an event that is on disk; its deliveries were counted before."""
        now_ms = _now_ms()
        if event.due_ms <= now_ms:
            self._shelf.offer(event)
        for position, name in enumerate(event.names):
            if event.outcomes[position] is None:
                self.put(event, position, name, now_ms)

    def put(self, event: KeptEvent | Waiting, position: int, name: str, now_ms: int) -> None:
        """Take in one delivery of an event that is on disk, held or not."""
        place = Place(key_of(event.seq, position), name, event.collapse_key)
        replaced = self._backlog.add(place, due_ms=event.due_ms, now_ms=now_ms)
        if replaced is not None:
            self._collapse(replaced)

    def cancel(self, event: KeptEvent, done: Callable[[], None]) -> None:
        """Settle the deliveries of an event that are not on their way as cancelled.

        Args:
            event: The event, held or not.
            done: Called once that is on disk; at once if there is nothing to write.
        """
        barred: list[Place] = []
        for position, outcome in enumerate(event.outcomes):
            place = _place(event, position)
            if outcome is not None or not self._backlog.holds(place):
                continue
            if self._backlog.claimed_now(place):
                # On its way: should the attempt fail, there is no other.
                self._shelf.hold(event).cancelled = True
                continue
            barred.append(place)
            self._backlog.bar(place)
            self._set(event, position, _unsent(event, position, State.CANCELLED))

        def release() -> None:
            self._release(event, barred)
            done()

        if barred:
            self._saving.note(event, release)
            self._saving.flush()
        else:
            done()

    # --- claim and settle ---------------------------------------------------------------------

    def attach(self, deliverer: Deliverer) -> None:
        """Name who makes the deliveries, see `Outbox.attach`."""
        self._deliverer = deliverer

    def claim(self) -> Claim | None:
        """Return a delivery to be made now, see `Outbox.claim`."""
        if self._read:
            return self._read.popleft()
        if self._backlog.still:  # asked twice for each delivery
            return None
        now, now_ms = time.monotonic(), _now_ms()
        while self._pages.room:
            found = self._backlog.claim(now, now_ms)
            if found is None:
                self._arm(now, now_ms)
                return None
            topic, key = found
            event = self._shelf.get(seq_of(key))
            if event is not None and event.payload is not None:
                event.claimed += 1
                return Claim(event, position_of(key))
            self._pages.want(Wanted(topic, key))
        return None

    def settle(self, claim: Claim, outcome: Outcome) -> None:
        """Note how a claimed delivery ended, see `Outbox.settle`."""
        event, position = claim
        place = _place(event, position)
        event.claimed -= 1
        self._set(event, position, outcome)
        if outcome.state in (State.FAILED, State.CANCELLED):
            self._backlog.bar(place)
            self._saving.note(event, lambda: self._release(event, [place]))
            return
        self._backlog.settle(place)
        self._saving.note(event)
        self._tell(event)

    def extend(self, claim: Claim, delay_s: float, reason: Reason) -> None:
        """Put a claimed delivery off, see `Outbox.extend`.

        Unless there is no reason for another attempt any more: a newer event took its place, or
        it was cancelled, while it was on its way.
        """
        event, position = claim
        place, now_ms = _place(event, position), _now_ms()
        attempts = event.attempts_of(position)
        attempts.reason = reason
        if event.cancelled or self._backlog.superseded(place):
            state = State.CANCELLED if event.cancelled else State.COLLAPSED
            self.settle(claim, Outcome(state, now_ms, attempts.tried, reason))
            return
        attempts.next_at_ms = now_ms + int(delay_s * 1000)
        event.claimed -= 1
        self._backlog.park(place.topic, time.monotonic() + delay_s)
        self._shelf.lighten(event)

    def give_back(self, claim: Claim) -> None:
        """Take a delivery back that was not attempted, see `Outbox.give_back`."""
        event, position = claim
        event.claimed -= 1
        self._backlog.park(event.names[position], time.monotonic())

    def _arrived(self, wanted: list[Wanted], page: list[KeptEvent]) -> None:
        for event in page:
            known = self.in_memory(event.seq)
            if known is None or not known.settled:
                self._shelf.hold(event)
        for topic, key in wanted:
            held = self.in_memory(seq_of(key))
            if held is None or held.payload is None:
                self._lose(Place(key, topic, held.collapse_key if held else None))
                continue
            held.claimed += 1
            self._read.append(Claim(held, position_of(key)))
        self.wake()

    def _lose(self, place: Place) -> None:
        # Only where somebody put another file in the place of ours.
        log.error("outbox lost a delivery", extra={"seq": seq_of(place.key)})
        self._count -= 1
        self._backlog.settle(place)

    def _collapse(self, key: int) -> None:
        seq, position = seq_of(key), position_of(key)

        def note(event: KeptEvent) -> None:
            self._set(event, position, _unsent(event, position, State.COLLAPSED))
            self._saving.note(event)
            self._tell(event)

        def read(result: object) -> None:
            # Meanwhile it may have been read for another of its addresses.
            event = self.in_memory(seq)
            if event is None and isinstance(result, list) and result:
                event = self._shelf.hold(result[0])
            if event is not None:
                note(event)
            elif isinstance(result, list):
                self._count -= 1
            elif not self._stopping:
                self._loop.call_later(RETRY_S, self._collapse, key)

        held = self.in_memory(seq)
        if held is not None:
            note(held)
        else:
            self._writer.submit(Errand(lambda store, _: store.load([seq]), read, writes=False))

    def _set(self, event: KeptEvent, position: int, outcome: Outcome) -> None:
        event.outcomes[position] = outcome
        self._count -= 1
        if event.settled:
            self._shelf.release(event)
        if self._deliverer is not None:
            self._deliverer.settled(event, position)

    def _release(self, event: KeptEvent, places: list[Place]) -> None:
        for place in places:
            self._backlog.release(place)
        self._tell(event)
        self.wake()

    def _tell(self, event: KeptEvent) -> None:
        if self.callers and event.settled:
            self.callers.tell(event.service, event.id, event.report(_now_ms()))

    def in_memory(self, seq: int) -> KeptEvent | None:
        """Return an event of which memory knows more than the file, or None."""
        return self._shelf.get(seq) or self._saving.get(seq)

    def wake(self) -> None:
        """Tell the deliverer that there may be something to claim."""
        if self._deliverer is not None and not self._stopping:
            self._deliverer.wake()

    def wake_soon(self) -> None:
        """Do so once for all that this round of the loop brings."""
        if not self._waking:
            self._waking = True
            self._loop.call_soon(self._wake)

    def _wake(self) -> None:
        self._waking = False
        self.wake()

    def _arm(self, now: float, now_ms: int) -> None:
        due_ms = self._backlog.next_due_ms()
        waits = [] if due_ms is None else [min(_MOST_ARMED_S, (due_ms - now_ms) / 1000)]
        next_at = self._backlog.next_at()
        if next_at is not None:
            waits.append(next_at - now)
        if waits:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_later(max(0.0, min(waits)), self.wake)


def _place(event: KeptEvent, position: int) -> Place:
    return Place(key_of(event.seq, position), event.names[position], event.collapse_key)


def _unsent(event: KeptEvent, position: int, state: State) -> Outcome:
    tried = event.attempts.get(position) if event.attempts else None
    attempts, reason = (tried.tried, tried.reason) if tried else (0, None)
    return Outcome(state, _now_ms(), attempts, reason)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
