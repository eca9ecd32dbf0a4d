"""A tiny IoT data endpoint that misbehaves on demand.

Owns the faults a faithful stand-in never shows: throttling, refusals, errors, silence, cut lines.
Does not: verify signatures or deliver anything (`localaws` does both).
Source: shapes of answers from AWS IoT Core's HTTP data plane, as captured from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived."""

    topic: str
    raw_path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Fault:
    """How to answer instead of OK."""

    status: int = 200
    code: str = ""
    message: str = "words"
    headers: dict[str, str] = field(default_factory=dict)
    html: bool = False
    hang: bool = False
    cut: bool = False


class StubIot:
    """Answers `POST /topics/{topic}` as told.

    Attributes:
        url: Where it listens.
        seen: Every request, in order.
        fault: The answer to every publish, or None for OK.
        faults: The answer by topic; wins over `fault`.
        released: Set to let hanging requests end.
    """

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[Seen] = []
        self.fault: Fault | None = None
        self.faults: dict[str, Fault] = {}
        self.released = asyncio.Event()
        self.arrived = asyncio.Event()

    async def publish(self, request: web.Request) -> web.StreamResponse:
        """Answer one publish."""
        topic = unquote(request.raw_path.partition("?")[0].removeprefix("/topics/"))
        self.seen.append(
            Seen(
                topic=topic,
                raw_path=request.raw_path,
                query=dict(request.query),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=await request.read(),
            )
        )
        self.arrived.set()
        return await self._answer(request, self.faults.get(topic, self.fault) or Fault())

    async def _answer(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.hang:
            await self.released.wait()
        if fault.cut:
            assert request.transport is not None
            request.transport.abort()
        if fault.html:
            return web.Response(status=fault.status, text="<html>", content_type="text/html")
        if fault.status == 200:
            return web.json_response({"message": "OK", "traceId": "t"})
        headers = {"x-amzn-ErrorType": f"{fault.code}:", **fault.headers}
        body = {"message": fault.message, "traceId": "t"}
        return web.json_response(body, status=fault.status, headers=headers)


@asynccontextmanager
async def stub_iot(port: int = 0) -> AsyncIterator[StubIot]:
    """Run a stub on a port of its own."""
    stub = StubIot()
    app = web.Application()
    app.router.add_post("/topics/{topic:.*}", stub.publish)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        stub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield stub
    finally:
        stub.released.set()
        await runner.cleanup()
