"""Deliveries with somebody watching: what is accepted and settled becomes notices of the feed.

Owns what a notice says. Stands between the outbox and its deliverer only while somebody listens
(`watching`); before the intake always, where it costs one look at a flag for each request.
Does not: change anything about events, or decide who hears of them (`gateway/feed.py`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from gateway.core.tail import Notice
from gateway.intake import Accepted, OutboxIntake
from wire.envelope import format_time

if TYPE_CHECKING:
    from gateway.core.event import Event
    from gateway.core.kept_event import KeptEvent
    from gateway.core.service import Service
    from gateway.feed import Feed
    from gateway.intake import Acceptance
    from gateway.metrics import Metrics
    from gateway.outbox.outbox import Deliverer, Outbox

MAX_SHOWN_CHARS: Final = 2_000
"""Most of a payload that is shown, characters of JSON: a tail is for people."""


class WatchedIntake(OutboxIntake):
    """An intake that tells what it accepts.

    Args:
        outbox: Where events are kept.
        metrics: Where acceptances are counted.
        feed: Who listens.
    """

    def __init__(self, outbox: Outbox, metrics: Metrics, feed: Feed) -> None:
        super().__init__(outbox, metrics)
        self._feed = feed

    async def accept(self, events: Sequence[Event], service: Service) -> tuple[Acceptance, ...]:
        """Take events, see `Intake.accept`."""
        taken = await super().accept(events, service)
        if self._feed.listeners:
            for event, acceptance in zip(events, taken, strict=True):
                if isinstance(acceptance, Accepted) and not acceptance.duplicate:
                    self._feed.offer(
                        _accepted(event, service, acceptance, payload=self._feed.payloads)
                    )
        return taken


class WatchedDeliverer:
    """A `Deliverer` that tells what is settled.

    Args:
        deliverer: Who makes the deliveries.
        feed: Who listens.
    """

    def __init__(self, deliverer: Deliverer, feed: Feed) -> None:
        self._feed = feed
        self._settled = deliverer.settled
        self.wake = deliverer.wake

    def settled(self, event: KeptEvent, position: int) -> None:
        """Pass it on, and tell it."""
        self._settled(event, position)
        outcome = event.outcomes[position]
        if outcome is None:
            return
        reason = outcome.reason
        self._feed.offer(
            Notice(
                name="settled",
                at=_moment(outcome.at_ms),
                service=event.service,
                id=event.id,
                addresses=(event.names[position],),
                state=outcome.state,
                attempts=outcome.attempts,
                seconds=max(0, outcome.at_ms - event.due_ms) / 1000,
                code=reason.code if reason else None,
                detail=reason.detail if reason else None,
            )
        )


def watching(outbox: Outbox, deliverer: Deliverer, feed: Feed) -> None:
    """Put somebody between an outbox and its deliverer whenever somebody listens."""
    watched = WatchedDeliverer(deliverer, feed)

    def told(listening: bool) -> None:  # noqa: FBT001 - what `Feed.watch` calls
        outbox.attach(watched if listening else deliverer)

    feed.watch(told)


def _accepted(event: Event, service: Service, acceptance: Accepted, *, payload: bool) -> Notice:
    return Notice(
        name="accepted",
        at=_moment(time.time_ns() // 1_000_000),
        service=service.name,
        id=event.id,
        addresses=tuple(str(address) for address in event.to),
        state=acceptance.report.state,
        type=event.type,
        data=json.dumps(event.data, ensure_ascii=False)[:MAX_SHOWN_CHARS] if payload else None,
    )


def _moment(at_ms: int) -> str:
    return format_time(datetime.fromtimestamp(at_ms / 1000, UTC))
