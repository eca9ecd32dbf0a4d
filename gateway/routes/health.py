"""`GET /healthz`, `/readyz` and `/metrics`: what the platform asks.

Owns their answers. Does not: probe anything while answering; it tells what is known.
These need no key: they hold no event and no address, and whoever scrapes has none.
Source: docs/design.md, "Event API".
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from aiohttp import hdrs, web

from gateway.metrics import Metrics
from gateway.readiness import Readiness


class HealthRoutes:
    """The platform's questions.

    Args:
        readiness: Whether events can be delivered now.
        metrics: What was counted.
    """

    def __init__(self, *, readiness: Readiness, metrics: Metrics) -> None:
        self._readiness = readiness
        self._metrics = metrics

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return the routes."""
        return [
            web.get("/healthz", self.healthz),
            web.get("/readyz", self.readyz),
            web.get("/metrics", self.metrics),
        ]

    async def healthz(self, _request: web.Request) -> web.Response:
        """Answer that the process lives and its loop turns."""
        return web.json_response({"status": "ok"})

    async def readyz(self, _request: web.Request) -> web.Response:
        """Answer whether to send events here: 200 ``ready``, or 503 with the troubles."""
        troubles = self._readiness.troubles(time.monotonic())
        if troubles:
            return web.json_response({"status": "not_ready", "troubles": troubles}, status=503)
        return web.json_response({"status": "ready"})

    async def metrics(self, _request: web.Request) -> web.Response:
        """Answer with all metrics in Prometheus' text format."""
        headers = {hdrs.CONTENT_TYPE: self._metrics.content_type}
        return web.Response(body=self._metrics.text(), headers=headers)
