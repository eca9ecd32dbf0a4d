"""What was answered with 202 arrives, whichever of several gateways is killed.

Three real gateway processes share a queue and a table, which are moto's over HTTP, in a process of
their own, on a bad day: throttled, failing, late, done without saying so, done in part. Their IoT
Core is localaws, which throttles and fails as well.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from localaws.embedded import LocalAws
from tests.integration.kill_world import (
    GROUP,
    RIVAL,
    MortalGateway,
    Services,
    Subscriber,
    aws,
    mortal_gateway,
    subscriber,
)
from tests.integration.shared_place import SharedAws, SharedPlace
from tests.integration.test_kill import misbehave

__all__ = ["aws"]

pytestmark = pytest.mark.timeout(600)

GATEWAYS = 3
EVENTS = 300
KILLS = 20
RIVALS = 10
ARRIVE_S = 150.0
VISIBILITY_S = 5
SETTLED = ("published", "failed", "expired", "cancelled", "collapsed")


@pytest.fixture
async def gateways(
    aws: LocalAws, aws_for_outboxes: SharedAws, tmp_path: Path
) -> AsyncIterator[list[MortalGateway]]:
    """Three gateways on one outbox."""
    place: SharedPlace = await asyncio.to_thread(aws_for_outboxes.make)
    async with AsyncExitStack() as stack:
        running = []
        for number in range(GATEWAYS):
            folder = tmp_path / f"gateway-{number}"
            folder.mkdir()
            gateway = mortal_gateway(
                aws,
                folder,
                GATEWAY_OUTBOX=place.troubled_outbox,
                GATEWAY_OUTBOX_VISIBILITY_S=str(VISIBILITY_S),
                GATEWAY_PUBLISH_TIMEOUT_S="1",
                GATEWAY_IOT_CONNECTIONS="16",
                AWS_ENDPOINT_URL_DYNAMODB=place.troubled_url,
            )
            running.append(await stack.enter_async_context(gateway))
        yield running


async def kill_any(
    gateways: Sequence[MortalGateway], services: Services, *, kills: int, events: int
) -> None:
    """Kill any of them at random moments while the events are sent; each comes back meanwhile."""
    rng = random.Random(7)  # noqa: S311 - moments, not keys
    async with asyncio.TaskGroup() as starting:
        for number in range(kills):
            wanted = events * (number + rng.uniform(0.0, 1.0)) / (kills + 1)
            while services.count < wanted or not any(g.up for g in gateways):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await asyncio.sleep(rng.uniform(0, 0.3))
            gateway = rng.choice([g for g in gateways if g.up])
            await gateway.kill()
            starting.create_task(gateway.start())


class Witness:
    """Somebody who asks any gateway about any event, and remembers what was final.

    Attributes:
        final: The settled state of each event, as it was told first.
        changed: What was told otherwise later.
    """

    def __init__(self, gateways: Sequence[MortalGateway], session: aiohttp.ClientSession) -> None:
        self.final: dict[str, str] = {}
        self.changed: list[tuple[str, str, str]] = []
        self._gateways = gateways
        self._session = session

    def hear(self, event_id: str, state: str) -> None:
        """Compare what a gateway says with what was said before."""
        before = self.final.get(event_id)
        if before is not None and state != before:
            self.changed.append((event_id, before, state))
        if before is None and state in SETTLED:
            self.final[event_id] = state

    async def watch(self, services: Services) -> None:
        """Ask and ask."""
        rng = random.Random(11)  # noqa: S311 - questions, not keys
        while True:
            await asyncio.sleep(0.2)
            numbers = [n for found in list(services.accepted.values()) for n in found]
            gateway = rng.choice(self._gateways)
            if not numbers or not gateway.up:
                continue
            event_id = f"e-{rng.choice(numbers)}"
            try:
                async with self._session.get(f"{gateway.url}/v1/events/{event_id}") as answer:
                    # What was answered with 202 is never unknown again.
                    assert answer.status in (200, 503), (event_id, answer.status)
                    if answer.status == 200:
                        self.hear(event_id, (await answer.json())["status"])
            except (aiohttp.ClientError, TimeoutError):
                continue

    async def list_all(self, gateway: MortalGateway) -> dict[str, str]:
        """Return all events and their states, as one gateway lists them."""
        found: dict[str, str] = {}
        query: dict[str, str] | None = {"limit": "10"}
        while query is not None:
            async with self._session.get(f"{gateway.url}/v1/events", params=query) as answer:
                if answer.status == 503:
                    await asyncio.sleep(0.2)
                    continue
                assert answer.status == 200, await answer.text()
                page = await answer.json()
            found |= {event["id"]: event["status"] for event in page["events"]}
            query = {"limit": "10", "after": page["next"]} if "next" in page else None
        return found


async def rival(
    session: aiohttp.ClientSession, gateways: Sequence[MortalGateway], number: int
) -> tuple[str, dict[str, int]]:
    """Let two services give one id to different events, at once, by any gateways.

    Returns:
        The id, and what each was answered in the end.
    """
    rng = random.Random(number)  # noqa: S311 - gateways, not keys
    event_id = f"{RIVAL}{number}"

    async def send(by: str) -> int:
        event: dict[str, Any] = {
            "id": event_id,
            "to": f"group:{GROUP}/rivals",
            "type": "rival",
            "data": {"by": by},
        }
        while True:
            try:
                url = f"{rng.choice(gateways).url}/v1/events"
                async with session.post(url, json=event) as answer:
                    if answer.status in (202, 409):
                        return answer.status
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(rng.uniform(0.01, 0.1))

    first, second = await asyncio.gather(send("a"), send("b"))
    return event_id, {"a": first, "b": second}


async def settled(witness: Witness, gateway: MortalGateway, ids: set[str]) -> dict[str, str]:
    """Wait until a gateway lists all events as settled, and return their states."""
    async with asyncio.timeout(ARRIVE_S):
        while True:
            states = await witness.list_all(gateway)
            if ids <= set(states) and all(states[one] in SETTLED for one in ids):
                return states
            await asyncio.sleep(0.5)


def check_rivals(answers: dict[str, dict[str, int]], watcher: Subscriber) -> None:
    """Of two events with one id one was accepted, and that one arrived."""
    arrived: dict[str, set[str]] = {}
    for event_id, by in watcher.rivals:
        arrived.setdefault(event_id, set()).add(by)
    for event_id, said in answers.items():
        assert sorted(said.values()) == [202, 409], (event_id, said)
        assert arrived[event_id] == {by for by, status in said.items() if status == 202}, event_id


async def test_nothing_is_lost_whichever_gateway_is_killed(
    aws: LocalAws, gateways: list[MortalGateway]
) -> None:
    """Twenty times kill -9 on any of three, under load, on a bad day of SQS, DynamoDB and IoT."""
    misbehave(aws)
    timeout = aiohttp.ClientTimeout(total=10)
    async with (
        subscriber(aws) as watcher,
        aiohttp.ClientSession(timeout=timeout) as session,
        asyncio.TaskGroup() as group,
    ):
        urls = [gateway.url for gateway in gateways]
        services = Services(*urls, seed=5, sizes=(1, 1, 2, 5))
        witness = Witness(gateways, session)
        watching = group.create_task(witness.watch(services))
        sending = group.create_task(services.send(EVENTS, services=4))
        rivals = [group.create_task(rival(session, gateways, number)) for number in range(RIVALS)]
        await kill_any(gateways, services, kills=KILLS, events=EVENTS)
        await sending
        answers = dict([await one for one in rivals])
        await watcher.all_of(services, ARRIVE_S)
        watcher.check(services)
        watching.cancel()

        ids = {f"e-{number}" for number in range(EVENTS)} | set(answers)
        first = await settled(witness, gateways[0], ids)
        assert Counter(first.values()) == {"published": len(ids)}
        for gateway in gateways:
            for event_id, state in (await witness.list_all(gateway)).items():
                witness.hear(event_id, state)
        assert witness.changed == []
        assert set(witness.final) == ids
        check_rivals(answers, watcher)
        # Killed between the write and the answer: the same ids again were known.
        assert services.again > 0
