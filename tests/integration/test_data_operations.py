"""Retained messages, connections and direct messages over HTTP: boto3 on one side, MQTT on the other."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.core.api_rates import ApiRates
from localaws.core.mqtt.connect import Will
from localaws.core.mqtt.disconnect import Disconnect
from localaws.core.mqtt.publish import Publish
from localaws.core.mqtt.version import Version
from localaws.core.quotas import Quotas
from localaws.embedded import LocalAws
from localaws.settings import Settings
from tests.integration.localaws_parts import allow
from tests.integration.tcp_client import connected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from localaws.core.signature import AccessKey

HERE = "arn:aws:iot:us-east-1:123456789012"
MODELS = Path(__file__).resolve().parents[2] / "gateway" / "models"


def settings(folder: Path, **more: Any) -> Settings:
    """Return settings for free ports, MQTT on TCP included."""
    ports: dict[str, Any] = {"iot_port": 0, "aws_port": 0, "api_port": 0, "mqtt_tcp_port": 0}
    return Settings(**ports, state_dir=folder, **more)


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncIterator[LocalAws]:
    """All of localaws."""
    async with LocalAws(settings(tmp_path)) as running:
        yield running


def client(aws: LocalAws, key: AccessKey | None = None) -> Any:
    """Return a boto3 client that knows the operations newer than its own model."""
    key = key or aws.admin
    core = botocore.session.get_session()
    core.get_component("data_loader").search_paths.append(str(MODELS))
    return boto3.Session(botocore_session=core).client(
        "iot-data",
        endpoint_url=aws.endpoints.iot_url,
        region_name="us-east-1",
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret.reveal(),
        config=Config(retries={"max_attempts": 0}, read_timeout=20, connect_timeout=5),
    )


async def call(iot: Any, operation: str, **parameters: Any) -> Any:
    """Call without stopping the servers in this loop."""
    return await asyncio.to_thread(getattr(iot, operation), **parameters)


async def refused(iot: Any, operation: str, **parameters: Any) -> tuple[int, str]:
    """Return status and code of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        await call(iot, operation, **parameters)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


NOT_FOUND = (404, "ResourceNotFoundException")
FORBIDDEN = (403, "ForbiddenException")
INVALID = (400, "InvalidRequestException")
THROTTLED = (429, "ThrottlingException")


async def test_a_retained_message_is_kept_and_told(aws: LocalAws) -> None:
    """With payload, QoS, time and user properties, until an empty one deletes it."""
    iot = client(aws)
    before = time.time()
    await call(
        iot,
        "publish",
        topic="ws/a b",
        payload=b"\xffHi",
        qos=1,
        retain=True,
        userProperties=json.dumps([{"k": "v"}]),
    )
    found = await call(iot, "get_retained_message", topic="ws/a b")
    assert (found["topic"], found["payload"], found["qos"]) == ("ws/a b", b"\xffHi", 1)
    assert before - 1 < found["lastModifiedTime"] / 1000 < time.time() + 1
    assert json.loads(found["userProperties"]) == [{"k": "v"}]
    async with connected(aws, "c") as receiver:
        await receiver.subscribe("ws/a b")
        message = await receiver.message()
        assert (message.payload, message.retain) == (b"\xffHi", True)
    await asyncio.sleep(1.0)  # one retained publish per second and topic
    await call(iot, "publish", topic="ws/a b", payload=b"", retain=True)
    with pytest.raises(iot.exceptions.ResourceNotFoundException):
        await call(iot, "get_retained_message", topic="ws/a b")


async def test_one_retained_publish_a_second_and_topic(aws: LocalAws) -> None:
    """The second is throttled, as over MQTT."""
    iot = client(aws)
    await call(iot, "publish", topic="ws/a", payload=b"1", retain=True)
    assert await refused(iot, "publish", topic="ws/a", payload=b"2", retain=True) == THROTTLED
    await call(iot, "publish", topic="ws/b", payload=b"2", retain=True)


async def test_retained_messages_are_listed_by_page(aws: LocalAws) -> None:
    """Every topic once, with its size, also through boto3's own paginator."""
    iot = client(aws)
    for number in range(5):
        await call(iot, "publish", topic=f"ws/{number}", payload=b"x" * number or b"-", retain=True)
    first = await call(iot, "list_retained_messages", maxResults=2)
    assert [one["topic"] for one in first["retainedTopics"]] == ["ws/0", "ws/1"]
    pages = await asyncio.to_thread(
        lambda: list(iot.get_paginator("list_retained_messages").paginate(maxResults=2))
    )
    told = [one for page in pages for one in page["retainedTopics"]]
    assert [one["topic"] for one in told] == [f"ws/{number}" for number in range(5)]
    assert [one["payloadSize"] for one in told] == [1, 1, 2, 3, 4]
    assert "nextToken" not in pages[-1]
    assert await refused(iot, "list_retained_messages", nextToken="?") == INVALID
    assert await refused(iot, "list_retained_messages", maxResults=201) == INVALID


async def test_a_connection_is_ended(aws: LocalAws) -> None:
    """Version 5 hears of it, the will is published, and lifecycle events name the reason."""
    iot = client(aws)
    will = Will(topic="ws/will", payload=b"gone", qos=1)
    async with connected(aws, "watcher") as watcher:
        await watcher.subscribe("ws/will", "$aws/events/presence/disconnected/#")
        async with connected(aws, "local.a|b.c", version=Version.V5, will=will) as victim:
            answer = await call(iot, "delete_connection", clientId="local.a|b.c")
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
            goodbye = await victim.next()
            assert isinstance(goodbye, Disconnect)
            assert goodbye.code == 0x98
            assert await victim.next() is None
        payloads = [(await watcher.message()).payload for _ in range(2)]
        assert b"gone" in payloads
        event = json.loads(next(one for one in payloads if one != b"gone"))
        assert event["disconnectReason"] == "API_INITIATED_DISCONNECT"
        assert event["clientInitiatedDisconnect"] is False
    assert await refused(iot, "delete_connection", clientId="local.a|b.c") == NOT_FOUND


async def test_the_will_can_be_prevented_and_the_session_ended(aws: LocalAws) -> None:
    """Without cleanSession a persistent session stays; with it, it goes."""
    iot = client(aws)
    will = Will(topic="ws/will", payload=b"gone")
    async with connected(aws, "watcher") as watcher:
        await watcher.subscribe("ws/will")
        async with connected(aws, "c", clean_start=False, will=will) as victim:
            await victim.subscribe("ws/x")
            await call(iot, "delete_connection", clientId="c", preventWillMessage=True)
            assert await victim.next() is None
        assert await watcher.silent()
    told = await call(iot, "get_connection", clientId="c")
    assert (told["connected"], told["cleanSession"]) == (False, False)
    await call(iot, "delete_connection", clientId="c", cleanSession=True)
    assert await refused(iot, "list_subscriptions", clientId="c") == NOT_FOUND


async def test_a_connection_is_looked_up(aws: LocalAws) -> None:
    """Live with its addresses on request, gone with the reason, unknown as 404."""
    iot = client(aws)
    before = time.time()
    async with connected(aws, "c", keep_alive_s=40) as one:
        told = await call(iot, "get_connection", clientId="c", includeSocketInformation=True)
        del told["ResponseMetadata"]
        assert aws.endpoints.mqtt_tcp is not None
        assert told.pop("sourcePort") > 0
        assert before - 1 < told.pop("connectedSince") / 1000 < time.time() + 1
        assert told == {
            "clientId": "c",
            "connected": True,
            "cleanSession": True,
            "sessionExpiry": 0,
            "keepAliveDuration": 40,
            "sourceIp": "127.0.0.1",
            "targetIp": "127.0.0.1",
            "targetPort": aws.endpoints.mqtt_tcp[1],
        }
        assert "sourceIp" not in await call(iot, "get_connection", clientId="c")
        one.goodbye()
        assert await one.next() is None
    gone = await call(iot, "get_connection", clientId="c")
    assert gone["connected"] is False
    assert gone["disconnectReason"] == "CLIENT_INITIATED_DISCONNECT"
    assert gone["disconnectedSince"] / 1000 > before - 1
    assert await refused(iot, "get_connection", clientId="other") == NOT_FOUND


async def test_subscriptions_are_listed_by_page(aws: LocalAws) -> None:
    """Live or stored, twenty at a time unless told otherwise."""
    iot = client(aws)
    async with connected(aws, "c", clean_start=False) as one:
        for start in range(0, 24, 8):
            await one.subscribe(*(f"ws/{start + place:02}" for place in range(8)))
        await one.subscribe("ws/zero", qos=0)
        first = await call(iot, "list_subscriptions", clientId="c")
        assert len(first["subscriptions"]) == 20
        assert first["subscriptions"][0] == {"topicFilter": "ws/00", "qos": 1}
    rest = await call(iot, "list_subscriptions", clientId="c", nextToken=first["nextToken"])
    assert len(rest["subscriptions"]) == 5
    assert rest["subscriptions"][-1] == {"topicFilter": "ws/zero", "qos": 0}
    assert "nextToken" not in rest
    assert await refused(iot, "list_subscriptions", clientId="other") == NOT_FOUND


async def test_a_direct_message_needs_no_subscription(aws: LocalAws) -> None:
    """QoS 0, at once; properties reach version 5, and a 3.1.1 client gets the rest."""
    iot = client(aws)
    for version in Version:
        async with connected(aws, "c", version=version) as receiver:
            answer = await call(
                iot,
                "send_direct_message",
                clientId="c",
                topic="ws/direct",
                payload=b"Hi!",
                contentType="text/plain",
                userProperties=json.dumps([{"k": "v"}]),
            )
            assert answer["message"] == "OK"
            assert answer["traceId"] == answer["ResponseMetadata"]["RequestId"]
            message = await receiver.message()
            assert (message.topic, message.payload, message.qos) == ("ws/direct", b"Hi!", 0)
            is_five = version is Version.V5
            assert message.properties.user_properties == ((("k", "v"),) if is_five else ())
        await asyncio.sleep(1.0)  # one CONNECT per second and client id


async def test_a_confirmed_direct_message_waits_for_the_puback(aws: LocalAws) -> None:
    """The answer comes after it, and not before; without it 504 when the time is over."""
    iot = client(aws)
    message = {"clientId": "c", "topic": "ws/d", "payload": b"x", "confirmation": True}
    async with connected(aws, "c") as receiver:
        sending = asyncio.create_task(call(iot, "send_direct_message", **message))
        arrived = await receiver.message()
        assert arrived.qos == 1
        await asyncio.sleep(0.1)
        assert not sending.done()
        receiver.acknowledge(arrived)
        assert (await sending)["message"] == "OK"
        began = time.monotonic()
        late = await refused(iot, "send_direct_message", **message, timeout=1)
        assert late == (504, "GatewayTimeoutException")
        assert 0.9 < time.monotonic() - began < 3


async def test_a_receiver_that_leaves_confirms_nothing(aws: LocalAws) -> None:
    """The sender is told at once, and the message is not kept for later."""
    iot = client(aws)
    message = {"clientId": "c", "topic": "ws/d", "payload": b"x", "confirmation": True}
    async with connected(aws, "c", clean_start=False) as receiver:
        sending = asyncio.create_task(refused(iot, "send_direct_message", **message, timeout=10))
        await receiver.message()
        began = time.monotonic()
    assert await sending == (504, "GatewayTimeoutException")
    assert time.monotonic() - began < 5
    assert await refused(iot, "send_direct_message", **message) == NOT_FOUND
    await asyncio.sleep(1.0)  # one CONNECT per second and client id
    async with connected(aws, "c", clean_start=False) as receiver:
        assert receiver.connack is not None
        assert receiver.connack.session_present
        assert await receiver.silent()


async def test_direct_messages_are_refused_as_documented(aws: LocalAws) -> None:
    """Unknown client, reserved topic, too large, out of bounds, and what the receiver may not get."""
    iot = client(aws)
    send = {"clientId": "c", "topic": "ws/d", "payload": b"x"}
    with pytest.raises(iot.exceptions.ResourceNotFoundException):
        await call(iot, "send_direct_message", **send)
    deaf = aws.moto.create_user_key("deaf", {"p": allow("iot:Connect")})
    async with connected(aws, "c", key=deaf):
        assert await refused(iot, "send_direct_message", **send) == FORBIDDEN
        assert aws.denials.latest(action="iot:Receive")
        for change in ({"topic": "$aws/x"}, {"topic": "a/#"}, {"timeout": 16}, {"timeout": 0}):
            assert await refused(iot, "send_direct_message", **{**send, **change}) == INVALID
        large = await refused(iot, "send_direct_message", **{**send, "payload": b"x" * 131_073})
        assert large == (413, "RequestEntityTooLargeException")


async def test_a_receiver_can_be_used_up(tmp_path: Path) -> None:
    """Its messages per second are its own, whoever sends them."""
    quotas = Quotas(publishes_per_s=2)
    async with LocalAws(settings(tmp_path, quotas=quotas)) as aws, connected(aws, "c"):
        iot = client(aws)
        send = {"clientId": "c", "topic": "ws/d", "payload": b"x"}
        found = [await _status(iot, **send) for _ in range(6)]
        assert 429 in found
        assert found[:2] == [200, 200]


async def _status(iot: Any, **parameters: Any) -> int:
    try:
        answer = await call(iot, "send_direct_message", **parameters)
    except ClientError as error:
        answer = error.response
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


async def test_each_operation_has_its_own_right(aws: LocalAws) -> None:
    """Named after it, on the client or topic; a direct message's topic is a condition."""
    direct = allow("iot:SendDirectMessage", f"{HERE}:client/c")
    statement: Any = direct["Statement"]
    statement[0]["Condition"] = {"StringLike": {"iot:Topic": "ws/*"}}
    key = aws.moto.create_user_key(
        "narrow",
        {
            "direct": direct,
            "look": allow("iot:GetConnection", f"{HERE}:client/c"),
            "retained": allow("iot:GetRetainedMessage", f"{HERE}:topic/ws/*"),
        },
    )
    iot = client(aws, key)
    async with connected(aws, "c"):
        await call(iot, "send_direct_message", clientId="c", topic="ws/d", payload=b"x")
        await call(iot, "get_connection", clientId="c")
        for operation, parameters in (
            ("send_direct_message", {"clientId": "c", "topic": "other", "payload": b"x"}),
            ("send_direct_message", {"clientId": "d", "topic": "ws/d", "payload": b"x"}),
            ("get_connection", {"clientId": "d"}),
            ("list_subscriptions", {"clientId": "c"}),
            ("delete_connection", {"clientId": "c"}),
            ("get_retained_message", {"topic": "other"}),
            ("list_retained_messages", {}),
        ):
            assert await refused(iot, operation, **parameters) == FORBIDDEN, operation
        assert await refused(iot, "get_retained_message", topic="ws/a") == NOT_FOUND


async def test_rates_are_throttled(tmp_path: Path) -> None:
    """Each operation on connections has a rate that can be set."""
    rates = ApiRates(
        get_retained_per_s=1,
        list_retained_per_s=1,
        delete_connection_per_s=1,
        get_connection_per_s=1,
        list_subscriptions_per_s=1,
        send_direct_per_s=1,
    )
    async with LocalAws(settings(tmp_path, rates=rates)) as aws:
        iot = client(aws)
        for operation, parameters in (
            ("get_retained_message", {"topic": "a"}),
            ("delete_connection", {"clientId": "c"}),
            ("get_connection", {"clientId": "c"}),
            ("list_subscriptions", {"clientId": "c"}),
            ("send_direct_message", {"clientId": "c", "topic": "a", "payload": b""}),
        ):
            assert await refused(iot, operation, **parameters) == NOT_FOUND
            assert await refused(iot, operation, **parameters) == THROTTLED
        await call(iot, "list_retained_messages")
        assert await refused(iot, "list_retained_messages") == THROTTLED


async def test_client_ids_are_checked(aws: LocalAws) -> None:
    """One that begins with $ is none; a slash in it stays part of it."""
    iot = client(aws)
    assert await refused(iot, "get_connection", clientId="$c") == INVALID
    async with connected(aws, "a/b"):
        assert (await call(iot, "get_connection", clientId="a/b"))["connected"]


async def test_direct_messages_call_no_rules(aws: LocalAws) -> None:
    """Nor do they reach subscribers. Source: facts 2.3."""
    seen: list[object] = []
    aws.functions.register("f", lambda: lambda event, _context: seen.append(event))
    aws.functions.permit("f", principal="iot.amazonaws.com")
    arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    iot_control: Any = boto3.client(
        "iot",
        endpoint_url=aws.endpoints.aws_url,
        region_name="us-east-1",
        aws_access_key_id=aws.admin.access_key_id,
        aws_secret_access_key=aws.admin.secret.reveal(),
    )
    rule = {"sql": "SELECT * FROM '#'", "actions": [{"lambda": {"functionArn": arn}}]}
    await asyncio.to_thread(iot_control.create_topic_rule, ruleName="r", topicRulePayload=rule)
    iot = client(aws)
    async with connected(aws, "c") as receiver, connected(aws, "d") as other:
        await other.subscribe("#")
        await call(iot, "send_direct_message", clientId="c", topic="ws/d", payload=b"{}")
        assert isinstance(await receiver.next(), Publish)
        await aws.rules.idle()
        assert await other.silent()
    assert seen == []
