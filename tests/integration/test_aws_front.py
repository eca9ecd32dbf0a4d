"""The door to STS, IAM, SNS and SQS, met by the clients that people use."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import aioboto3
import aiohttp
import pytest
from botocore.exceptions import ClientError

from localaws.core.signature import AccessKey
from tests.integration.localaws_parts import (
    ACCOUNT,
    ADMIN,
    REGION,
    Parts,
    allow,
    running_parts,
    trust,
)
from wire.secret import Secret

AWS = Path(sys.executable).with_name("aws")


@pytest.fixture
async def parts() -> AsyncIterator[Parts]:
    """Run the front on a free port."""
    async with running_parts() as running:
        yield running


@pytest.fixture
def admin(parts: Parts) -> AccessKey:
    """Return the key of a user who may do everything."""
    return parts.moto.create_user_key("admin", {"all": ADMIN})


@pytest.fixture
def lambda_key(parts: Parts) -> AccessKey:
    """Return the session of a function's execution role that may assume the client role."""
    client_arn = f"arn:aws:iam::{ACCOUNT}:role/client"
    execution = parts.moto.create_role(
        "credentials",
        trust({"Service": "lambda.amazonaws.com"}),
        {"assume": allow("sts:AssumeRole", client_arn)},
    )
    parts.moto.create_role("client", trust({"AWS": execution}), {"iot": allow("iot:*")})
    return parts.moto.lambda_role_session(execution)


async def call(client: Any, operation: str, **parameters: object) -> dict[str, Any]:
    """Call a blocking client without stopping the servers in this loop."""
    return await asyncio.to_thread(getattr(client, operation), **parameters)


async def refused(client: Any, operation: str, **parameters: object) -> tuple[int, str, str]:
    """Return status, code and message of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        await call(client, operation, **parameters)
    error = caught.value.response
    return (
        error["ResponseMetadata"]["HTTPStatusCode"],
        error["Error"]["Code"],
        error["Error"]["Message"],
    )


def assume(**changed: object) -> dict[str, object]:
    """Return the parameters of an AssumeRole call that works, with changes."""
    wanted = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/client", "RoleSessionName": "user-42"}
    return {**wanted, **changed}


async def test_a_function_becomes_a_client(parts: Parts, lambda_key: AccessKey) -> None:
    """AssumeRole answers with credentials that STS itself then knows by the session's name."""
    policy = json.dumps(allow("iot:Connect", "arn:aws:iot:us-east-1:123456789012:client/42.a"))
    sts = parts.client("sts", lambda_key)
    made = await call(sts, "assume_role", **assume(Policy=policy, DurationSeconds=900))
    assert made["AssumedRoleUser"]["Arn"].endswith(":assumed-role/client/user-42")
    assert made["AssumedRoleUser"]["AssumedRoleId"].endswith(":user-42")
    assert made["AssumedRoleUser"]["AssumedRoleId"].startswith("AROA")
    assert 0 < made["PackedPolicySize"] < 100
    lasts = (made["Credentials"]["Expiration"] - parts.clock.utc()).total_seconds()
    assert 890 < lasts <= 900
    key = AccessKey(
        access_key_id=made["Credentials"]["AccessKeyId"],
        secret=Secret(made["Credentials"]["SecretAccessKey"]),
        session_token=Secret(made["Credentials"]["SessionToken"]),
    )
    identity = await call(parts.client("sts", key), "get_caller_identity")
    assert identity["Arn"] == made["AssumedRoleUser"]["Arn"]
    assert identity["UserId"] == made["AssumedRoleUser"]["AssumedRoleId"]
    assert identity["Account"] == ACCOUNT


async def test_sns_reaches_sqs(parts: Parts, admin: AccessKey) -> None:
    """A topic's message arrives in a subscribed queue, all through real clients."""
    sns, sqs = parts.client("sns", admin), parts.client("sqs", admin)
    topic = (await call(sns, "create_topic", Name="events"))["TopicArn"]
    url = (await call(sqs, "create_queue", QueueName="inbox"))["QueueUrl"]
    assert url.startswith(parts.aws_url)
    await call(sqs, "send_message", QueueUrl=url, MessageBody="direct")
    await call(
        sns,
        "subscribe",
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:inbox",
    )
    await call(sns, "publish", TopicArn=topic, Message="Hi!")
    got = await call(sqs, "receive_message", QueueUrl=url, MaxNumberOfMessages=10)
    bodies = {message["Body"] for message in got["Messages"]}
    assert "direct" in bodies
    assert any("Hi!" in body for body in bodies - {"direct"})


async def test_aioboto3_and_the_command_line_work(parts: Parts, admin: AccessKey) -> None:
    """The asynchronous SDK and awscli pass the same door."""
    session = aioboto3.Session()
    async with session.client(
        "sts",
        endpoint_url=parts.aws_url,
        region_name=REGION,
        aws_access_key_id=admin.access_key_id,
        aws_secret_access_key=admin.secret.reveal(),
    ) as sts:
        identity = await sts.get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/admin"
    shown = await aws(parts, admin, "sts", "get-caller-identity", "--endpoint-url", parts.aws_url)
    assert json.loads(shown)["Arn"] == identity["Arn"]


async def aws(parts: Parts, key: AccessKey, *arguments: str) -> str:
    """Run awscli with a key and return what it prints."""
    environ = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret.reveal(),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    command = await asyncio.create_subprocess_exec(
        sys.executable,
        str(AWS),
        *arguments,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, complaint = await command.communicate()
    assert command.returncode == 0, complaint.decode()
    return out.decode()


async def test_a_wrong_secret_is_refused_by_query_and_json_apis(
    parts: Parts, admin: AccessKey
) -> None:
    """Both families say in their own words that the signature does not match."""
    wrong = replace(admin, secret=Secret("A" * 40))
    status, code, message = await refused(parts.client("sts", wrong), "get_caller_identity")
    assert (status, code) == (403, "SignatureDoesNotMatch")
    assert message.startswith("The request signature we calculated does not match")
    status, code, _ = await refused(parts.client("dynamodb", wrong), "list_tables")
    assert (status, code) == (400, "InvalidSignatureException")
    _, code, _ = await refused(parts.client("sqs", wrong), "list_queues")
    assert code == "SignatureDoesNotMatch"


async def test_an_unknown_key_is_refused_by_query_and_json_apis(
    parts: Parts, admin: AccessKey
) -> None:
    """The access key id is looked up before anything is computed."""
    unknown = replace(admin, access_key_id="AKIAAAAAAAAAAAAAAAAA")
    expected = "The security token included in the request is invalid."
    answer = await refused(parts.client("sts", unknown), "get_caller_identity")
    assert answer == (403, "InvalidClientTokenId", expected)
    answer = await refused(parts.client("dynamodb", unknown), "list_tables")
    assert answer == (400, "UnrecognizedClientException", expected)


async def test_a_stale_date_is_refused_with_the_window(parts: Parts, admin: AccessKey) -> None:
    """These APIs take 15 minutes, and say so."""
    parts.clock.offset_s = 14 * 60
    await call(parts.client("sts", admin), "get_caller_identity")
    parts.clock.offset_s = 16 * 60
    status, code, message = await refused(parts.client("sts", admin), "get_caller_identity")
    assert (status, code) == (403, "SignatureDoesNotMatch")
    assert message.startswith("Signature expired: ")
    assert message.endswith(" - 15 min.)")
    parts.clock.offset_s = -16 * 60
    _, _, message = await refused(parts.client("sts", admin), "get_caller_identity")
    assert message.startswith("Signature not yet current: ")


async def test_an_expired_session_is_refused(parts: Parts, lambda_key: AccessKey) -> None:
    """Temporary credentials end."""
    parts.moto.directory.expire(lambda_key.access_key_id)
    answer = await refused(parts.client("sts", lambda_key), "get_caller_identity")
    assert answer == (403, "ExpiredToken", "The security token included in the request is expired")
    answer = await refused(parts.client("dynamodb", lambda_key), "list_tables")
    assert answer[:2] == (400, "ExpiredTokenException")


async def test_temporary_keys_need_their_own_token(parts: Parts, lambda_key: AccessKey) -> None:
    """An ASIA key without its session token, or with another's, is no credential."""
    for token in (None, Secret("another")):
        without = replace(lambda_key, session_token=token)
        _, code, _ = await refused(parts.client("sts", without), "get_caller_identity")
        assert code == "InvalidClientTokenId"


async def test_policies_decide_in_front_of_moto(parts: Parts) -> None:
    """A caller does what its policy names, on the resource it names, and nothing else."""
    key = parts.moto.create_user_key(
        "writer", {"p": allow("sqs:*", f"arn:aws:sqs:{REGION}:{ACCOUNT}:mine")}
    )
    sqs = parts.client("sqs", key)
    url = (await call(sqs, "create_queue", QueueName="mine"))["QueueUrl"]
    await call(sqs, "send_message", QueueUrl=url, MessageBody="x")
    _, code, message = await refused(sqs, "create_queue", QueueName="theirs")
    assert code == "AccessDenied"
    assert "is not authorized to perform: sqs:CreateQueue" in message
    assert message.endswith("because no identity-based policy allows the sqs:CreateQueue action")
    status, code, _ = await refused(parts.client("sns", key), "create_topic", Name="t")
    assert (status, code) == (403, "AuthorizationError")
    status, code, _ = await refused(parts.client("iam", key), "list_users")
    assert (status, code) == (403, "AccessDenied")
    status, code, _ = await refused(parts.client("dynamodb", key), "list_tables")
    assert (status, code) == (400, "AccessDeniedException")


async def test_a_caller_the_trust_policy_does_not_name_is_refused(
    parts: Parts, admin: AccessKey, lambda_key: AccessKey
) -> None:
    """Not even a user who may do everything gets past a role's trust policy."""
    status, code, message = await refused(parts.client("sts", admin), "assume_role", **assume())
    assert (status, code) == (403, "AccessDenied")
    assert message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/admin is not authorized to perform: sts:AssumeRole on "
        f"resource: arn:aws:iam::{ACCOUNT}:role/client"
    )
    _, code, _ = await refused(
        parts.client("sts", lambda_key),
        "assume_role",
        **assume(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/missing"),
    )
    assert code == "AccessDenied"


async def test_sizes_and_durations_of_assume_role(parts: Parts, lambda_key: AccessKey) -> None:
    """Each limit answers with STS's own sentence, and its neighbour is accepted."""
    sts = parts.client("sts", lambda_key)
    # botocore checks 900 before it sends anything, so the shortest is asked for by hand.
    raw = await signed_post(parts, lambda_key, "DurationSeconds=899")
    assert raw[0] == 400
    assert "<Code>ValidationError</Code>" in raw[1]
    assert (
        "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy "
        "constraint: Member must have value greater than or equal to 900"
    ) in raw[1]
    for duration in (900, 3600):
        await call(sts, "assume_role", **assume(DurationSeconds=duration))
    answer = await refused(sts, "assume_role", **assume(DurationSeconds=3601))
    assert answer[:2] == (400, "ValidationError")
    assert answer[2] == (
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
        "chaining."
    )
    answer = await refused(sts, "assume_role", **assume(DurationSeconds=43201))
    assert answer[:2] == (400, "ValidationError")
    assert answer[2].endswith("Member must have value less than or equal to 43200")
    fits = json.dumps(allow("iot:Connect"))
    fits += " " * (2048 - len(fits))
    await call(sts, "assume_role", **assume(Policy=fits))
    _, code, message = await refused(sts, "assume_role", **assume(Policy=f"{fits} "))
    assert code == "ValidationError"
    assert message.endswith("Member must have length less than or equal to 2048")
    for broken in ("{", "[]", '{"Version":"2012-10-17","Statement":[{"Effect":"Maybe"}]}'):
        status, code, _ = await refused(sts, "assume_role", **assume(Policy=broken))
        assert (status, code) == (400, "MalformedPolicyDocument")


async def signed_post(parts: Parts, key: AccessKey, extra: str) -> tuple[int, str]:
    """Send an AssumeRole with one more parameter, signed by botocore without its own checks."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    token = key.session_token.reveal() if key.session_token else None
    body = (
        f"Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::{ACCOUNT}:role/client"
        f"&RoleSessionName=user-42&{extra}"
    )
    request = AWSRequest(
        method="POST",
        url=f"{parts.aws_url}/",
        data=body,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    credentials = Credentials(key.access_key_id, key.secret.reveal(), token)
    SigV4Auth(credentials, "sts", REGION).add_auth(request)
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{parts.aws_url}/", data=body, headers=dict(request.headers)) as answer,
    ):
        return answer.status, await answer.text()


async def test_what_is_not_served_is_said_at_once(parts: Parts, admin: AccessKey) -> None:
    """Unserved operations answer 501, which clients do not try again, instead of a false success."""
    for service, operation, parameters in (
        ("iot-data", "publish", {"topic": "a", "payload": b"x"}),
        ("sts", "get_session_token", {}),
        ("iot", "create_authorizer", {"authorizerName": "a", "authorizerFunctionArn": "b"}),
    ):
        client = parts.client(service, admin, url=parts.aws_url)
        status, code, _ = await refused(client, operation, **parameters)
        assert (status, code) == (501, "NotImplemented"), (service, operation)


async def test_unsigned_and_oversized_requests_never_reach_moto(parts: Parts) -> None:
    """Nothing passes without a signature, moto's own controls included."""
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{parts.aws_url}/moto-api/reset") as answer:
            assert answer.status == 403
            assert answer.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"
        async with http.post(
            f"{parts.aws_url}/", data=BytesIO(b"x" * (4 * 1024 * 1024 + 1))
        ) as answer:
            assert answer.status == 413
