"""The inbox at work: receives messages, keeps them this gateway's while they are taken, and stops.

Owns the tasks, the bound of messages in hand, pausing, and giving back at the end.
Does not: take a message (`taking.py`) or call SQS (`queue.py`).
Source: docs/inbox.md; docs/decisions/0013-inbox.md.

Theory of operation: one task receives, while there is room and the gateway is ready. Messages of one
group go to one task, which takes them one after the other; groups go side by side. SQS gives no
message of a FIFO group while another of it is held, so the order is the group's. One task extends
what is held. Once the gateway is not ready (IoT Core away, outbox full, stopping) nothing more is
received: the queue keeps it, for this gateway or another.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import aioboto3
from aiobotocore.config import AioConfig

from gateway.errors import InboxUnusable
from gateway.event_id import new_event_id
from gateway.formats.submission import Bounds, Reader
from gateway.inbox.message import Message, by_group
from gateway.inbox.queue import POLL_S, InboxQueue
from gateway.inbox.taking import GiveBack, Taker
from gateway.iot.session import aws_session
from gateway.outbox.aws.calls import AWS_ERRORS, word_for

if TYPE_CHECKING:
    from gateway.admission import Admission
    from gateway.intake import Intake
    from gateway.metrics import Metrics
    from gateway.readiness import Readiness
    from gateway.settings import Settings

log = logging.getLogger(__name__)

LOOK_S: Final = 0.2
"""Time between looks for room and readiness while nothing is received, seconds."""

LONGEST_PAUSE_S: Final = 30.0
"""Longest pause after calls that failed, seconds."""

STOP_S: Final = POLL_S + 2.0
"""Time at shutdown for the receive under way, and for what is being kept, seconds."""


@asynccontextmanager
async def receiving(
    *,
    settings: Settings,
    admission: Admission,
    intake: Intake,
    readiness: Readiness,
    metrics: Metrics,
) -> AsyncIterator[None]:
    """Take messages of the inbox inside a block, if there is one.

    Args:
        settings: Where it is, and the bounds of events.
        admission: Who may send what.
        intake: Who keeps events.
        readiness: While it knows of trouble, nothing is received.
        metrics: Where everything is counted.
    """
    place = settings.inbox_place
    if place is None:
        yield
        return
    session = aioboto3.Session(
        region_name=place.region or settings.region, botocore_session=aws_session()
    )
    config = AioConfig(
        connect_timeout=settings.connect_timeout_s,
        read_timeout=POLL_S + 10.0,
        max_pool_connections=50,
        retries={"total_max_attempts": 1},
    )
    async with session.client("sqs", endpoint_url=place.endpoint, config=config) as client:
        queue = InboxQueue(client, url=place.url, visibility_s=settings.inbox_visibility_s)
        taker = Taker(
            admission=admission,
            intake=intake,
            queue=queue,
            metrics=metrics,
            reader=Reader(Bounds.of(settings), new_event_id),
            most_waiting=max(1, settings.inbox_messages // 10),
        )
        inbox = Inbox(
            queue=queue,
            taker=taker,
            readiness=readiness,
            metrics=metrics,
            most=settings.inbox_messages,
            visibility_s=settings.inbox_visibility_s,
        )
        inbox.start()
        try:
            yield
        finally:
            await inbox.stop()


class Inbox:
    """Receives messages and has them taken.

    Args:
        queue: Where they come from.
        taker: Who takes them.
        readiness: Whether events are welcome.
        metrics: Where failed calls are counted, and what is in hand is shown.
        most: Most messages in hand.
        visibility_s: How long a message is this gateway's without being extended, seconds.
    """

    def __init__(
        self,
        *,
        queue: InboxQueue,
        taker: Taker,
        readiness: Readiness,
        metrics: Metrics,
        most: int,
        visibility_s: float,
    ) -> None:
        self._queue = queue
        self._taker = taker
        self._readiness = readiness
        self._metrics = metrics
        self._most = most
        self._visibility_s = visibility_s
        self._held: dict[str, tuple[Message, float]] = {}
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._receiver: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        metrics.inbox_in_hand.set_function(lambda: len(self._held))

    def start(self) -> None:
        """Begin to receive."""
        self._receiver = asyncio.create_task(self._receive(), name="inbox")
        self._keeper = asyncio.create_task(self._keep(), name="inbox-extend")

    async def stop(self) -> None:
        """Receive nothing more, finish what is being kept, give back the rest."""
        self._stopping.set()
        self._taker.stop()
        if self._receiver is not None:
            # It ends by itself: a receive that is cut off would hide its messages for a while.
            await _ended({self._receiver}, STOP_S)
        await _ended(self._tasks, STOP_S)
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        await self._queue.extend([message for message, _ in self._held.values()], 0)
        log.info("inbox closed", extra={"given_back": len(self._held)})

    # --- receive ------------------------------------------------------------------------------

    async def _receive(self) -> None:
        failures, looked = 0, False
        while not self._stopping.is_set():
            room = self._most - len(self._held)
            if room <= 0 or self._readiness.troubles(time.monotonic()):
                await self._rest(LOOK_S)
                continue
            try:
                if not looked:
                    await self._queue.look()
                    looked = True
                    log.info("inbox open")
                received = await self._queue.receive(room)
            except (InboxUnusable, *AWS_ERRORS) as error:
                failures += 1
                why = error.why if isinstance(error, InboxUnusable) else word_for(error)
                self._metrics.inbox_failures.labels(why).inc()
                log.warning("inbox not received", extra={"why": why})
                await self._rest(min(LONGEST_PAUSE_S, 0.1 * 2.0 ** min(failures, 10)))
                continue
            failures = 0
            self._begin(received)

    def _begin(self, received: Sequence[Message]) -> None:
        extend_at = time.monotonic() + self._visibility_s / 3
        for message in received:
            self._held[message.receipt] = (message, extend_at)
        for group in by_group(received):
            task = asyncio.create_task(self._take(group), name="inbox-take")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _take(self, group: Sequence[Message]) -> None:
        """Take messages of one group one after the other; after one that is not taken, none."""
        for number, message in enumerate(group):
            try:
                await self._taker.take(message)
            except GiveBack as back:
                rest = group[number:]
                for one in rest:
                    self._held.pop(one.receipt, None)
                # All for the same time: the group waits for its first in any case.
                await self._queue.extend(rest, back.delay_s)
                return
            self._held.pop(message.receipt, None)

    # --- keep ---------------------------------------------------------------------------------

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._visibility_s / 10)
            now = time.monotonic()
            due = [message for message, at in self._held.values() if at <= now]
            for message in due:
                self._held[message.receipt] = (message, now + self._visibility_s / 3)
            await self._queue.extend(due)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


async def _ended(tasks: set[asyncio.Task[None]], within_s: float) -> None:
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=within_s)
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late)
