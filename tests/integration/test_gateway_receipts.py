"""Receipts, end to end: a gateway process, all of localaws, and a real MQTT client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from localaws.core.faults import Fault, FaultKind
from localaws.embedded import LocalAws
from tests.integration.gateway_process import environment, gateway_process
from tests.integration.kill_world import mortal_gateway

PATHS = ("direct", "stock")
WAIT_S = 15.0
USER = "a@b.example|x"
CLIENT = f"local.{USER}.tab"
DIRECT = "SendDirectMessage"


@pytest.fixture
async def aws() -> AsyncIterator[LocalAws]:
    """All of localaws."""
    async with LocalAws() as running:
        yield running


@asynccontextmanager
async def gateway(aws: LocalAws, path: str, **settings: str) -> AsyncIterator[Service]:
    """Run the gateway over one of its publish paths, with a short patience for receipts."""
    environ = environment(
        AWS_ACCESS_KEY_ID=aws.gateway.access_key_id,
        AWS_SECRET_ACCESS_KEY=aws.gateway.secret.reveal(),
        GATEWAY_NAMESPACE="local",
        GATEWAY_IOT_ENDPOINT=aws.endpoints.iot_url,
        GATEWAY_INSECURE_NO_AUTH="1",
        GATEWAY_PUBLISH_PATH=path,
        GATEWAY_RECEIPT_TIMEOUT_S="1",
        GATEWAY_RETRY_BASE_S="0.05",
    )
    async with (
        gateway_process(environ | settings) as process,
        aiohttp.ClientSession(process.url) as session,
    ):
        yield Service(session)


class Service:
    """A service that asks for receipts."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def post(self, **event: Any) -> tuple[int, Any]:
        """Post an event for the client, and wait for its outcome."""
        document = {"to": f"client:{CLIENT}", "type": "t", "data": {}, "receipt": True} | event
        headers = {"Prefer": "wait=10"}
        async with self._session.post("/v1/events", json=document, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def delivery(self, **event: Any) -> Any:
        """Post an event for the client; return what became of it there."""
        status, report = await self.post(**event)
        assert status == 200, report
        return report["addresses"][f"client:{CLIENT}"]

    async def deliveries(self, events: list[dict[str, Any]]) -> list[Any]:
        """Post many events for the client at once; return what became of each there."""
        headers = {"Prefer": "wait=15"}
        async with self._session.post("/v1/events", json=events, headers=headers) as answer:
            results = (await answer.json())["results"]
        return [result["addresses"][f"client:{CLIENT}"] for result in results]

    async def metrics(self) -> str:
        """Return the gateway's metrics."""
        async with self._session.get("/metrics") as answer:
            return await answer.text()


class Browser:
    """A client with its user's own credentials, which confirms only if it is told to.

    Attributes:
        received: What arrived, topic and envelope, in order, with repeats.
    """

    def __init__(self, client: paho.Client) -> None:
        self.received: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.client = client

    async def next(self) -> tuple[str, Any]:
        """Return what arrives next."""
        async with asyncio.timeout(WAIT_S):
            return await self.received.get()


@asynccontextmanager
async def browser(
    aws: LocalAws, *, confirms: bool = True, subscribes: bool = True, keeps: bool = False
) -> AsyncIterator[Browser]:
    """Connect as a browser would.

    Args:
        aws: Where to.
        confirms: Whether it acknowledges what arrives.
        subscribes: Whether it subscribes to its own topic.
        keeps: Whether its session outlives its connection.
    """
    headers = {"Authorization": f"Bearer {aws.demo_token(USER, groups=[])}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            aws.endpoints.credentials_url, json={"device": "tab"}, headers=headers
        ) as answer,
    ):
        given = await answer.json()
    assert given["clientId"] == CLIENT
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    url = urlsplit(given["url"])
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id=CLIENT,
        transport="websockets",
        clean_session=not keeps,
        manual_ack=not confirms,
    )
    client.ws_set_options(path=f"{url.path}?{url.query}")
    subject = Browser(client)

    @client.connect_callback()
    def on_connect(*_: object) -> None:
        if subscribes:
            client.subscribe(f"local/client/{CLIENT}", 1)
        else:
            loop.call_soon_threadsafe(ready.set)

    @client.subscribe_callback()
    def on_subscribe(*_: object) -> None:
        loop.call_soon_threadsafe(ready.set)

    @client.message_callback()
    def on_message(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        arrived = (message.topic, json.loads(message.payload))
        loop.call_soon_threadsafe(subject.received.put_nowait, arrived)

    assert url.hostname is not None
    assert url.port is not None
    await asyncio.to_thread(client.connect, url.hostname, url.port)
    client.loop_start()
    try:
        async with asyncio.timeout(WAIT_S):
            await ready.wait()
        yield subject
    finally:
        client.disconnect()
        await asyncio.to_thread(client.loop_stop)


@pytest.mark.parametrize("path", PATHS)
async def test_a_client_that_confirms(aws: LocalAws, path: str) -> None:
    """It has the event once, even without a subscription; others are published beside it."""
    async with gateway(aws, path) as service, browser(aws, subscribes=False) as client:
        to = [f"client:{CLIENT}", "user:7"]
        status, report = await service.post(to=to, id="i-1", data={"n": 1}, ttl=60)
        states = {address: told["state"] for address, told in report["addresses"].items()}
        assert (status, states) == (200, {f"client:{CLIENT}": "delivered", "user:7": "published"})
        assert report["status"] == "published"
        topic, envelope = await client.next()
        assert (topic, envelope["id"], envelope["data"]) == (
            f"local/client/{CLIENT}",
            "i-1",
            {"n": 1},
        )
        # Alone, and with a publish's qos of 0: the confirmation is asked for all the same.
        told = await service.delivery(id="i-2", qos=0)
        assert (told["state"], told["attempts"]) == ("delivered", 1)
        assert (await client.next())[1]["id"] == "i-2"
        metrics = await service.metrics()
        assert 'gateway_delivered_total{kind="client",service="anybody"} 2.0' in metrics
        assert client.received.empty()


@pytest.mark.parametrize("path", PATHS)
async def test_a_client_that_is_offline(aws: LocalAws, path: str) -> None:
    """Nobody is there: published, with the reason; a session of before has it when it is back."""
    async with gateway(aws, path) as service:
        told = await service.delivery(id="i-1")
        assert (told["state"], told["noReceipt"]["code"]) == ("published", "not_connected")
        assert told["attempts"] == 1
        async with browser(aws, keeps=True):
            pass
        told = await service.delivery(id="i-2")
        assert (told["state"], told["noReceipt"]["code"]) == ("published", "not_connected")
        async with browser(aws, keeps=True) as client:
            assert (await client.next())[1]["id"] == "i-2"
        metrics = await service.metrics()
        missed = 'gateway_receipts_missed_total{reason="not_connected",service="anybody"} 2.0'
        assert missed in metrics


@pytest.mark.parametrize("path", PATHS)
async def test_a_client_that_does_not_confirm(aws: LocalAws, path: str) -> None:
    """Published after the time it had, under the same id; nobody else waited for it."""
    async with gateway(aws, path) as service, browser(aws, confirms=False) as client:
        slow = asyncio.create_task(service.delivery(id="i-1"))
        assert (await client.next())[1]["id"] == "i-1"
        status, report = await service.post(to="user:7", receipt=False)
        assert (status, report["status"], slow.done()) == (200, "published", False)
        told = await slow
        assert (told["state"], told["noReceipt"]["code"]) == ("published", "not_confirmed")
        assert (await client.next())[1]["id"] == "i-1"


@pytest.mark.parametrize("path", PATHS)
async def test_order_holds_whatever_becomes_of_receipts(aws: LocalAws, path: str) -> None:
    """Throttles, failures, failures after it was done: each is tried again, and none overtakes."""
    for fault in (
        Fault(kind=FaultKind.THROTTLE, operation=DIRECT, rate=0.2),
        Fault(kind=FaultKind.ERROR, operation=DIRECT, rate=0.2, status=503),
        Fault(kind=FaultKind.ERROR, operation=DIRECT, rate=0.1, status=500, performed=True),
    ):
        aws.faults.order(fault)
    async with gateway(aws, path, GATEWAY_RETRY_CAP_S="0.2") as service, browser(aws) as client:
        ids = [f"i-{number}" for number in range(40)]
        events = [
            {"id": one, "to": f"client:{CLIENT}", "type": "t", "data": {}, "receipt": n % 3 > 0}
            for n, one in enumerate(ids)
        ]
        told = await service.deliveries(events)
        states = {one["state"] for one in told}
        assert states == {"published", "delivered"}
        assert max(one["attempts"] for one in told) > 1
        arrived: dict[str, None] = {}
        while len(arrived) < len(ids):
            arrived[(await client.next())[1]["id"]] = None
        assert list(arrived) == ids


async def test_a_denied_sender_is_told(aws: LocalAws) -> None:
    """The gateway's policy ends at its namespace: failed at once, with AWS's word."""
    async with gateway(aws, "direct", GATEWAY_NAMESPACE="other") as service:
        status, report = await service.post(to="client:other.1.tab")
        told = report["addresses"]["client:other.1.tab"]
        assert (status, told["state"], told["error"]["code"]) == (200, "failed", "denied")
        status, problem = await service.post(to="client:local.1.tab")
        assert (status, problem["code"]) == (400, "invalid_event")


@pytest.mark.timeout(90)
async def test_a_receipt_that_was_awaited_is_awaited_again(aws: LocalAws, tmp_path: Path) -> None:
    """Killed while the client holds its confirmation back, the gateway asks again after its start."""
    async with mortal_gateway(aws, tmp_path, GATEWAY_RECEIPT_TIMEOUT_S="15") as mortal:
        async with browser(aws, confirms=False, subscribes=False) as client:
            async with aiohttp.ClientSession(mortal.url) as session:
                event = {"to": f"client:{CLIENT}", "type": "t", "data": {}, "id": "i-1"}
                async with session.post("/v1/events", json=event | {"receipt": True}) as answer:
                    assert answer.status == 202
            assert (await client.next())[1]["id"] == "i-1"
            await mortal.kill()
        async with browser(aws, subscribes=False) as client:
            await mortal.start()
            assert (await client.next())[1]["id"] == "i-1"
            async with aiohttp.ClientSession(mortal.url) as session, asyncio.timeout(WAIT_S):
                told: Any = {"status": "accepted"}
                while told["status"] == "accepted":
                    async with session.get("/v1/events/i-1") as answer:
                        told = await answer.json()
    assert told["status"] == "delivered"
