"""PUBLISH: one message on its way, and the prepared form that many receivers share.

Source: MQTT 3.1.1 section 3.3; MQTT 5.0 section 3.3.
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
from localaws.core.mqtt.reason import ReasonCode
from localaws.core.mqtt.version import Version

TYPE = 3

_DUP, _RETAIN = 0x08, 0x01


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """A message to or from the broker.

    Attributes:
        topic: Empty only in version 5 with a topic alias.
        qos: 0, 1 or 2.
        packet_id: 1..65535 with QoS 1 and 2, None with QoS 0.
        dup: True when it may have been sent before.
    """

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    dup: bool = False
    packet_id: int | None = None
    properties: Properties = NO_PROPERTIES


def read_publish(flags: int, reader: Reader, version: Version) -> Publish:
    """Read a PUBLISH from its body.

    Raises:
        MalformedPacket, ProtocolViolation: It is no legal PUBLISH.
    """
    qos = flags >> 1 & 3
    if qos == 3:
        raise MalformedPacket("PUBLISH with QoS 3")
    if flags & _DUP and qos == 0:
        raise MalformedPacket("PUBLISH with DUP and QoS 0")
    topic = reader.text()
    if "+" in topic or "#" in topic:
        raise ProtocolViolation(
            "PUBLISH to a topic with a wildcard", reason=ReasonCode.TOPIC_NAME_INVALID
        )
    packet_id = read_packet_id(reader) if qos else None
    if version is Version.V5:
        properties = read_properties(reader, Place.PUBLISH)
        if not topic and properties.topic_alias is None:
            raise ProtocolViolation("PUBLISH without topic and topic alias")
    else:
        properties = NO_PROPERTIES
        if not topic:
            raise ProtocolViolation("PUBLISH without topic")
    return Publish(
        topic=topic,
        payload=reader.rest(),
        qos=qos,
        retain=bool(flags & _RETAIN),
        dup=bool(flags & _DUP),
        packet_id=packet_id,
        properties=properties,
    )


def write_publish(packet: Publish, version: Version) -> bytes:
    """Write a PUBLISH."""
    prepared = prepare(packet, version)
    if not packet.qos:
        return prepared.whole
    if packet.packet_id is None:
        raise EncodingError("a PUBLISH with QoS and no packet id")
    return prepared.numbered(packet.packet_id, dup=packet.dup)


class PreparedPublish:
    """A PUBLISH encoded once for all receivers of one version and QoS.

    With QoS 0 the bytes are the same for everybody; with QoS 1 only two bytes in the middle, the
    packet id, differ, and receivers that happen to be at the same packet id share the bytes too.

    Attributes:
        whole: The packet, for QoS 0; empty otherwise.
        size: Bytes of the whole packet in any case.
    """

    __slots__ = ("_by_id", "_head", "_tail", "size", "whole")

    def __init__(self, head: bytes, tail: bytes, *, qos: int) -> None:
        self._head = head
        self._tail = tail
        self._by_id: dict[int, bytes] = {}
        self.whole = b"" if qos else head + tail
        self.size = len(head) + len(tail) + (2 if qos else 0)

    def numbered(self, packet_id: int, *, dup: bool = False) -> bytes:
        """Return the packet with a packet id in it, made on first use."""
        if dup:
            return bytes((self._head[0] | _DUP,)) + self._number(packet_id)[1:]
        made = self._by_id.get(packet_id)
        if made is None:
            made = self._by_id[packet_id] = self._number(packet_id)
        return made

    def _number(self, packet_id: int) -> bytes:
        if not 0 < packet_id < 65_536:
            raise EncodingError(f"the packet id {packet_id}")
        return self._head + packet_id.to_bytes(2) + self._tail


def prepare(packet: Publish, version: Version) -> PreparedPublish:
    """Encode all of a PUBLISH but its packet id."""
    tail = packet.payload
    if version is Version.V5:
        tail = write_properties(packet.properties) + tail
    topic = fields.text(packet.topic)
    size = len(topic) + len(tail) + (2 if packet.qos else 0)
    first = TYPE << 4 | packet.qos << 1 | packet.retain
    return PreparedPublish(bytes((first,)) + fields.variable(size) + topic, tail, qos=packet.qos)


def read_packet_id(reader: Reader) -> int:
    """Read a packet id, which is never 0. Source: MQTT 5.0 section 2.2.1."""
    packet_id = reader.two_bytes()
    if not packet_id:
        raise ProtocolViolation("the packet id is 0")
    return packet_id
