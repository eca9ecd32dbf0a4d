"""Connections over HTTP: looked up, listed by subscription, ended.

Owns reading `DELETE` and `GET /connections/{clientId}` and `GET …/subscriptions`, and their answers.
Does not authorize and holds no connections (`localaws.core.broker`).

Unverified: AWS's sentences; whether times are epoch milliseconds (the model says "long", and the
retained messages' times are); what `includeSocketInformation` leaves out besides addresses and ports.

Source: the `iot-data` service model, DeleteConnection, GetConnection, ListSubscriptions; facts 2.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from localaws.core import http_parameters as read
from localaws.core.http_parameters import Unfit, invalid
from localaws.core.pages import page
from localaws.core.refusal import Refusal

if TYPE_CHECKING:
    from localaws.core.connection_view import ConnectionView, SubscriptionView
    from localaws.core.signed_request import Request

PREFIX: Final = "/connections/"
SUBSCRIPTIONS: Final = "/subscriptions"

DEFAULT_RESULTS: Final = 20
MAX_RESULTS: Final = 200
"""Subscriptions of one page. Source: the `iot-data` service model, ListSubscriptions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """A connection to be ended.

    Attributes:
        clean_session: End a persistent session, too.
        prevent_will: Do not publish the last will.
    """

    client_id: str
    clean_session: bool
    prevent_will: bool


@dataclass(frozen=True, slots=True)
class Lookup:
    """A connection to be looked up."""

    client_id: str
    with_socket: bool = False


def read_deletion(request: Request) -> Deletion | Refusal:
    """Read `DELETE /connections/{clientId}`, or return InvalidRequestException."""
    try:
        sent = read.query_of(request, {"cleanSession", "preventWillMessage"})
        return Deletion(
            client_id=read.client_id_of(request, PREFIX),
            clean_session=read.flag(sent, "cleanSession"),
            prevent_will=read.flag(sent, "preventWillMessage"),
        )
    except Unfit as unfit:
        return invalid(unfit.problem)


def read_lookup(request: Request) -> Lookup | Refusal:
    """Read `GET /connections/{clientId}`, or return InvalidRequestException."""
    try:
        sent = read.query_of(request, {"includeSocketInformation"})
        return Lookup(
            read.client_id_of(request, PREFIX), read.flag(sent, "includeSocketInformation")
        )
    except Unfit as unfit:
        return invalid(unfit.problem)


def read_subscriber(request: Request) -> Lookup | Refusal:
    """Read whose subscriptions are asked for, or return InvalidRequestException."""
    try:
        return Lookup(read.client_id_of(request, PREFIX, SUBSCRIPTIONS))
    except Unfit as unfit:
        return invalid(unfit.problem)


def unknown_client() -> Refusal:
    """Return the answer about a client that has neither a connection nor a session."""
    return Refusal(
        404, "ResourceNotFoundException", "The client has neither a connection nor a session."
    )


def connection_body(view: ConnectionView, *, with_socket: bool) -> dict[str, object]:
    """Return a connection as the API tells it; what is not known is left out."""
    told: dict[str, object | None] = {
        "clientId": view.client_id,
        "connected": view.connected,
        "cleanSession": view.clean_session,
        "sessionExpiry": view.session_expiry_s,
        "keepAliveDuration": view.keep_alive_s,
        "connectedSince": _milliseconds(view.connected_at) if view.connected else None,
        "disconnectedSince": _milliseconds(view.disconnected_at),
        "disconnectReason": view.disconnect_reason and str(view.disconnect_reason),
    }
    if with_socket and view.source_ip:
        told |= {
            "sourceIp": view.source_ip,
            "sourcePort": view.source_port,
            "targetIp": view.target_ip,
            "targetPort": view.target_port,
        }
    return {name: value for name, value in told.items() if value is not None}


def subscriptions_body(
    request: Request, views: tuple[SubscriptionView, ...]
) -> dict[str, object] | Refusal:
    """Return one page of a session's subscriptions, or InvalidRequestException."""
    try:
        sent = read.query_of(request, {"nextToken", "maxResults"})
        size = read.whole(sent, "maxResults", DEFAULT_RESULTS, least=1, most=MAX_RESULTS)
        shown, token = page(
            views, lambda one: one.topic_filter, token=sent.get("nextToken"), size=size
        )
    except Unfit as unfit:
        return invalid(unfit.problem)
    subscriptions = [{"topicFilter": one.topic_filter, "qos": one.qos} for one in shown]
    return {"subscriptions": subscriptions, **({} if token is None else {"nextToken": token})}


def _milliseconds(at: float | None) -> int | None:
    return None if at is None else int(at * 1000)
