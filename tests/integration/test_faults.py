"""Faults on request and the list of denials, over their own API and as SDKs and clients meet them."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import boto3
import pytest
from botocore.exceptions import ClientError

from localaws.core.connection import DisconnectReason
from localaws.core.faults import Fault, FaultKind
from localaws.core.mqtt.acknowledgement import Puback
from localaws.core.mqtt.publish import Publish
from localaws.embedded import LocalAws
from tests.integration.localaws_parts import allow, trust
from tests.integration.tcp_client import connected
from tests.integration.test_data_operations import call, client, refused, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncIterator[LocalAws]:
    """All of localaws."""
    async with LocalAws(settings(tmp_path)) as running:
        yield running


@pytest.fixture
async def http(aws: LocalAws) -> AsyncIterator[aiohttp.ClientSession]:
    """A program on this machine, at the API port."""
    async with aiohttp.ClientSession(aws.endpoints.api_url) as session:
        yield session


async def order(http: aiohttp.ClientSession, **document: Any) -> dict[str, Any]:
    """Order faults and return the answer."""
    async with http.post("/_localaws/faults", json=document) as answer:
        assert answer.status == 200, await answer.text()
        found: dict[str, Any] = await answer.json()
        return found


async def statuses(aws: LocalAws, requests: int) -> list[int]:
    """Publish so many times and return the statuses."""
    iot, found = client(aws), []
    for _ in range(requests):
        try:
            answer = await call(iot, "publish", topic="ws/a", payload=b"x")
        except ClientError as error:
            answer = error.response
        found.append(int(answer["ResponseMetadata"]["HTTPStatusCode"]))
    return found


async def test_the_next_requests_are_throttled(aws: LocalAws, http: aiohttp.ClientSession) -> None:
    """So many and no more, only for the operation that was named, in the shape SDKs know."""
    await order(http, fault="throttle", next=2, operation="Publish")
    iot = client(aws)
    assert await refused(iot, "get_connection", clientId="c") == (404, "ResourceNotFoundException")
    with pytest.raises(iot.exceptions.ThrottlingException):
        await call(iot, "publish", topic="ws/a", payload=b"x")
    assert await statuses(aws, 2) == [429, 200]
    async with http.get("/_localaws/faults") as answer:
        (told,) = (await answer.json())["faults"]
    assert told == {"fault": "throttle", "operation": "Publish", "left": 0, "struck": 2}


async def test_errors_come_before_or_after_the_deed(
    aws: LocalAws, http: aiohttp.ClientSession
) -> None:
    """An answer that is lost after the message went out is what at-least-once is made for."""
    async with connected(aws, "c") as subscriber:
        await subscriber.subscribe("ws/#")
        await order(http, fault="error", status=503, next=1)
        await order(http, fault="error", status=500, next=1, performed=True)
        iot = client(aws)
        first = await refused(iot, "publish", topic="ws/a", payload=b"lost")
        assert first == (503, "ServiceUnavailableException")
        second = await refused(iot, "publish", topic="ws/a", payload=b"done")
        assert second == (500, "InternalFailureException")
        assert (await subscriber.message()).payload == b"done"


async def test_answers_are_late(aws: LocalAws, http: aiohttp.ClientSession) -> None:
    """By the time that was ordered."""
    await order(http, fault="latency", seconds=2.0, next=1)
    began = time.monotonic()
    assert await statuses(aws, 1) == [200]
    assert 2.0 <= time.monotonic() - began < 10
    began = time.monotonic()
    assert await statuses(aws, 1) == [200]
    assert time.monotonic() - began < 2.0


async def test_a_seed_makes_the_same_run_again(aws: LocalAws, http: aiohttp.ClientSession) -> None:
    """The same seed, faults and requests give the same answers; another seed gives others."""
    runs = []
    for seed in (7, 7, 8):
        told = await order(http, seed=seed, faults=[{"fault": "throttle", "rate": 0.5}])
        assert told["seed"] == seed
        runs.append(await statuses(aws, 20))
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {200, 429}


async def test_delete_ends_every_fault(aws: LocalAws, http: aiohttp.ClientSession) -> None:
    """The clock is right again, too."""
    await order(http, faults=[{"fault": "throttle"}, {"fault": "clock_offset", "seconds": 1000}])
    async with http.delete("/_localaws/faults") as answer:
        assert answer.status == 204
    assert await statuses(aws, 1) == [200]


async def test_pubacks_to_the_client_are_lost(aws: LocalAws, http: aiohttp.ClientSession) -> None:
    """The message went through all the same."""
    await order(http, fault="drop_puback", direction="to", client_id="p", next=1)
    async with connected(aws, "s") as subscriber, connected(aws, "p") as publisher:
        await subscriber.subscribe("ws/a")
        publisher.send(Publish(topic="ws/a", payload=b"x", qos=1, packet_id=5))
        assert (await subscriber.message()).payload == b"x"
        assert await publisher.silent()
        publisher.send(Publish(topic="ws/a", payload=b"x", qos=1, packet_id=6))
        assert await publisher.next() == Puback(packet_id=6)


async def test_pubacks_from_the_client_are_lost(aws: LocalAws, http: aiohttp.ClientSession) -> None:
    """The sender of a confirmed direct message waits in vain."""
    await order(http, fault="drop_puback", direction="from", next=1)
    iot = client(aws)
    async with connected(aws, "c") as receiver:
        message = {"clientId": "c", "topic": "ws/d", "payload": b"x", "confirmation": True}
        sending = asyncio.create_task(refused(iot, "send_direct_message", **message, timeout=1))
        receiver.acknowledge(await receiver.message())
        assert await sending == (504, "GatewayTimeoutException")


async def test_sockets_are_killed(aws: LocalAws, http: aiohttp.ClientSession) -> None:
    """Without a goodbye, those of one client or of all."""
    async with connected(aws, "a") as one, connected(aws, "b") as other:
        told = await order(http, fault="kill_sockets", client_id="a")
        assert told["struck"] == 1
        assert await one.next() is None
        assert await other.silent()
        assert (await order(http, fault="kill_sockets"))["struck"] == 1
        assert await other.next() is None
    told = await call(client(aws), "get_connection", clientId="a")
    assert told["disconnectReason"] == DisconnectReason.CONNECTION_LOST


async def test_credentials_end(aws: LocalAws, http: aiohttp.ClientSession) -> None:
    """New requests and handshakes are refused; a live connection goes on, as in AWS."""
    iot_service = {"Service": "iot.amazonaws.com"}
    role = aws.moto.create_role("r", trust(iot_service), {"all": allow("*")})
    key = aws.moto.directory.open_session(role, session_name="ann", duration_s=900, policy=None)
    async with connected(aws, "c", key=key) as one:
        assert (await order(http, fault="expire_credentials", client_id="c"))["struck"] == 1
        await one.subscribe("ws/a")
    async with connected(aws, "d", key=key) as refused_one:
        assert refused_one.connack is None or refused_one.connack.code
    other = aws.moto.directory.open_session(role, session_name="bea", duration_s=900, policy=None)
    struck = (await order(http, fault="expire_credentials", access_key_id=other.access_key_id))[
        "struck"
    ]
    assert struck == 1
    assert (await order(http, fault="expire_credentials", access_key_id="ASIANONE"))["struck"] == 0
    assert (await order(http, fault="expire_credentials"))["struck"] == 2
    # Lambda renews its functions' credentials in time, so a new browser gets in.
    headers = {"Authorization": f"Bearer {aws.demo_token('ann')}"}
    async with http.post("/credentials", json={}, headers=headers) as answer:
        assert answer.status == 200


async def test_a_wrong_clock_refuses_signatures(aws: LocalAws, http: aiohttp.ClientSession) -> None:
    """Six minutes are too many for IoT; connections do not notice."""
    async with connected(aws, "c", keep_alive_s=30) as one:
        await order(http, fault="clock_offset", seconds=360)
        status, code = await refused(client(aws), "publish", topic="ws/a", payload=b"x")
        assert (status, code) == (403, "ForbiddenException")
        assert await one.silent(1.2)
        await order(http, fault="clock_offset", seconds=-360)
        status, _ = await refused(client(aws), "publish", topic="ws/a", payload=b"x")
        assert status == 403
        await order(http, fault="clock_offset", seconds=0)
        assert await statuses(aws, 1) == [200]


async def lifecycle(
    aws: LocalAws, http: aiohttp.ClientSession, *faults: dict[str, Any]
) -> list[str]:
    """Connect a client, let it go, and return what was told about it: events in order."""
    async with connected(aws, "watcher") as watcher:
        await watcher.subscribe("$aws/events/presence/+/c")
        if faults:
            await order(http, faults=list(faults))
        async with connected(aws, "c") as one:
            one.goodbye()
            await one.next()
        found: list[str] = []
        while True:
            try:
                packet = await watcher.next(0.7)
            except TimeoutError:
                return found
            assert isinstance(packet, Publish)
            watcher.acknowledge(packet)
            found.append(str(json.loads(packet.payload)["eventType"]))


async def test_lifecycle_events_come_in_order(aws: LocalAws, http: aiohttp.ClientSession) -> None:
    """Without faults, each once."""
    assert await lifecycle(aws, http) == ["connected", "disconnected"]


async def test_lifecycle_events_come_twice(aws: LocalAws, http: aiohttp.ClientSession) -> None:
    """As AWS warns they may."""
    twice = {"fault": "duplicate_lifecycle", "next": 1, "client_id": "c"}
    assert await lifecycle(aws, http, twice) == ["connected", "connected", "disconnected"]


async def test_lifecycle_events_change_places(aws: LocalAws, http: aiohttp.ClientSession) -> None:
    """A held event comes after the next one, or when its time is over."""
    held = {"fault": "reorder_lifecycle", "next": 1, "client_id": "c", "seconds": 30}
    assert await lifecycle(aws, http, held) == ["disconnected", "connected"]


async def test_a_held_event_is_not_lost(aws: LocalAws, http: aiohttp.ClientSession) -> None:
    """The last one of all has no next one: time lets it go."""
    async with connected(aws, "watcher") as watcher:
        await watcher.subscribe("$aws/events/presence/connected/c")
        await order(http, fault="reorder_lifecycle", next=1, seconds=0.3)
        async with connected(aws, "c"):
            assert await watcher.silent(0.1)
            assert json.loads((await watcher.message()).payload)["clientId"] == "c"


async def test_faults_can_be_ordered_in_this_process(aws: LocalAws) -> None:
    """Tests need no HTTP for it."""
    aws.faults.order(Fault(kind=FaultKind.THROTTLE, next=1))
    assert await statuses(aws, 2) == [429, 200]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, None),
        ({"fault": "meteor"}, "fault must be one of latency"),
        ({"fault": "latency", "seconds": 61}, "between 0 and 60"),
        ({"fault": "throttle", "rate": 2}, "rate must be above 0"),
        ({"faults": 1}, "faults must be a list"),
        ({"seed": -1}, "seed must be"),
        ({"sede": 1}, "sede is not a member"),
    ],
)
async def test_wrong_orders_are_refused(
    aws: LocalAws, http: aiohttp.ClientSession, document: dict[str, Any], words: str | None
) -> None:
    """With a problem document that says why; nothing is put into force."""
    del aws
    async with http.post("/_localaws/faults", json=document) as answer:
        problem = await answer.json()
        if words is None:
            assert answer.status == 200
            return
        assert answer.status == 400
        assert words in problem["detail"]
    async with http.get("/_localaws/faults") as answer:
        assert (await answer.json())["faults"] == []


async def test_strangers_are_turned_away(aws: LocalAws, http: aiohttp.ClientSession) -> None:
    """Neither a page of another origin nor a rebound name can look or order."""
    port = aws.endpoints.api_url.rpartition(":")[2]
    for headers in (
        {"Origin": "https://evil.example"},
        {"Host": f"evil.example:{port}"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        for method, path in (
            ("GET", "/_localaws/denials"),
            ("DELETE", "/_localaws/denials"),
            ("GET", "/_localaws/faults"),
            ("POST", "/_localaws/faults"),
            ("DELETE", "/_localaws/faults"),
        ):
            async with http.request(method, path, headers=headers, json={}) as answer:
                assert answer.status == 403, (method, path, headers)
    async with http.post("/_localaws/faults", data="{}") as answer:
        assert answer.status == 415


async def test_denials_say_which_statement_decided(
    aws: LocalAws, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """A missing statement and an explicit deny, over MQTT and HTTP, in the log and in the list."""
    caplog.set_level("INFO")
    policy: Any = allow(["iot:Connect", "iot:Subscribe", "iot:Publish"])
    policy["Statement"].append(
        {
            "Sid": "NoSecrets",
            "Effect": "Deny",
            "Action": "iot:*",
            "Resource": "arn:aws:iot:*:*:topic/*/secret/*",
        }
    )
    key = aws.moto.create_user_key("ann", {"p": policy})
    async with connected(aws, "c", key=key) as one:
        await one.subscribe("ws/a")
        assert await statuses(aws, 1) == [200]
        assert await one.silent()
    assert (await refused(client(aws, key), "publish", topic="x/secret/y", payload=b""))[0] == 403
    async with http.get("/_localaws/denials") as answer:
        told = await answer.json()
    receive, publish = told["denials"]
    assert (receive["action"], receive["client_id"], receive["where"]) == (
        "iot:Receive",
        "c",
        "iot",
    )
    assert receive["resource"] == "arn:aws:iot:us-east-1:123456789012:topic/ws/a"
    assert receive["why"] == "no statement of the identity policy allows it"
    assert publish["action"] == "iot:Publish"
    assert publish["why"] == "denied by NoSecrets of the identity policy"
    known = aws.moto.directory.known_key(key.access_key_id)
    assert known is not None
    assert publish["principal"] == known.principal.user_id
    lines = [record for record in caplog.records if record.message == "denied by policy"]
    assert [line.__dict__["why"] for line in lines] == [receive["why"], publish["why"]]
    async with http.get("/_localaws/denials", params={"client_id": "c"}) as answer:
        assert (await answer.json())["denials"] == [receive]
    async with http.delete("/_localaws/denials") as answer:
        assert answer.status == 204
    async with http.get("/_localaws/denials") as answer:
        assert await answer.json() == {"total": 0, "denials": []}


async def test_denials_of_other_apis_are_listed_too(aws: LocalAws) -> None:
    """AssumeRole with its trust policy, and any action of a service."""
    iot_service = {"Service": "iot.amazonaws.com"}
    role = aws.moto.create_role("r", trust(iot_service), {"all": allow("*")})
    key = aws.moto.create_user_key("ann", {"p": allow("sts:AssumeRole")})
    for service, operation, parameters in (
        ("sts", "assume_role", {"RoleArn": role, "RoleSessionName": "ann"}),
        ("sqs", "create_queue", {"QueueName": "q"}),
    ):
        make: Any = boto3.client
        api = make(
            service,
            endpoint_url=aws.endpoints.aws_url,
            region_name="us-east-1",
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret.reveal(),
        )
        with pytest.raises(ClientError):
            await asyncio.to_thread(getattr(api, operation), **parameters)
    assume, create = aws.denials.latest()
    assert (assume.where, assume.action, assume.resource) == ("sts", "sts:AssumeRole", role)
    assert "trust policy" in assume.why
    assert (create.where, create.action) == ("sqs", "sqs:CreateQueue")
    assert create.why == "no statement of the identity policy allows it"
