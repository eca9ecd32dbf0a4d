"""The incremental decoder: any split gives the same packets, and no bytes give anything but a failure."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from localaws.core.mqtt.connect import Connect
from localaws.core.mqtt.decoder import Decoder
from localaws.core.mqtt.errors import MalformedPacket, PacketTooLarge
from localaws.core.mqtt.packet import Packet, encode
from localaws.core.mqtt.ping import PINGREQ_BYTES, Pingreq
from localaws.core.mqtt.publish import Publish
from localaws.core.mqtt.version import Version
from tests.unit.localaws.core.mqtt.strategies import streams, versions


def decoded(portions: list[bytes], decoder: Decoder | None = None) -> tuple[list[Packet], str]:
    """Feed portions; return all packets and the failure's text."""
    decoder = decoder or Decoder()
    packets = [packet for portion in portions for packet in decoder.feed(portion)]
    return packets, str(decoder.failure)


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut bytes at the given places."""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:stop] for start, stop in pairwise(places)]


@settings(max_examples=30)
@given(st.data(), versions, st.lists(st.integers(0, 10_000), max_size=12))
def test_any_split_gives_the_same_packets(
    data: st.DataObject, version: Version, cuts: list[int]
) -> None:
    """However a legal stream is cut into portions, the packets are those that were written."""
    packets = data.draw(streams(version))
    stream = b"".join(encode(packet, version) for packet in packets)
    assert decoded(split(stream, cuts)) == (packets, "None")
    assert decoded([bytes((byte,)) for byte in stream]) == (packets, "None")


@given(st.binary(max_size=200), st.lists(st.integers(0, 10_000), max_size=6))
def test_random_bytes_never_raise(data: bytes, cuts: list[int]) -> None:
    """Random bytes give packets or a failure, the same ones for every split."""
    assert decoded(split(data, cuts)) == decoded([data])


@settings(max_examples=30)
@given(
    st.data(),
    versions,
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4),
    st.lists(st.integers(0, 10_000), max_size=6),
)
def test_mutated_streams_never_raise(
    data: st.DataObject, version: Version, changes: list[tuple[int, int]], cuts: list[int]
) -> None:
    """A legal stream with bytes changed gives packets or a failure, the same ones for every split."""
    packets = data.draw(streams(version))
    stream = bytearray(b"".join(encode(packet, version) for packet in packets))
    for place, byte in changes:
        stream[place % len(stream)] = byte
    assert decoded(split(bytes(stream), cuts)) == decoded([bytes(stream)])


def test_packets_in_front_of_a_malformed_one_are_returned() -> None:
    """What came whole and legal is handled; what follows the fault is ignored."""
    decoder = Decoder(version=Version.V311)
    assert decoder.feed(PINGREQ_BYTES + b"\xc1\x00" + PINGREQ_BYTES) == [Pingreq()]
    assert isinstance(decoder.failure, MalformedPacket)
    assert decoder.feed(PINGREQ_BYTES) == []


def test_the_version_is_learnt_from_connect() -> None:
    """After a CONNECT the rest of the stream is read in its version."""
    decoder = Decoder()
    stream = encode(Connect(version=Version.V5, client_id="c"), Version.V5)
    publish = Publish(topic="a", payload=b"x")
    assert decoder.feed(stream + encode(publish, Version.V5))[1:] == [publish]
    assert decoder.version is Version.V5


def test_a_packet_too_large_is_refused_by_its_header() -> None:
    """The announced size is enough: nothing is buffered for it."""
    decoder = Decoder(version=Version.V311, max_packet_bytes=100)
    assert decoder.feed(b"\x30\x65") == []
    assert isinstance(decoder.failure, PacketTooLarge)
    assert (decoder.failure.size, decoder.failure.limit) == (101, 100)


def test_a_length_of_five_bytes_is_malformed() -> None:
    """The remaining length has at most four bytes."""
    decoder = Decoder(version=Version.V311)
    decoder.feed(b"\x30\xff\xff\xff\xff\x01")
    assert isinstance(decoder.failure, MalformedPacket)


def test_a_large_packet_in_tiny_portions_costs_time_by_its_size() -> None:
    """128 KB byte by byte take a fraction of a second; by size squared it would be minutes."""
    data = encode(Publish(topic="a", payload=bytes(131_072)), Version.V311)
    decoder = Decoder(version=Version.V311)
    packets = [packet for byte in data for packet in decoder.feed(bytes((byte,)))]
    assert len(packets) == 1
