"""PUBLISH from a client: limits, policy, acknowledgement.

Source: aws-iot-facts 3.1, 3.2, 3.5, 3.8, 3.11, 3.13, 3.14.
"""

from typing import TYPE_CHECKING

from localaws.core.connection import Connection, DisconnectReason
from localaws.core.message import message_of
from localaws.core.mqtt.acknowledgement import Puback, write_acknowledgement
from localaws.core.mqtt.publish import Publish
from localaws.core.mqtt.reason import ReasonCode
from localaws.core.mqtt.version import Version
from localaws.core.topics import check_published
from wire.errors import InvalidTopic

if TYPE_CHECKING:
    from localaws.core.broker import Broker


def accept_publish(broker: "Broker", connection: Connection, packet: Publish, now: float) -> None:
    """Publish a client's message, or end the connection.

    A refusal closes a 3.1.1 connection without PUBACK; a version 5 client gets the code in PUBACK
    (QoS 1) and in DISCONNECT.
    """
    session = connection.session
    if session is None:
        return
    if packet.qos == 2:
        if connection.version is Version.V5:
            broker.fault(connection, ReasonCode.QOS_NOT_SUPPORTED, "PUBLISH with QoS 2", now)
        # 3.1.1: AWS neither acknowledges nor, as far as is known, closes.
        return
    topic = _resolve_alias(broker, connection, packet, now)
    if topic is None:
        return
    most = broker.quotas.payload_bytes
    if most is not None and len(packet.payload) > most:
        broker.fault(connection, ReasonCode.QUOTA_EXCEEDED, "the payload is too large", now)
        return
    if connection.allowance is not None and not connection.allowance.take(now):
        broker.observer.dropped(session.client_id, "rate of its own messages", now)
        return
    problem = broker.quotas.misfit(packet.properties)
    if problem is not None:
        broker.fault(connection, ReasonCode.QUOTA_EXCEEDED, problem, now)
        return
    refusal = _refusal(broker, connection, packet, topic, now)
    if refusal is not None:
        _refuse(broker, connection, packet, *refusal, now=now)
        return
    message = message_of(
        packet,
        topic=topic,
        publisher=session.client_id,
        principal=connection.authorizer.user_id,
        now=now,
    )
    exhausted = broker.submit(message, now)
    if exhausted is not None:
        broker.observer.dropped(session.client_id, exhausted, now)
        if packet.packet_id is not None and connection.version is Version.V5:
            # 3.1.1 has no way to say it: no PUBACK, the client keeps its message.
            _acknowledge(broker, connection, packet.packet_id, ReasonCode.QUOTA_EXCEEDED)
        return
    if packet.packet_id is None:
        return
    interference = broker.interference
    if interference is None or not interference.loses_puback_to(session.client_id):
        _acknowledge(broker, connection, packet.packet_id, ReasonCode.SUCCESS)


def _resolve_alias(
    broker: "Broker", connection: Connection, packet: Publish, now: float
) -> str | None:
    """Return the topic, having learnt or looked up a topic alias; None if that ended it all."""
    alias = packet.properties.topic_alias
    if alias is None:
        return packet.topic
    most = broker.quotas.topic_aliases
    if most is not None and alias > most:
        broker.fault(connection, ReasonCode.TOPIC_ALIAS_INVALID, "a topic alias too high", now)
        return None
    if connection.aliases is None:
        connection.aliases = {}
    if packet.topic:
        connection.aliases[alias] = packet.topic
        return packet.topic
    topic = connection.aliases.get(alias)
    if topic is None:
        broker.fault(connection, ReasonCode.PROTOCOL_ERROR, "an unknown topic alias", now)
    return topic


def _refusal(
    broker: "Broker", connection: Connection, packet: Publish, topic: str, now: float
) -> tuple[ReasonCode, str] | None:
    try:
        check_published(topic, broker.quotas)
    except InvalidTopic as problem:
        return ReasonCode.TOPIC_NAME_INVALID, str(problem)
    if not broker.allows(connection, "iot:Publish", "topic", topic, now):
        return ReasonCode.NOT_AUTHORIZED, "PUBLISH is denied"
    if packet.retain and not broker.allows(connection, "iot:RetainPublish", "topic", topic, now):
        return ReasonCode.NOT_AUTHORIZED, "retaining is denied"
    return None


def _refuse(
    broker: "Broker",
    connection: Connection,
    packet: Publish,
    code: ReasonCode,
    detail: str,
    *,
    now: float,
) -> None:
    if packet.packet_id is not None and connection.version is Version.V5:
        _acknowledge(broker, connection, packet.packet_id, code)
    denied = code is ReasonCode.NOT_AUTHORIZED
    reason = DisconnectReason.AUTH_ERROR if denied else DisconnectReason.CLIENT_ERROR
    broker.end(connection, reason, code=code, detail=detail, now=now)


def _acknowledge(
    broker: "Broker", connection: Connection, packet_id: int, code: ReasonCode
) -> None:
    answer = Puback(packet_id=packet_id, code=code)
    broker.fan_out.send(connection, write_acknowledgement(answer, connection.version))
