"""The data types packets are made of: integers, strings, binary data, variable byte integers.

Owns reading with every bound checked, and writing with every limit checked. Does not know packets.

Source: MQTT 5.0 section 1.5, data representation (3.1.1 has a subset of it).
"""

from localaws.core.mqtt.errors import EncodingError, MalformedPacket

MAX_VARIABLE = 268_435_455
"""Largest variable byte integer, four bytes. Source: MQTT 5.0 section 1.5.5."""

MAX_BLOCK_BYTES = 65_535
"""Most bytes in a string or in binary data: its length has two bytes. Source: section 1.5.4."""


class Reader:
    """Read fields one after another from the body of one packet.

    Every method raises `MalformedPacket` when the body ends inside the field.
    """

    __slots__ = ("_body", "_end", "_position")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._position = 0
        self._end = len(body)

    @property
    def at_end(self) -> bool:
        """True when every byte has been read."""
        return self._position == self._end

    def byte(self) -> int:
        """Read an unsigned byte."""
        position = self._position
        if position >= self._end:
            raise MalformedPacket("the packet ends inside a field")
        self._position = position + 1
        return self._body[position]

    def two_bytes(self) -> int:
        """Read an unsigned integer of two bytes, big-endian."""
        position = self._position
        if position + 2 > self._end:
            raise MalformedPacket("the packet ends inside a field")
        self._position = position + 2
        return self._body[position] << 8 | self._body[position + 1]

    def four_bytes(self) -> int:
        """Read an unsigned integer of four bytes, big-endian."""
        return int.from_bytes(self.take(4))

    def variable(self) -> int:
        """Read a variable byte integer. Source: MQTT 5.0 section 1.5.5, minimal form required."""
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if shift and byte == 0:
                    raise MalformedPacket("a variable byte integer is longer than needed")
                return value
        raise MalformedPacket("a variable byte integer has more than four bytes")

    def take(self, size: int) -> bytes:
        """Read exactly `size` bytes."""
        position = self._position
        stop = position + size
        if stop > self._end:
            raise MalformedPacket("the packet ends inside a field")
        self._position = stop
        return self._body[position:stop]

    def binary(self) -> bytes:
        """Read binary data: two bytes of length, then the bytes."""
        return self.take(self.two_bytes())

    def text(self) -> str:
        """Read a UTF-8 string without U+0000. Source: MQTT 5.0 section 1.5.4."""
        try:
            value = self.take(self.two_bytes()).decode()
        except UnicodeDecodeError:
            raise MalformedPacket("a string is not valid UTF-8") from None
        if "\0" in value:
            raise MalformedPacket("a string holds U+0000")
        return value

    def rest(self) -> bytes:
        """Read what is left, perhaps nothing."""
        return self.take(self._end - self._position)

    def expect_end(self) -> None:
        """Refuse bytes behind the last field."""
        if self._position != self._end:
            raise MalformedPacket("the packet goes on behind its last field")


def variable(value: int) -> bytes:
    """Write a variable byte integer, in its shortest form."""
    if value < 0x80:
        if value < 0:
            raise EncodingError("a variable byte integer below 0")
        return bytes((value,))
    if value > MAX_VARIABLE:
        raise EncodingError(f"a variable byte integer above {MAX_VARIABLE}")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def integer(value: int, size: int) -> bytes:
    """Write an unsigned integer of `size` bytes, big-endian."""
    try:
        return value.to_bytes(size)
    except OverflowError:
        raise EncodingError(f"the integer {value} in {size} bytes") from None


def binary(value: bytes) -> bytes:
    """Write binary data: two bytes of length, then the bytes."""
    if len(value) > MAX_BLOCK_BYTES:
        raise EncodingError(f"a block of {len(value)} bytes; the limit is {MAX_BLOCK_BYTES}")
    return len(value).to_bytes(2) + value


def text(value: str) -> bytes:
    """Write a UTF-8 string."""
    if "\0" in value:
        raise EncodingError("a string with U+0000")
    try:
        return binary(value.encode())
    except UnicodeEncodeError:
        raise EncodingError("a string with a lone surrogate") from None


def framed(first_byte: int, body: bytes) -> bytes:
    """Put a fixed header in front of a body. Source: MQTT 5.0 section 2.1."""
    return bytes((first_byte,)) + variable(len(body)) + body
