"""AUTH: enhanced authentication of version 5, which IoT Core does not have; read to be refused.

Source: MQTT 5.0 section 3.15.
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

TYPE = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """One step of an enhanced authentication.

    Attributes:
        code: A `ReasonCode` value.
    """

    code: int = 0
    properties: Properties = NO_PROPERTIES


def read_auth(flags: int, reader: Reader, version: Version) -> Auth:
    """Read an AUTH from its body."""
    if version is Version.V311:
        raise MalformedPacket("AUTH does not exist in 3.1.1")
    if flags:
        raise MalformedPacket("reserved header flags are set in AUTH")
    if reader.at_end:
        return Auth()
    code = reader.byte()
    properties = NO_PROPERTIES if reader.at_end else read_properties(reader, Place.AUTH)
    reader.expect_end()
    return Auth(code=code, properties=properties)


def write_auth(packet: Auth) -> bytes:
    """Write an AUTH, in its short form where it says nothing."""
    body = b""
    if packet.code or packet.properties is not NO_PROPERTIES:
        body = bytes((packet.code,)) + write_properties(packet.properties)
    return fields.framed(TYPE << 4, body)
