"""Calls about one client's connection: look, list, end, and send to it alone.

Owns the four operations and their answers as values.
Does not: ask whether the caller may, or publish to topics.
Source: botocore's iot-data model; `gateway/models` for the three operations that the botocore which
aioboto3 pins does not know yet; AWS IoT Core developer guide, direct messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from gateway.core.publish_request import SigningKeys
from gateway.errors import CredentialsFailed
from gateway.iot.credentials import Credentials
from gateway.iot.failures import CLIENT_ERRORS, connection_failure
from wire.topic import Topic

_PAGE: Final = 200
"""Most subscriptions of one page. Source: ListSubscriptions, maxResults."""

_MOST_PAGES: Final = 10
"""Pages after which listing ends. A connection holds 50 subscriptions, so this is no real bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What IoT Core knows about a client's connection.

    Attributes:
        client_id: The client.
        connected: Whether it is connected now.
        clean_session: Whether its session ends with the connection.
        keep_alive_s: Its keep-alive interval, or None.
        connected_at: Since when it is connected, or None.
        disconnected_at: When it disconnected, or None; known for 30 minutes.
        disconnect_reason: Why it disconnected, or None.
        session_expiry_s: How long the session outlives the connection, or None.
    """

    client_id: str
    connected: bool
    clean_session: bool
    keep_alive_s: int | None
    connected_at: datetime | None
    disconnected_at: datetime | None
    disconnect_reason: str | None
    session_expiry_s: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One subscription of a client.

    Attributes:
        topic_filter: What it subscribed to.
        qos: Most it is sent with, 0 or 1.
    """

    topic_filter: str
    qos: int


class Connections:
    """Calls about one client's connection.

    Each raises `PublishFailed`; a client that IoT Core does not know is `ClientNotConnected`.

    Args:
        client: An aiobotocore `iot-data` client with the operations of `gateway/models`.
        credentials: What it signs with.
        timeout_s: Longest time for one call, seconds.
    """

    def __init__(self, client: Any, *, credentials: Credentials, timeout_s: float) -> None:
        self._client = client
        self._credentials = credentials
        self._timeout_s = timeout_s

    async def get_connection(self, client_id: str) -> Connection:
        """Return what IoT Core knows about a client's connection, its socket's address aside."""
        answer = await self._call(self._client.get_connection, clientId=client_id)
        return Connection(
            client_id=answer.get("clientId", client_id),
            connected=bool(answer.get("connected", False)),
            clean_session=bool(answer.get("cleanSession", True)),
            keep_alive_s=answer.get("keepAliveDuration"),
            connected_at=_moment(answer.get("connectedSince")),
            disconnected_at=_moment(answer.get("disconnectedSince")),
            disconnect_reason=answer.get("disconnectReason"),
            session_expiry_s=answer.get("sessionExpiry"),
        )

    async def list_subscriptions(self, client_id: str) -> tuple[Subscription, ...]:
        """Return all subscriptions of a client's session, also of one that is offline."""
        found: list[Subscription] = []
        page: dict[str, Any] = {}
        for _ in range(_MOST_PAGES):
            answer = await self._call(
                self._client.list_subscriptions, clientId=client_id, maxResults=_PAGE, **page
            )
            found += (
                Subscription(topic_filter=item["topicFilter"], qos=item["qos"])
                for item in answer.get("subscriptions", ())
            )
            if not answer.get("nextToken"):
                break
            page = {"nextToken": answer["nextToken"]}
        return tuple(found)

    async def delete_connection(
        self, client_id: str, *, clean_session: bool = False, prevent_will: bool = False
    ) -> None:
        """Disconnect a client now.

        Args:
            client_id: The client.
            clean_session: Whether its session ends, too.
            prevent_will: Whether its will is not published.
        """
        await self._call(
            self._client.delete_connection,
            clientId=client_id,
            cleanSession=clean_session,
            preventWillMessage=prevent_will,
        )

    async def send_direct_message(
        self,
        client_id: str,
        topic: Topic,
        payload: bytes,
        *,
        content_type: str,
        confirm_within_s: int | None,
    ) -> str:
        """Send to one connected client, which need not have subscribed.

        Args:
            client_id: The client.
            topic: The topic it is told; it must be allowed to receive on it.
            payload: The bytes it receives.
            content_type: MQTT 5 content type.
            confirm_within_s: Wait this long for the client's confirmation (1 to 15 seconds), sent
                at QoS 1; None sends at QoS 0 and does not wait.

        Returns:
            AWS's trace id: the receipt, if a confirmation was asked for.

        Raises:
            NotConfirmed: The client did not confirm in time; it may have received it.
            ClientNotConnected: There is no such client now.
        """
        confirmation: dict[str, Any] = {}
        if confirm_within_s is not None:
            confirmation = {"confirmation": True, "timeout": confirm_within_s}
        answer = await self._call(
            self._client.send_direct_message,
            _longer_s=confirm_within_s or 0,
            clientId=client_id,
            topic=topic,
            payload=payload,
            contentType=content_type,
            **confirmation,
        )
        return str(answer.get("traceId", ""))

    async def _call(
        self,
        operation: Callable[..., Awaitable[Mapping[str, Any]]],
        *,
        _longer_s: float = 0.0,
        **arguments: object,
    ) -> Mapping[str, Any]:
        refused: SigningKeys | None = self._credentials.keys
        try:
            return await self._once(operation, _longer_s, arguments)
        except CredentialsFailed:
            if not await self._credentials.renew(refused):
                raise
        return await self._once(operation, _longer_s, arguments)

    async def _once(
        self,
        operation: Callable[..., Awaitable[Mapping[str, Any]]],
        longer_s: float,
        arguments: Mapping[str, object],
    ) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(self._timeout_s + longer_s):
                return await operation(**arguments)
        except CLIENT_ERRORS as error:
            raise connection_failure(error) from error


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1_000, UTC)
