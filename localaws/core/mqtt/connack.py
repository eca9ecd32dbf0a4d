"""CONNACK: the answer to CONNECT.

Source: MQTT 3.1.1 section 3.2; MQTT 5.0 section 3.2.
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

TYPE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Connack:
    """Whether the connection stands.

    Attributes:
        code: A `ReturnCode` value in 3.1.1, a `ReasonCode` value in 5; 0 is success in both.
        session_present: True when a stored session goes on.
    """

    code: int
    session_present: bool = False
    properties: Properties = NO_PROPERTIES


def read_connack(flags: int, reader: Reader, version: Version) -> Connack:
    """Read a CONNACK from its body."""
    bits = reader.byte()
    if flags or bits & 0xFE:
        raise MalformedPacket("reserved flags are set in CONNACK")
    code = reader.byte()
    properties = read_properties(reader, Place.CONNACK) if version is Version.V5 else NO_PROPERTIES
    reader.expect_end()
    return Connack(code=code, session_present=bool(bits), properties=properties)


def write_connack(packet: Connack, version: Version) -> bytes:
    """Write a CONNACK."""
    body = bytes((packet.session_present, packet.code))
    if version is Version.V5:
        body += write_properties(packet.properties)
    return fields.framed(TYPE << 4, body)
