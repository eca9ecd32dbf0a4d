"""Data types: there and back, every bound checked. Source: MQTT 5.0 section 1.5."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.core.mqtt import fields
from localaws.core.mqtt.errors import EncodingError, MalformedPacket
from localaws.core.mqtt.fields import Reader

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50)


@given(st.integers(0, fields.MAX_VARIABLE))
def test_variable_integers_come_back_in_their_shortest_form(value: int) -> None:
    """One byte for each seven bits."""
    data = fields.variable(value)
    reader = Reader(data)
    assert reader.variable() == value
    assert reader.at_end
    assert len(data) == max(1, (value.bit_length() + 6) // 7)


@pytest.mark.parametrize(
    ("value", "in_hex"), [(0, "00"), (127, "7f"), (128, "8001"), (268_435_455, "ffffff7f")]
)
def test_variable_integers_are_those_of_the_specification(value: int, in_hex: str) -> None:
    """The limits of table 1-1."""
    assert fields.variable(value) == bytes.fromhex(in_hex)


@pytest.mark.parametrize("in_hex", ["", "80", "8000", "ffffffff7f", "ffffffff"])
def test_malformed_variable_integers_are_refused(in_hex: str) -> None:
    """Cut off, longer than needed, of five bytes."""
    with pytest.raises(MalformedPacket):
        Reader(bytes.fromhex(in_hex)).variable()


@given(texts, st.binary(max_size=50), st.integers(0, 65_535), st.integers(0, 2**32 - 1))
def test_fields_come_back_one_after_another(text: str, blob: bytes, two: int, four: int) -> None:
    """Each reads exactly what it wrote."""
    data = (
        fields.text(text)
        + fields.binary(blob)
        + fields.integer(two, 2)
        + fields.integer(four, 4)
        + b"rest"
    )
    reader = Reader(data)
    assert (reader.text(), reader.binary()) == (text, blob)
    assert (reader.two_bytes(), reader.four_bytes()) == (two, four)
    assert reader.rest() == b"rest"
    reader.expect_end()


READS: list[Callable[[Reader], object]] = [
    Reader.byte,
    Reader.two_bytes,
    Reader.four_bytes,
    Reader.variable,
    Reader.text,
    Reader.binary,
    lambda reader: reader.take(1),
]


@pytest.mark.parametrize("read", READS)
def test_nothing_is_read_past_the_end(read: Callable[[Reader], object]) -> None:
    """Whatever is asked for."""
    with pytest.raises(MalformedPacket):
        read(Reader(b""))


@pytest.mark.parametrize("in_hex", ["0001", "0001ff", "000100", "0003eda080"])
def test_malformed_strings_are_refused(in_hex: str) -> None:
    """Cut off, not UTF-8, U+0000, a surrogate. Source: section 1.5.4."""
    with pytest.raises(MalformedPacket):
        Reader(bytes.fromhex(in_hex)).text()


def test_bytes_behind_the_last_field_are_refused() -> None:
    """A body has one reading."""
    with pytest.raises(MalformedPacket):
        Reader(b"x").expect_end()


@pytest.mark.parametrize(
    "write",
    [
        lambda: fields.variable(-1),
        lambda: fields.variable(fields.MAX_VARIABLE + 1),
        lambda: fields.integer(65_536, 2),
        lambda: fields.integer(-1, 2),
        lambda: fields.binary(bytes(65_536)),
        lambda: fields.text("a" * 65_536),
        lambda: fields.text("\0"),
        lambda: fields.text("\ud800"),
    ],
)
def test_what_has_no_encoding_is_our_own_bug(write: Callable[[], bytes]) -> None:
    """Not a peer's fault."""
    with pytest.raises(EncodingError):
        write()


def test_a_frame_has_its_length_in_front() -> None:
    """Type and flags, then the remaining length."""
    assert fields.framed(0x30, bytes(200))[:3] == b"\x30\xc8\x01"
