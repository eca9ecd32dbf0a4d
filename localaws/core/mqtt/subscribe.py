"""SUBSCRIBE: topic filters a client wants, each with its options.

Source: MQTT 3.1.1 section 3.8; MQTT 5.0 section 3.8.
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
from localaws.core.mqtt.reason import ReasonCode
from localaws.core.mqtt.version import Version

TYPE = 8

_NO_LOCAL, _RETAIN_AS_PUBLISHED = 0x04, 0x08


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One topic filter that is asked for.

    Attributes:
        qos: Highest QoS wanted, 0..2.
        no_local: Do not send back what this client publishes (5).
        retain_as_published: Keep the retain flag as the publisher set it (5).
        retain_handling: 0 send retained messages, 1 only if the subscription is new, 2 never (5).
    """

    topic_filter: str
    qos: int = 0
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe:
    """A client asks for one or more subscriptions.

    Attributes:
        requests: At least one.
    """

    packet_id: int
    requests: tuple[Request, ...]
    properties: Properties = NO_PROPERTIES


def read_subscribe(flags: int, reader: Reader, version: Version) -> Subscribe:
    """Read a SUBSCRIBE from its body."""
    if flags != 2:
        raise MalformedPacket("wrong header flags in SUBSCRIBE")
    packet_id = read_packet_id(reader)
    is_5 = version is Version.V5
    properties = read_properties(reader, Place.SUBSCRIBE) if is_5 else NO_PROPERTIES
    requests = []
    while not reader.at_end:
        requests.append(_read_request(reader, reserved=0xC0 if is_5 else 0xFC))
    if not requests:
        raise ProtocolViolation("SUBSCRIBE without a topic filter")
    return Subscribe(packet_id=packet_id, requests=tuple(requests), properties=properties)


def write_subscribe(packet: Subscribe, version: Version) -> bytes:
    """Write a SUBSCRIBE."""
    if not packet.requests:
        raise EncodingError("a SUBSCRIBE without a topic filter")
    body = bytearray(fields.integer(packet.packet_id, 2))
    if version is Version.V5:
        body += write_properties(packet.properties)
    for request in packet.requests:
        options = request.qos
        if version is Version.V5:
            options |= _NO_LOCAL if request.no_local else 0
            options |= _RETAIN_AS_PUBLISHED if request.retain_as_published else 0
            options |= request.retain_handling << 4
        body += fields.text(request.topic_filter)
        body.append(options)
    return fields.framed(TYPE << 4 | 2, bytes(body))


def _read_request(reader: Reader, *, reserved: int) -> Request:
    topic_filter = reader.text()
    options = reader.byte()
    qos, retain_handling = options & 3, options >> 4 & 3
    if options & reserved:
        raise MalformedPacket("reserved subscription options are set")
    if qos == 3 or retain_handling == 3:
        raise ProtocolViolation("a subscription option has the value 3")
    if not topic_filter:
        raise ProtocolViolation("a topic filter is empty", reason=ReasonCode.TOPIC_FILTER_INVALID)
    return Request(
        topic_filter=topic_filter,
        qos=qos,
        no_local=bool(options & _NO_LOCAL),
        retain_as_published=bool(options & _RETAIN_AS_PUBLISHED),
        retain_handling=retain_handling,
    )
