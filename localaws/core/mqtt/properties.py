"""MQTT 5 properties: one frozen value, the table of their types and the packets they may stand in.

Owns reading and writing the property list, and the checks one property alone allows. What a
property means is decided by the broker.

Source: MQTT 5.0 section 2.2.2, table 2-4.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, Flag, auto
from typing import Any

from localaws.core.mqtt import fields
from localaws.core.mqtt.errors import MalformedPacket, ProtocolViolation
from localaws.core.mqtt.fields import Reader
from localaws.core.mqtt.reason import ReasonCode


class Place(Flag):
    """Where a property list stands: a packet type, or the will inside CONNECT."""

    CONNECT = auto()
    WILL = auto()
    CONNACK = auto()
    PUBLISH = auto()
    ACKNOWLEDGEMENT = auto()
    SUBSCRIBE = auto()
    SUBACK = auto()
    UNSUBSCRIBE = auto()
    UNSUBACK = auto()
    DISCONNECT = auto()
    AUTH = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Properties:
    """The properties of one packet; None or an empty tuple stands for "not sent".

    Seconds for every interval, bytes for every size. Flags are 0 or 1.
    """

    payload_format_indicator: int | None = None
    message_expiry_interval_s: int | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation_data: bytes | None = None
    subscription_identifiers: tuple[int, ...] = ()
    session_expiry_interval_s: int | None = None
    assigned_client_id: str | None = None
    server_keep_alive_s: int | None = None
    authentication_method: str | None = None
    authentication_data: bytes | None = None
    request_problem_information: int | None = None
    will_delay_interval_s: int | None = None
    request_response_information: int | None = None
    response_information: str | None = None
    server_reference: str | None = None
    reason_string: str | None = None
    receive_maximum: int | None = None
    topic_alias_maximum: int | None = None
    topic_alias: int | None = None
    maximum_qos: int | None = None
    retain_available: int | None = None
    user_properties: tuple[tuple[str, str], ...] = ()
    maximum_packet_bytes: int | None = None
    wildcard_subscription_available: int | None = None
    subscription_identifier_available: int | None = None
    shared_subscription_available: int | None = None


NO_PROPERTIES = Properties()
"""The empty list, shared by all packets that have none."""


class _Kind(Enum):
    """The data type of a property's value."""

    FLAG = auto()
    TWO_BYTES = auto()
    FOUR_BYTES = auto()
    VARIABLE = auto()
    TEXT = auto()
    BINARY = auto()
    PAIR = auto()


_ALL = ~Place(0)
_ANSWERS = (
    Place.CONNACK | Place.ACKNOWLEDGEMENT | Place.SUBACK | Place.UNSUBACK | Place.DISCONNECT
) | Place.AUTH
_MESSAGE = Place.PUBLISH | Place.WILL

_TABLE: dict[int, tuple[str, _Kind, Place]] = {
    0x01: ("payload_format_indicator", _Kind.FLAG, _MESSAGE),
    0x02: ("message_expiry_interval_s", _Kind.FOUR_BYTES, _MESSAGE),
    0x03: ("content_type", _Kind.TEXT, _MESSAGE),
    0x08: ("response_topic", _Kind.TEXT, _MESSAGE),
    0x09: ("correlation_data", _Kind.BINARY, _MESSAGE),
    0x0B: ("subscription_identifiers", _Kind.VARIABLE, Place.PUBLISH | Place.SUBSCRIBE),
    0x11: (
        "session_expiry_interval_s",
        _Kind.FOUR_BYTES,
        Place.CONNECT | Place.CONNACK | Place.DISCONNECT,
    ),
    0x12: ("assigned_client_id", _Kind.TEXT, Place.CONNACK),
    0x13: ("server_keep_alive_s", _Kind.TWO_BYTES, Place.CONNACK),
    0x15: ("authentication_method", _Kind.TEXT, Place.CONNECT | Place.CONNACK | Place.AUTH),
    0x16: ("authentication_data", _Kind.BINARY, Place.CONNECT | Place.CONNACK | Place.AUTH),
    0x17: ("request_problem_information", _Kind.FLAG, Place.CONNECT),
    0x18: ("will_delay_interval_s", _Kind.FOUR_BYTES, Place.WILL),
    0x19: ("request_response_information", _Kind.FLAG, Place.CONNECT),
    0x1A: ("response_information", _Kind.TEXT, Place.CONNACK),
    0x1C: ("server_reference", _Kind.TEXT, Place.CONNACK | Place.DISCONNECT),
    0x1F: ("reason_string", _Kind.TEXT, _ANSWERS),
    0x21: ("receive_maximum", _Kind.TWO_BYTES, Place.CONNECT | Place.CONNACK),
    0x22: ("topic_alias_maximum", _Kind.TWO_BYTES, Place.CONNECT | Place.CONNACK),
    0x23: ("topic_alias", _Kind.TWO_BYTES, Place.PUBLISH),
    0x24: ("maximum_qos", _Kind.FLAG, Place.CONNACK),
    0x25: ("retain_available", _Kind.FLAG, Place.CONNACK),
    0x26: ("user_properties", _Kind.PAIR, _ALL),
    0x27: ("maximum_packet_bytes", _Kind.FOUR_BYTES, Place.CONNECT | Place.CONNACK),
    0x28: ("wildcard_subscription_available", _Kind.FLAG, Place.CONNACK),
    0x29: ("subscription_identifier_available", _Kind.FLAG, Place.CONNACK),
    0x2A: ("shared_subscription_available", _Kind.FLAG, Place.CONNACK),
}

_NEVER_ZERO = {
    "receive_maximum": ReasonCode.PROTOCOL_ERROR,
    "maximum_packet_bytes": ReasonCode.PROTOCOL_ERROR,
    "subscription_identifiers": ReasonCode.PROTOCOL_ERROR,
    "topic_alias": ReasonCode.TOPIC_ALIAS_INVALID,
}
"""Values that must not be 0, and the reason code for it. Source: sections 3.1.2.11 and 3.3.2.3."""


def _pair(reader: Reader) -> tuple[str, str]:
    return reader.text(), reader.text()


def _write_pair(value: tuple[str, str]) -> bytes:
    return fields.text(value[0]) + fields.text(value[1])


_READ: dict[_Kind, Callable[[Reader], Any]] = {
    _Kind.FLAG: Reader.byte,
    _Kind.TWO_BYTES: Reader.two_bytes,
    _Kind.FOUR_BYTES: Reader.four_bytes,
    _Kind.VARIABLE: Reader.variable,
    _Kind.TEXT: Reader.text,
    _Kind.BINARY: Reader.binary,
    _Kind.PAIR: _pair,
}

_WRITE: dict[_Kind, Callable[[Any], bytes]] = {
    _Kind.FLAG: lambda value: fields.integer(value, 1),
    _Kind.TWO_BYTES: lambda value: fields.integer(value, 2),
    _Kind.FOUR_BYTES: lambda value: fields.integer(value, 4),
    _Kind.VARIABLE: fields.variable,
    _Kind.TEXT: fields.text,
    _Kind.BINARY: fields.binary,
    _Kind.PAIR: _write_pair,
}


def read_properties(reader: Reader, place: Place) -> Properties:
    """Read a property list with its length in front.

    Raises:
        MalformedPacket: It cannot be read, or holds an unknown property.
        ProtocolViolation: A property stands in the wrong packet, twice, or with an illegal value.
    """
    size = reader.variable()
    if size == 0:
        return NO_PROPERTIES
    listing = Reader(reader.take(size))
    found: dict[str, Any] = {}
    several: dict[str, list[Any]] = {}
    while not listing.at_end:
        name, kind, places = _look_up(listing.variable())
        if place not in places:
            raise ProtocolViolation(f"the property {name} may not stand here")
        value = _READ[kind](listing)
        _check_value(name, kind, value)
        if kind is _Kind.PAIR or (name == "subscription_identifiers" and place is Place.PUBLISH):
            several.setdefault(name, []).append(value)
        elif name in found:
            raise ProtocolViolation(f"the property {name} stands there twice")
        else:
            found[name] = (value,) if name == "subscription_identifiers" else value
    found.update((name, tuple(values)) for name, values in several.items())
    return Properties(**found)


def write_properties(properties: Properties) -> bytes:
    """Write a property list with its length in front; the caller knows what may stand where."""
    if properties is NO_PROPERTIES:
        return b"\0"
    out = bytearray()
    for identifier, (name, kind, _) in _TABLE.items():
        value = getattr(properties, name)
        if value is None:
            continue
        for one in value if isinstance(value, tuple) else (value,):
            out.append(identifier)
            out += _WRITE[kind](one)
    return fields.variable(len(out)) + bytes(out)


def allowed_names(place: Place) -> Iterable[str]:
    """Name the properties that may stand in a place, in the order of their identifiers."""
    return (name for name, _, places in _TABLE.values() if place in places)


def _look_up(identifier: int) -> tuple[str, _Kind, Place]:
    try:
        return _TABLE[identifier]
    except KeyError:
        raise MalformedPacket(f"the property 0x{identifier:02X} does not exist") from None


def _check_value(name: str, kind: _Kind, value: Any) -> None:
    if kind is _Kind.FLAG and value > 1:
        raise ProtocolViolation(f"the property {name} is neither 0 nor 1")
    if value == 0 and name in _NEVER_ZERO:
        raise ProtocolViolation(f"the property {name} is 0", reason=_NEVER_ZERO[name])
