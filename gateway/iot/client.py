"""The AWS clients of the gateway, and the paths that publish with what they know.

Owns the two aioboto3 `iot-data` clients, for publishes and for calls about connections: endpoint, credentials, timeouts, service model; the choice of
the publish path; a second try when IoT Core refuses keys that have been replaced.
Does not: retry otherwise, pace or bound (the caller does, so botocore's own retries are off), and
has no branch for `localaws`: the endpoint is a setting.
Source: docs/design.md, "The gateway reaches AWS in one place"; docs/decisions/0009-publish-path.md.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import aioboto3
from aiobotocore.config import AioConfig
from botocore.utils import get_environ_proxies

from gateway.errors import CredentialsFailed
from gateway.iot.connections import Connections
from gateway.iot.credentials import Credentials
from gateway.iot.direct import DirectPath, open_pool
from gateway.iot.failures import CLIENT_ERRORS, publish_failure
from gateway.iot.rehearsal import learn
from gateway.iot.session import AwsSession, aws_session, tls_context
from gateway.iot.stock import StockPath

if TYPE_CHECKING:
    from gateway.core.publication import Publication
    from gateway.settings import Settings

log = logging.getLogger(__name__)


class PublishPath(Protocol):
    """A way to send one publish, raising what the stock client raises."""

    name: str

    async def publish(self, publication: Publication) -> None:
        """Publish once."""

    def close(self) -> None:
        """Close what the path itself opened."""


class IotData:
    """IoT Core's data plane: a `Publisher`, and calls about connections.

    Attributes:
        connections: Calls about one client's connection.
        path: The name of the publish path in use, ``direct`` or ``stock``.

    Args:
        path: The way publishes take.
        connections: Calls about one client's connection.
        credentials: What all of it signs with.
        settings: Timeouts and the endpoint.
    """

    def __init__(
        self,
        *,
        path: PublishPath,
        connections: Connections,
        credentials: Credentials,
        settings: Settings,
    ) -> None:
        self.connections = connections
        self.path = path.name
        self._path = path
        self._credentials = credentials
        self._settings = settings

    async def publish(self, publication: Publication) -> None:
        """Publish once, see `Publisher.publish`.

        When IoT Core refuses the keys and others are found, the publish is sent once more with
        those: it is still one attempt, and the first was not taken.
        """
        keys = self._credentials.keys
        try:
            await self._path.publish(publication)
        except CLIENT_ERRORS as error:
            failure = publish_failure(error)
            if not isinstance(failure, CredentialsFailed) or not await self._credentials.renew(
                keys
            ):
                raise failure from error
            await self._publish_again(publication)

    async def deliver(self, publication: Publication, *, within_s: int) -> None:
        """Send to one client and wait for its confirmation, see `Publisher.deliver`."""
        await self.connections.send_direct_message(
            publication.address.name,
            publication.topic,
            publication.payload,
            content_type=publication.content_type,
            confirm_within_s=within_s,
        )

    async def check(self) -> None:
        """Look whether a publish could be sent now, see `Publisher.check`."""
        try:
            async with asyncio.timeout(self._settings.connect_timeout_s):
                await self._credentials.check()
                await self._touch()
        except CLIENT_ERRORS as error:
            raise publish_failure(error) from error

    async def _publish_again(self, publication: Publication) -> None:
        try:
            await self._path.publish(publication)
        except CLIENT_ERRORS as error:
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
    """Make the clients once and close their connections at the end.

    Args:
        settings: Endpoint, region, timeouts, number of connections, publish path.
    """
    core = aws_session()
    session = aioboto3.Session(region_name=settings.region, botocore_session=core)
    credentials = Credentials(aws_session, time.monotonic, first=core)
    endpoint = settings.iot_endpoint
    # Two, because whoever waits for a client's confirmation takes longer than any publish, and must
    # not take its connection.
    async with (
        session.client("iot-data", endpoint_url=endpoint, config=_config(settings)) as client,
        session.client(
            "iot-data", endpoint_url=endpoint, config=_patient_config(settings)
        ) as patient,
    ):
        path = await _path(client, core, credentials, settings)
        sign_with(client, credentials)
        sign_with(patient, credentials)
        try:
            yield IotData(
                path=path,
                connections=Connections(
                    patient, credentials=credentials, timeout_s=settings.publish_timeout_s
                ),
                credentials=credentials,
                settings=settings,
            )
        finally:
            path.close()
            await credentials.close()


def sign_with(client: Any, credentials: Credentials) -> None:
    """Let a client sign with these credentials instead of those it found when it was made."""

    def hand_over(request: Any, **_: object) -> None:
        request.context.setdefault("signing", {})["request_credentials"] = credentials

    client.meta.events.register("before-sign.iot-data-plane", hand_over)


def _patient_config(settings: Settings) -> AioConfig:
    return _config(
        settings,
        read_timeout_s=settings.read_timeout_s + settings.receipt_timeout_s,
        connections=settings.iot_connections + settings.max_receipts,
    )


def _config(
    settings: Settings, *, read_timeout_s: float | None = None, connections: int | None = None
) -> AioConfig:
    return AioConfig(
        connect_timeout=settings.connect_timeout_s,
        read_timeout=read_timeout_s or settings.read_timeout_s,
        max_pool_connections=connections or settings.iot_connections,
        retries={"total_max_attempts": 1, "mode": "standard"},
        # The values come from checked types; checking them again costs time on every publish.
        parameter_validation=False,
        user_agent_extra="serverless-websockets",
    )


async def _path(
    client: Any, core: AwsSession, credentials: Credentials, settings: Settings
) -> PublishPath:
    stock = StockPath(client, timeout_s=settings.publish_timeout_s)
    if settings.publish_path == "stock":
        return stock
    why = ""
    requests = None
    if get_environ_proxies(settings.iot_endpoint).get(urlsplit(settings.iot_endpoint).scheme):
        why = "a proxy is set"
    else:
        requests = await learn(client)
        why = "this botocore builds publishes in another way"
    if requests is None:
        log.warning("publish path direct not taken", extra={"why": why, "path": stock.name})
        return stock
    pool = open_pool(
        settings.iot_endpoint,
        tls=tls_context(core),
        connections=settings.iot_connections,
        connect_timeout_s=settings.connect_timeout_s,
        read_timeout_s=min(settings.read_timeout_s, settings.publish_timeout_s),
    )
    return DirectPath(
        requests=requests,
        credentials=credentials,
        pool=pool,
        timeout_s=settings.publish_timeout_s,
    )
