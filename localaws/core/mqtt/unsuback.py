"""UNSUBACK: the answer to UNSUBSCRIBE.

Source: MQTT 3.1.1 section 3.11; MQTT 5.0 section 3.11.
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

TYPE = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsuback:
    """The subscriptions are gone.

    Attributes:
        codes: One for each topic filter in version 5; none in 3.1.1.
    """

    packet_id: int
    codes: tuple[int, ...] = ()
    properties: Properties = NO_PROPERTIES


def read_unsuback(flags: int, reader: Reader, version: Version) -> Unsuback:
    """Read an UNSUBACK from its body."""
    if flags:
        raise MalformedPacket("reserved header flags are set in UNSUBACK")
    packet_id = read_packet_id(reader)
    if version is Version.V311:
        reader.expect_end()
        return Unsuback(packet_id=packet_id)
    properties = read_properties(reader, Place.UNSUBACK)
    return Unsuback(packet_id=packet_id, codes=tuple(reader.rest()), properties=properties)


def write_unsuback(packet: Unsuback, version: Version) -> bytes:
    """Write an UNSUBACK."""
    body = fields.integer(packet.packet_id, 2)
    if version is Version.V5:
        body += write_properties(packet.properties) + bytes(packet.codes)
    return fields.framed(TYPE << 4, body)
