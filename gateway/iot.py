"""The only place where the gateway reaches AWS: IoT Core's data plane.

Owns the aioboto3 `iot-data` client: endpoint, credentials, timeouts, and which of botocore's errors
means what.
Does not: retry, pace or bound (the caller does, so botocore's own retries are off), and has no
branch for `localaws`: the endpoint is a setting.
Source: docs/design.md, "The gateway reaches AWS in one place"; botocore's iot-data model;
AWS IoT Core developer guide, iot-errors.html.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import aioboto3
from aiobotocore.config import AioConfig
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from gateway.errors import (
    CredentialsFailed,
    PublishDenied,
    PublishFailed,
    PublishInvalid,
    PublishThrottled,
    PublishTimedOut,
    PublishTooLarge,
    PublishUnavailable,
)

if TYPE_CHECKING:
    from gateway.core.publication import Publication
    from gateway.settings import Settings

_CREDENTIAL_CODES: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
"""Codes that speak of who signed, not of what may be done. Source: AWS common error codes."""

_CREDENTIAL_WORDS: Final = ("security token", "request signature", "Signature expired")
"""IoT Core puts the same refusals under ForbiddenException and tells them apart in the text.
Source: captured bodies of the device gateway."""

_CREDENTIAL_ERRORS: Final = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    TokenRetrievalError,
    SSOError,
)
_TIMEOUTS: Final = (ConnectTimeoutError, ReadTimeoutError, TimeoutError)
_CLIENT_ERRORS: Final = (BotoCoreError, ClientError, ResponseParserError, OSError)
"""All that the client raises; TimeoutError is an OSError."""

_UNREACHABLE: Final = (EndpointConnectionError, ConnectionClosedError, HTTPClientError, OSError)


class IotData:
    """Publish through the stock aioboto3 client.

    Args:
        client: An aiobotocore `iot-data` client.
        session: The session it was made from, for its credentials.
        settings: Timeouts and the endpoint.
    """

    def __init__(self, client: Any, session: aioboto3.Session, settings: Settings) -> None:
        self._client = client
        self._session = session
        self._settings = settings

    async def publish(self, publication: Publication) -> None:
        """Publish once, see `Publisher.publish`."""
        request: dict[str, object] = {
            "topic": publication.topic,
            "qos": publication.qos,
            "retain": publication.retain,
            "payload": publication.payload,
            "contentType": publication.content_type,
        }
        if publication.message_expiry_s is not None:
            request["messageExpiry"] = publication.message_expiry_s
        try:
            async with asyncio.timeout(self._settings.publish_timeout_s):
                await self._client.publish(**request)
        except _CLIENT_ERRORS as error:
            raise publish_failure(error) from error

    async def check(self) -> None:
        """Look whether a publish could be sent now, see `Publisher.check`."""
        try:
            async with asyncio.timeout(self._settings.connect_timeout_s):
                credentials = await self._session.get_credentials()
                if credentials is None:
                    raise NoCredentialsError
                await credentials.get_frozen_credentials()
                await self._touch()
        except _CLIENT_ERRORS as error:
            raise publish_failure(error) from error

    async def _touch(self) -> None:
        # A connection and no request: IoT Core has no call that is free of rights and side effects.
        # Without TLS: trust stores are the client's matter, and its failures show in publishes.
        url = urlsplit(self._settings.iot_endpoint)
        port = url.port or (443 if url.scheme == "https" else 80)
        _, writer = await asyncio.open_connection(url.hostname, port)
        writer.close()


@asynccontextmanager
async def open_iot_data(settings: Settings) -> AsyncIterator[IotData]:
    """Make the client once and close its connections at the end.

    Args:
        settings: Endpoint, region, timeouts, number of connections.
    """
    session = aioboto3.Session(region_name=settings.region)
    config = AioConfig(
        connect_timeout=settings.connect_timeout_s,
        read_timeout=settings.read_timeout_s,
        max_pool_connections=settings.iot_connections,
        retries={"total_max_attempts": 1, "mode": "standard"},
        # The values come from checked types; checking them again costs time on every publish.
        parameter_validation=False,
        user_agent_extra="serverless-websockets",
    )
    async with session.client(
        "iot-data", endpoint_url=settings.iot_endpoint, config=config
    ) as client:
        yield IotData(client, session, settings)


def publish_failure(error: Exception) -> PublishFailed:
    """Return what an error of the AWS client means for a publish."""
    if isinstance(error, ClientError):
        return _answered(error)
    if isinstance(error, _CREDENTIAL_ERRORS):
        return CredentialsFailed(f"there are no AWS credentials to sign with: {error}")
    if isinstance(error, _TIMEOUTS):
        return PublishTimedOut(
            "IoT Core did not answer in time; the publish may or may not have happened"
        )
    if isinstance(error, _UNREACHABLE):
        return PublishUnavailable(f"IoT Core could not be reached ({type(error).__name__})")
    if isinstance(error, ResponseParserError):
        return PublishUnavailable("IoT Core's answer could not be read")
    # What remains is botocore refusing to build the request, which no retry changes.
    return PublishInvalid(f"the request could not be made ({type(error).__name__})")


def _answered(error: ClientError) -> PublishFailed:
    answer = error.response
    code = str(answer.get("Error", {}).get("Code", ""))
    message = str(answer.get("Error", {}).get("Message", "")) or "no message"
    metadata: Mapping[str, Any] = answer.get("ResponseMetadata", {})
    status = int(metadata.get("HTTPStatusCode", 0))
    retry_after_s = _retry_after(metadata.get("HTTPHeaders", {}))
    detail = f"IoT Core answered {status} {code}: {message}"
    if status == 429 or "Throttl" in code:
        return PublishThrottled(detail, retry_after_s=retry_after_s)
    if code in _CREDENTIAL_CODES or any(words in message for words in _CREDENTIAL_WORDS):
        return CredentialsFailed(detail)
    if status >= 500:
        return PublishUnavailable(detail, retry_after_s=retry_after_s)
    if status in (401, 403):
        return PublishDenied(detail)
    if status == 413 or code.startswith("RequestEntityTooLarge"):
        return PublishTooLarge(detail)
    return PublishInvalid(detail)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None
