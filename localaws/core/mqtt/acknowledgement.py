"""PUBACK, PUBREC, PUBREL and PUBCOMP: four packets of one shape.

The broker uses PUBACK alone (IoT Core has no QoS 2); the others are read so that they can be
refused by name.

Source: MQTT 3.1.1 sections 3.4 to 3.7; MQTT 5.0 sections 3.4 to 3.7.
"""

from dataclasses import dataclass
from typing import ClassVar, TypeVar

from localaws.core.mqtt import fields
from localaws.core.mqtt.errors import MalformedPacket
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """What became of a PUBLISH with QoS 1 or 2.

    Attributes:
        packet_id: The id of the PUBLISH, 1..65535.
        code: A `ReasonCode` value; always 0 in 3.1.1.
    """

    TYPE: ClassVar[int] = 0
    FLAGS: ClassVar[int] = 0

    packet_id: int
    code: int = 0
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Puback(Acknowledgement):
    """A QoS 1 message has arrived."""

    TYPE: ClassVar[int] = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Pubrec(Acknowledgement):
    """A QoS 2 message has arrived; first of three answers."""

    TYPE: ClassVar[int] = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pubrel(Acknowledgement):
    """A QoS 2 message may be released; second of three answers."""

    TYPE: ClassVar[int] = 6
    FLAGS: ClassVar[int] = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pubcomp(Acknowledgement):
    """A QoS 2 message is done with; third of three answers."""

    TYPE: ClassVar[int] = 7


Kind = TypeVar("Kind", bound=Acknowledgement)


def read_acknowledgement(kind: type[Kind], flags: int, reader: Reader, version: Version) -> Kind:
    """Read one of the four from its body."""
    if flags != kind.FLAGS:
        raise MalformedPacket(f"wrong header flags in {kind.__name__.upper()}")
    packet_id = read_packet_id(reader)
    if reader.at_end:
        return kind(packet_id=packet_id)
    if version is Version.V311:
        raise MalformedPacket(f"{kind.__name__.upper()} goes on behind the packet id")
    code = reader.byte()
    properties = NO_PROPERTIES if reader.at_end else read_properties(reader, Place.ACKNOWLEDGEMENT)
    reader.expect_end()
    return kind(packet_id=packet_id, code=code, properties=properties)


def write_acknowledgement(packet: Acknowledgement, version: Version) -> bytes:
    """Write one of the four, in its short form where code and properties say nothing."""
    body = fields.integer(packet.packet_id, 2)
    if version is Version.V5 and (packet.code or packet.properties is not NO_PROPERTIES):
        body += bytes((packet.code,))
        if packet.properties is not NO_PROPERTIES:
            body += write_properties(packet.properties)
    return fields.framed(packet.TYPE << 4 | packet.FLAGS, body)
