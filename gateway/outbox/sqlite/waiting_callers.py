"""Callers that wait for an event to be settled.

Owns their futures. Does not: know the file, or wait itself.
Source: docs/design.md, `Prefer: wait`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.core.report import Report

_Name = tuple[str, str]


class WaitingCallers:
    """Futures by service and event id; each belongs to one request, which bounds their number."""

    def __init__(self) -> None:
        self._futures: dict[_Name, list[asyncio.Future[Report]]] = {}

    def __bool__(self) -> bool:
        return bool(self._futures)

    @contextmanager
    def waiting(self, service: str, event_id: str) -> Iterator[asyncio.Future[Report]]:
        """Have a future inside the block that gets the report when the event settles."""
        name = (service, event_id)
        future: asyncio.Future[Report] = asyncio.get_running_loop().create_future()
        self._futures.setdefault(name, []).append(future)
        try:
            yield future
        finally:
            self._futures[name].remove(future)
            if not self._futures[name]:
                del self._futures[name]

    def tell(self, service: str, event_id: str, report: Report) -> None:
        """Give a report to all who wait for it."""
        for future in self._futures.get((service, event_id), ()):
            if not future.done():
                future.set_result(report)
