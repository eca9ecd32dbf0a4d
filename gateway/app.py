"""The gateway as one aiohttp application.

Owns how its parts are put together, and the order of the middlewares.
Does not: listen on a port or handle signals (`gateway/server.py`).
Source: docs/design.md, "What it is".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import web

from gateway.admission import Admission
from gateway.cors import cors
from gateway.intake import DirectIntake
from gateway.metrics import Metrics
from gateway.publisher import Publisher
from gateway.readiness import Readiness, WatchedPublisher
from gateway.refusals import refusals
from gateway.request_line import request_line
from gateway.routes.events import EventRoutes
from gateway.routes.health import HealthRoutes
from gateway.settings import Settings


def build_app(
    *, settings: Settings, admission: Admission, publisher: Publisher, readiness: Readiness
) -> web.Application:
    """Put the gateway together.

    Args:
        settings: The settings.
        admission: Who may call.
        publisher: The way to IoT Core; the caller opens and closes it.
        readiness: What is known about that way.
    """
    metrics = Metrics()
    intake = DirectIntake(
        publisher=WatchedPublisher(publisher, readiness),
        metrics=metrics,
        namespace=settings.namespace,
        connections=settings.iot_connections,
        most_pending=settings.max_pending_publishes,
        wait_s=settings.publish_timeout_s,
    )
    app = web.Application(
        client_max_size=settings.max_body_bytes,
        # From the outside in: the line sees the final answer, and errors get CORS headers, too.
        middlewares=[request_line(metrics), cors(settings.cors_origins), refusals(metrics)],
    )
    events = EventRoutes(admission=admission, intake=intake, settings=settings)
    health = HealthRoutes(readiness=readiness, metrics=metrics)
    app.add_routes([*events.routes(), *health.routes()])

    async def probing(_app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(readiness.probe_forever(publisher), name="probe")
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    app.cleanup_ctx.append(probing)
    return app
