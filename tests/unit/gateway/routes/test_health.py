"""What the platform asks is answered from what is known."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from gateway.metrics import Metrics
from gateway.readiness import Readiness
from gateway.routes.health import HealthRoutes
from tests.unit.gateway.requests import request_for


def body_of(response: web.Response) -> Any:
    """Return an answer's JSON."""
    assert isinstance(response.body, bytes)
    return json.loads(response.body)


async def test_healthy_whenever_it_answers() -> None:
    """Health does not depend on IoT Core."""
    health = HealthRoutes(readiness=Readiness(probe_s=1), metrics=Metrics())
    response = await health.healthz(request_for())
    assert (response.status, body_of(response)) == (200, {"status": "ok"})


async def test_ready_only_with_a_road_to_iot_core() -> None:
    """Not before the first contact, and not when stopping."""
    readiness = Readiness(probe_s=60)
    health = HealthRoutes(readiness=readiness, metrics=Metrics())
    response = await health.readyz(request_for())
    assert response.status == 503
    assert body_of(response)["troubles"] == {"iot": "no contact so far"}
    readiness.saw_contact()
    assert body_of(await health.readyz(request_for())) == {"status": "ready"}


async def test_metrics_are_prometheus_text() -> None:
    """A scraper reads them as they are."""
    health = HealthRoutes(readiness=Readiness(probe_s=1), metrics=Metrics())
    response = await health.metrics(request_for())
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert isinstance(response.body, bytes)
    assert b"gateway_publishes_in_flight 0.0" in response.body
