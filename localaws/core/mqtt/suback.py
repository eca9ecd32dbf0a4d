"""SUBACK: the answer to SUBSCRIBE, one code for each topic filter.

Source: MQTT 3.1.1 section 3.9; MQTT 5.0 section 3.9.
"""

from dataclasses import dataclass

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

TYPE = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Suback:
    """What was granted.

    Attributes:
        codes: In the order of the request: the granted QoS, or a failure of 0x80 and above.
    """

    packet_id: int
    codes: tuple[int, ...]
    properties: Properties = NO_PROPERTIES


def read_suback(flags: int, reader: Reader, version: Version) -> Suback:
    """Read a SUBACK from its body."""
    if flags:
        raise MalformedPacket("reserved header flags are set in SUBACK")
    packet_id = read_packet_id(reader)
    properties = read_properties(reader, Place.SUBACK) if version is Version.V5 else NO_PROPERTIES
    return Suback(packet_id=packet_id, codes=tuple(reader.rest()), properties=properties)


def write_suback(packet: Suback, version: Version) -> bytes:
    """Write a SUBACK."""
    body = fields.integer(packet.packet_id, 2)
    if version is Version.V5:
        body += write_properties(packet.properties)
    return fields.framed(TYPE << 4, body + bytes(packet.codes))
