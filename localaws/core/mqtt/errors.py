"""Every error that the MQTT codec raises, each under a root of `localaws.errors`.

    LocalAwsError
    ├── Misuse
    │   └── EncodingError         our bug: a packet that cannot be put on the wire
    └── PeerMisbehaved
        └── ProtocolError         the peer's fault, with the reason code MQTT 5 has for it
            ├── MalformedPacket       0x81: bytes that are no packet
            ├── ProtocolViolation     0x82: a well-formed packet that breaks the protocol's rules
            ├── PacketTooLarge        0x95: more bytes than the receiver takes
            └── UnsupportedVersion    0x84: a protocol level other than 4 and 5

The facts are attributes; the text is made from them and never holds a payload or a credential.

Source: MQTT 5.0 section 4.13, handling errors.
"""

from localaws.core.mqtt.reason import ReasonCode
from localaws.errors import Misuse, PeerMisbehaved


class EncodingError(Misuse):
    """A packet of ours holds a value that has no encoding."""

    def __str__(self) -> str:
        return f"cannot encode: {self.problem}"


class ProtocolError(PeerMisbehaved):
    """The peer's bytes end the connection.

    Attributes:
        reason: The MQTT 5 reason code to close with.
    """

    reason = ReasonCode.UNSPECIFIED_ERROR

    def __init__(self, problem: str, *, reason: ReasonCode | None = None) -> None:
        super().__init__(problem)
        if reason is not None:
            self.reason = reason

    def __str__(self) -> str:
        return f"{self.problem} (0x{self.reason:02X})"


class MalformedPacket(ProtocolError):
    """Bytes that cannot be read as a packet."""

    reason = ReasonCode.MALFORMED_PACKET


class ProtocolViolation(ProtocolError):
    """A packet that can be read but is not allowed to say what it says."""

    reason = ReasonCode.PROTOCOL_ERROR


class PacketTooLarge(ProtocolError):
    """A packet longer than the receiver takes.

    Attributes:
        size: Bytes after the fixed header, as announced.
        limit: Bytes the receiver takes there.
    """

    reason = ReasonCode.PACKET_TOO_LARGE

    def __init__(self, *, size: int, limit: int) -> None:
        super().__init__(f"a packet of {size} bytes; the limit is {limit}")
        self.size = size
        self.limit = limit


class UnsupportedVersion(ProtocolError):
    """A CONNECT for a protocol that we do not speak.

    Attributes:
        level: The protocol level that was asked for.
    """

    reason = ReasonCode.UNSUPPORTED_PROTOCOL_VERSION

    def __init__(self, level: int) -> None:
        super().__init__(f"protocol level {level}; known are 4 (3.1.1) and 5")
        self.level = level
