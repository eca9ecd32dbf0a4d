"""UNSUBSCRIBE: topic filters a client no longer wants.

Source: MQTT 3.1.1 section 3.10; MQTT 5.0 section 3.10.
"""

from dataclasses import dataclass

from localaws.core.mqtt import fields
from localaws.core.mqtt.errors import EncodingError, MalformedPacket, ProtocolViolation
from localaws.core.mqtt.fields import Reader
from localaws.core.mqtt.properties import (
    NO_PROPERTIES,
    Place,
    Properties,
    read_properties,
    write_properties,
)
from localaws.core.mqtt.publish import read_packet_id
from localaws.core.mqtt.version import Version

TYPE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe:
    """A client gives up subscriptions.

    Attributes:
        topic_filters: At least one.
    """

    packet_id: int
    topic_filters: tuple[str, ...]
    properties: Properties = NO_PROPERTIES


def read_unsubscribe(flags: int, reader: Reader, version: Version) -> Unsubscribe:
    """Read an UNSUBSCRIBE from its body."""
    if flags != 2:
        raise MalformedPacket("wrong header flags in UNSUBSCRIBE")
    packet_id = read_packet_id(reader)
    properties = (
        read_properties(reader, Place.UNSUBSCRIBE) if version is Version.V5 else NO_PROPERTIES
    )
    topic_filters = []
    while not reader.at_end:
        topic_filters.append(reader.text())
    if not topic_filters:
        raise ProtocolViolation("UNSUBSCRIBE without a topic filter")
    return Unsubscribe(
        packet_id=packet_id, topic_filters=tuple(topic_filters), properties=properties
    )


def write_unsubscribe(packet: Unsubscribe, version: Version) -> bytes:
    """Write an UNSUBSCRIBE."""
    if not packet.topic_filters:
        raise EncodingError("an UNSUBSCRIBE without a topic filter")
    body = fields.integer(packet.packet_id, 2)
    if version is Version.V5:
        body += write_properties(packet.properties)
    body += b"".join(fields.text(topic_filter) for topic_filter in packet.topic_filters)
    return fields.framed(TYPE << 4 | 2, body)
