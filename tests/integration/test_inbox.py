"""The inbox over real queues: messages become events once, bad ones dead letters with their reason."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.inbox_world import WAIT_S, InboxWorld, inbox_world
from tests.integration.test_gateway_localaws import subscriber


@pytest.fixture(params=["fifo", "standard"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[InboxWorld]:
    """Run an inbox of either kind."""
    async with inbox_world(tmp_path, fifo=request.param == "fifo") as running:
        yield running


@pytest.fixture
async def fifo(tmp_path: Path) -> AsyncIterator[InboxWorld]:
    """Run an inbox that keeps order."""
    async with inbox_world(tmp_path) as running:
        yield running


async def envelopes(
    received: asyncio.Queue[tuple[str, bytes]], count: int
) -> list[tuple[str, dict[str, Any]]]:
    """Return as many messages that a browser got: topic and envelope."""
    async with asyncio.timeout(WAIT_S):
        found = [await received.get() for _ in range(count)]
    return [(topic, json.loads(payload)) for topic, payload in found]


def event(number: int = 1, **changes: object) -> dict[str, object]:
    """Return an event to user 42."""
    return {"to": "user:42", "type": "t", "data": {"n": number}} | changes


async def test_a_message_reaches_the_browser(world: InboxWorld) -> None:
    """One event, an array, a CloudEvent and a mixed array; then the queue is empty."""
    shop = world.service("shop", "user:*")
    cloud = {"specversion": "1.0", "id": "c-1", "source": "/orders", "type": "t"}
    async with world.gateway(), subscriber(world.aws, "42", groups=[]) as received:
        answer = await world.send(shop, event(1))
        await world.send(
            shop,
            [event(2), event(3, id="mine")],
            cloud | {"to": "user:42", "data": {"n": 4}},
            [event(5), cloud | {"id": "c-2", "to": "user:42", "data": {"n": 6}}],
        )
        found = [envelope for _, envelope in await envelopes(received, 6)]
        await world.emptied()
    assert sorted(one["data"]["n"] for one in found) == [1, 2, 3, 4, 5, 6]
    by_number = {one["data"]["n"]: one for one in found}
    assert by_number[1]["id"] == answer["MessageId"]
    assert (by_number[1]["source"], by_number[4]["source"]) == ("/services/shop", "/orders")
    assert by_number[3]["id"] == "mine"
    assert await world.depth(world.dead_url) == 0
