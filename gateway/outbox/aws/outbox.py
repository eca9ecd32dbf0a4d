"""The shared outbox, as the rest of the gateway sees it.

Owns `gateway.outbox.outbox.Outbox` on a queue and a table: start and stop, taking events in,
looking them up, cancelling and redelivering. Any gateway answers for all.
Does not: call AWS (`queue.py`, `table.py`), hold deliveries (`deliveries.py`), or sweep.
Source: docs/decisions/0011-shared-outbox.md.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from gateway.clock import SYSTEM_CLOCK, Clock
from gateway.core.kept_event import KeptEvent
from gateway.core.report import SENDABLE, Page, Report, State
from gateway.core.settlement import Outcome, Reason
from gateway.errors import (
    InvalidQuery,
    OutboxFull,
    OutboxUnavailable,
    UnknownEvent,
    WrongState,
)
from gateway.outbox.aws.adding import GRACE_S, Adding
from gateway.outbox.aws.clients import OpenClients, open_clients
from gateway.outbox.aws.deliveries import Deliveries
from gateway.outbox.aws.item import (
    OPEN,
    SHARDS,
    Item,
    event_of,
    generation_of,
    list_shard,
    turns_of,
)
from gateway.outbox.aws.place import SharedPlace
from gateway.outbox.aws.queue import POLL_S, Queue
from gateway.outbox.aws.sweep import Sweep
from gateway.outbox.aws.table import Keep, Table
from gateway.outbox.aws.withdrawal import withdraw
from gateway.outbox.outbox import Addition, Claim, Deliverer

if TYPE_CHECKING:
    from gateway.settings import Settings

log = logging.getLogger(__name__)

_PAGE_END: Final = re.compile(r"[0-9]{14}#.+", re.ASCII)
"""What a page says of the next one: a sort key of the list index."""

_LOOKS_S: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Times between looks of a caller who waits for an event that another gateway settles, seconds."""

_SENDABLE: Final = "settled as failed, expired or cancelled, with its payload still kept"


class AwsOutbox:
    """An outbox on SQS and DynamoDB; its methods are those of `Outbox`.

    Args:
        settings: Bounds and times.
        place: The queue and the table.
        open_clients: How the clients of both are made.
        clock: What it reads the time from.
    """

    def __init__(
        self,
        settings: Settings,
        place: SharedPlace,
        *,
        open_clients: OpenClients = open_clients,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._settings = settings
        self._place = place
        self._open_clients = open_clients
        self._clock = clock
        self._parts = AsyncExitStack()
        self._stopping = False
        self._deliverer: Deliverer | None = None
        self._adding: set[asyncio.Task[tuple[Addition, ...]]] = set()

    # --- start and stop -----------------------------------------------------------------------

    async def open(self, timeout_s: float) -> None:
        """Make the clients and begin to receive; trouble there stops nobody from starting.

        Args:
            timeout_s: Longest wait for queue and table here; behind, it goes on.
        """
        settings = self._settings
        clients = await self._parts.enter_async_context(self._open_clients(settings, self._place))
        keep = Keep(settings.keep_settled_s, settings.keep_failed_s)
        self._queue = Queue(
            clients.sqs, url=self._place.queue_url, visibility_s=settings.outbox_visibility_s
        )
        self._table = Table(clients.dynamodb, name=self._place.table, keep=keep)
        self._sweep = Sweep(queue=self._queue, table=self._table, clock=self._clock)
        self._deliveries = Deliveries(
            queue=self._queue,
            table=self._table,
            visibility_s=settings.outbox_visibility_s,
            most_ready=settings.iot_connections,
            clock=self._clock,
        )
        self._way_in = Adding(
            queue=self._queue,
            table=self._table,
            clock=self._clock,
            sent=self._sweep.sent,
            withdrawn=self._told,
        )
        self._sweep.start()
        await self._sweep.ready(timeout_s)
        log.info("outbox open", extra={"table": self._place.table, "why": self.trouble()})

    async def close(self) -> None:
        """Finish what is being written, give back what is held, close the clients."""
        self._stopping = True
        if self._adding:
            await asyncio.wait(self._adding)
        await self._deliveries.stop(POLL_S + 2.0)
        await self._sweep.stop()
        await self._parts.aclose()

    def retire(self) -> None:
        """Receive nothing more: what is claimed is delivered, the rest is other gateways'."""
        self._deliveries.retire()

    def trouble(self) -> str | None:
        """Return why nothing can be kept now, see `Outbox.trouble`."""
        if self._stopping:
            return "stopping"
        return self._sweep.trouble or self._deliveries.trouble

    # --- deliveries ---------------------------------------------------------------------------

    @property
    def deliveries(self) -> Deliveries:
        """What this gateway holds."""
        return self._deliveries

    def attach(self, deliverer: Deliverer) -> None:
        """Name who makes the deliveries, see `Outbox.attach`."""
        first = self._deliverer is None
        self._deliverer = deliverer
        self._deliveries.attach(deliverer)
        if first:
            self._deliveries.start()

    def claim(self) -> Claim | None:
        """Return a delivery to be made now, see `Outbox.claim`."""
        return self._deliveries.claim()

    def settle(self, claim: Claim, outcome: Outcome) -> None:
        """Note how a claimed delivery ended, see `Outbox.settle`."""
        if len(claim.event.names) == 1:
            self._sweep.settled(claim.event.service, claim.event.id)
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
        """Keep events, see `Outbox.add`: written to the table, then handed to the queue.

        Where that does not succeed in time, what can be is forgotten again. What cannot, because
        AWS answers nothing at all, is delivered by the sweep: sent again with the same id, it is
        known.
        """
        self._check_open()
        most = self._settings.outbox_max_deliveries
        if self._deliveries.count + sum([len(event.names) for event in events]) > most:
            raise OutboxFull(most)
        # A caller who goes away changes nothing: neither half of the work is left undone.
        adding = asyncio.create_task(self._way_in.add(events), name="add")
        self._adding.add(adding)
        adding.add_done_callback(self._added)
        return await asyncio.shield(adding)

    def _added(self, adding: asyncio.Task[tuple[Addition, ...]]) -> None:
        self._adding.discard(adding)
        if not adding.cancelled():
            # Where the caller is gone, nobody else looks at the error.
            adding.exception()

    # --- looking things up --------------------------------------------------------------------

    async def find(self, service: str, event_id: str) -> Report | None:
        """Return where an event stands, see `Outbox.find`."""
        self._check_open()
        item = await self._table.load(service, event_id, now_ms=self._clock.now_ms())
        return None if item is None else event_of(item).report(self._clock.now_ms())

    async def outcome(self, service: str, event_id: str, timeout_s: float) -> Report | None:
        """Return where an event stands once it is settled, see `Outbox.outcome`.

        Mostly another gateway settles it, so the table is looked at again and again.
        """
        end = self._clock.monotonic_s() + timeout_s
        looks = 0
        with self._deliveries.callers.waiting(service, event_id) as settled:
            while True:
                report = await self.find(service, event_id)
                left_s = end - self._clock.monotonic_s()
                if report is None or report.settled or left_s <= 0:
                    return report
                wait_s = min(left_s, _LOOKS_S[min(looks, len(_LOOKS_S) - 1)])
                looks += 1
                done, _ = await asyncio.wait([settled], timeout=wait_s)
                if done:
                    return settled.result()

    async def search(
        self, service: str, *, state: State | None, limit: int, after: str | None
    ) -> Page:
        """Return a service's events, newest first, see `Outbox.search`."""
        self._check_open()
        if after is not None and not _PAGE_END.fullmatch(after):
            raise InvalidQuery("after", "must be what the page before said")
        wanted = None if state is None else str(state) if state.settled else OPEN
        pages = await asyncio.gather(
            *[
                self._table.list_page(
                    list_shard(service, shard), before=after, state=wanted, limit=limit
                )
                for shard in range(SHARDS)
            ]
        )
        # What lies behind the first gap of any shard is the next page's.
        bound = max((rest for _, rest in pages if rest is not None), default=None)
        entries = [entry for found, _ in pages for entry in found]
        entries.sort(key=lambda entry: str(entry["gsi2sk"]["S"]), reverse=True)
        within = [e for e in entries if bound is None or e["gsi2sk"]["S"] >= bound]
        chosen = within[:limit]
        if len(within) > limit:
            bound = chosen[-1]["gsi2sk"]["S"]
        now_ms = self._clock.now_ms()
        items = await asyncio.gather(
            *[
                self._table.load(service, e["pk"]["S"].partition("\n")[2], now_ms=now_ms)
                for e in chosen
            ]
        )
        reports = [event_of(item).report(now_ms) for item in items if item is not None]
        return Page(
            reports=tuple([r for r in reports if state is None or r.state is state]), after=bound
        )

    # --- change -------------------------------------------------------------------------------

    async def redeliver(self, service: str, event_id: str) -> Report:
        """Put an event back where it was not published, see `Outbox.redeliver`."""
        self._check_open()
        now_ms = self._clock.now_ms()
        item = await self._table.load(service, event_id, now_ms=now_ms)
        if item is None:
            raise UnknownEvent(event_id)
        event = event_of(item)
        if not event.settled or not event.sendable or event.payload is None:
            raise WrongState(event_id, state=str(event.state), needed=_SENDABLE)
        event.outcomes = [None if o and o.state in SENDABLE else o for o in event.outcomes]
        event.attempts = None
        if event.expires_ms is not None:
            event.expires_ms = now_ms + event.expires_ms - event.due_ms
        event.due_ms, event.scheduled = now_ms, False
        changed = await self._table.redeliver(event, item, look_ms=now_ms + int(GRACE_S * 1000))
        if changed is None:
            raise WrongState(event_id, state="being sent", needed=_SENDABLE)
        turns = turns_of(event, generation_of(changed))
        try:
            await self._queue.send(turns)
            self._sweep.sent(turns[0])
        except OutboxUnavailable as error:
            # It is promised already: the sweep sends it.
            log.warning("event not queued yet", extra={"event_id": event_id, "why": error.why})
        return event.report(now_ms)

    async def cancel(self, service: str, event_id: str) -> Report:
        """Settle what was not sent as cancelled, see `Outbox.cancel`."""
        self._check_open()
        now_ms = self._clock.now_ms()
        item = await self._table.load(service, event_id, now_ms=now_ms)
        if item is None:
            raise UnknownEvent(event_id)
        event = event_of(item)
        if event.settled:
            state = str(event.state)
            raise WrongState(event_id, state=state, needed="accepted or scheduled")
        for turn in turns_of(event, generation_of(item)):
            item = await withdraw(
                self._table,
                turn,
                State.CANCELLED,
                now_ms=self._clock.now_ms(),
                deliveries=len(event.names),
            )
            self._told(item, turn.position)
        if item is None:
            raise UnknownEvent(event_id)
        return event_of(item).report(self._clock.now_ms())

    def _check_open(self) -> None:
        if self._stopping:
            raise OutboxUnavailable("stopping")

    def _told(self, item: Item | None, position: int) -> None:
        if item is None:
            return
        event = event_of(item)
        if self._deliverer is not None:
            self._deliverer.settled(event, position)
        if event.settled and self._deliveries.callers:
            self._deliveries.callers.tell(
                event.service, event.id, event.report(self._clock.now_ms())
            )
