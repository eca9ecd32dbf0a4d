"""An outbox that exists in memory only: for tests of what stands before and behind it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from gateway.core.event import Event
from gateway.core.kept_event import KeptEvent, keep
from gateway.core.report import Page, Report, State
from gateway.core.settlement import Outcome, Reason
from gateway.errors import OutboxFull, OutboxUnavailable
from gateway.outbox.outbox import ADDED, CHANGED, Addition, Claim, Deliverer, Known
from wire.address import Address

NOW_MS = 1_800_000_000_000


def event(
    *to: str,
    id: str = "i",  # noqa: A002
    data: int = 0,
    retain: bool = False,
    receipt: bool = False,
) -> Event:
    """Return an event to some addresses."""
    addresses = tuple(Address.parse(text) for text in to or ("user:1",))
    return Event(id=id, to=addresses, type="t", data=data, retain=retain, receipt=receipt)


def kept(
    *to: str,
    id: str = "i",  # noqa: A002
    retain: bool = False,
    receipt: bool = False,
) -> KeptEvent:
    """Return it as it is kept."""
    return keep(
        event(*to, id=id, retain=retain, receipt=receipt),
        service="shop",
        source="/services/shop",
        now_ms=NOW_MS,
    )


class MemoryOutbox:
    """Gives deliveries out in the order they came, and keeps no order of topics.

    Attributes:
        added: Every event that was kept, by id.
        waiting: Deliveries to be claimed.
        outcomes: What was settled, in order.
        extended: What was put off, with the delay.
        refusal: What `add` raises, if anything.
        patience: Where it is set, `outcome` waits for it.
        rest_s: What `rests_for_s` returns while nothing waits.
    """

    def __init__(self) -> None:
        self.added: dict[str, KeptEvent] = {}
        self.waiting: deque[Claim] = deque()
        self.claimed = 0
        self.outcomes: list[tuple[str, Outcome]] = []
        self.extended: list[tuple[str, float, Reason]] = []
        self.refusal: OutboxFull | OutboxUnavailable | None = None
        self.rest_s = float("inf")
        self.patience: asyncio.Event | None = None
        self.asked: list[tuple[object, ...]] = []
        self.deliverer: Deliverer | None = None

    def put(self, event: KeptEvent) -> None:
        """Let each delivery of an event be claimed."""
        self.waiting += [Claim(event, position) for position in range(len(event.names))]
        if self.deliverer is not None:
            self.deliverer.wake()

    async def add(self, events: Sequence[KeptEvent]) -> tuple[Addition, ...]:
        """Keep events by id."""
        if self.refusal is not None:
            raise self.refusal
        said: list[Addition] = []
        for event in events:
            before = self.added.setdefault(event.id, event)
            if before is event:
                said.append(ADDED)
                self.put(event)
            elif before.fingerprint == event.fingerprint:
                said.append(Known(before.report(NOW_MS)))
            else:
                said.append(CHANGED)
        return tuple(said)

    def attach(self, deliverer: Deliverer) -> None:
        """Note it."""
        self.deliverer = deliverer

    def claim(self) -> Claim | None:
        """Return the next delivery."""
        if not self.waiting:
            return None
        self.claimed += 1
        return self.waiting.popleft()

    def settle(self, claim: Claim, outcome: Outcome) -> None:
        """Note it."""
        self.claimed -= 1
        claim.event.outcomes[claim.position] = outcome
        self.outcomes.append((claim.event.names[claim.position], outcome))
        if self.deliverer is not None:
            self.deliverer.settled(claim.event, claim.position)

    def extend(self, claim: Claim, delay_s: float, reason: Reason) -> None:
        """Note it."""
        self.claimed -= 1
        self.extended.append((claim.event.names[claim.position], delay_s, reason))

    def give_back(self, claim: Claim) -> None:
        """Let it be claimed again."""
        self.claimed -= 1
        self.waiting.appendleft(claim)

    async def find(self, service: str, event_id: str) -> Report | None:
        """Look it up."""
        found = self.added.get(event_id)
        return found.report(NOW_MS) if found is not None and found.service == service else None

    async def outcome(self, service: str, event_id: str, timeout_s: float) -> Report | None:
        """Look it up; wait before, where `patience` is set."""
        self.asked.append(("outcome", timeout_s))
        if self.patience is not None:
            await self.patience.wait()
        return await self.find(service, event_id)

    async def search(
        self, service: str, *, state: State | None, limit: int, after: str | None
    ) -> Page:
        """Return an empty page."""
        self.asked.append(("search", service, state, limit, after))
        return Page(reports=())

    async def redeliver(self, service: str, event_id: str) -> Report:
        """Return its report."""
        self.asked.append(("redeliver", service, event_id))
        return self.added[event_id].report(NOW_MS)

    async def cancel(self, service: str, event_id: str) -> Report:
        """Return its report."""
        self.asked.append(("cancel", service, event_id))
        return self.added[event_id].report(NOW_MS)

    def rests_for_s(self) -> float:
        """Nothing while something waits or is claimed."""
        return 0.0 if self.waiting or self.claimed else self.rest_s

    def trouble(self) -> str | None:
        """Return the refusal's word."""
        return self.refusal.why if isinstance(self.refusal, OutboxUnavailable) else None
