"""What was answered with 202 arrives, whatever is killed, throttled or away.

Real processes and a real subscriber: the promise of the event API as its users see it.
"""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import aiohttp
import pytest

from localaws.core.faults import Fault, FaultKind
from localaws.embedded import LocalAws
from tests.integration.kill_world import MortalGateway, Services, aws, mortal_gateway, subscriber
from tests.integration.road import road

__all__ = ["aws"]

pytestmark = pytest.mark.timeout(300)

EVENTS = 5_000
KILLS = 10
ARRIVE_S = 60.0


def misbehave(aws: LocalAws) -> None:
    """Let a part of all publishes be throttled, fail, fail though they were done, or be late."""
    for fault in (
        Fault(kind=FaultKind.THROTTLE, rate=0.01, operation="Publish"),
        Fault(kind=FaultKind.ERROR, rate=0.04, operation="Publish", status=500),
        Fault(kind=FaultKind.ERROR, rate=0.02, operation="Publish", status=503, performed=True),
        Fault(kind=FaultKind.LATENCY, rate=0.02, operation="Publish", seconds=0.05),
    ):
        aws.faults.order(fault)


async def killed_again_and_again(
    gateway: MortalGateway, services: Services, *, kills: int, events: int
) -> None:
    """Kill it at random moments while the events are sent, and start it each time."""
    rng = random.Random(4)  # noqa: S311 - moments, not keys
    for number in range(kills):
        wanted = events * (number + rng.uniform(0.2, 1.0)) / (kills + 1)
        while services.count < wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        await asyncio.sleep(rng.uniform(0, 0.1))
        await gateway.kill()
        await gateway.start()


async def troubles(gateway: MortalGateway) -> dict[str, str]:
    """Return what readiness says is wrong."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{gateway.url}/readyz") as answer,
    ):
        assert answer.status in (200, 503)
        return dict((await answer.json()).get("troubles", {}))


async def until(wanted: set[str], gateway: MortalGateway, timeout_s: float = 20.0) -> None:
    """Wait until exactly these parts are in trouble."""
    async with asyncio.timeout(timeout_s):
        while set(await troubles(gateway)) != wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def unsettled(gateway: MortalGateway) -> int:
    """Return how many events the gateway still calls accepted."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{gateway.url}/v1/events?status=accepted&limit=100") as answer,
    ):
        assert answer.status == 200
        return len((await answer.json())["events"])


async def test_nothing_is_lost_when_the_gateway_is_killed(aws: LocalAws, tmp_path: Path) -> None:
    """Ten times kill -9 under load, with throttling and errors all the while."""
    misbehave(aws)
    async with mortal_gateway(aws, tmp_path) as gateway, subscriber(aws) as watcher:
        services = Services(gateway.url, seed=1)
        sending = asyncio.create_task(services.send(EVENTS))
        await killed_again_and_again(gateway, services, kills=KILLS, events=EVENTS)
        await sending
        assert services.count == EVENTS
        await watcher.all_of(services, ARRIVE_S)
        watcher.check(services)
        await asyncio.sleep(0.3)
        assert await unsettled(gateway) == 0
        # Killed between commit and answer: the same ids again were known.
        assert services.again > 0


async def test_nothing_is_lost_while_iot_core_is_away(aws: LocalAws, tmp_path: Path) -> None:
    """Events are taken all the while, the gateway is killed, and everything goes out afterwards."""
    async with (
        road(aws.endpoints.iot_url) as way,
        mortal_gateway(aws, tmp_path, iot_url=way.url) as gateway,
        subscriber(aws) as watcher,
    ):
        services = Services(gateway.url, seed=3)
        await services.send(200)
        sending = asyncio.create_task(services.send(2_000, first=200))
        await asyncio.sleep(0.2)
        await way.close()
        away_since = time.monotonic()
        await until({"iot"}, gateway)
        await sending
        await gateway.kill()
        await gateway.start()
        assert await unsettled(gateway) == 100
        await asyncio.sleep(max(0.0, 8.0 - (time.monotonic() - away_since)))
        await way.open()
        await watcher.all_of(services, ARRIVE_S)
        watcher.check(services)
        await until(set(), gateway)
