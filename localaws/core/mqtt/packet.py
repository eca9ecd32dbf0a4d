"""A packet of any type: the union of all of them, and the way to and from bytes.

Source: MQTT 5.0 section 2.1.2, packet types.
"""

from collections.abc import Callable
from functools import partial

from localaws.core.mqtt.acknowledgement import (
    Acknowledgement,
    Puback,
    Pubcomp,
    Pubrec,
    Pubrel,
    read_acknowledgement,
    write_acknowledgement,
)
from localaws.core.mqtt.auth import Auth, read_auth, write_auth
from localaws.core.mqtt.connack import Connack, read_connack, write_connack
from localaws.core.mqtt.connect import Connect, read_connect, write_connect
from localaws.core.mqtt.disconnect import Disconnect, read_disconnect, write_disconnect
from localaws.core.mqtt.errors import MalformedPacket, ProtocolViolation
from localaws.core.mqtt.fields import Reader
from localaws.core.mqtt.ping import PINGREQ_BYTES, PINGRESP_BYTES, Pingreq, Pingresp
from localaws.core.mqtt.publish import Publish, read_publish, write_publish
from localaws.core.mqtt.suback import Suback, read_suback, write_suback
from localaws.core.mqtt.subscribe import Subscribe, read_subscribe, write_subscribe
from localaws.core.mqtt.unsuback import Unsuback, read_unsuback, write_unsuback
from localaws.core.mqtt.unsubscribe import Unsubscribe, read_unsubscribe, write_unsubscribe
from localaws.core.mqtt.version import Version

Packet = (
    Connect
    | Connack
    | Publish
    | Puback
    | Pubrec
    | Pubrel
    | Pubcomp
    | Subscribe
    | Suback
    | Unsubscribe
    | Unsuback
    | Pingreq
    | Pingresp
    | Disconnect
    | Auth
)
"""Any packet."""


def read_packet(first_byte: int, body: bytes, version: Version | None) -> Packet:
    """Read one packet from its first byte and the body behind its fixed header.

    Args:
        first_byte: Packet type in the upper half, flags in the lower.
        body: What follows the fixed header, complete.
        version: None before a CONNECT has said it; then only a CONNECT is read.

    Raises:
        ProtocolError: It is no legal packet.
    """
    kind = first_byte >> 4
    flags = first_byte & 0x0F
    reader = Reader(body)
    if kind == 1:
        return read_connect(flags, reader)
    if version is None:
        raise ProtocolViolation("the first packet is not CONNECT")
    try:
        read = _READ[kind]
    except KeyError:
        raise MalformedPacket(f"the packet type {kind} does not exist") from None
    return read(flags, reader, version)


def _read_ping(flags: int, reader: Reader, _: Version) -> Pingreq:
    _expect_nothing(flags, reader)
    return Pingreq()


def _read_pong(flags: int, reader: Reader, _: Version) -> Pingresp:
    _expect_nothing(flags, reader)
    return Pingresp()


def _expect_nothing(flags: int, reader: Reader) -> None:
    reader.expect_end()
    if flags:
        raise MalformedPacket("reserved header flags are set in a ping")


_READ: dict[int, Callable[[int, Reader, Version], Packet]] = {
    2: read_connack,
    3: read_publish,
    4: partial(read_acknowledgement, Puback),
    5: partial(read_acknowledgement, Pubrec),
    6: partial(read_acknowledgement, Pubrel),
    7: partial(read_acknowledgement, Pubcomp),
    8: read_subscribe,
    9: read_suback,
    10: read_unsubscribe,
    11: read_unsuback,
    12: _read_ping,
    13: _read_pong,
    14: read_disconnect,
    15: read_auth,
}


def encode(packet: Packet, version: Version) -> bytes:
    """Write one packet.

    Args:
        packet: Any packet; a CONNECT is written in the version it carries.
        version: The connection's version; properties are left out in 3.1.1.

    Raises:
        EncodingError: A value has no encoding; our bug.
    """
    match packet:
        case Publish():
            return write_publish(packet, version)
        case Acknowledgement():
            return write_acknowledgement(packet, version)
        case Pingreq():
            return PINGREQ_BYTES
        case Pingresp():
            return PINGRESP_BYTES
        case Connect():
            return write_connect(packet)
        case Connack():
            return write_connack(packet, version)
        case Subscribe():
            return write_subscribe(packet, version)
        case Suback():
            return write_suback(packet, version)
        case Unsubscribe():
            return write_unsubscribe(packet, version)
        case Unsuback():
            return write_unsuback(packet, version)
        case Disconnect():
            return write_disconnect(packet, version)
        case Auth():
            return write_auth(packet)
