"""Readiness: whether events sent here now would be delivered.

Owns the prober that looks at the endpoint while nothing is published, and the word that the
gateway is about to stop.
Does not: judge what was seen (`core/reachability.py`) or answer HTTP (`routes/health.py`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from gateway.core.publication import Publication
from gateway.core.reachability import Reachability
from gateway.errors import (
    ClientNotConnected,
    NotConfirmed,
    PublishDenied,
    PublishFailed,
    PublishInvalid,
    PublishThrottled,
    PublishTooLarge,
)
from gateway.publisher import Publisher

log = logging.getLogger(__name__)

_FRESH_PROBES = 3
"""Missed probes after which an old contact no longer counts."""

_ANSWERED = (
    PublishThrottled,
    PublishDenied,
    PublishTooLarge,
    PublishInvalid,
    ClientNotConnected,
    NotConfirmed,
)
"""Failures that are IoT Core's own answer to one publish."""


class Readiness:
    """What is known about the road to IoT Core.

    Args:
        probe_s: Time between looks at the endpoint, seconds.
    """

    def __init__(self, *, probe_s: float) -> None:
        self._probe_s = probe_s
        self._reachability = Reachability(fresh_s=_FRESH_PROBES * probe_s)
        self._stopping = False
        self._watched: dict[str, Callable[[], str | None]] = {}

    def watch(self, part: str, trouble: Callable[[], str | None]) -> None:
        """Ask a part of the gateway for its trouble, too.

        Args:
            part: Its name.
            trouble: Returns a short word for what is wrong, or None.
        """
        self._watched[part] = trouble

    def stop(self) -> None:
        """Note that the gateway is about to stop: no more events, please."""
        self._stopping = True

    def saw_contact(self) -> None:
        """Note that IoT Core answered; a refusal of one event is contact, too."""
        self._reachability.saw_contact(time.monotonic())

    def troubles(self, now: float) -> Mapping[str, str]:
        """Return what stands in the way, by part; empty when events are welcome."""
        found = {}
        trouble = self._reachability.trouble(now)
        if trouble is not None:
            found["iot"] = trouble
        for part, look in self._watched.items():
            trouble = look()
            if trouble is not None:
                found[part] = trouble
        if self._stopping:
            found["gateway"] = "stopping"
        return found

    async def probe_forever(self, publisher: Publisher) -> None:
        """Look at the endpoint now and then; not while publishes show that it is there.

        Every look is bounded by the publisher's own timeout; ends only by cancellation.
        """
        while True:
            age_s = self._reachability.contact_age_s(time.monotonic())
            if age_s is None or age_s >= self._probe_s:
                await self._probe(publisher)
            await asyncio.sleep(self._probe_s)

    async def _probe(self, publisher: Publisher) -> None:
        before = self._reachability.trouble(time.monotonic())
        try:
            await publisher.check()
        except PublishFailed as failure:
            self._reachability.saw_trouble(failure.code)
            if before != failure.code:
                facts = {"code": failure.code, "detail": failure.detail}
                log.warning("iot endpoint not reachable", extra=facts)
        else:
            self.saw_contact()
            if before is not None:
                log.info("iot endpoint reachable")


class WatchedPublisher:
    """A publisher whose answers tell readiness, too.

    Only answers: one publish that failed on the way does not make a gateway unready; the next
    probe decides.

    Args:
        publisher: The way to IoT Core.
        readiness: Who is told.
    """

    def __init__(self, publisher: Publisher, readiness: Readiness) -> None:
        self._publisher = publisher
        self._readiness = readiness

    async def publish(self, publication: Publication) -> None:
        """Publish, see `Publisher.publish`."""
        try:
            await self._publisher.publish(publication)
        except PublishFailed as failure:
            self._failed(failure)
            raise
        self._readiness.saw_contact()

    async def deliver(self, publication: Publication, *, within_s: int) -> None:
        """Send to one client, see `Publisher.deliver`."""
        try:
            await self._publisher.deliver(publication, within_s=within_s)
        except PublishFailed as failure:
            self._failed(failure)
            raise
        self._readiness.saw_contact()

    async def check(self) -> None:
        """Look whether a publish could be sent, see `Publisher.check`."""
        await self._publisher.check()

    def _failed(self, failure: PublishFailed) -> None:
        if isinstance(failure, _ANSWERED):
            self._readiness.saw_contact()
