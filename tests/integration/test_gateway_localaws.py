"""The gateway against all of localaws: real signatures, the gateway's real policy, real delivery."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import paho.mqtt.client as paho
import pytest
from cloudevents.core.bindings.http import HTTPMessage, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
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
        session.post(
            aws.endpoints.credentials_url, json={"device": "tab"}, headers=headers
        ) as answer,
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


async def test_an_operator_sees_and_ends_a_connection(aws: LocalAws) -> None:
    """With the gateway's own policy, which ends at its namespace."""
    async with gateway(aws) as session, subscriber(aws, "42", groups=["orders/eu"]):
        async with session.get("/v1/clients/local.42.tab") as answer:
            assert answer.status == 200
            client = await answer.json()
        assert (client["clientId"], client["connected"]) == ("local.42.tab", True)
        assert {one["topicFilter"] for one in client["subscriptions"]} == {
            "local/client/local.42.tab",
            "local/user/42",
            "local/everyone",
            "local/group/orders/eu",
        }
        async with session.delete("/v1/clients/local.42.tab?cleanSession=true") as answer:
            assert answer.status == 204
        async with session.delete("/v1/clients/local.nobody.tab") as answer:
            assert (answer.status, (await answer.json(content_type=None))["code"]) == (
                404,
                "client_not_connected",
            )
        async with session.get("/v1/clients/other.42.tab") as answer:
            assert (answer.status, (await answer.json(content_type=None))["code"]) == (
                400,
                "invalid_client_id",
            )


@pytest.mark.parametrize("write", [to_structured, to_binary])
async def test_what_the_cloudevents_sdk_writes_reaches_the_browser(
    aws: LocalAws, write: Callable[[CloudEvent, JSONFormat], HTTPMessage]
) -> None:
    """The project's own SDK as a caller, in both modes: attributes arrive as they were."""
    event = CloudEvent(
        {
            "specversion": "1.0",
            "id": "order-1017",
            "source": "/orders",
            "type": "order.shipped",
            "to": "user:42 user:7",
            "subject": "käse & co",
            "time": datetime(2026, 1, 31, 12, tzinfo=UTC),
            "datacontenttype": "application/json",
        },
        {"order": 1017},
    )
    message = write(event, JSONFormat())
    headers = message.headers | {"Prefer": "wait=5"}
    async with gateway(aws) as session, subscriber(aws, "42", groups=[]) as received:
        async with session.post("/v1/events", data=message.body, headers=headers) as answer:
            assert answer.status == 200
        async with asyncio.timeout(WAIT_S):
            _, payload = await received.get()
    assert json.loads(payload) == {
        "specversion": "1.0",
        "id": "order-1017",
        "source": "/orders",
        "type": "order.shipped",
        "subject": "käse & co",
        "time": "2026-01-31T12:00:00.000Z",
        "data": {"order": 1017},
    }
