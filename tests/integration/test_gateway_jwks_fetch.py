"""Fetching a key set over real sockets: bounded in time and size, and never redirected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from gateway.errors import KeySetUnavailable
from gateway.jwks_fetch import jwks_fetch
from wire.jwks import MAX_JWKS_BYTES


async def fine(_request: web.Request) -> web.Response:
    """Answer."""
    return web.Response(body=b"the keys")


async def huge(_request: web.Request) -> web.Response:
    """Answer with more than is read."""
    return web.Response(body=b"x" * (MAX_JWKS_BYTES + 1))


async def slow(_request: web.Request) -> web.Response:
    """Answer too late."""
    await asyncio.sleep(1)
    return web.Response()


async def elsewhere(_request: web.Request) -> web.Response:
    """Point to another place."""
    raise web.HTTPFound("/fine")


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """An issuer."""
    app = web.Application()
    app.add_routes([web.get(f"/{f.__name__}", f) for f in (fine, huge, slow, elsewhere)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_brings_the_document(url: str) -> None:
    """Byte for byte."""
    assert await jwks_fetch(f"{url}/fine", timeout_s=5)() == b"the keys"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/huge", "larger than"),
        ("/slow", "TimeoutError"),
        ("/elsewhere", "answered 302"),
        ("/nowhere", "answered 404"),
    ],
)
async def test_gives_up(url: str, path: str, why: str) -> None:
    """Whatever the issuer does, there is an end and a reason."""
    with pytest.raises(KeySetUnavailable, match=why):
        await jwks_fetch(f"{url}{path}", timeout_s=0.3)()


async def test_nobody_answers() -> None:
    """A closed port is a reason, too."""
    with pytest.raises(KeySetUnavailable, match="ClientConnectorError"):
        await jwks_fetch("http://127.0.0.1:9/", timeout_s=5)()
