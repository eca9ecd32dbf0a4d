"""Clients: only for those with the right, and only those of this stack."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.admission import Admission
from gateway.errors import (
    AdminRequired,
    ClientNotConnected,
    InvalidClientId,
    InvalidQuery,
    PublishDenied,
    PublishFailed,
    PublishThrottled,
    PublishTimedOut,
)
from gateway.iot.connections import Connection, Subscription
from gateway.keys import Keyring, new_key
from gateway.routes.clients import ClientRoutes
from tests.unit.gateway.requests import request_for

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
CLIENT = "n.42.tab"


class Connections:
    """One client in memory."""

    def __init__(self) -> None:
        self.trouble: PublishFailed | None = None
        self.deleted: list[tuple[str, bool, bool]] = []

    async def get_connection(self, client_id: str) -> Connection:
        """Tell about it."""
        if self.trouble is not None:
            raise self.trouble
        return Connection(
            client_id=client_id,
            connected=True,
            clean_session=True,
            keep_alive_s=30,
            connected_at=NOW,
            disconnected_at=None,
            disconnect_reason=None,
            session_expiry_s=None,
        )

    async def list_subscriptions(self, client_id: str) -> tuple[Subscription, ...]:
        """Tell what it subscribed to."""
        del client_id
        return (Subscription(topic_filter="n/user/42", qos=1),)

    async def delete_connection(
        self, client_id: str, *, clean_session: bool = False, prevent_will: bool = False
    ) -> None:
        """End it."""
        if self.trouble is not None:
            raise self.trouble
        self.deleted.append((client_id, clean_session, prevent_will))


class World:
    """The routes over one client."""

    def __init__(self) -> None:
        self.connections = Connections()
        self.keys = {}
        kept = []
        for name, admin in (("shop", False), ("operator", True)):
            key, one = new_key(name=name, publish=["*"], rate_per_s=None, admin=admin, now=NOW)
            self.keys[name] = key.reveal()
            kept.append(one)
        self.routes = ClientRoutes(
            admission=Admission(Keyring(kept)), connections=self.connections, namespace="n"
        )

    async def call(
        self, what: str, client_id: str = CLIENT, *, caller: str = "operator", query: str = ""
    ) -> tuple[int, Any]:
        """Call a handler; return status and answer."""
        headers = {"Authorization": f"Bearer {self.keys[caller]}"}
        request = request_for("GET", f"/v1/clients/x?{query}", headers)
        request._match_info = {"id": client_id}  # type: ignore[assignment]
        response = await getattr(self.routes, what)(request)
        return response.status, json.loads(response.body) if response.body else None


async def test_shows_a_connection() -> None:
    """With its subscriptions; what IoT Core does not say is left out."""
    assert await World().call("find") == (
        200,
        {
            "clientId": CLIENT,
            "connected": True,
            "cleanSession": True,
            "keepAliveSeconds": 30,
            "connectedAt": "2026-01-31T12:00:00.000Z",
            "subscriptions": [{"topicFilter": "n/user/42", "qos": 1}],
        },
    )


async def test_disconnects() -> None:
    """With the options of IoT Core, off unless asked for."""
    world = World()
    assert await world.call("disconnect") == (204, None)
    await world.call("disconnect", query="cleanSession=true&preventWill=true")
    assert world.connections.deleted == [(CLIENT, False, False), (CLIENT, True, True)]


@pytest.mark.parametrize("what", ["find", "disconnect"])
async def test_needs_the_admin_right(what: str) -> None:
    """A service that only publishes reaches no client."""
    world = World()
    with pytest.raises(AdminRequired):
        await world.call(what, caller="shop")
    assert not world.connections.deleted


@pytest.mark.parametrize("what", ["find", "disconnect"])
@pytest.mark.parametrize("client_id", ["other.42.tab", "n.42", "n.4 2.tab", "", "../n.42.tab"])
async def test_reaches_this_stacks_clients_only(what: str, client_id: str) -> None:
    """Another namespace's client ids are refused before anything is asked of AWS."""
    world = World()
    with pytest.raises(InvalidClientId):
        await world.call(what, client_id)
    assert not world.connections.deleted


@pytest.mark.parametrize("what", ["find", "disconnect"])
@pytest.mark.parametrize(
    ("trouble", "status", "code"),
    [
        (ClientNotConnected("x"), 404, "client_not_connected"),
        (PublishThrottled("x"), 429, "iot_throttled"),
        (PublishDenied("x"), 502, "iot_denied"),
        (PublishTimedOut("x"), 504, "iot_timed_out"),
    ],
)
async def test_upstream_trouble(what: str, trouble: PublishFailed, status: int, code: str) -> None:
    """The caller sees whose trouble it is."""
    world = World()
    world.connections.trouble = trouble
    answered, answer = await world.call(what)
    assert (answered, answer["code"]) == (status, code)


async def test_knows_its_parameters() -> None:
    """And no other."""
    with pytest.raises(InvalidQuery):
        await World().call("disconnect", query="force=true")
