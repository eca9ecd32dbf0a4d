"""A message on its way through the broker, whoever published it: MQTT, HTTP, a will, the broker.

Owns what is carried from publisher to receiver, and the PUBLISH it becomes for one kind of
receiver. Does not decide who receives it.

Source: aws-iot-facts 3.7 (expiry) and 3.11 (limits); MQTT 5.0 section 3.3.2.3.
"""

from dataclasses import dataclass

from localaws.core.mqtt.properties import NO_PROPERTIES, Properties
from localaws.core.mqtt.publish import PreparedPublish, Publish, prepare
from localaws.core.mqtt.version import Version
from wire.limits import MAX_MESSAGE_EXPIRY_S, MIN_MESSAGE_EXPIRY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One published message.

    Attributes:
        qos: 0 or 1, as published; a receiver gets the lower of it and its subscription's.
        retain: As published.
        expires_at: Epoch seconds after which it is delivered to nobody any more, or None.
        publisher: Client id of the publishing connection; None for HTTP and the broker itself.
        principal: Who published, as `principal()` shows it in rules; None for the broker itself.
    """

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    expires_at: float | None = None
    payload_format_indicator: int | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation_data: bytes | None = None
    user_properties: tuple[tuple[str, str], ...] = ()
    publisher: str | None = None
    principal: str | None = None

    def expired(self, now: float) -> bool:
        """True when its time is over."""
        return self.expires_at is not None and now >= self.expires_at

    def prepared(self, version: Version, *, qos: int, retain: bool, now: float) -> PreparedPublish:
        """Encode it for all receivers of one version and QoS; the packet id comes later."""
        properties = NO_PROPERTIES
        if version is Version.V5:
            properties = self._properties(now)
        packet = Publish(
            topic=self.topic, payload=self.payload, qos=qos, retain=retain, properties=properties
        )
        return prepare(packet, version)

    def _properties(self, now: float) -> Properties:
        remaining = None if self.expires_at is None else max(1, round(self.expires_at - now))
        properties = Properties(
            payload_format_indicator=self.payload_format_indicator,
            message_expiry_interval_s=remaining,
            content_type=self.content_type,
            response_topic=self.response_topic,
            correlation_data=self.correlation_data,
            user_properties=self.user_properties,
        )
        return NO_PROPERTIES if properties == NO_PROPERTIES else properties


def expiry(interval_s: int | None, now: float) -> float | None:
    """Return when a message with this expiry interval ends, clamped as AWS clamps it."""
    if interval_s is None:
        return None
    return now + min(max(interval_s, MIN_MESSAGE_EXPIRY_S), MAX_MESSAGE_EXPIRY_S)


def message_of(
    packet: Publish, *, topic: str, publisher: str, principal: str, now: float
) -> Message:
    """Return the message a client's PUBLISH stands for.

    Args:
        packet: With QoS 0 or 1.
        topic: The topic, any topic alias resolved.
        publisher: The client's id.
        principal: Who is connected.
        now: Epoch seconds.
    """
    properties = packet.properties
    return Message(
        topic=topic,
        payload=packet.payload,
        qos=packet.qos,
        retain=packet.retain,
        expires_at=expiry(properties.message_expiry_interval_s, now),
        payload_format_indicator=properties.payload_format_indicator,
        content_type=properties.content_type,
        response_topic=properties.response_topic,
        correlation_data=properties.correlation_data,
        user_properties=properties.user_properties,
        publisher=publisher,
        principal=principal,
    )
