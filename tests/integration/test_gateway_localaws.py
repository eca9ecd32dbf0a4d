"""The gateway against all of localaws: real signatures, the gateway's real policy, real delivery."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from localaws.embedded import LocalAws
from tests.integration.gateway_process import environment, gateway_process

WAIT_S = 10.0


@pytest.fixture
async def aws() -> AsyncIterator[LocalAws]:
    """All of localaws."""
    async with LocalAws() as running:
        yield running


@asynccontextmanager
async def gateway(aws: LocalAws, **settings: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Run the gateway with the gateway's own key, against localaws' endpoint."""
    environ = environment(
        AWS_ACCESS_KEY_ID=aws.gateway.access_key_id,
        AWS_SECRET_ACCESS_KEY=aws.gateway.secret.reveal(),
        GATEWAY_NAMESPACE="local",
        GATEWAY_IOT_ENDPOINT=aws.endpoints.iot_url,
        GATEWAY_INSECURE_NO_AUTH="1",
    )
    async with (
        gateway_process(environ | settings) as process,
        aiohttp.ClientSession(process.url) as session,
    ):
        yield session


@asynccontextmanager
async def subscriber(
    aws: LocalAws, user: str, *, groups: list[str]
) -> AsyncIterator[asyncio.Queue[tuple[str, bytes]]]:
    """Connect as a browser would: a token for credentials, a signed URL, what it lists."""
    headers = {"Authorization": f"Bearer {aws.demo_token(user, groups=groups)}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(aws.endpoints.credentials_url, json={}, headers=headers) as answer,
    ):
        assert answer.status == 200
        given = await answer.json()
    loop = asyncio.get_running_loop()
    received: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
    subscribed = asyncio.Event()
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
        arrived = (message.topic, bytes(message.payload))
        loop.call_soon_threadsafe(received.put_nowait, arrived)

    assert url.hostname is not None
    assert url.port is not None
    await asyncio.to_thread(client.connect, url.hostname, url.port)
    client.loop_start()
    try:
        async with asyncio.timeout(WAIT_S):
            await subscribed.wait()
        yield received
    finally:
        client.disconnect()
        await asyncio.to_thread(client.loop_stop)


async def post(session: aiohttp.ClientSession, **event: Any) -> tuple[int, Any]:
    """Post an event and wait for its outcome."""
    document, headers = {"type": "t", "data": {}} | event, {"Prefer": "wait=5"}
    async with session.post("/v1/events", json=document, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_an_event_reaches_its_addresses(aws: LocalAws) -> None:
    """User, group and everyone arrive as envelopes; a stranger's event does not."""
    async with gateway(aws) as session, subscriber(aws, "42", groups=["orders/eu"]) as received:
        for number, to in enumerate(["user:7", "user:42", "group:orders/eu", "everyone"]):
            status, answer = await post(session, to=to, data={"n": number}, id=f"i-{number}")
            assert (status, answer["status"]) == (200, "published")
        async with asyncio.timeout(WAIT_S):
            arrived = [await received.get() for _ in range(3)]
    assert {topic for topic, _ in arrived} == {
        "local/user/42",
        "local/group/orders/eu",
        "local/everyone",
    }
    assert sorted(json.loads(payload)["data"]["n"] for _, payload in arrived) == [1, 2, 3]
    assert {json.loads(payload)["source"] for _, payload in arrived} == {"/services/anybody"}


async def test_the_gateways_policy_covers_what_it_does(aws: LocalAws) -> None:
    """Every kind of address, retained or not, to many at once."""
    everything = ["client:local.42.tab", "user:a@b.example", "group:a/b/c/d", "everyone"]
    async with gateway(aws) as session:
        for options in ({}, {"retain": True}, {"qos": 0, "ttl": 60}):
            status, answer = await post(session, to=everything, **options)
            assert (status, answer["status"]) == (200, "published"), answer


async def test_the_gateways_policy_ends_at_its_namespace(aws: LocalAws) -> None:
    """Another stack's topics are refused by IAM, and the caller is told."""
    async with gateway(aws, GATEWAY_NAMESPACE="other") as session:
        status, answer = await post(session, to="user:42")
    assert (status, answer["status"]) == (200, "failed")
    error = answer["addresses"]["user:42"]["error"]
    assert (error["code"], error["retryable"]) == ("denied", False)


async def test_a_wrong_secret_is_told_from_a_denial(aws: LocalAws) -> None:
    """The credentials are at fault, not the event: it may be sent again."""
    async with gateway(aws, AWS_SECRET_ACCESS_KEY="wrong") as session:
        status, answer = await post(session, to="user:42")
    assert (status, answer["status"]) == (202, "accepted")
    assert answer["addresses"]["user:42"]["error"]["code"] == "credentials_failed"
