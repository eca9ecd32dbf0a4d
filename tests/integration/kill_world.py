"""Gateways that are killed, services that send to them again, and a subscriber that keeps count.

Owns what the kill tests share. Does not: know what goes wrong; the tests do.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import aiohttp
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from localaws.core.quotas import Quotas
from localaws.embedded import LocalAws
from localaws.settings import Settings
from tests.integration.free_port import free_port
from tests.integration.gateway_process import ROOT, environment

START_S = 30.0
TOPICS = 40
GROUP = "load"
RIVAL = "rival-"
"""How ids begin that two services give to different events at the same time."""


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncIterator[LocalAws]:
    """All of localaws, without the rates that one connection of many topics would exceed."""
    settings = Settings(
        iot_port=0,
        aws_port=0,
        api_port=0,
        state_dir=tmp_path / "state",
        quotas=Quotas(publishes_per_s=None, bytes_per_s=None),
    )
    async with LocalAws(settings) as running:
        yield running


class MortalGateway:
    """A gateway process that is killed and started again, on one port and one outbox.

    Attributes:
        url: Where it listens.
        log: Its log, of all its lives.
        up: Whether it answered since it was started last.
    """

    def __init__(self, environ: dict[str, str], folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "gateway.log"
        self._environ = environ | {"GATEWAY_PORT": str(port), "GATEWAY_LOG_LEVEL": "warning"}
        self.up = False
        self._process: asyncio.subprocess.Process | None = None
        self._lines: IO[bytes] = self.log.open("ab")

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway",
            "serve",
            env=self._environ,
            cwd=ROOT,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=self._lines,
        )
        async with asyncio.timeout(START_S):
            while await self.health() is None:
                assert self._process.returncode is None, self.log.read_text()
                await asyncio.sleep(0.02)
        self.up = True

    async def health(self, path: str = "/healthz") -> int | None:
        """Return the status of a health route, or None while nobody answers."""
        with suppress(aiohttp.ClientError, TimeoutError):
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session,
                session.get(f"{self.url}{path}") as answer,
            ):
                return answer.status
        return None

    async def kill(self) -> None:
        """End it as the power does: kill -9."""
        assert self._process is not None
        self.up = False
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    async def close(self) -> None:
        """Leave none behind."""
        if self._process is not None and self._process.returncode is None:
            await self.kill()
        self._lines.close()


@asynccontextmanager
async def mortal_gateway(
    aws: LocalAws, folder: Path, *, iot_url: str | None = None, **settings: str
) -> AsyncIterator[MortalGateway]:
    """Run such a gateway with the gateway's own key, and quick retries."""
    environ = environment(
        AWS_ACCESS_KEY_ID=aws.gateway.access_key_id,
        AWS_SECRET_ACCESS_KEY=aws.gateway.secret.reveal(),
        GATEWAY_NAMESPACE="local",
        GATEWAY_IOT_ENDPOINT=iot_url or aws.endpoints.iot_url,
        GATEWAY_INSECURE_NO_AUTH="1",
        GATEWAY_OUTBOX=f"sqlite:///{folder / 'outbox.db'}",
        GATEWAY_RETRY_BASE_S="0.05",
        GATEWAY_RETRY_CAP_S="0.5",
        GATEWAY_RETRY_MAX_ATTEMPTS="1000",
        GATEWAY_PUBLISH_RATE_PER_S="10000",
        GATEWAY_PROBE_S="0.2",
        PYTHONUNBUFFERED="1",
    )
    gateway = MortalGateway(environ | settings, folder)
    await gateway.start()
    try:
        yield gateway
    finally:
        await gateway.close()


class Services:
    """Services that send numbered events, and send again whatever was not answered with 202.

    Each service has topics of its own and sends one request after the other, so the numbers of a
    topic are accepted in their order. Where there are several gateways, each request goes to any.

    Attributes:
        accepted: The numbers that were accepted, by topic, in order.
        again: How many of them the gateway called duplicates.
        refused: How many requests were refused, by status.
    """

    def __init__(self, *urls: str, seed: int, sizes: tuple[int, ...] = (1, 1, 5, 20)) -> None:
        self._urls = urls
        self._sizes = sizes
        self._random = random.Random(seed)  # noqa: S311 - a load, not a key
        self.accepted: dict[str, list[int]] = {}
        self.again = 0
        self.refused: dict[int, int] = {}
        self.size = 0

    @property
    def count(self) -> int:
        """Events accepted so far."""
        return sum(map(len, self.accepted.values()))

    async def send(self, events: int, *, first: int = 0, services: int = 8) -> None:
        """Send the events from `first` up to a number; return when each was accepted."""
        async with asyncio.TaskGroup() as group:
            for service in range(services):
                numbers = range(first + service, events, services)
                group.create_task(self._service(service, list(numbers), services))

    async def _service(self, service: int, numbers: list[int], services: int) -> None:
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while numbers:
                size = self._random.choice(self._sizes)
                batch, numbers = numbers[:size], numbers[size:]
                events = [self._event(number, service, services) for number in batch]
                while not await self._post(session, events):  # noqa: ASYNC110
                    await asyncio.sleep(self._random.uniform(0.01, 0.05))
                for number, event in zip(batch, events, strict=True):
                    self.accepted.setdefault(event["to"], []).append(number)

    def _event(self, number: int, service: int, services: int) -> dict[str, Any]:
        topic = service + services * (number // services % (TOPICS // services))
        data = {"n": number, "pad": "x" * self.size}
        return {"id": f"e-{number}", "to": f"group:{GROUP}/t{topic}", "type": "load", "data": data}

    async def _post(self, session: aiohttp.ClientSession, events: list[dict[str, Any]]) -> bool:
        body = events[0] if len(events) == 1 else events
        url = self._random.choice(self._urls)
        try:
            async with session.post(f"{url}/v1/events", json=body) as answer:
                if answer.status != 202:
                    self.refused[answer.status] = self.refused.get(answer.status, 0) + 1
                    return False
                said = await answer.json()
        except (aiohttp.ClientError, TimeoutError):
            # It was killed, or is not there yet: nobody knows whether the events were taken.
            return False
        results = [said] if len(events) == 1 else said["results"]
        assert [result["id"] for result in results] == [event["id"] for event in events]
        self.again += sum(result.get("duplicate", False) for result in results)
        return True


class Subscriber:
    """A browser that listens to every topic of the load.

    Attributes:
        received: The numbers that arrived, by address, in order, with repeats.
        rivals: Events of rivals that arrived: ids and who sent what arrived.
        strange: Payloads that nobody sent.
    """

    def __init__(self) -> None:
        self.rivals: list[tuple[str, str]] = []
        self.received: dict[str, list[int]] = {}
        self.strange: list[tuple[str, bytes]] = []
        self._seen: set[int] = set()

    @property
    def count(self) -> int:
        """Different events that arrived."""
        return len(self._seen)

    def take(self, topic: str, payload: bytes) -> None:
        """Count a message."""
        try:
            envelope = json.loads(payload)
            if envelope["id"].startswith(RIVAL):
                self.rivals.append((envelope["id"], envelope["data"]["by"]))
                return
            number = envelope["data"]["n"]
            assert envelope["id"] == f"e-{number}"
        except (ValueError, KeyError, TypeError, AssertionError):
            self.strange.append((topic, payload))
            return
        self._seen.add(number)
        address = topic.removeprefix("local/").replace("/", ":", 1)
        self.received.setdefault(address, []).append(number)

    async def all_of(self, services: Services, timeout_s: float) -> None:
        """Wait until everything that was accepted has arrived."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.count < services.count:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)

    def check(self, services: Services) -> None:
        """Everything accepted arrived, each topic in order if repeats are ignored, no more."""
        assert not self.strange
        assert set(self.received) == set(services.accepted)
        for address, accepted in services.accepted.items():
            first = list(dict.fromkeys(self.received[address]))
            missing = set(accepted) - set(first)
            assert not missing, f"{address} lost {sorted(missing)[:10]}"
            assert not set(first) - set(accepted), f"{address} got what nobody sent"
            assert first == sorted(first), f"{address} is out of order"


@asynccontextmanager
async def subscriber(aws: LocalAws) -> AsyncIterator[Subscriber]:
    """Connect as a browser would, with a grant for the whole load."""
    headers = {"Authorization": f"Bearer {aws.demo_token('watcher', groups=[f'{GROUP}/*'])}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(aws.endpoints.credentials_url, json={}, headers=headers) as answer,
    ):
        given = await answer.json()
    loop, subscribed, found = asyncio.get_running_loop(), asyncio.Event(), Subscriber()
    url = urlsplit(given["url"])
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=given["clientId"], transport="websockets"
    )
    client.ws_set_options(path=f"{url.path}?{url.query}")

    @client.connect_callback()
    def on_connect(*_: object) -> None:
        client.subscribe([(topic, 1) for topic in given["subscribe"]])

    @client.subscribe_callback()
    def on_subscribe(*_: object) -> None:
        loop.call_soon_threadsafe(subscribed.set)

    @client.message_callback()
    def on_message(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        loop.call_soon_threadsafe(found.take, message.topic, bytes(message.payload))

    assert url.hostname is not None
    assert url.port is not None
    await asyncio.to_thread(client.connect, url.hostname, url.port)
    client.loop_start()
    try:
        async with asyncio.timeout(START_S):
            await subscribed.wait()
        yield found
    finally:
        client.disconnect()
        await asyncio.to_thread(client.loop_stop)
