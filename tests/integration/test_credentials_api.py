"""The credential API on this machine: the deployed handler behind localaws' HTTP API."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import boto3
import jwt
import pytest
import pytest_asyncio
from aiohttp import ClientSession
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.core.demo_token import ISSUER
from localaws.embedded import LocalAws
from wire.secret import Secret

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from localaws.core.signature import AccessKey

pytestmark = pytest.mark.asyncio(loop_scope="module")

ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=5)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def aws() -> AsyncIterator[LocalAws]:
    """Run localaws once for all tests here."""
    async with LocalAws() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def http() -> AsyncIterator[ClientSession]:
    """Open a session of an HTTP client."""
    async with ClientSession() as session:
        yield session


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def signed(aws: LocalAws, secret: Secret | None = None, **changed: object) -> str:
    """Sign a token that is right but for what is changed."""
    claims = {"iss": ISSUER, "aud": "local", "sub": "42", "exp": 4_000_000_000} | changed
    key = (secret or aws.jwt_secret).reveal()
    return jwt.encode(claims, key, algorithm="HS256")


def unsigned(**claims: object) -> str:
    """Return a token of algorithm none."""
    parts = [{"alg": "none", "typ": "JWT"}, claims]
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    return b".".join(encoded).decode() + "."


def client_of(aws: LocalAws, service: str, key: AccessKey | dict[str, str]) -> Any:
    """Return a boto3 client that signs with a key or with what `/credentials` answered."""
    names: tuple[str, str, str | None]
    if isinstance(key, dict):
        names = (key["accessKeyId"], key["secretAccessKey"], key["sessionToken"])
    else:
        token = key.session_token.reveal() if key.session_token else None
        names = (key.access_key_id, key.secret.reveal(), token)
    make: Any = boto3.client  # its stubs want literal arguments
    return make(
        service,
        region_name="us-east-1",
        endpoint_url=(aws.endpoints.iot_url if service == "iot-data" else aws.endpoints.aws_url),
        aws_access_key_id=names[0],
        aws_secret_access_key=names[1],
        aws_session_token=names[2],
        config=ONCE,
    )


async def assert_problem(response: ClientResponse, status: int, **members: object) -> None:
    """Check that an answer is a problem document with these members, and not to be kept."""
    assert response.status == status, await response.text()
    assert response.content_type == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    body = await response.json(content_type=None)
    assert body["status"] == status
    assert {name: body.get(name) for name in members} == members


async def test_token_becomes_working_credentials(aws: LocalAws, http: ClientSession) -> None:
    """The answer names the client, its topics and credentials that AWS takes for the client role."""
    token = aws.demo_token("42", groups=["orders/*"], publish=["user:7"])
    async with http.post(
        aws.endpoints.credentials_url, headers=bearer(token), json={"device": "laptop"}
    ) as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
        body = await response.json()
    assert body["clientId"] == "local.42.laptop"
    assert body["endpoint"] == aws.endpoints.mqtt_url
    assert body["url"].startswith(f"{aws.endpoints.mqtt_url}?X-Amz-")
    assert sorted(body["subscribe"]) == [
        "local/client/local.42.laptop",
        "local/everyone",
        "local/group/orders/#",
        "local/user/42",
    ]
    assert body["publish"] == ["local/user/7"]
    sts = client_of(aws, "sts", body["credentials"])
    identity = await asyncio.to_thread(sts.get_caller_identity)
    assert identity["Arn"].startswith("arn:aws:sts::123456789012:assumed-role/local-client/")


async def test_credentials_may_do_nothing_else(aws: LocalAws, http: ClientSession) -> None:
    """The browser's credentials are worthless for any other API and for others' topics."""
    async with http.post(
        aws.endpoints.credentials_url, headers=bearer(aws.demo_token("42"))
    ) as response:
        credentials = (await response.json())["credentials"]
    with pytest.raises(ClientError, match="not authorized to perform: sns:ListTopics"):
        await asyncio.to_thread(client_of(aws, "sns", credentials).list_topics)
    iot = client_of(aws, "iot-data", credentials)
    with pytest.raises(ClientError, match="ForbiddenException"):
        await asyncio.to_thread(iot.publish, topic="local/user/7", payload=b"Hi!")


async def test_expired_token_is_refused(aws: LocalAws, http: ClientSession) -> None:
    """A token's end is its end, leeway aside."""
    headers = bearer(signed(aws, exp=1_700_000_000))
    async with http.post(aws.endpoints.credentials_url, headers=headers) as response:
        await assert_problem(response, 401, code="invalid_token", reason="expired")


async def test_missing_token_is_refused(aws: LocalAws, http: ClientSession) -> None:
    """Without a token there is a challenge and no more."""
    async with http.post(aws.endpoints.credentials_url) as response:
        await assert_problem(response, 401, code="invalid_token")
        assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("wrong", ["secret", "audience", "issuer", "algorithm", "nonsense"])
async def test_wrong_token_is_refused(aws: LocalAws, http: ClientSession, wrong: str) -> None:
    """Each way of being wrong is a 401, never an error of ours."""
    token = {
        "secret": signed(aws, Secret("another secret of thirty-two bytes")),
        "audience": signed(aws, aud="another"),
        "issuer": signed(aws, iss="another"),
        "algorithm": unsigned(iss=ISSUER, aud="local", sub="42", exp=4_000_000_000),
        "nonsense": "a.b.c",
    }[wrong]
    async with http.post(aws.endpoints.credentials_url, headers=bearer(token)) as response:
        await assert_problem(response, 401, code="invalid_token")


async def test_grant_that_does_not_fit_is_refused(aws: LocalAws, http: ClientSession) -> None:
    """A session policy over STS's limit is refused with both sizes, never cut."""
    token = aws.demo_token("42", groups=[f"{number:02}-{'x' * 60}" for number in range(40)])
    async with http.post(aws.endpoints.credentials_url, headers=bearer(token)) as response:
        await assert_problem(response, 403, code="grant_refused", limit=2048)


@pytest.mark.parametrize("content_type", ["application/json", "application/octet-stream"])
async def test_malformed_body_is_refused(
    aws: LocalAws, http: ClientSession, content_type: str
) -> None:
    """Rubbish is the caller's fault, and said so, whether it arrives as text or in base64."""
    headers = bearer(aws.demo_token("42")) | {"Content-Type": content_type}
    async with http.post(aws.endpoints.credentials_url, headers=headers, data=b"{") as response:
        await assert_problem(response, 400, code="bad_request")


async def test_preflight_is_answered_for_the_demo_page(aws: LocalAws, http: ClientSession) -> None:
    """The HTTP API answers it itself, so the function need not know of CORS."""
    async with http.options(
        aws.endpoints.credentials_url,
        headers={
            "Origin": aws.endpoints.api_url,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    ) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == aws.endpoints.api_url
        assert response.headers["Access-Control-Allow-Headers"] == "authorization,content-type"
        assert response.headers["Vary"] == "Origin"


async def test_refusals_can_be_read_by_the_page(aws: LocalAws, http: ClientSession) -> None:
    """CORS fields are on errors too, else a browser could not tell why it was refused."""
    async with http.post(
        aws.endpoints.credentials_url, headers={"Origin": aws.endpoints.api_url}
    ) as response:
        assert response.status == 401
        assert response.headers["Access-Control-Allow-Origin"] == aws.endpoints.api_url


async def test_other_origins_get_no_cors_fields(aws: LocalAws, http: ClientSession) -> None:
    """A page from elsewhere is not told what it got."""
    foreign = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    async with http.options(aws.endpoints.credentials_url, headers=foreign) as response:
        assert response.status == 204
        assert "Access-Control-Allow-Origin" not in response.headers
    async with http.post(aws.endpoints.credentials_url, headers=foreign) as response:
        assert "Access-Control-Allow-Origin" not in response.headers
        assert response.headers["Vary"] == "Origin"


async def test_only_the_credential_lambda_may_become_a_client(aws: LocalAws) -> None:
    """The trust policy names one role; the gateway's key is refused, and so is the admin's."""
    wanted = {"RoleArn": aws.stack.client_role_arn, "RoleSessionName": "intruder"}
    for key in (aws.gateway, aws.admin):
        with pytest.raises(ClientError, match="AccessDenied"):
            await asyncio.to_thread(client_of(aws, "sts", key).assume_role, **wanted)
