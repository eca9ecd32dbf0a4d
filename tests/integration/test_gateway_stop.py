"""SIGTERM under load with IoT Core away: one budget, every caller answered, nothing lost."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.integration.gateway_process import environment, gateway_process
from tests.integration.gateway_stub import Fault, stub_iot

DRAIN_S = 4.0
ENDING_S = 2.5
"""Room for closing the outbox, leaving Python, and a busy machine."""


LOAD_EVENTS = 100
"""Events taken before the gateway is told to stop."""


class Callers:
    """Services that post one event after another until nobody takes them any more.

    Attributes:
        taken: The ids that were answered with 200 or 202.
        statuses: All statuses that were seen.
        unanswered: Callers that were waiting for an outcome and got no answer. (One that is just
            about to send on an idle connection may meet its end; that is HTTP's.)
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.taken: list[str] = []
        self.statuses: set[int] = set()
        self.unanswered = 0

    async def post_on(self, name: str, *, wait_s: int) -> None:
        """Post until the port is closed."""
        headers = {"Prefer": f"wait={wait_s}"} if wait_s else {}
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
            for number in range(10_000):
                event_id = f"{name}-{number}"
                event = {"id": event_id, "to": f"user:{name}", "type": "t", "data": 1}
                try:
                    async with session.post(
                        f"{self._url}/v1/events", json=event, headers=headers
                    ) as answer:
                        self.statuses.add(answer.status)
                        if answer.status < 300:
                            self.taken.append(event_id)
                except aiohttp.ClientConnectorError:
                    return
                except aiohttp.ClientError:
                    self.unanswered += wait_s > 0
                    return
                await asyncio.sleep(0.01)


async def half_a_body(url: str) -> None:
    """Send half of a request, and nothing more until the connection ends."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    head = "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: 100\r\n\r\n{{".encode())
    with suppress(ConnectionError):
        await reader.read()
    writer.close()


async def stream(url: str) -> None:
    """Listen to the live stream until it ends."""
    async with aiohttp.ClientSession() as session:
        with suppress(aiohttp.ClientError):
            async with session.get(f"{url}/v1/stream") as answer:
                await answer.read()


@pytest.mark.timeout(120)
async def test_stops_within_one_budget_and_loses_nothing(tmp_path: Path) -> None:
    """Waiting callers, a request that never ends, an idle connection, a stream, hanging publishes."""
    async with stub_iot() as stub:
        stub.fault = Fault(hang=True)
        environ = environment(
            GATEWAY_IOT_ENDPOINT=stub.url,
            GATEWAY_INSECURE_NO_AUTH="1",
            GATEWAY_DRAIN_S=str(DRAIN_S),
            GATEWAY_BODY_TIMEOUT_S="60",
            GATEWAY_IOT_CONNECTIONS="8",
            GATEWAY_OUTBOX=f"sqlite:///{tmp_path / 'outbox.db'}",
        )
        async with gateway_process(environ) as gateway:
            callers = Callers(gateway.url)
            with gateway.reading():
                load = [
                    asyncio.create_task(callers.post_on(f"c{n}", wait_s=30 if n % 2 else 0))
                    for n in range(16)
                ]
                others = [
                    asyncio.create_task(half_a_body(gateway.url)),
                    asyncio.create_task(stream(gateway.url)),
                ]
                async with asyncio.timeout(30):
                    while len(callers.taken) < LOAD_EVENTS:  # noqa: ASYNC110 - nothing tells
                        await asyncio.sleep(0.05)
                started = time.monotonic()
                gateway.send(signal.SIGTERM)
                assert await gateway.exit_code() == 0
                took_s = time.monotonic() - started
                await asyncio.gather(*load, *others)
        assert took_s < DRAIN_S + ENDING_S
        # With IoT Core away the budget is used: what could still go out had the time to.
        assert took_s > DRAIN_S * 0.9
        assert callers.statuses == {202}
        assert callers.unanswered == 0
        assert "unexpected error" not in {line["message"] for line in gateway.lines}

        stub.fault = None
        stub.released.set()
        stub.seen.clear()
        async with gateway_process(environ) as again, asyncio.timeout(60):
            with again.reading():
                while {event_id(seen.body) for seen in stub.seen} < set(callers.taken):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            again.stop()
    for name in {one.rpartition("-")[0] for one in callers.taken}:
        numbers = [event_id(s.body) for s in stub.seen if s.topic == f"shop/user/{name}"]
        assert list(dict.fromkeys(numbers)) == [
            one for one in callers.taken if one.startswith(f"{name}-")
        ]


def event_id(body: bytes) -> str:
    """Return the id in an envelope."""
    envelope: dict[str, Any] = json.loads(body)
    return str(envelope["id"])
