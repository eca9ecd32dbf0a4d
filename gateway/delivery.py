"""Delivery: outbox, engine and intake, put together.

Owns their start and their end: what was accepted is drained to a deadline, the rest stays on disk.
Does not: accept requests (`gateway/app.py`) or open the way to IoT Core (`gateway/server.py`).
Source: docs/design.md, "The outbox".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from gateway.engine import Engine
from gateway.outbox.aws.outbox import AwsOutbox
from gateway.outbox.ephemeral import on_ephemeral_disk
from gateway.outbox.sqlite.outbox import SqliteOutbox
from gateway.watched import WatchedIntake, watching

if TYPE_CHECKING:
    from gateway.feed import Feed
    from gateway.intake import Intake
    from gateway.metrics import Metrics
    from gateway.publisher import Publisher
    from gateway.readiness import Readiness
    from gateway.settings import Settings

log = logging.getLogger(__name__)

OPEN_S: Final = 5.0
"""Longest wait at start for the outbox; a gateway whose disk is broken starts and says so."""


@asynccontextmanager
async def delivering(
    *,
    settings: Settings,
    publisher: Publisher,
    metrics: Metrics,
    readiness: Readiness,
    feed: Feed,
) -> AsyncIterator[Intake]:
    """Keep and deliver events inside a block; leaving it drains for up to `drain_s`.

    Args:
        settings: Where events are kept, how fast and how often they are sent.
        publisher: The way to IoT Core; must stay open until the block is left.
        metrics: Where everything is counted.
        readiness: Who is told when nothing can be kept.
        feed: Who is told what happens, while somebody listens.
    """
    outbox = make_outbox(settings, metrics)
    readiness.watch("outbox", outbox.trouble)
    await outbox.open(OPEN_S)
    engine = Engine(outbox=outbox, publisher=publisher, settings=settings, metrics=metrics)
    _show(metrics, outbox, engine)
    watching(outbox, engine, feed)
    engine.start()
    try:
        yield WatchedIntake(outbox, metrics, feed)
    finally:
        if isinstance(outbox, AwsOutbox):
            # What is only queued is the other gateways', too: nobody waits for it here.
            outbox.retire()
        try:
            await engine.drain(settings.drain_s)
        finally:
            await asyncio.shield(outbox.close())


def make_outbox(settings: Settings, metrics: Metrics) -> SqliteOutbox | AwsOutbox:
    """Return the outbox that the settings name, not opened yet."""
    place = settings.shared_outbox
    if place is not None:
        return AwsOutbox(settings, place)
    if on_ephemeral_disk(settings.outbox_file):
        facts = {"file": str(settings.outbox_file)}
        log.warning("outbox may be on a disk that goes with the container", extra=facts)
    return SqliteOutbox(settings, metrics)


def _show(metrics: Metrics, outbox: SqliteOutbox | AwsOutbox, engine: Engine) -> None:
    # Asked at each scrape: nothing to keep up to date, nothing to forget.
    waiting = outbox.deliveries
    metrics.in_flight.set_function(lambda: engine.in_flight)
    metrics.pacing_limit.set_function(lambda: engine.pacing_limit_per_s)
    metrics.pending.set_function(lambda: waiting.count - waiting.scheduled)
    metrics.outbox_depth.labels("accepted").set_function(lambda: waiting.count - waiting.scheduled)
    metrics.outbox_depth.labels("scheduled").set_function(lambda: waiting.scheduled)
    metrics.outbox_oldest_seconds.set_function(waiting.oldest_age_s)
