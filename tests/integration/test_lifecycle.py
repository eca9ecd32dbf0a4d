"""Lifecycle events end to end: a client comes, subscribes, goes; a subscriber and a rule are told."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from localaws.core.mqtt.unsubscribe import Unsubscribe
from localaws.embedded import LocalAws
from tests.integration.localaws_parts import allow, trust
from tests.integration.tcp_client import TcpClient, connected
from tests.integration.test_data_operations import settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncIterator[LocalAws]:
    """All of localaws."""
    async with LocalAws(settings(tmp_path)) as running:
        yield running


async def told(watcher: TcpClient) -> tuple[str, dict[str, Any]]:
    """Return the next event: its topic, and its payload without what differs from run to run."""
    message = await watcher.message()
    watcher.acknowledge(message)
    payload = json.loads(message.payload)
    assert abs(payload.pop("timestamp") / 1000 - time.time()) < 5
    return message.topic, payload


async def test_a_client_from_coming_to_going(aws: LocalAws) -> None:
    """Every event with its documented fields; one session identifier throughout."""
    key = aws.moto.create_user_key("ann", {"p": allow("iot:*")})
    known = aws.moto.directory.known_key(key.access_key_id)
    assert known is not None
    async with connected(aws, "watcher") as watcher:
        await watcher.subscribe("$aws/events/presence/+/local.ann.a")
        await watcher.subscribe("$aws/events/subscriptions/+/local.ann.a")
        async with connected(aws, "local.ann.a", key=key) as one:
            topic, came = await told(watcher)
            assert topic == "$aws/events/presence/connected/local.ann.a"
            session = came.pop("sessionIdentifier")
            assert came == {
                "clientId": "local.ann.a",
                "eventType": "connected",
                "principalIdentifier": known.principal.user_id,
                "ipAddress": "127.0.0.1",
                "versionNumber": 0,
            }
            await one.subscribe("a/b", "c/#")
            topic, subscribed = await told(watcher)
            assert topic == "$aws/events/subscriptions/subscribed/local.ann.a"
            assert subscribed["topics"] == ["a/b", "c/#"]
            assert subscribed["sessionIdentifier"] == session
            one.send(Unsubscribe(packet_id=2, topic_filters=("a/b",)))
            _, unsubscribed = await told(watcher)
            assert (unsubscribed["eventType"], unsubscribed["topics"]) == ("unsubscribed", ["a/b"])
            one.goodbye()
            topic, left = await told(watcher)
            assert topic == "$aws/events/presence/disconnected/local.ann.a"
            assert left == {
                "clientId": "local.ann.a",
                "eventType": "disconnected",
                "sessionIdentifier": session,
                "principalIdentifier": known.principal.user_id,
                "clientInitiatedDisconnect": True,
                "disconnectReason": "CLIENT_INITIATED_DISCONNECT",
                "versionNumber": 0,
            }


async def test_version_numbers_grow_and_tell_a_takeover(aws: LocalAws) -> None:
    """The new connection's number is higher than the one that was pushed out."""
    async with connected(aws, "watcher") as watcher:
        await watcher.subscribe("$aws/events/presence/+/c")
        async with connected(aws, "c"):
            await told(watcher)
            await asyncio.sleep(1.0)  # one CONNECT per second and client id
            async with connected(aws, "c"):
                events = [(await told(watcher))[1] for _ in range(2)]
    by_type = {event["eventType"]: event for event in events}
    assert by_type["disconnected"]["disconnectReason"] == "DUPLICATE_CLIENTID"
    assert by_type["disconnected"]["versionNumber"] == 0
    assert by_type["connected"]["versionNumber"] == 1


async def test_a_refused_connect_is_told(aws: LocalAws) -> None:
    """With the reason, and the denial can be looked up."""
    key = aws.moto.create_user_key("ann", {"p": allow("iot:Subscribe")})
    async with connected(aws, "watcher") as watcher:
        await watcher.subscribe("$aws/events/presence/connect_failed/c")
        async with connected(aws, "c", key=key) as refused:
            assert refused.connack is None
        _, failed = await told(watcher)
    assert failed["connectFailureReason"] == "AUTHORIZATION_FAILED"
    (denied,) = aws.denials.latest(client_id="c")
    assert denied.action == "iot:Connect"


async def test_a_rule_brings_presence_to_a_queue(aws: LocalAws) -> None:
    """As a gateway that follows presence would have it."""
    make: Any = boto3.client
    common = {
        "endpoint_url": aws.endpoints.aws_url,
        "region_name": "us-east-1",
        "aws_access_key_id": aws.admin.access_key_id,
        "aws_secret_access_key": aws.admin.secret.reveal(),
    }
    sqs, iot = make("sqs", **common), make("iot", **common)
    url = (await asyncio.to_thread(sqs.create_queue, QueueName="presence"))["QueueUrl"]
    role = aws.moto.create_role(
        "presence",
        trust({"Service": "iot.amazonaws.com"}),
        {"send": allow("sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:presence")},
    )
    sql = "SELECT * FROM '$aws/events/presence/+/+' WHERE startswith(topic(5), 'local.')"
    rule = {
        "sql": sql,
        "awsIotSqlVersion": "2016-03-23",
        "actions": [{"sqs": {"queueUrl": url, "roleArn": role}}],
    }
    await asyncio.to_thread(iot.create_topic_rule, ruleName="presence", topicRulePayload=rule)
    for client_id in ("local.ann.a", "other.ann.a"):
        async with connected(aws, client_id) as one:
            one.goodbye()
            await one.next()
    await aws.rules.idle()
    answer = await asyncio.to_thread(sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=10)
    bodies = [json.loads(message["Body"]) for message in answer["Messages"]]
    assert {(body["clientId"], body["eventType"]) for body in bodies} == {
        ("local.ann.a", "connected"),
        ("local.ann.a", "disconnected"),
    }
