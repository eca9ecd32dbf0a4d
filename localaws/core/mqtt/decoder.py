"""The incremental decoder: bytes in any portions, packets out.

Owns the split of a byte stream into packets, the bound on their size, and what happens behind a
malformed one. A WebSocket's frames are such portions; MQTT packets may be split or merged across
them (aws-iot-facts 1.12).

Source: MQTT 5.0 section 2.1, structure of a packet; section 4.13.1, malformed packets.
"""

from localaws.core.mqtt.connect import Connect
from localaws.core.mqtt.errors import MalformedPacket, PacketTooLarge, ProtocolError
from localaws.core.mqtt.packet import Packet, read_packet
from localaws.core.mqtt.version import Version

MAX_PACKET_BYTES = 146 * 1024
"""Most bytes of one packet. Source: aws-iot-facts 3.11, largest version 5 packet; a 3.1.1 packet
with the largest payload fits as well."""


class Decoder:
    """Turn a byte stream into packets.

    A peer's fault is a value, not an exception: packets in front of a malformed one must still be
    handled, and must be the same ones however the stream was split. So `feed` never raises;
    look at `failure` after handling what it returned.

    Attributes:
        version: None until a CONNECT was read; set it at once to read a broker's packets.
        failure: Why the stream ended, or None. Once set, further bytes are ignored.
    """

    __slots__ = ("_max_bytes", "_partial", "_wanted", "failure", "version")

    def __init__(
        self, *, version: Version | None = None, max_packet_bytes: int = MAX_PACKET_BYTES
    ) -> None:
        self.version = version
        self.failure: ProtocolError | None = None
        self._max_bytes = max_packet_bytes
        self._partial: bytearray | None = None
        self._wanted = 2

    @property
    def at_boundary(self) -> bool:
        """True when no packet has begun, and the stream goes on."""
        return self._partial is None and self.failure is None

    def feed(self, data: bytes) -> list[Packet]:
        """Take the next bytes and return the packets they complete, perhaps none."""
        if self.failure is not None:
            return []
        if self._partial is None:
            return self._split(data)
        self._partial += data
        if len(self._partial) < self._wanted:
            # Without this a large packet in tiny portions would cost time by its size squared.
            return []
        whole, self._partial = bytes(self._partial), None
        return self._split(whole)

    def _split(self, data: bytes) -> list[Packet]:
        packets: list[Packet] = []
        position, end = 0, len(data)
        try:
            while end - position >= 2:
                size, body = self._header(data, position)
                if body + size > end:
                    self._wanted = body + size - position
                    break
                packet = read_packet(data[position], data[body : body + size], self.version)
                if isinstance(packet, Connect):
                    self.version = packet.version
                packets.append(packet)
                position = body + size
            else:
                self._wanted = 2
        except ProtocolError as failure:
            self.failure = failure
            return packets
        if position < end:
            self._partial = bytearray(data[position:] if position else data)
        return packets

    def _header(self, data: bytes, position: int) -> tuple[int, int]:
        """Return the body's size and where it starts; one byte too many if the size is cut off."""
        size, shift = 0, 0
        for index in range(position + 1, min(position + 5, len(data))):
            size |= (data[index] & 0x7F) << shift
            if data[index] < 0x80:
                if size > self._max_bytes:
                    raise PacketTooLarge(size=size, limit=self._max_bytes)
                return size, index + 1
            shift += 7
        if shift == 28:
            raise MalformedPacket("the remaining length has more than four bytes")
        return 1, len(data)
