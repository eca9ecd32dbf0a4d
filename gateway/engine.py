"""The delivery engine: makes the deliveries of an outbox.

Owns the tasks that publish, their number, the pace, and what each attempt leads to.
Does not: keep events or their order (`gateway/outbox`), send bytes (`gateway/iot`), or decide how
fast and how often (`core/pacing.py`, `core/retry.py`); it feeds them clocks and random numbers.
Source: docs/design.md, "Event API"; docs/decisions/0007-outbox.md and 0014-receipts.md.

Theory of operation: a fixed number of workers, each with at most one publish on its way. A worker
that is done takes the next delivery itself; one that finds none waits until it is handed one. So
nothing is queued here, and a topic in trouble keeps no worker: its delivery goes back to the outbox
until its next attempt.

Where a client is to confirm, an attempt is a direct message to it and, if no receipt comes, a
publish: the client may be offline with a session that takes it later. A client that is slow to
confirm keeps no worker either (`gateway/aside.py`).
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from gateway.aside import Aside
from gateway.clock import SYSTEM_CLOCK, Clock
from gateway.core.kept_event import Attempts, KeptEvent
from gateway.core.pacing import Pacer
from gateway.core.report import State
from gateway.core.retry import RetryPolicy, counts
from gateway.core.settlement import MAX_DETAIL_CHARS, Outcome, Reason
from gateway.errors import ClientNotConnected, NotConfirmed, PublishFailed, PublishThrottled
from gateway.outbox.outbox import Claim, Outbox

if TYPE_CHECKING:
    from gateway.metrics import Metrics
    from gateway.publisher import Publisher
    from gateway.settings import Settings

log = logging.getLogger(__name__)

_DRAIN_LOOK_S: Final = 0.05
"""Time between looks at what is left while draining, seconds."""

_NOT_AWAITED: Final = Reason(
    "not_awaited", "as many receipts of slow clients are awaited as may be", retryable=True
)


class Engine:
    """Deliver what the outbox gives out; a `Deliverer` of it.

    Args:
        outbox: Where deliveries come from.
        publisher: The way to IoT Core.
        settings: Namespace, number of workers, pace, retries.
        metrics: Where attempts and settlements are counted.
        clock: What it reads the time from.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        publisher: Publisher,
        settings: Settings,
        metrics: Metrics,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._publisher = publisher
        self._metrics = metrics
        self._namespace = settings.namespace
        self._loop = asyncio.get_running_loop()
        self._pacer = Pacer(quota_per_s=settings.publish_rate_per_s, now=self._clock.monotonic_s())
        self._policy = RetryPolicy(
            base_s=settings.retry_base_s,
            cap_s=settings.retry_cap_s,
            max_attempts=settings.retry_max_attempts,
            max_age_s=settings.retry_max_age_s,
        )
        self._most = settings.iot_connections
        self._receipt_timeout_s = settings.receipt_timeout_s
        self._aside = Aside(settings.max_receipts)
        self._workers: list[asyncio.Task[None]] = []
        self._idle: deque[asyncio.Future[Claim]] = deque()
        self._put_off: Claim | None = None
        self._paused: asyncio.TimerHandle | None = None
        self._stopping = False
        self._published = metrics.publish_seconds.labels("published")
        self._delivered = metrics.publish_seconds.labels("delivered")
        self._counts: dict[tuple[str, str], _Counts] = {}
        outbox.attach(self)

    @property
    def in_flight(self) -> int:
        """Publishes on their way now, and receipts that are awaited."""
        return len(self._workers) - len(self._idle) + len(self._aside)

    @property
    def pacing_limit_per_s(self) -> float:
        """Publishes each second that pacing allows now."""
        return self._pacer.rate_per_s

    def start(self) -> None:
        """Start the workers."""
        self._workers = [
            asyncio.create_task(self._work(), name=f"publish-{number}")
            for number in range(self._most)
        ]

    async def drain(self, timeout_s: float) -> None:
        """Go on until nothing can be sent before the timeout, then stop; the rest stays kept."""
        end = self._clock.monotonic_s() + timeout_s
        left_s = timeout_s
        # No event could end this wait: what is left to do depends on the clock.
        while left_s > 0 and self._outbox.rests_for_s() <= left_s:
            left_s = end - self._clock.monotonic_s()
            await asyncio.sleep(max(0.0, min(_DRAIN_LOOK_S, left_s)))
        await self.stop()

    async def stop(self) -> None:
        """Stop; what is on its way is given up and comes again after the next start.

        What was claimed and not begun goes back to the outbox: nobody has to wait for its end.
        """
        self._stopping = True
        if self._paused is not None:
            self._paused.cancel()
        for worker in self._workers:
            worker.cancel()
        for worker in self._workers:
            with suppress(asyncio.CancelledError):
                await worker
        self._workers, self._idle = [], deque()
        if self._put_off is not None:
            self._outbox.give_back(self._put_off)
            self._put_off = None
        await self._aside.stop()

    # --- deliverer ----------------------------------------------------------------------------

    def wake(self) -> None:
        """Hand deliveries to idle workers, see `Deliverer.wake`."""
        while self._idle:
            claim = self._next()
            if claim is None:
                return
            self._idle.popleft().set_result(claim)

    def settled(self, event: KeptEvent, position: int) -> None:
        """Count and log a settled delivery, see `Deliverer.settled`."""
        outcome = event.outcomes[position]
        if outcome is None:
            return
        kind = event.names[position].partition(":")[0]
        labels = (event.service, kind)
        match outcome.state:
            case State.PUBLISHED:
                seconds = max(0, outcome.at_ms - event.due_ms) / 1000
                self._published_by(labels).add(seconds)
                if outcome.reason is not None:
                    code = outcome.reason.code
                    self._metrics.receipts_missed.labels(event.service, code).inc()
            case State.DELIVERED:
                seconds = max(0, outcome.at_ms - event.due_ms) / 1000
                self._metrics.delivered.labels(*labels).inc()
                self._metrics.accepted_to_delivered_seconds.labels(*labels).observe(seconds)
            case State.FAILED:
                code = outcome.reason.code if outcome.reason else "failed"
                self._metrics.failed.labels(*labels, code).inc()
                log.warning("delivery failed", extra=_facts(event, position, outcome))
            case State.EXPIRED:
                self._metrics.expired.labels(*labels).inc()
            case State.CANCELLED:
                self._metrics.cancelled.labels(*labels).inc()
            case State.COLLAPSED:
                self._metrics.collapsed.labels(*labels).inc()

    def _published_by(self, labels: tuple[str, str]) -> _Counts:
        # Looking a child up by its labels costs more than counting.
        found = self._counts.get(labels)
        if found is None:
            found = self._counts[labels] = _Counts(self._metrics, labels)
        return found

    # --- work ---------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            claim = self._next()
            if claim is None:
                claim = await self._handed()
            if claim.event.wants_receipt(claim.position):
                await self._aside.run(self._attempt_with_receipt(claim))
            else:
                await self._attempt(claim)

    async def _handed(self) -> Claim:
        handed: asyncio.Future[Claim] = self._loop.create_future()
        self._idle.append(handed)
        try:
            return await handed
        except asyncio.CancelledError:
            if not handed.cancelled():  # handed over at the moment of the stop
                self._outbox.give_back(handed.result())
            raise

    def _next(self) -> Claim | None:
        """Return a delivery that may go now, counted against the pace; None if none may."""
        if self._stopping or self._paused is not None:
            return None
        while (claim := self._put_off or self._outbox.claim()) is not None:
            self._put_off = None
            now_ms = self._clock.now_ms()
            if claim.event.cancelled or claim.event.expired(now_ms):
                self._give_up(claim, now_ms)
                continue
            wait_s = self._pacer.take(self._clock.monotonic_s())
            if wait_s == 0.0:
                return claim
            self._put_off = claim
            self._paused = self._loop.call_later(wait_s, self._resume)
            return None
        return None

    def _resume(self) -> None:
        self._paused = None
        self.wake()

    async def _attempt_with_receipt(self, claim: Claim) -> None:
        event, position = claim
        if self._aside.full:
            await self._attempt(claim, _NOT_AWAITED)
            return
        started = self._clock.monotonic_s()
        try:
            publication = event.publication(
                position, namespace=self._namespace, now_ms=self._clock.now_ms()
            )
            within_s = min(self._receipt_timeout_s, publication.message_expiry_s or math.inf)
            await self._publisher.deliver(publication, within_s=int(within_s))
        except (ClientNotConnected, NotConfirmed) as missed:
            self._metrics.publish_seconds.labels(missed.code).observe(
                self._clock.monotonic_s() - started
            )
            await self._publish_instead(claim, _reason(missed))
        except PublishFailed as failure:
            # Its limits are not those of publishes: the client's own, or of direct messages.
            self._failed(claim, failure, started, slows=False)
        except Exception as error:
            self._broken(claim, error, started)
        else:
            self._delivered.observe(self._clock.monotonic_s() - started)
            self._outbox.settle(
                claim, Outcome(State.DELIVERED, self._clock.now_ms(), _tries(claim) + 1)
            )

    async def _publish_instead(self, claim: Claim, no_receipt: Reason) -> None:
        """Publish what a client did not confirm, unless that is too late or not wanted any more."""
        event, position = claim
        while wait_s := self._pacer.take(self._clock.monotonic_s()):  # noqa: ASYNC110 - only time helps
            await asyncio.sleep(wait_s)
        now_ms = self._clock.now_ms()
        if event.cancelled or event.expired(now_ms):
            attempts = event.attempts_of(position)
            attempts.tried, attempts.reason = attempts.tried + 1, no_receipt
            self._give_up(claim, now_ms)
        else:
            await self._attempt(claim, no_receipt)

    async def _attempt(self, claim: Claim, no_receipt: Reason | None = None) -> None:
        event, position = claim
        started = self._clock.monotonic_s()
        try:
            publication = event.publication(
                position, namespace=self._namespace, now_ms=self._clock.now_ms()
            )
            await self._publisher.publish(publication)
        except PublishFailed as failure:
            # A retained message has a limit of its own, one a second for each topic.
            self._failed(claim, failure, started, slows=not event.retain)
        except Exception as error:
            self._broken(claim, error, started)
        else:
            self._published.observe(self._clock.monotonic_s() - started)
            outcome = Outcome(State.PUBLISHED, self._clock.now_ms(), _tries(claim) + 1, no_receipt)
            self._outbox.settle(claim, outcome)

    def _broken(self, claim: Claim, error: Exception, started: float) -> None:
        # Our bug: a dead letter that can be looked at and sent again beats a stuck topic.
        log.error("publisher failed", exc_info=error)
        failure = PublishFailed(f"the gateway failed: {type(error).__name__}")
        self._failed(claim, failure, started, slows=False)

    def _failed(self, claim: Claim, failure: PublishFailed, started: float, *, slows: bool) -> None:
        now = self._clock.monotonic_s()
        event, position = claim
        kind = event.names[position].partition(":")[0]
        self._metrics.publish_seconds.labels(failure.code).observe(now - started)
        if isinstance(failure, PublishThrottled):
            self._metrics.throttled.labels(event.service).inc()
            if slows:
                self._pacer.throttled(now)
        attempts = event.attempts_of(position)
        attempts.tried += 1
        attempts.counted += counts(failure)
        reason = _reason(failure)
        delay_s = self._delay_s(event, attempts, failure)
        if delay_s is None:
            outcome = Outcome(State.FAILED, self._clock.now_ms(), attempts.tried, reason)
            self._outbox.settle(claim, outcome)
        else:
            self._metrics.retried.labels(kind, failure.code).inc()
            self._outbox.extend(claim, delay_s, reason)

    def _delay_s(
        self, event: KeptEvent, attempts: Attempts, failure: PublishFailed
    ) -> float | None:
        return self._policy.delay_s(
            failure,
            attempts=attempts.counted,
            tries=attempts.tried,
            age_s=(self._clock.now_ms() - event.due_ms) / 1000,
            jitter=random.random(),  # noqa: S311 - spreads load, hides nothing
        )

    def _give_up(self, claim: Claim, now_ms: int) -> None:
        event, position = claim
        state = State.CANCELLED if event.cancelled else State.EXPIRED
        tried = event.attempts.get(position) if event.attempts else None
        attempts, reason = (tried.tried, tried.reason) if tried else (0, None)
        self._outbox.settle(claim, Outcome(state, now_ms, attempts, reason))


class _Counts:
    """The counters of deliveries that were published, for one service and kind of address."""

    def __init__(self, metrics: Metrics, labels: tuple[str, str]) -> None:
        self._published = metrics.published.labels(*labels)
        self._seconds = metrics.accepted_to_published_seconds.labels(*labels)

    def add(self, seconds: float) -> None:
        self._published.inc()
        self._seconds.observe(seconds)


def _reason(failure: PublishFailed) -> Reason:
    return Reason(failure.code, failure.detail[:MAX_DETAIL_CHARS], failure.retryable)


def _tries(claim: Claim) -> int:
    event, position = claim
    return event.attempts_of(position).tried if event.attempts else 0


def _facts(event: KeptEvent, position: int, outcome: Outcome) -> dict[str, object]:
    reason = outcome.reason
    return {
        "service": event.service,
        "event_id": event.id,
        "address": event.names[position],
        "attempts": outcome.attempts,
        "age_s": round((outcome.at_ms - event.accepted_ms) / 1000, 3),
        "code": reason.code if reason else None,
        "detail": reason.detail if reason else None,
    }
