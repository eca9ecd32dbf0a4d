"""Lifecycle events: what AWS says about connections and subscriptions on `$aws/events/...`.

Owns topics, payloads and version numbers. Does not publish.

Source: aws-iot-facts 5.
"""

import json
from collections.abc import Iterable

from localaws.core.connection import Connection, DisconnectReason
from localaws.core.message import Message

VERSION_KEPT_S = 3_600
"""A client id's version number starts at 0 again after about an hour. Source: aws-iot-facts 5.4."""

_BY_CLIENT = frozenset({DisconnectReason.CLIENT_INITIATED_DISCONNECT})


class Lifecycle:
    """Make lifecycle events; every method returns the message to publish, or None.

    Client ids with `#` or `+` get no events.
    """

    __slots__ = ("_left_at", "_versions")

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}
        self._left_at: dict[str, float] = {}

    def connected(self, client_id: str, connection: Connection, now: float) -> Message | None:
        """Give the connection its version number and say that it is there."""
        number = self._versions.get(client_id, -1) + 1
        self._versions[client_id] = number
        self._left_at.pop(client_id, None)
        connection.version_number = number
        return _event(
            "presence",
            "connected",
            client_id,
            connection,
            now,
            ipAddress=connection.address,
            versionNumber=number,
        )

    def disconnected(
        self, client_id: str, connection: Connection, reason: DisconnectReason, now: float
    ) -> Message | None:
        """Say that the connection is gone, with the version number it had."""
        if self._versions.get(client_id) == connection.version_number:
            self._left_at[client_id] = now
        return _event(
            "presence",
            "disconnected",
            client_id,
            connection,
            now,
            clientInitiatedDisconnect=reason in _BY_CLIENT,
            disconnectReason=str(reason),
            versionNumber=connection.version_number,
        )

    def connect_failed(
        self, client_id: str, connection: Connection, reason: str, now: float
    ) -> Message | None:
        """Say that a CONNECT was refused."""
        return _event(
            "presence",
            "connect_failed",
            client_id,
            connection,
            now,
            connectFailureReason=reason,
            ipAddress=connection.address,
        )

    def subscribed(
        self, client_id: str, connection: Connection, topics: Iterable[str], now: float
    ) -> Message | None:
        """Say what was subscribed to."""
        return _event(
            "subscriptions", "subscribed", client_id, connection, now, topics=list(topics)
        )

    def unsubscribed(
        self, client_id: str, connection: Connection, topics: Iterable[str], now: float
    ) -> Message | None:
        """Say what was given up."""
        return _event(
            "subscriptions", "unsubscribed", client_id, connection, now, topics=list(topics)
        )

    def forget(self, now: float) -> None:
        """Drop the version numbers of clients that have been gone for long."""
        while self._left_at:
            client_id, left_at = next(iter(self._left_at.items()))
            if now - left_at < VERSION_KEPT_S:
                return
            del self._left_at[client_id]
            del self._versions[client_id]


def _event(
    family: str, kind: str, client_id: str, connection: Connection, now: float, **more: object
) -> Message | None:
    if "#" in client_id or "+" in client_id:
        return None
    body = {
        "clientId": client_id,
        "timestamp": int(now * 1000),
        "eventType": kind,
        "sessionIdentifier": connection.session_identifier,
        "principalIdentifier": connection.authorizer.user_id,
        **more,
    }
    payload = json.dumps(body, separators=(",", ":")).encode()
    # QoS 1, so that the subscriber's own QoS decides.
    return Message(topic=f"$aws/events/{family}/{kind}/{client_id}", payload=payload, qos=1)
