"""The `iot-data` API met by boto3, aioboto3 and awscli, and by requests no client would send."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aioboto3
import aiohttp
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from yarl import URL

from localaws.core.quotas import Quotas
from localaws.core.signature import AccessKey
from tests.integration.localaws_parts import ACCOUNT, REGION, Parts, allow, running_parts, trust
from wire.secret import Secret

AWS = Path(sys.executable).with_name("aws")


def topic_arn(topic: str) -> str:
    """Return the ARN of a topic in the example account."""
    return f"arn:aws:iot:{REGION}:{ACCOUNT}:topic/{topic}"


@pytest.fixture
async def parts() -> AsyncIterator[Parts]:
    """Run the data plane on a free port."""
    async with running_parts() as running:
        yield running


@pytest.fixture
def gateway(parts: Parts) -> AccessKey:
    """Return the key of a user who may publish into `ws/`, without retaining."""
    return parts.moto.create_user_key("gateway", {"p": allow("iot:Publish", topic_arn("ws/*"))})


async def publish(parts: Parts, key: AccessKey, topic: str, **parameters: Any) -> dict[str, Any]:
    """Publish with a real boto3 client."""
    client = parts.client("iot-data", key)
    return await asyncio.to_thread(client.publish, topic=topic, **{"payload": b"Hi!", **parameters})


async def refused(
    parts: Parts, key: AccessKey, topic: str = "ws/a", **parameters: Any
) -> tuple[int, str, str]:
    """Return status, code and message of a publish that must fail and must not be delivered."""
    with pytest.raises(ClientError) as caught:
        await publish(parts, key, topic, **parameters)
    assert parts.published.messages == []
    error = caught.value.response
    return (
        error["ResponseMetadata"]["HTTPStatusCode"],
        error["Error"]["Code"],
        error["Error"]["Message"],
    )


@pytest.mark.parametrize(
    "topic", ["ws/a", "ws/a b/ü", "ws/$x/100%", "ws/./a", "ws//a", "ws/a~b=c|d@e,f:g"]
)
async def test_every_topic_arrives_as_it_was_written(
    parts: Parts, gateway: AccessKey, topic: str
) -> None:
    """The signature is checked on the raw path and the topic is read from it."""
    await publish(parts, gateway, topic)
    (message,) = parts.published.messages
    assert (message.topic, message.payload, message.qos, message.retain) == (
        topic,
        b"Hi!",
        0,
        False,
    )
    assert message.principal is not None


async def test_every_parameter_of_publish_arrives(parts: Parts, gateway: AccessKey) -> None:
    """QoS, expiry and all MQTT 5 properties reach the broker as boto3 was given them."""
    before = time.time()
    await publish(
        parts,
        gateway,
        "ws/a",
        qos=1,
        contentType="application/json",
        responseTopic="ws/reply/é",
        messageExpiry=60,
        payloadFormatIndicator="UTF8_DATA",
        correlationData="AAEC",
        userProperties=json.dumps([{"k": "v"}, {"k": "ü"}]),
    )
    (message,) = parts.published.messages
    assert message.qos == 1
    assert message.content_type == "application/json"
    assert message.response_topic == "ws/reply/é"
    assert message.payload_format_indicator == 1
    assert message.correlation_data == b"\x00\x01\x02"
    assert message.user_properties == (("k", "v"), ("k", "ü"))
    assert message.expires_at is not None
    assert before + 59 < message.expires_at < time.time() + 61


async def test_aioboto3_and_the_command_line_publish(parts: Parts, gateway: AccessKey) -> None:
    """The gateway's client and the README's own command work."""
    session = aioboto3.Session(
        aws_access_key_id=gateway.access_key_id,
        aws_secret_access_key=gateway.secret.reveal(),
        region_name=REGION,
    )
    async with session.client("iot-data", endpoint_url=parts.iot_url) as client:
        await client.publish(topic="ws/one", qos=1, payload=b"Hi!")
    await aws_publish(parts, gateway, "ws/two")
    assert [message.topic for message in parts.published.messages] == ["ws/one", "ws/two"]
    assert {message.payload for message in parts.published.messages} == {b"Hi!"}


async def aws_publish(parts: Parts, key: AccessKey, topic: str) -> None:
    """Run `aws iot-data publish` with a key."""
    command = await asyncio.create_subprocess_exec(
        sys.executable,
        str(AWS),
        "iot-data",
        "publish",
        "--endpoint-url",
        parts.iot_url,
        "--topic",
        topic,
        "--payload",
        "Hi!",
        env={
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret.reveal(),
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, complaint = await command.communicate()
    assert command.returncode == 0, complaint.decode()


async def test_a_session_publishes_within_role_and_session_policy(parts: Parts) -> None:
    """Temporary credentials sign a token header; the session policy narrows the role."""
    role = parts.moto.create_role(
        "publisher",
        trust({"Service": "lambda.amazonaws.com"}),
        {"p": allow(["iot:Publish", "iot:RetainPublish"], topic_arn("ws/*"))},
    )
    narrowed = parts.moto.directory.open_session(
        role,
        session_name="user-42",
        duration_s=900,
        policy=json.dumps(allow("iot:*", topic_arn("*/mine"))),
    )
    await publish(parts, narrowed, "ws/mine", retain=True)
    (message,) = parts.published.messages
    assert message.retain
    assert message.principal is not None
    assert message.principal.startswith("AROA")
    assert message.principal.endswith(":user-42")
    parts.published.messages.clear()
    assert await refused(parts, narrowed, "ws/theirs") == (403, "ForbiddenException", "Forbidden")
    assert parts.denials[-1].explanation == "no statement of the session policy allows it"
    assert await refused(parts, narrowed, "x/mine") == (403, "ForbiddenException", "Forbidden")
    assert parts.denials[-1].explanation == "no statement of the identity policy allows it"


async def test_a_denied_topic_and_a_denied_retain_are_forbidden(
    parts: Parts, gateway: AccessKey
) -> None:
    """The caller's policy decides; RETAIN asks for one action more."""
    assert await refused(parts, gateway, "else/a") == (403, "ForbiddenException", "Forbidden")
    assert await refused(parts, gateway, "ws/a", retain=True) == (
        403,
        "ForbiddenException",
        "Forbidden",
    )
    assert [denial.action for denial in parts.denials] == ["iot:Publish", "iot:RetainPublish"]


async def test_a_wrong_secret_is_refused_with_the_exact_message(
    parts: Parts, gateway: AccessKey
) -> None:
    """The text is AWS's, and so is the code."""
    wrong = replace(gateway, secret=Secret("A" * 40))
    assert await refused(parts, wrong) == (
        403,
        "ForbiddenException",
        (
            "The request signature we calculated does not match the signature you provided. Check "
            "your AWS Secret Access Key and signing method. Consult the service documentation for "
            "details."
        ),
    )


async def test_an_unknown_key_and_an_expired_session_are_refused(
    parts: Parts, gateway: AccessKey
) -> None:
    """Both speak of the security token."""
    unknown = replace(gateway, access_key_id="AKIAAAAAAAAAAAAAAAAA")
    assert await refused(parts, unknown) == (
        403,
        "ForbiddenException",
        "The security token included in the request is invalid.",
    )
    role = parts.moto.create_role("r", trust({"Service": "lambda.amazonaws.com"}), {})
    session = parts.moto.lambda_role_session(role)
    parts.moto.directory.expire(session.access_key_id)
    assert await refused(parts, session) == (
        403,
        "ForbiddenException",
        "The security token included in the request is expired",
    )


async def test_the_clock_window_is_five_minutes(parts: Parts, gateway: AccessKey) -> None:
    """IoT is stricter than the other APIs, and names both ends of the window."""
    parts.clock.offset_s = 290
    await publish(parts, gateway, "ws/a")
    parts.published.messages.clear()
    parts.clock.offset_s = 310
    status, code, message = await refused(parts, gateway)
    assert (status, code) == (403, "ForbiddenException")
    instant = r"\d{8}T\d{6}Z"
    assert re.fullmatch(
        rf"Signature expired: {instant} is now earlier than {instant} \({instant} - 5 min\.\)",
        message,
    )
    parts.clock.offset_s = -310
    _, _, message = await refused(parts, gateway)
    assert re.fullmatch(
        rf"Signature not yet current: {instant} is still later than {instant} "
        rf"\({instant} \+ 5 min\.\)",
        message,
    )


async def test_another_region_is_refused(parts: Parts, gateway: AccessKey) -> None:
    """A regional endpoint takes signatures for its own region only."""
    client = parts.client("iot-data", gateway, region="eu-west-1")
    with pytest.raises(ClientError, match="not 'eu-west-1'"):
        await asyncio.to_thread(client.publish, topic="ws/a", payload=b"x")


async def test_limits_of_topics_and_payloads(parts: Parts, gateway: AccessKey) -> None:
    """Each limit refuses what is one over it and takes what is at it."""
    await publish(parts, gateway, "ws/" + "a" * 253, payload=b"x" * 131_072)
    await publish(parts, gateway, "ws/2/3/4/5/6/7/8")
    parts.published.messages.clear()
    for topic in ("ws/" + "a" * 254, "ws/2/3/4/5/6/7/8/9", "ws/+", "ws/#", "$aws/things/x"):
        assert (await refused(parts, gateway, topic))[:2] == (400, "InvalidRequestException")
    for size in (131_073, 200_000):
        answer = await refused(parts, gateway, "ws/a", payload=b"x" * size)
        assert answer[:2] == (413, "RequestEntityTooLargeException")


async def test_a_throttled_publish_has_the_class_that_sdks_know() -> None:
    """A quota that is used up answers 429 in AWS's shape."""
    async with running_parts(Quotas(account_publishes_in_per_s=1)) as parts:
        key = parts.moto.create_user_key("gateway", {"p": allow("iot:Publish")})
        client = parts.client("iot-data", key)
        await asyncio.to_thread(client.publish, topic="ws/a", payload=b"x")
        with pytest.raises(client.exceptions.ThrottlingException):
            await asyncio.to_thread(client.publish, topic="ws/a", payload=b"x")
        assert len(parts.published.messages) == 1


async def test_a_good_publish_answers_as_captured(parts: Parts, gateway: AccessKey) -> None:
    """65 bytes of JSON whose traceId is the request id; unescaped slashes are taken too."""
    status, headers, body = await post(parts, gateway, "/topics/ws/plain?qos=1")
    assert status == 200
    assert len(body) == 65
    found = json.loads(body)
    assert found["message"] == "OK"
    assert str(uuid.UUID(found["traceId"])) == headers["x-amzn-RequestId"]
    assert headers["content-type"] == "application/json"
    assert parts.published.messages[0].topic == "ws/plain"


async def test_errors_can_be_read_by_a_browser(parts: Parts, gateway: AccessKey) -> None:
    """Refusals carry the CORS headers, the trailing colon and the traceId AWS sends."""
    status, headers, body = await post(parts, gateway, "/topics/other/topic")
    assert status == 403
    assert headers["x-amzn-ErrorType"] == "ForbiddenException:"
    assert headers["access-control-allow-origin"] == "*"
    assert json.loads(body) == {"message": "Forbidden", "traceId": headers["x-amzn-RequestId"]}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/topics/ws/a?qos=2", 400, "InvalidRequestException"),
        ("/topics/ws/a?qos=x", 400, "InvalidRequestException"),
        ("/topics/ws/a?retain=yes", 400, "InvalidRequestException"),
        ("/topics/ws/a?messageExpiry=-1", 400, "InvalidRequestException"),
        ("/topics/ws/a?responseTopic=%23", 400, "InvalidRequestException"),
        ("/topics/ws%FF", 400, "InvalidRequestException"),
        ("/topics/", 400, "InvalidRequestException"),
        ("/nowhere", 404, "ResourceNotFoundException"),
    ],
)
async def test_what_no_sdk_sends_is_refused(
    parts: Parts, gateway: AccessKey, path: str, status: int, code: str
) -> None:
    """Parameters out of range are the peer's fault, never ours."""
    found, headers, _ = await post(parts, gateway, path)
    assert (found, headers["x-amzn-ErrorType"]) == (status, f"{code}:")
    assert parts.published.messages == []


async def test_an_unsigned_request_is_forbidden_and_a_plain_one_to_mqtt_must_upgrade(
    parts: Parts,
) -> None:
    """Without a signature nothing is read; /mqtt is for WebSockets."""
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{parts.iot_url}/topics/ws/a", data=b"x") as answer:
            assert answer.status == 403
        async with http.get(f"{parts.iot_url}/mqtt") as answer:
            assert answer.status == 426


async def post(parts: Parts, key: AccessKey, path: str) -> tuple[int, dict[str, str], bytes]:
    """Send a signed POST whose path is used exactly as written."""
    request = AWSRequest(method="POST", url=f"{parts.iot_url}{path}", data=b"Hi!")
    credentials = Credentials(key.access_key_id, key.secret.reveal())
    SigV4Auth(credentials, "iotdata", REGION).add_auth(request)
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            URL(f"{parts.iot_url}{path}", encoded=True), data=b"Hi!", headers=dict(request.headers)
        ) as answer,
    ):
        return answer.status, {**answer.headers, **_lowered(answer)}, await answer.read()


def _lowered(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}
