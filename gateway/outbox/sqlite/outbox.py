"""The embedded outbox, as the rest of the gateway sees it.

Owns `gateway.outbox.outbox.Outbox` in one SQLite file: start and stop, taking events in, looking
them up, cancelling and redelivering, and pruning.
Does not: touch the file (`writer.py` does, in its thread), know what is sent next
(`deliveries.py`), publish, or judge attempts.
Source: docs/decisions/0007-outbox.md.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from gateway.core.kept_event import KeptEvent
from gateway.core.report import Page, Report, State
from gateway.core.settlement import Outcome, Reason
from gateway.errors import (
    InvalidQuery,
    OutboxFull,
    OutboxUnavailable,
    UnknownEvent,
    WrongState,
)
from gateway.outbox.outbox import CHANGED, Added, Addition, Changed, Claim, Deliverer, Known
from gateway.outbox.sqlite import writer as jobs
from gateway.outbox.sqlite.deliveries import Deliveries
from gateway.outbox.sqlite.pruning import Pruned, Pruner
from gateway.outbox.sqlite.schema import CODES, OPEN
from gateway.outbox.sqlite.store import Found, Store, Waiting
from gateway.outbox.sqlite.trouble import STARTING, STOPPING
from gateway.outbox.sqlite.writer import RETRY_S, Errand, Writer

if TYPE_CHECKING:
    from gateway.metrics import Metrics
    from gateway.settings import Settings

log = logging.getLogger(__name__)

START_PAGE_EVENTS: Final = 2_000
"""Events put into the backlog at once when the gateway starts."""

PRUNE_S: Final = 5.0
"""Time between looks for what can be forgotten, seconds; none while there is more to forget."""

CLOSE_S: Final = 10.0
"""Longest wait for the disk where somebody waits for it: to cancel, and at the end; seconds."""


class SqliteOutbox:
    """An outbox in one SQLite file; its methods are those of `Outbox`.

    Args:
        settings: The file, its bounds, and how long things are kept.
        metrics: Where commits are counted.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._metrics = metrics
        self._max_deliveries = settings.outbox_max_deliveries
        self._max_adding_bytes = settings.outbox_memory_bytes
        self._loop = asyncio.get_running_loop()
        self._writer = Writer(
            file=settings.outbox_file,
            namespace=settings.namespace,
            max_bytes=settings.outbox_max_bytes,
            committed=self._committed,
        )
        self._pruner = Pruner(
            keep_settled_s=settings.keep_settled_s, keep_failed_s=settings.keep_failed_s
        )
        self._deliveries = Deliveries(self._writer, memory_bytes=settings.outbox_memory_bytes)
        self._adding_bytes = 0
        self._next_seq = 1
        self._loaded = asyncio.Event()
        self._stopping = False
        self._timers: dict[str, asyncio.TimerHandle] = {}

    # --- start and stop -----------------------------------------------------------------------

    async def open(self, timeout_s: float) -> None:
        """Open the file and put what is not settled into the backlog.

        A file that cannot be opened stops nobody: additions are refused until it can be.

        Args:
            timeout_s: Longest wait for it here; behind, it goes on.
        """
        self._writer.start()
        self._load_after(0)
        self._later("prune", PRUNE_S, self._prune)
        try:
            async with asyncio.timeout(timeout_s):
                await self._loaded.wait()
        except TimeoutError:
            log.warning("outbox not open yet", extra={"why": self.trouble()})

    async def close(self) -> None:
        """Write what is still to be written, and close the file."""
        self._stopping = True
        for timer in self._timers.values():
            timer.cancel()
        self._deliveries.stop()
        if not await self._writer.stop(CLOSE_S):
            log.error("outbox not closed in time", extra={"timeout_s": CLOSE_S})
        elif self._deliveries.unsaved:
            # They stand on disk as not settled, and will go out once more.
            log.warning("settlements not written", extra={"events": self._deliveries.unsaved})

    def trouble(self) -> str | None:
        """Return why nothing can be kept now, see `Outbox.trouble`."""
        if self._stopping:
            return STOPPING
        return self._writer.trouble or (None if self._loaded.is_set() else STARTING)

    def _load_after(self, after: int) -> None:
        def read(store: Store, _: object) -> tuple[int, list[Waiting]]:
            return store.last_seq(), store.waiting(after, START_PAGE_EVENTS)

        def loaded(result: object) -> None:
            if isinstance(result, tuple):
                self._next_seq = max(self._next_seq, result[0] + 1)
                self._load_page(result[1])
            elif not self._stopping:
                self._later("load", RETRY_S, lambda: self._load_after(after))

        self._writer.submit(Errand(read, loaded, writes=False))

    def _load_page(self, page: list[Waiting]) -> None:
        for waiting in page:
            for position, name in enumerate(waiting.names):
                if name is not None:
                    self._deliveries.reserve(1)
                    self._deliveries.put(waiting, position, name, waiting.accepted_ms)
        if len(page) == START_PAGE_EVENTS:
            self._load_after(page[-1].seq)
            return
        self._loaded.set()
        log.info("outbox open", extra={"deliveries": self._deliveries.count})
        self._deliveries.wake()

    # --- deliveries ---------------------------------------------------------------------------

    @property
    def deliveries(self) -> Deliveries:
        """What waits and what is on its way."""
        return self._deliveries

    def attach(self, deliverer: Deliverer) -> None:
        """Name who makes the deliveries, see `Outbox.attach`."""
        self._deliveries.attach(deliverer)

    def claim(self) -> Claim | None:
        """Return a delivery to be made now, see `Outbox.claim`."""
        return self._deliveries.claim()

    def settle(self, claim: Claim, outcome: Outcome) -> None:
        """Note how a claimed delivery ended, see `Outbox.settle`."""
        self._deliveries.settle(claim, outcome)

    def extend(self, claim: Claim, delay_s: float, reason: Reason) -> None:
        """Put a claimed delivery off, see `Outbox.extend`."""
        self._deliveries.extend(claim, delay_s, reason)

    def give_back(self, claim: Claim) -> None:
        """Take a delivery back that was not attempted, see `Outbox.give_back`."""
        self._deliveries.give_back(claim)

    def rests_for_s(self) -> float:
        """Return for how long nothing is to be sent, see `Outbox.rests_for_s`."""
        return self._deliveries.rests_for_s()

    # --- add ----------------------------------------------------------------------------------

    async def add(self, events: Sequence[KeptEvent]) -> tuple[Addition, ...]:
        """Keep events, see `Outbox.add`: one hand-over to the writer and one wait for all."""
        if not self._loaded.is_set() or self._stopping:
            raise OutboxUnavailable(self.trouble() or STARTING)
        deliveries = size = 0
        for event in events:
            deliveries += len(event.names)
            size += len(event.payload or b"")
        self._reserve(deliveries, size)
        for seq, event in enumerate(events, self._next_seq):
            event.seq = seq
        self._next_seq += len(events)
        waiter: asyncio.Future[tuple[Addition, ...]] = self._loop.create_future()

        def done(results: jobs.Results | OutboxUnavailable) -> None:
            self._adding_bytes -= size
            if isinstance(results, OutboxUnavailable):
                self._deliveries.reserve(-deliveries)
                if not waiter.done():
                    waiter.set_exception(results)
                return
            # Here, not behind the await: this is the order in which they were committed.
            said = tuple([self._admit(e, r) for e, r in zip(events, results, strict=True)])
            if not waiter.done():
                waiter.set_result(said)
            self._deliveries.wake_soon()

        self._writer.submit(jobs.Adding(events, done))
        return await waiter

    def _reserve(self, deliveries: int, size: int) -> None:
        if self._deliveries.count + deliveries > self._max_deliveries:
            raise OutboxFull(self._max_deliveries)
        # The disk may be slower than the callers; what waits for it must not fill memory.
        if self._adding_bytes and self._adding_bytes + size > self._max_adding_bytes:
            raise OutboxFull(self._max_deliveries)
        self._deliveries.reserve(deliveries)
        self._adding_bytes += size

    def _take_seq(self) -> int:
        seq, self._next_seq = self._next_seq, self._next_seq + 1
        return seq

    def _admit(self, event: KeptEvent, result: Added | Changed | Found) -> Addition:
        if isinstance(result, Added):
            self._deliveries.offer(event)
            return result
        self._deliveries.reserve(-len(event.names))
        if isinstance(result, Changed):
            return CHANGED
        return Known(self._report(result, event.id))

    # --- looking things up --------------------------------------------------------------------

    async def find(self, service: str, event_id: str) -> Report | None:
        """Return where an event stands, see `Outbox.find`."""
        found = await self._ask(lambda store, _: store.find(service, event_id))
        return self._report(found, event_id) if isinstance(found, Found) else None

    async def outcome(self, service: str, event_id: str, timeout_s: float) -> Report | None:
        """Return where an event stands once it is settled, see `Outbox.outcome`."""
        # The future comes first: the event may settle while the file is being read.
        with self._deliveries.callers.waiting(service, event_id) as settled:
            report = await self.find(service, event_id)
            if report is None or report.settled:
                return report
            try:
                async with asyncio.timeout(timeout_s):
                    return await settled
            except TimeoutError:
                return await self.find(service, event_id)

    async def search(
        self, service: str, *, state: State | None, limit: int, after: str | None
    ) -> Page:
        """Return a service's events, newest first, see `Outbox.search`."""
        if after is not None and not (after.isascii() and after.isdigit() and len(after) < 19):
            raise InvalidQuery("after", "must be what the page before said")
        before = None if after is None else int(after)
        states = None if state is None else [CODES.get(state, OPEN)]
        found = await self._ask(
            lambda store, _: store.search(service, states=states, limit=limit, before=before)
        )
        events, go_on = found if isinstance(found, tuple) else ([], None)
        now_ms = _now_ms()
        reports = [
            (self._deliveries.in_memory(event.seq) or event).report(now_ms) for event in events
        ]
        # Rows may be behind by a commit, and know nothing of what is scheduled.
        wanted = [report for report in reports if state is None or report.state is state]
        return Page(reports=tuple(wanted), after=None if go_on is None else str(go_on))

    async def redeliver(self, service: str, event_id: str) -> Report:
        """Put an event back where it was not published, see `Outbox.redeliver`."""
        if not self._loaded.is_set():
            raise OutboxUnavailable(self.trouble() or STARTING)
        self._deliveries.flush()
        seq, now_ms = self._take_seq(), _now_ms()

        def admit(result: object) -> None:
            if isinstance(result, KeptEvent):
                self._deliveries.reserve(result.outcomes.count(None))
                self._deliveries.offer(result)
                self._deliveries.wake()

        event = await self._ask(
            lambda store, _: store.redeliver(service, event_id, new_seq=seq, now_ms=now_ms),
            writes=True,
            first=admit,
        )
        if not isinstance(event, KeptEvent):
            raise UnknownEvent(event_id)
        return event.report(now_ms)

    async def cancel(self, service: str, event_id: str) -> Report:
        """Settle what was not sent as cancelled, see `Outbox.cancel`."""
        written = asyncio.Event()
        cancelled: list[KeptEvent] = []

        def cancel(found: object) -> None:
            # Before anything else happens on the loop: the row is as old as its reading.
            if isinstance(found, Found) and found.event is not None:
                event = self._deliveries.in_memory(found.event.seq) or found.event
                if not event.settled:
                    cancelled.append(event)
                    self._deliveries.cancel(event, written.set)

        found = await self._ask(lambda store, _: store.find(service, event_id), first=cancel)
        if not isinstance(found, Found):
            raise UnknownEvent(event_id)
        if not cancelled:
            state = self._report(found, event_id).state
            raise WrongState(event_id, state=state, needed="accepted or scheduled")
        try:
            async with asyncio.timeout(CLOSE_S):
                await written.wait()
        except TimeoutError:
            raise OutboxUnavailable(self.trouble() or "slow") from None
        return cancelled[0].report(_now_ms())

    def _report(self, found: Found, event_id: str) -> Report:
        if found.event is None:
            return found.remembered(event_id)
        return (self._deliveries.in_memory(found.event.seq) or found.event).report(_now_ms())

    async def _ask(
        self,
        work: Callable[[Store, object], object],
        *,
        writes: bool = False,
        first: Callable[[object], None] | None = None,
    ) -> object:
        # `first` sees the result before anything else happens on the loop.
        waiter: asyncio.Future[object] = self._loop.create_future()

        def done(result: object) -> None:
            if first is not None:
                first(result)
            if waiter.done():
                return
            if isinstance(result, Exception):
                waiter.set_exception(result)
            else:
                waiter.set_result(result)

        if self._stopping:
            raise OutboxUnavailable(STOPPING)
        self._writer.submit(Errand(work, done, writes))
        return await waiter

    # --- time ---------------------------------------------------------------------------------

    def _later(self, name: str, delay_s: float, call: Callable[[], None]) -> None:
        before = self._timers.get(name)
        if before is not None:
            before.cancel()
        if not self._stopping:
            self._timers[name] = self._loop.call_later(delay_s, call)

    def _prune(self) -> None:
        now_ms = _now_ms()

        def pruned(result: object) -> None:
            finished = True
            if isinstance(result, Pruned):
                finished = result.finished
                if result.dead_letters:
                    log.warning("dead letters pruned", extra={"events": result.dead_letters})
            self._later("prune", PRUNE_S if finished else 0.0, self._prune)

        self._writer.submit(
            Errand(lambda _, db: self._pruner.step(db, now_ms), pruned, writes=True)
        )

    def _committed(self, seconds: float, changes: int) -> None:
        if not changes:
            return
        self._metrics.commit_seconds.observe(seconds)
        self._metrics.commit_events.observe(changes)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
