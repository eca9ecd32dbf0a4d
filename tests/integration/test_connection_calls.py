"""Calls about one client's connection, as they are on the wire."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from gateway.errors import (
    ClientNotConnected,
    CredentialsFailed,
    NotConfirmed,
    PublishDenied,
    PublishFailed,
    PublishThrottled,
    PublishTimedOut,
)
from gateway.iot import open_iot_data
from gateway.iot.connections import Connection, Connections, Subscription
from gateway.settings import Settings
from tests.integration.iot_server import IotServer, answer, iot_server, refusal
from wire.topic import check_topic

CLIENT = "local.42|a.tab1"
PATH = b"/connections/local.42%7Ca.tab1"


@pytest.fixture
async def server() -> AsyncIterator[IotServer]:
    """A server in IoT Core's place."""
    async with iot_server() as running:
        yield running


@pytest.fixture
async def connections(
    server: IotServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Connections]:
    """The calls, on their way to the server."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    settings = Settings(
        namespace="local", iot_endpoint=server.url, region="eu-west-3", publish_timeout_s=1.5
    )
    async with open_iot_data(settings) as iot:
        yield iot.connections


def replies(server: IotServer, *documents: object) -> None:
    """Answer with these documents, one after another."""
    left = iter(documents)
    server.reply = lambda _: answer(body=json.dumps(next(left)).encode())


def request_lines(server: IotServer) -> list[bytes]:
    """Return method and target of every request."""
    return [request.split(b" HTTP/1.1\r\n")[0] for request in server.requests]


async def test_looks_a_connection_up(server: IotServer, connections: Connections) -> None:
    """Times arrive in milliseconds; what IoT Core leaves out is None."""
    replies(
        server,
        {
            "clientId": CLIENT,
            "connected": True,
            "cleanSession": False,
            "keepAliveDuration": 30,
            "connectedSince": 1_800_000_000_500,
            "sessionExpiry": 3_600,
        },
        {"connected": False, "disconnectReason": "CLIENT_INITIATED_DISCONNECT"},
    )
    assert await connections.get_connection(CLIENT) == Connection(
        client_id=CLIENT,
        connected=True,
        clean_session=False,
        keep_alive_s=30,
        connected_at=datetime(2027, 1, 15, 8, 0, 0, 500_000, UTC),
        disconnected_at=None,
        disconnect_reason=None,
        session_expiry_s=3_600,
    )
    gone = await connections.get_connection(CLIENT)
    assert (gone.connected, gone.disconnect_reason) == (False, "CLIENT_INITIATED_DISCONNECT")
    assert request_lines(server) == [b"GET " + PATH] * 2
    assert b"/eu-west-3/iotdata/aws4_request" in server.requests[0]


async def test_lists_all_pages(server: IotServer, connections: Connections) -> None:
    """Pages are followed to their end."""
    replies(
        server,
        {"subscriptions": [{"topicFilter": "a/#", "qos": 1}], "nextToken": "n/1"},
        {"subscriptions": [{"topicFilter": "b", "qos": 0}]},
    )
    assert await connections.list_subscriptions(CLIENT) == (
        Subscription(topic_filter="a/#", qos=1),
        Subscription(topic_filter="b", qos=0),
    )
    lines = request_lines(server)
    assert lines[0] == b"GET " + PATH + b"/subscriptions?maxResults=200"
    assert b"nextToken=n%2F1" in lines[1]


async def test_a_listing_without_end_ends(server: IotServer, connections: Connections) -> None:
    """A peer that always has one more page is not asked for ever."""
    page = {"subscriptions": [{"topicFilter": "a", "qos": 1}], "nextToken": "again"}
    server.reply = lambda _: answer(body=json.dumps(page).encode())
    assert len(await connections.list_subscriptions(CLIENT)) == len(server.requests) == 10


async def test_ends_a_connection(server: IotServer, connections: Connections) -> None:
    """What becomes of session and will is said."""
    server.reply = lambda _: answer(body=b"")
    await connections.delete_connection(CLIENT, clean_session=True, prevent_will=True)
    assert request_lines(server) == [
        b"DELETE " + PATH + b"?cleanSession=true&preventWillMessage=true"
    ]


@pytest.mark.parametrize(("within_s", "query"), [(None, b""), (7, b"&confirmation=true&timeout=7")])
async def test_sends_to_one_client(
    server: IotServer, connections: Connections, within_s: int | None, query: bytes
) -> None:
    """The payload goes as it is; a receipt is asked for or not."""
    trace = await connections.send_direct_message(
        CLIENT,
        check_topic("local/client/x"),
        b"\x00hello",
        content_type="text/plain",
        confirm_within_s=within_s,
    )
    assert trace == "t"
    assert request_lines(server) == [
        b"POST " + PATH + b"/messages?topic=local%2Fclient%2Fx&contentType=text%2Fplain" + query
    ]
    assert server.requests[0].endswith(b"\r\n\r\n\x00hello")


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (refusal(404, "ResourceNotFoundException"), ClientNotConnected),
        (refusal(504, "GatewayTimeoutException"), NotConfirmed),
        (refusal(403, "ForbiddenException"), PublishDenied),
        (refusal(429, "ThrottlingException"), PublishThrottled),
        (refusal(403, "ExpiredTokenException"), CredentialsFailed),
        (b"", PublishTimedOut),
    ],
)
async def test_says_what_went_wrong(
    server: IotServer, connections: Connections, reply: bytes, failure: type[PublishFailed]
) -> None:
    """Each refusal is one of our errors, with AWS's words."""
    server.reply = lambda _: reply
    with pytest.raises(PublishFailed) as caught:
        await connections.get_connection(CLIENT)
    assert type(caught.value) is failure
