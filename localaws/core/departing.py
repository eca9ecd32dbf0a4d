"""The end of a connection and of a session: what stays, what goes, and the last will.

Owns what follows once `Broker.end` has decided that a connection is over.

Source: aws-iot-facts 3.4, 3.6, 3.10, 5.3; MQTT 5.0 section 3.1.3.2.2 (will delay).
"""

from typing import TYPE_CHECKING

from localaws.core.connection import Connection, DisconnectReason, Ending
from localaws.core.delivery import Outcome
from localaws.core.message import Message, expiry
from localaws.core.mqtt.connect import Will
from localaws.core.mqtt.reason import ReasonCode
from localaws.core.session import PendingWill, Session

if TYPE_CHECKING:
    from localaws.core.broker import Broker


def depart(broker: "Broker", connection: Connection, ending: Ending, now: float) -> None:
    """Let a connection go: its session, its will, its lifecycle event."""
    broker.observer.disconnected(connection, ending, now)
    session = connection.session
    if session is None:
        return
    session.connection = None
    session.draining = False
    broker.history.add(connection, session, ending, now)
    _forget_direct(session)
    will, connection.will = connection.will, None
    if will is not None:
        session.will = _pending(will, session, connection, now)
    if session.expiry_s:
        session.ends_at = now + session.expiry_s
        for subscription in session.subscriptions.values():
            broker.routes.changed(subscription)
        publish_due_will(broker, session, now)
    else:
        end_session(broker, session, now)
    event = broker.lifecycle.disconnected(session.client_id, connection, ending.reason, now)
    broker.announce(event, now)


def disconnect(
    broker: "Broker", client_id: str, *, now: float, clean_session: bool, prevent_will: bool
) -> bool:
    """End a client's connection for the API; False if there is neither connection nor session."""
    session = broker.sessions.get(client_id)
    if session is None:
        return False
    connection = session.connection
    if connection is not None:
        if prevent_will:
            connection.will = None
        broker.end(
            connection,
            DisconnectReason.API_INITIATED_DISCONNECT,
            code=ReasonCode.ADMINISTRATIVE_ACTION,
            detail="DeleteConnection",
            now=now,
        )
    if clean_session and client_id in broker.sessions:
        end_session(broker, session, now)
    return True


def end_session(broker: "Broker", session: Session, now: float) -> None:
    """Forget a session without a connection, its subscriptions and what waits for it."""
    broker.sessions.pop(session.client_id, None)
    for subscription in session.subscriptions.values():
        broker.subscriptions.remove(subscription)
        broker.routes.changed(subscription)
    session.subscriptions = {}
    if session.will is not None:
        # A delayed will is due when the session ends, if not before.
        will, session.will = session.will, None
        broker.publish(will.message, now)


def publish_due_will(broker: "Broker", session: Session, now: float) -> None:
    """Publish a session's will if its delay is over."""
    will = session.will
    if will is not None and now >= will.due_at:
        session.will = None
        broker.publish(will.message, now)


def _forget_direct(session: Session) -> None:
    # Direct messages are for the connection, not for the session (aws-iot-facts 2.3).
    for packet_id, delivery in list(session.inflight.items()):
        if delivery.confirmation is not None:
            session.acknowledge(packet_id)
            delivery.confirmation.settle(Outcome.LOST)


def _pending(will: Will, session: Session, connection: Connection, now: float) -> PendingWill:
    properties = will.properties
    message = Message(
        topic=will.topic,
        payload=will.payload,
        qos=will.qos,
        retain=will.retain,
        expires_at=expiry(properties.message_expiry_interval_s, now),
        payload_format_indicator=properties.payload_format_indicator,
        content_type=properties.content_type,
        response_topic=properties.response_topic,
        correlation_data=properties.correlation_data,
        user_properties=properties.user_properties,
        publisher=session.client_id,
        principal=connection.authorizer.user_id,
    )
    return PendingWill(message, due_at=now + (properties.will_delay_interval_s or 0))
