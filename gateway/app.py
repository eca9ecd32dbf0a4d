"""The gateway as one aiohttp application.

Owns how its routes are put together, and the order of the middlewares.
Does not: listen on a port or handle signals (`gateway/server.py`), or deliver (`gateway/delivery.py`).
Source: docs/design.md, "What it is".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from gateway.cors import cors
from gateway.refusals import Refusals, refusals
from gateway.request_line import RequestLines, request_line
from gateway.routes.clients import ClientRoutes
from gateway.routes.dashboard import DashboardRoutes
from gateway.routes.description import DescriptionRoutes
from gateway.routes.events import EventRoutes
from gateway.routes.health import HealthRoutes
from gateway.routes.standing import StandingRoutes
from gateway.routes.stream import StreamRoutes
from gateway.tracing import traced

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from gateway.admission import Admission
    from gateway.event_api import EventApi
    from gateway.feed import Feed
    from gateway.intake import Intake
    from gateway.metrics import Metrics
    from gateway.readiness import Readiness
    from gateway.routes.clients import ClientConnections
    from gateway.sampler import Sampler
    from gateway.settings import Settings


def build_app(
    *,
    settings: Settings,
    admission: Admission,
    api: EventApi,
    intake: Intake,
    connections: ClientConnections,
    readiness: Readiness,
    metrics: Metrics,
    feed: Feed,
    sampler: Sampler,
    tracer: Tracer | None = None,
) -> web.Application:
    """Put the gateway's API together; whatever it is given, the caller starts and ends.

    Args:
        settings: The settings.
        admission: Who may call.
        api: Who takes events.
        intake: Who keeps events and delivers them.
        connections: Calls about clients' connections.
        readiness: Whether events are welcome now.
        metrics: Where requests are counted.
        feed: Where streams get their news; it is closed when the application stops.
        sampler: Who knows the last minutes.
        tracer: Makes spans of requests, where traces are on.
    """
    app = web.Application(
        client_max_size=settings.max_body_bytes,
        # From the outside in: the line sees the final answer, and errors get CORS headers, too.
        middlewares=[
            request_line(RequestLines(metrics)),
            *([] if tracer is None else [traced(tracer)]),
            cors(settings.cors_origins),
            refusals(Refusals(metrics)),
        ],
    )
    parts = (
        EventRoutes(api, body_timeout_s=settings.body_timeout_s),
        StandingRoutes(admission=admission, intake=intake),
        ClientRoutes(admission=admission, connections=connections, namespace=settings.namespace),
        HealthRoutes(readiness=readiness, metrics=metrics),
        DescriptionRoutes(settings),
        StreamRoutes(admission=admission, feed=feed, sampler=sampler, settings=settings),
        DashboardRoutes(settings.dashboard_dir),
    )
    for part in parts:
        app.add_routes(part.routes())

    async def end_streams(_app: web.Application) -> None:
        feed.close()

    # Streams would otherwise be requests under way for the whole of `drain_s`.
    app.on_shutdown.append(end_streams)
    return app
