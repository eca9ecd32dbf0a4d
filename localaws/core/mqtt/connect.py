"""CONNECT: the first packet of a connection, and the will it may carry.

Source: MQTT 3.1.1 section 3.1; MQTT 5.0 section 3.1.
"""

from dataclasses import dataclass, field

from localaws.core.mqtt import fields
from localaws.core.mqtt.errors import MalformedPacket, ProtocolViolation, UnsupportedVersion
from localaws.core.mqtt.fields import Reader
from localaws.core.mqtt.properties import (
    NO_PROPERTIES,
    Place,
    Properties,
    read_properties,
    write_properties,
)
from localaws.core.mqtt.version import Version

TYPE = 1

_RESERVED, _CLEAN, _WILL, _WILL_RETAIN, _PASSWORD, _USER_NAME = 0x01, 0x02, 0x04, 0x20, 0x40, 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class Will:
    """The message the broker publishes when the connection ends without a DISCONNECT.

    Attributes:
        qos: 0, 1 or 2.
    """

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """A client asks to be connected.

    Attributes:
        clean_start: 3.1.1 calls it clean session; there it also ends the session with the connection.
        keep_alive_s: 0..65535; 0 asks for none.
        password: Not shown in `repr`.
    """

    version: Version
    client_id: str
    clean_start: bool = True
    keep_alive_s: int = 0
    will: Will | None = None
    user_name: str | None = None
    password: bytes | None = field(default=None, repr=False)
    properties: Properties = NO_PROPERTIES


def read_connect(flags: int, reader: Reader) -> Connect:
    """Read a CONNECT from its body.

    Raises:
        UnsupportedVersion: Neither 3.1.1 nor 5.
        MalformedPacket, ProtocolViolation: It is no legal CONNECT.
    """
    if flags:
        raise MalformedPacket("reserved header flags are set in CONNECT")
    version = _read_version(reader)
    bits = reader.byte()
    if bits & _RESERVED:
        raise MalformedPacket("the reserved connect flag is set")
    if version is Version.V311 and bits & _PASSWORD and not bits & _USER_NAME:
        raise ProtocolViolation("a password without a user name")
    keep_alive_s = reader.two_bytes()
    is_5 = version is Version.V5
    properties = read_properties(reader, Place.CONNECT) if is_5 else NO_PROPERTIES
    client_id = reader.text()
    will = _read_will(bits, reader, is_5=is_5)
    user_name = reader.text() if bits & _USER_NAME else None
    password = reader.binary() if bits & _PASSWORD else None
    reader.expect_end()
    return Connect(
        version=version,
        client_id=client_id,
        clean_start=bool(bits & _CLEAN),
        keep_alive_s=keep_alive_s,
        will=will,
        user_name=user_name,
        password=password,
        properties=properties,
    )


def write_connect(packet: Connect) -> bytes:
    """Write a CONNECT, in the version it asks for."""
    is_5 = packet.version is Version.V5
    bits = _CLEAN if packet.clean_start else 0
    tail = fields.text(packet.client_id)
    if packet.will is not None:
        will = packet.will
        bits |= _WILL | will.qos << 3 | (_WILL_RETAIN if will.retain else 0)
        tail += write_properties(will.properties) if is_5 else b""
        tail += fields.text(will.topic) + fields.binary(will.payload)
    if packet.user_name is not None:
        bits |= _USER_NAME
        tail += fields.text(packet.user_name)
    if packet.password is not None:
        bits |= _PASSWORD
        tail += fields.binary(packet.password)
    head = fields.text("MQTT") + bytes((packet.version, bits))
    head += fields.integer(packet.keep_alive_s, 2)
    head += write_properties(packet.properties) if is_5 else b""
    return fields.framed(TYPE << 4, head + tail)


def _read_version(reader: Reader) -> Version:
    name = reader.binary()
    level = reader.byte()
    if name != b"MQTT":
        # 3.1 calls itself MQIsdp; some clients try it first and go on with 3.1.1 when told.
        if name == b"MQIsdp":
            raise UnsupportedVersion(level)
        raise MalformedPacket("the protocol name is not MQTT")
    if level == Version.V311:
        return Version.V311
    if level == Version.V5:
        return Version.V5
    raise UnsupportedVersion(level)


def _read_will(bits: int, reader: Reader, *, is_5: bool) -> Will | None:
    qos = bits >> 3 & 3
    if not bits & _WILL:
        if qos or bits & _WILL_RETAIN:
            raise MalformedPacket("will QoS or retain without a will")
        return None
    if qos == 3:
        raise MalformedPacket("the will has QoS 3")
    properties = read_properties(reader, Place.WILL) if is_5 else NO_PROPERTIES
    return Will(
        topic=reader.text(),
        payload=reader.binary(),
        qos=qos,
        retain=bool(bits & _WILL_RETAIN),
        properties=properties,
    )
