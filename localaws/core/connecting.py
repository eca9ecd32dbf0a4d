"""CONNECT: who may connect as whom, takeover, and the session that begins or goes on.

Owns every check at CONNECT in AWS's order, and CONNACK.

Source: aws-iot-facts 3.1, 3.4, 3.6, 3.8, 3.10 to 3.14, 4.1, 4.2; MQTT 5.0 section 3.1.
"""

from typing import TYPE_CHECKING

from localaws.core.allowance import Allowance
from localaws.core.authorizer import Context, Decisions
from localaws.core.connection import Connection, DisconnectReason
from localaws.core.departing import end_session
from localaws.core.mqtt.connack import Connack, write_connack
from localaws.core.mqtt.connect import Connect
from localaws.core.mqtt.decoder import MAX_PACKET_BYTES
from localaws.core.mqtt.errors import UnsupportedVersion
from localaws.core.mqtt.properties import NO_PROPERTIES, Properties
from localaws.core.mqtt.reason import ReasonCode, ReturnCode
from localaws.core.mqtt.version import Version
from localaws.core.quotas import MAX_WINDOW
from localaws.core.session import Session
from localaws.core.topics import check_published
from wire.errors import InvalidTopic

if TYPE_CHECKING:
    from localaws.core.broker import Broker

MAX_KEEP_ALIVE_S = 65_535
"""Most seconds two bytes can say; a keep-alive without a clamp may be longer inside."""

MAX_ALIAS = 65_535
"""Highest topic alias of the protocol."""

MAX_EXPIRY_311_S = 604_800
"""Life of a 3.1.1 session where no quota says otherwise: AWS's highest. Source: aws-iot-facts 3.6."""

AUTHORIZATION_FAILED = "AUTHORIZATION_FAILED"
"""`connectFailureReason` of a denied CONNECT. Source: aws-iot-facts 5.2."""


def accept_connect(broker: "Broker", connection: Connection, packet: Connect, now: float) -> None:
    """Connect a client, or refuse it and end the connection."""
    client_id = packet.client_id or broker.new_id()
    connection.session_identifier = broker.new_id()
    refusal = _refusal(broker, packet, client_id)
    if refusal is not None:
        _refuse(broker, connection, *refusal, now=now)
        return
    if connection.login is not None:
        caller = connection.login(packet.user_name, packet.password, now)
        if isinstance(caller, str):
            _refuse(
                broker,
                connection,
                ReasonCode.BAD_USER_NAME_OR_PASSWORD,
                ReturnCode.BAD_USER_NAME_OR_PASSWORD,
                caller,
                now=now,
                reason=DisconnectReason.AUTH_ERROR,
            )
            return
        connection.authorizer = caller
    connection.decisions = Decisions(connection.authorizer, _context(connection, packet, client_id))
    if not _authorized(broker, connection, packet, client_id, now):
        failed = broker.lifecycle.connect_failed(client_id, connection, AUTHORIZATION_FAILED, now)
        broker.announce(failed, now)
        _refuse(
            broker,
            connection,
            ReasonCode.NOT_AUTHORIZED,
            None,
            "CONNECT is denied",
            now=now,
            reason=DisconnectReason.AUTH_ERROR,
        )
        return
    if not broker.account.may_connect(client_id, now):
        detail = "too many CONNECTs in a second"
        _refuse(
            broker,
            connection,
            ReasonCode.QUOTA_EXCEEDED,
            None,
            detail,
            now=now,
            reason=DisconnectReason.THROTTLED,
        )
        return
    _take_over(broker, client_id, now)
    session, resumed = _session(broker, packet, client_id, now)
    _attach(broker, connection, session, packet, now)
    _answer(broker, connection, packet, client_id, resumed=resumed)
    broker.observer.connected(connection, now)
    broker.announce(broker.lifecycle.connected(client_id, connection, now), now)
    if resumed:
        broker.fan_out.redeliver(connection, session, now)
        session.draining, session.drained_at = session.queued > 0, now
        if session.draining:
            broker.drain(session, now)


def refuse_version(broker: "Broker", connection: Connection, failure: UnsupportedVersion) -> None:
    """Answer a CONNECT of an unknown version in the nearest one we speak."""
    if failure.level > Version.V5:
        answer = Connack(code=ReasonCode.UNSUPPORTED_PROTOCOL_VERSION)
        broker.fan_out.send(connection, write_connack(answer, Version.V5))
    else:
        answer = Connack(code=ReturnCode.UNACCEPTABLE_PROTOCOL_VERSION)
        broker.fan_out.send(connection, write_connack(answer, Version.V311))


def _refusal(
    broker: "Broker", packet: Connect, client_id: str
) -> tuple[ReasonCode, ReturnCode | None, str] | None:
    """Return the codes for 5 and 3.1.1 (None there: close without CONNACK) and the reason."""
    is_311 = packet.version is Version.V311
    too_long = _more(len(client_id.encode()), broker.quotas.client_id_bytes)
    nameless = is_311 and not packet.client_id and not packet.clean_start
    if too_long or nameless or client_id.startswith("$"):
        return (
            ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
            ReturnCode.IDENTIFIER_REJECTED,
            "the client id is not valid",
        )
    if packet.properties.authentication_method is not None:
        return ReasonCode.BAD_AUTHENTICATION_METHOD, None, "enhanced authentication"
    largest, least = packet.properties.maximum_packet_bytes, broker.quotas.least_packet_bytes
    if largest is not None and least is not None and largest < least:
        return ReasonCode.QUOTA_EXCEEDED, None, "the client takes too small packets only"
    will = packet.will
    if will is None:
        return None
    problem = broker.quotas.misfit(will.properties)
    if problem is not None:
        return ReasonCode.QUOTA_EXCEEDED, None, f"the will: {problem}"
    if will.qos > 1:
        return ReasonCode.QOS_NOT_SUPPORTED, None, "the will has QoS 2"
    if _more(len(will.payload), broker.quotas.payload_bytes):
        return ReasonCode.QUOTA_EXCEEDED, None, "the will's payload is too large"
    try:
        check_published(will.topic, broker.quotas)
    except InvalidTopic as problem:
        return ReasonCode.TOPIC_NAME_INVALID, None, f"the will's topic: {problem}"
    return None


def _refuse(
    broker: "Broker",
    connection: Connection,
    code: ReasonCode,
    code_311: ReturnCode | None,
    detail: str,
    *,
    now: float,
    reason: DisconnectReason = DisconnectReason.CLIENT_ERROR,
) -> None:
    if connection.version is Version.V5:
        broker.fan_out.send(connection, write_connack(Connack(code=code), Version.V5))
    elif code_311 is not None:
        broker.fan_out.send(connection, write_connack(Connack(code=code_311), Version.V311))
    broker.end(connection, reason, detail=detail, now=now)


def _context(connection: Connection, packet: Connect, client_id: str) -> Context:
    attributes = []
    if not packet.clean_start or packet.properties.session_expiry_interval_s:
        attributes.append("PersistentConnect")
    if packet.will is not None:
        attributes.append("LastWill")
    return {
        "iot:ClientId": client_id,
        "iot:ConnectAttributes": tuple(attributes),
        "aws:SourceIp": connection.address,
    }


def _authorized(
    broker: "Broker", connection: Connection, packet: Connect, client_id: str, now: float
) -> bool:
    if not broker.allows(connection, "iot:Connect", "client", client_id, now):
        return False
    will = packet.will
    if will is None:
        return True
    return broker.allows(connection, "iot:Publish", "topic", will.topic, now) and (
        not will.retain or broker.allows(connection, "iot:RetainPublish", "topic", will.topic, now)
    )


def _take_over(broker: "Broker", client_id: str, now: float) -> None:
    session = broker.sessions.get(client_id)
    if session is not None and session.connection is not None:
        broker.end(
            session.connection,
            DisconnectReason.DUPLICATE_CLIENTID,
            code=ReasonCode.SESSION_TAKEN_OVER,
            detail="another connection took the client id",
            now=now,
        )


def _session(broker: "Broker", packet: Connect, client_id: str, now: float) -> tuple[Session, bool]:
    """Return the session to go on with, and whether it was there before."""
    quotas = broker.quotas
    if packet.version is Version.V5:
        expiry_s = quotas.expiry_s(packet.properties.session_expiry_interval_s or 0)
    else:
        expiry_s = 0 if packet.clean_start else quotas.expiry_s(MAX_EXPIRY_311_S)
    former = broker.sessions.get(client_id)
    if former is not None:
        if not packet.clean_start and former.version is packet.version:
            former.expiry_s = expiry_s
            # A new connection in time calls a delayed will off. Source: MQTT 5.0 section 3.1.3.2.2.
            former.will = None
            return former, True
        end_session(broker, former, now)
    session = broker.sessions[client_id] = Session(client_id, packet.version, expiry_s=expiry_s)
    return session, False


def _attach(
    broker: "Broker", connection: Connection, session: Session, packet: Connect, now: float
) -> None:
    quotas, properties = broker.quotas, packet.properties
    session.connection = connection
    session.ends_at = None
    session.window = min(quotas.window, properties.receive_maximum or MAX_WINDOW)
    connection.session = session
    connection.connected_at = now
    connection.keep_alive_s = quotas.keep_alive_s(packet.keep_alive_s)
    connection.will = packet.will
    connection.largest_packet_bytes = properties.maximum_packet_bytes
    if quotas.publishes_per_s is not None:
        connection.allowance = Allowance(quotas.publishes_per_s, now)
    if quotas.bytes_per_s is not None:
        connection.throughput = Allowance(quotas.bytes_per_s, now)
    for subscription in session.subscriptions.values():
        broker.routes.changed(subscription)


def _answer(
    broker: "Broker", connection: Connection, packet: Connect, client_id: str, *, resumed: bool
) -> None:
    properties = NO_PROPERTIES
    if packet.version is Version.V5:
        properties = _properties(broker, connection, packet, client_id)
    answer = Connack(code=0, session_present=resumed, properties=properties)
    broker.fan_out.send(connection, write_connack(answer, packet.version))


def _properties(
    broker: "Broker", connection: Connection, packet: Connect, client_id: str
) -> Properties:
    """Say what IoT Core can and cannot do. Source: aws-iot-facts 3.8."""
    session, asked_s = connection.session, packet.properties.session_expiry_interval_s
    expiry_s = session.expiry_s if session is not None else 0
    aliases = broker.quotas.topic_aliases
    return Properties(
        session_expiry_interval_s=expiry_s if asked_s not in (None, expiry_s) else None,
        receive_maximum=broker.quotas.window,
        maximum_qos=1,
        retain_available=1,
        maximum_packet_bytes=MAX_PACKET_BYTES,
        assigned_client_id=None if packet.client_id else client_id,
        topic_alias_maximum=MAX_ALIAS if aliases is None else aliases,
        wildcard_subscription_available=1,
        subscription_identifier_available=0,
        shared_subscription_available=1,
        server_keep_alive_s=min(connection.keep_alive_s, MAX_KEEP_ALIVE_S),
    )


def _more(size: int, limit: int | None) -> bool:
    return limit is not None and size > limit
