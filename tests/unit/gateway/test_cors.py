"""Only pages of the named origins may call."""

from __future__ import annotations

import pytest

from gateway.cors import cors
from tests.unit.gateway.requests import ok, request_for

ORIGIN = "http://localhost:8082"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}


async def test_answers_a_preflight_itself() -> None:
    """Methods and headers of the event API, for a while."""
    response = await cors([ORIGIN])(request_for("OPTIONS", "/v1/events", PREFLIGHT), ok)
    assert response.status == 204
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
    assert response.headers["Vary"] == "Origin"


async def test_marks_an_ordinary_answer() -> None:
    """The page may read it, and the headers it needs."""
    response = await cors([ORIGIN])(request_for(headers={"Origin": ORIGIN}), ok)
    assert response.status == 200
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("origin", [None, "null", "http://localhost", "http://localhost:80820"])
async def test_says_nothing_to_others(origin: str | None) -> None:
    """No header means that the browser refuses."""
    headers = {"Origin": origin} if origin else {}
    response = await cors([ORIGIN])(request_for(headers=headers), ok)
    assert "Access-Control-Allow-Origin" not in response.headers


async def test_is_off_without_origins() -> None:
    """Nobody is allowed unless named."""
    response = await cors([])(request_for("OPTIONS", "/v1/events", PREFLIGHT), ok)
    assert "Access-Control-Allow-Origin" not in response.headers
