"""Nothing leaves the handlers but an answer."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from gateway.errors import BodyTooLarge
from gateway.metrics import Metrics
from gateway.refusals import Refusals, refusals
from gateway.request_line import LINE
from tests.unit.gateway.requests import ok, raising, request_for


async def test_an_answer_passes() -> None:
    """What went well is not touched."""
    assert (await refusals(Refusals(Metrics()))(request_for(), ok)).status == 200


async def test_a_refusal_is_answered_and_counted() -> None:
    """By the service, where it is known, and the code."""
    metrics, request = Metrics(), request_for()
    request[LINE].facts["service"] = "shop"
    response = await refusals(Refusals(metrics))(request, raising(BodyTooLarge(1)))
    assert response.status == 413
    assert request[LINE].facts["code"] == "body_too_large"
    labels = {"service": "shop", "reason": "body_too_large"}
    assert metrics.registry.get_sample_value("gateway_events_refused_total", labels) == 1


async def test_an_error_of_aiohttp_is_a_problem_too() -> None:
    """Unknown paths answer like everything else."""
    response = await refusals(Refusals(Metrics()))(request_for(), raising(web.HTTPNotFound()))
    assert (response.status, response.content_type) == (404, "application/problem+json")


async def test_a_bug_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    """The log has the trace; the caller has the request id."""
    response = await refusals(Refusals(Metrics()))(request_for(), raising(KeyError("secret-ish")))
    assert response.status == 500
    assert isinstance(response, web.Response)
    assert isinstance(response.body, bytes)
    assert b"secret-ish" not in response.body
    assert b"r-1" in response.body
    assert caplog.messages == ["unexpected error"]


async def test_a_cancelled_request_stays_cancelled() -> None:
    """Shutdown is no error."""
    with pytest.raises(asyncio.CancelledError):
        await refusals(Refusals(Metrics()))(request_for(), raising(asyncio.CancelledError()))
