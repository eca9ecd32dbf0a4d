"""DISCONNECT: the last packet of a connection; in version 5 the broker sends it as well.

Source: MQTT 3.1.1 section 3.14; MQTT 5.0 section 3.14.
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
from localaws.core.mqtt.version import Version

TYPE = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnect:
    """One side ends the connection.

    Attributes:
        code: A `ReasonCode` value; always 0 in 3.1.1.
    """

    code: int = 0
    properties: Properties = NO_PROPERTIES


def read_disconnect(flags: int, reader: Reader, version: Version) -> Disconnect:
    """Read a DISCONNECT from its body."""
    if flags:
        raise MalformedPacket("reserved header flags are set in DISCONNECT")
    if reader.at_end:
        return Disconnect()
    if version is Version.V311:
        raise MalformedPacket("DISCONNECT has a body")
    code = reader.byte()
    properties = NO_PROPERTIES if reader.at_end else read_properties(reader, Place.DISCONNECT)
    reader.expect_end()
    return Disconnect(code=code, properties=properties)


def write_disconnect(packet: Disconnect, version: Version) -> bytes:
    """Write a DISCONNECT, in its short form where it says nothing."""
    body = b""
    if version is Version.V5 and (packet.code or packet.properties is not NO_PROPERTIES):
        body = bytes((packet.code,))
        if packet.properties is not NO_PROPERTIES:
            body += write_properties(packet.properties)
    return fields.framed(TYPE << 4, body)
