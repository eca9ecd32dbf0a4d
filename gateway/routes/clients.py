"""`GET` and `DELETE /v1/clients/{id}`: look at one client's connection, or end it now.

Owns these routes' answers, and that nobody reaches beyond the stack's own clients.
Does not: talk to IoT Core (`gateway/iot/connections.py`).
Source: docs/design.md, "Event API"; docs/decisions/0001-client-ids.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from aiohttp import web

from gateway import problems
from gateway.errors import InvalidClientId, PublishFailed
from gateway.request_line import LINE
from gateway.routes.caller import admin_of
from gateway.routes.query import flag, query_of
from wire.address import Address, Kind
from wire.envelope import format_time
from wire.errors import InvalidAddress

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.admission import Admission
    from gateway.iot.connections import Connection, Subscription


class ClientConnections(Protocol):
    """What these routes ask of IoT Core; each call raises `PublishFailed`."""

    async def get_connection(self, client_id: str) -> Connection:
        """Return what is known about a client's connection."""

    async def list_subscriptions(self, client_id: str) -> tuple[Subscription, ...]:
        """Return a client's subscriptions."""

    async def delete_connection(
        self, client_id: str, *, clean_session: bool = False, prevent_will: bool = False
    ) -> None:
        """Disconnect a client now."""


class ClientRoutes:
    """The routes about connected clients.

    Args:
        admission: Who may call.
        connections: Calls about connections.
        namespace: The stack's namespace.
    """

    def __init__(
        self, *, admission: Admission, connections: ClientConnections, namespace: str
    ) -> None:
        self._admission = admission
        self._connections = connections
        self._namespace = namespace

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return the routes."""
        return [
            web.get("/v1/clients/{id}", self.find),
            web.delete("/v1/clients/{id}", self.disconnect),
        ]

    async def find(self, request: web.Request) -> web.Response:
        """Answer with a client's connection and subscriptions."""
        await admin_of(request, self._admission)
        query_of(request, ())
        client_id = self._client_id(request)
        try:
            connection = await self._connections.get_connection(client_id)
            subscriptions = await self._connections.list_subscriptions(client_id)
        except PublishFailed as failure:
            return _trouble(request, failure)
        return web.json_response(_members(connection, subscriptions))

    async def disconnect(self, request: web.Request) -> web.Response:
        """End a client's connection now; it may come back with credentials that are still good."""
        await admin_of(request, self._admission)
        query = query_of(request, ("cleanSession", "preventWill"))
        client_id = self._client_id(request)
        clean_session, prevent_will = flag(query, "cleanSession"), flag(query, "preventWill")
        try:
            await self._connections.delete_connection(
                client_id, clean_session=clean_session, prevent_will=prevent_will
            )
        except PublishFailed as failure:
            return _trouble(request, failure)
        return web.Response(status=204)

    def _client_id(self, request: web.Request) -> str:
        try:
            address = Address.parse(f"{Kind.CLIENT}:{request.match_info['id']}")
            address.topic(self._namespace)
        except InvalidAddress as error:
            raise InvalidClientId(error.problem) from None
        return address.name


def _trouble(request: web.Request, failure: PublishFailed) -> web.Response:
    answer = problems.connection_trouble(failure)
    request[LINE].facts["code"] = answer.problem.code
    return answer.response()


def _members(connection: Connection, subscriptions: Sequence[Subscription]) -> dict[str, object]:
    found: dict[str, object] = {
        "clientId": connection.client_id,
        "connected": connection.connected,
        "cleanSession": connection.clean_session,
        "keepAliveSeconds": connection.keep_alive_s,
        "connectedAt": _moment(connection.connected_at),
        "disconnectedAt": _moment(connection.disconnected_at),
        "disconnectReason": connection.disconnect_reason,
        "sessionExpirySeconds": connection.session_expiry_s,
    }
    known = {name: value for name, value in found.items() if value is not None}
    listed = [{"topicFilter": one.topic_filter, "qos": one.qos} for one in subscriptions]
    return {**known, "subscriptions": listed}


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else format_time(moment)
