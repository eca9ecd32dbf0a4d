"""The feed: what happens in the gateway, for those who watch it live.

Owns the listeners, their number, and who is told what: a service hears of its own events, one with
the admin right of all.
Does not: speak HTTP (`routes/stream.py`), read metrics (`gateway/sampler.py`), or cost anything
while nobody listens: `watch` is told when that changes.
Source: docs/design.md, "Event API"; style guide, rules 4 and 5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.core.tail import Notice, Tail
from gateway.errors import TooManyStreams

if TYPE_CHECKING:
    from gateway.core.snapshot import Snapshot


class Listener:
    """One who listens.

    Args:
        service: The service whose events it hears of, or None for all.
        payloads: Whether it hears payloads, too.
        most: Most notices that wait for it.

    Attributes:
        service: See above.
        payloads: See above.
    """

    def __init__(self, *, service: str | None, payloads: bool, most: int) -> None:
        self.service = service
        self.payloads = payloads
        self._tail = Tail(most)
        self._snapshot: Snapshot | None = None
        self._news = asyncio.Event()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether there will be no more news."""
        return self._closed

    def hears_of(self, service: str) -> bool:
        """Tell whether it may be told about a service's events."""
        return self.service is None or self.service == service

    def offer(self, notice: Notice) -> None:
        """Tell it something, or drop the oldest thing it has not taken."""
        self._tail.offer(notice)
        self._news.set()

    def show(self, snapshot: Snapshot) -> None:
        """Tell it how things are; one that it has not taken is replaced."""
        self._snapshot = snapshot
        self._news.set()

    def close(self) -> None:
        """Let it take what there is, and no more."""
        self._closed = True
        self._news.set()

    async def news(self, timeout_s: float) -> None:
        """Wait until there is something to take, or for so long."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            return

    def take(self) -> tuple[Snapshot | None, list[Notice], int]:
        """Return the newest snapshot, the notices, and how many notices were dropped."""
        self._news.clear()
        snapshot, self._snapshot = self._snapshot, None
        return snapshot, *self._tail.take()


class Feed:
    """Tells every listener what it may hear.

    Args:
        most_listeners: Most at a time.
        most_notices: Most notices that wait for one listener.
    """

    def __init__(self, *, most_listeners: int, most_notices: int) -> None:
        self._most_listeners = most_listeners
        self._most_notices = most_notices
        self._listeners: set[Listener] = set()
        self._watch: list[Callable[[bool], None]] = []
        self._closed = False

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    @property
    def payloads(self) -> bool:
        """Whether anybody hears payloads."""
        return any(listener.payloads for listener in self._listeners)

    def watch(self, told: Callable[[bool], None]) -> None:
        """Call back with True when somebody begins to listen, and False when nobody does."""
        self._watch.append(told)

    def join(self, *, service: str | None, payloads: bool) -> Listener:
        """Return a new listener, who must leave again.

        Args:
            service: The service whose events it hears of, or None for all.
            payloads: Whether it hears payloads, too.

        Raises:
            TooManyStreams: There is no room for one more, or the gateway is stopping.
        """
        if self._closed or len(self._listeners) >= self._most_listeners:
            raise TooManyStreams(self._most_listeners)
        listener = Listener(service=service, payloads=payloads, most=self._most_notices)
        self._listeners.add(listener)
        if len(self._listeners) == 1:
            self._tell(listening=True)
        return listener

    def leave(self, listener: Listener) -> None:
        """Forget a listener."""
        self._listeners.discard(listener)
        if not self._listeners:
            self._tell(listening=False)

    def offer(self, notice: Notice) -> None:
        """Tell everybody who may hear of it."""
        for listener in self._listeners:
            if listener.hears_of(notice.service):
                listener.offer(notice)

    def show(self, snapshot: Snapshot) -> None:
        """Tell everybody how things are."""
        for listener in self._listeners:
            listener.show(snapshot)

    def close(self) -> None:
        """End every stream, and let nobody join any more: the gateway stops."""
        self._closed = True
        for listener in self._listeners:
            listener.close()

    def _tell(self, *, listening: bool) -> None:
        for told in self._watch:
            told(listening)
