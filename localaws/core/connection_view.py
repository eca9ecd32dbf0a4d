"""What the API tells about a client: its connection as it is or was, and its subscriptions.

Owns the answers as values and the history of connections that are gone. Does not word HTTP answers.

Source: aws-iot-facts 2.1 (GetConnection, ListSubscriptions).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localaws.core.connection import Connection, DisconnectReason, Ending
from localaws.core.session import Session

if TYPE_CHECKING:
    from localaws.core.broker import Broker

HISTORY_S = 1_800
"""A connection that is gone can be looked up for half an hour. Source: aws-iot-facts 2.1."""

MAX_HISTORY = 50_000
"""Connections that are gone and still known; past it the oldest is forgotten first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionView:
    """One client's connection, live or gone. Times are epoch seconds.

    Attributes:
        clean_session: False when the session outlives, or would outlive, the connection.
        session_expiry_s: Seconds the session lives without a connection.
        disconnected_at: None while connected, and when that was too long ago to know.
    """

    client_id: str
    connected: bool
    clean_session: bool
    session_expiry_s: int
    keep_alive_s: int | None = None
    connected_at: float | None = None
    disconnected_at: float | None = None
    disconnect_reason: DisconnectReason | None = None
    source_ip: str = ""
    source_port: int = 0
    target_ip: str = ""
    target_port: int = 0


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """One subscription of a session."""

    topic_filter: str
    qos: int


class History:
    """Connections that are gone, the most recent one of each client."""

    __slots__ = ("_gone",)

    def __init__(self) -> None:
        self._gone: dict[str, ConnectionView] = {}

    def add(self, connection: Connection, session: Session, ending: Ending, now: float) -> None:
        """Remember how a client's connection was and how it ended."""
        self._gone.pop(session.client_id, None)
        if len(self._gone) >= MAX_HISTORY:
            del self._gone[next(iter(self._gone))]
        self._gone[session.client_id] = _view(connection, session, ending, now)

    def get(self, client_id: str, now: float) -> ConnectionView | None:
        """Return a client's last connection if it ended less than half an hour ago."""
        gone = self._gone.get(client_id)
        if gone is None or _age_s(gone, now) >= HISTORY_S:
            return None
        return gone

    def forget(self, now: float) -> None:
        """Drop what is too old."""
        while self._gone:
            client_id, gone = next(iter(self._gone.items()))
            if _age_s(gone, now) < HISTORY_S:
                return
            del self._gone[client_id]


def connection_of(broker: "Broker", client_id: str, now: float) -> ConnectionView | None:
    """Return a client's connection, live, gone for less than half an hour, or as its session knows it.

    Returns:
        None if there is neither a connection nor a session, and none is remembered.
    """
    session = broker.sessions.get(client_id)
    if session is not None and session.connection is not None:
        return _view(session.connection, session, None, now)
    gone = broker.history.get(client_id, now)
    if gone is not None or session is None:
        return gone
    return ConnectionView(
        client_id=client_id,
        connected=False,
        clean_session=not session.expiry_s,
        session_expiry_s=session.expiry_s,
    )


def subscriptions_of(broker: "Broker", client_id: str) -> tuple[SubscriptionView, ...] | None:
    """Return a session's subscriptions by topic filter, offline sessions' too; None without session."""
    session = broker.sessions.get(client_id)
    if session is None:
        return None
    return tuple(
        SubscriptionView(text, subscription.qos)
        for text, subscription in sorted(session.subscriptions.items())
    )


def _age_s(gone: ConnectionView, now: float) -> float:
    return now - (gone.disconnected_at or 0)


def _view(
    connection: Connection, session: Session, ending: Ending | None, now: float
) -> ConnectionView:
    return ConnectionView(
        client_id=session.client_id,
        connected=ending is None,
        clean_session=not session.expiry_s,
        session_expiry_s=session.expiry_s,
        keep_alive_s=connection.keep_alive_s,
        connected_at=connection.connected_at,
        disconnected_at=None if ending is None else now,
        disconnect_reason=None if ending is None else ending.reason,
        source_ip=connection.address,
        source_port=connection.source_port,
        target_ip=connection.target[0],
        target_port=connection.target[1],
    )
