"""One line and one measurement for each request."""

from __future__ import annotations

import asyncio
import logging
import re

import pytest
from aiohttp import web

from gateway.metrics import Metrics
from gateway.request_line import LINE, RequestLines, request_line
from tests.unit.gateway.requests import ok, raising, request_for


async def test_writes_one_line_with_the_handlers_facts(caplog: pytest.LogCaptureFixture) -> None:
    """What happened stands in one place, without the path."""

    async def handler(request: web.Request) -> web.StreamResponse:
        request[LINE].facts["service"] = "shop"
        return web.Response(status=202)

    caplog.set_level(logging.INFO)
    await request_line(RequestLines(Metrics()))(request_for("POST", "/v1/secret"), handler)
    (record,) = caplog.records
    facts = record.__dict__
    assert (record.message, facts["status"], facts["service"]) == ("request", 202, "shop")
    assert facts["method"] == "POST"
    assert "secret" not in str(facts)


@pytest.mark.parametrize(("shown", "kept"), [("abc-1", True), ("a b", False), ("x" * 65, False)])
async def test_every_answer_has_a_request_id(shown: str, kept: bool) -> None:  # noqa: FBT001
    """The caller's own if it is harmless, otherwise a new one."""
    request = request_for(headers={"X-Request-Id": shown})
    given = (await request_line(RequestLines(Metrics()))(request, ok)).headers["X-Request-Id"]
    assert given == shown if kept else re.fullmatch("[0-9a-f]{16}", given)


async def test_tells_no_versions() -> None:
    """The Server header names no software to look up weaknesses for."""
    response = await request_line(RequestLines(Metrics()))(request_for(), ok)
    assert response.headers["Server"] == "gateway"


async def test_a_caller_who_goes_away_is_seen() -> None:
    """A request without an answer is measured as 499."""
    metrics = Metrics()
    with pytest.raises(asyncio.CancelledError):
        await request_line(RequestLines(metrics))(request_for(), raising(asyncio.CancelledError()))
    labels = {"method": "GET", "route": "-", "status": "499"}
    assert metrics.registry.get_sample_value("gateway_request_seconds_count", labels) == 1


async def test_made_up_methods_share_a_label() -> None:
    """Nobody grows our metrics from outside."""
    metrics = Metrics()
    await request_line(RequestLines(metrics))(request_for("BREW"), ok)
    labels = {"method": "-", "route": "-", "status": "200"}
    assert metrics.registry.get_sample_value("gateway_request_seconds_count", labels) == 1
