"""What the passing of time ends: silent connections, old ones, sessions, wills, unanswered messages.

Owns what one tick does. Does not measure time.

Source: aws-iot-facts 3.4, 3.6, 3.11, 3.12; MQTT 5.0 sections 3.1.2.11 and 3.1.3.2.
"""

from typing import TYPE_CHECKING

from localaws.core.connection import Connection, DisconnectReason
from localaws.core.departing import end_session, publish_due_will
from localaws.core.mqtt.reason import ReasonCode
from localaws.core.session import Session

if TYPE_CHECKING:
    from localaws.core.broker import Broker

KEEP_ALIVE_FACTOR = 1.5
"""Silence of so many keep-alives ends a connection. Source: aws-iot-facts 3.11."""


def age(broker: "Broker", now: float) -> None:
    """Let time pass for everything."""
    for connection in list(broker.connections):
        _age_connection(broker, connection, now)
    for session in list(broker.sessions.values()):
        _age_session(broker, session, now)
    broker.lifecycle.forget(now)
    broker.history.forget(now)
    broker.account.forget(now)


def _age_connection(broker: "Broker", connection: Connection, now: float) -> None:
    quotas = broker.quotas
    silent_s = now - connection.heard_at
    if connection.session is None:
        timeout_s = quotas.connect_timeout_s
        if timeout_s is not None and silent_s >= timeout_s:
            detail = "no CONNECT in time"
            broker.end(connection, DisconnectReason.CLIENT_ERROR, detail=detail, now=now)
    elif silent_s >= connection.keep_alive_s * KEEP_ALIVE_FACTOR:
        broker.end(
            connection,
            DisconnectReason.MQTT_KEEP_ALIVE_TIMEOUT,
            code=ReasonCode.KEEP_ALIVE_TIMEOUT,
            detail=f"silent for {silent_s:.0f} s",
            now=now,
        )
    elif quotas.connection_s is not None and now - connection.opened_at >= quotas.connection_s:
        reason = DisconnectReason.WEBSOCKET_TTL_EXPIRATION
        broker.end(connection, reason, detail="the connection is too old", now=now)


def _age_session(broker: "Broker", session: Session, now: float) -> None:
    if session.will is not None:
        publish_due_will(broker, session, now)
    if session.ends_at is not None and now >= session.ends_at:
        end_session(broker, session, now)
        return
    if session.draining:
        broker.drain(session, now)
    if session.inflight:
        broker.fan_out.retry(session, now)
