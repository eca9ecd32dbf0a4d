"""Any packet: there and back in both versions, and the very bytes of the specification."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localaws.core.mqtt.acknowledgement import Puback, Pubrel
from localaws.core.mqtt.auth import Auth
from localaws.core.mqtt.connack import Connack
from localaws.core.mqtt.connect import Connect, Will
from localaws.core.mqtt.disconnect import Disconnect
from localaws.core.mqtt.errors import ProtocolError
from localaws.core.mqtt.packet import Packet, encode, read_packet
from localaws.core.mqtt.ping import Pingreq, Pingresp
from localaws.core.mqtt.properties import Properties
from localaws.core.mqtt.publish import Publish
from localaws.core.mqtt.suback import Suback
from localaws.core.mqtt.subscribe import Request, Subscribe
from localaws.core.mqtt.unsuback import Unsuback
from localaws.core.mqtt.unsubscribe import Unsubscribe
from localaws.core.mqtt.version import Version
from tests.unit.localaws.core.mqtt.strategies import packets, versions

V311, V5 = Version.V311, Version.V5

VECTORS: list[tuple[Version, Packet, str]] = [
    (V311, Connect(version=V311, client_id="c", keep_alive_s=60), "100d00044d5154540402003c000163"),
    (
        V311,
        Connect(
            version=V311,
            client_id="c",
            will=Will(topic="w", payload=b"x", qos=1, retain=True),
            user_name="u",
            password=b"p",
        ),
        "101900044d51545404ee00000001630001770001780001750001" + "70",
    ),
    (
        V5,
        Connect(version=V5, client_id="", properties=Properties(session_expiry_interval_s=16)),
        "101200044d51545405020000051100000010" + "0000",
    ),
    (V311, Connack(code=0, session_present=True), "20020100"),
    (V5, Connack(code=0x87), "2003008700"),
    (V311, Publish(topic="a/b", payload=b"hi"), "30070003612f626869"),
    (
        V311,
        Publish(topic="a", payload=b"", qos=1, dup=True, retain=True, packet_id=258),
        "3b0500016101" + "02",
    ),
    (
        V5,
        Publish(topic="", payload=b"x", properties=Properties(topic_alias=3)),
        "3007000003230003" + "78",
    ),
    (V311, Puback(packet_id=7), "40020007"),
    (V5, Puback(packet_id=7, code=0x87), "4003000787"),
    (V311, Pubrel(packet_id=7), "62020007"),
    (
        V311,
        Subscribe(packet_id=1, requests=(Request(topic_filter="a/#", qos=1),)),
        "820800010003612f2301",
    ),
    (
        V5,
        Subscribe(
            packet_id=1,
            requests=(
                Request(
                    topic_filter="a",
                    qos=1,
                    no_local=True,
                    retain_as_published=True,
                    retain_handling=2,
                ),
            ),
        ),
        "8207000100000161" + "2d",
    ),
    (V311, Suback(packet_id=1, codes=(1, 0x80)), "900400010180"),
    (V311, Unsubscribe(packet_id=1, topic_filters=("a",)), "a20500010001" + "61"),
    (V311, Unsuback(packet_id=1), "b0020001"),
    (V5, Unsuback(packet_id=1, codes=(17,)), "b00400010011"),
    (V311, Pingreq(), "c000"),
    (V311, Pingresp(), "d000"),
    (V311, Disconnect(), "e000"),
    (V5, Disconnect(code=0x8E), "e0018e"),
    (V5, Auth(), "f000"),
]


@pytest.mark.parametrize(("version", "packet", "in_hex"), VECTORS)
def test_the_bytes_are_those_of_the_specification(
    version: Version, packet: Packet, in_hex: str
) -> None:
    """Each type of packet is written as the specification lays it out, and read back."""
    data = bytes.fromhex(in_hex)
    assert encode(packet, version) == data
    assert read_packet(data[0], data[2:], version) == packet


@settings(max_examples=60)
@given(st.data(), versions)
def test_what_is_written_is_read_back(data: st.DataObject, version: Version) -> None:
    """Reading an encoded packet gives the packet, in both versions."""
    packet = data.draw(packets(version))
    encoded = encode(packet, version)
    header = 1 + next(size for size in range(1, 5) if encoded[size] < 0x80)
    assert read_packet(encoded[0], encoded[header:], version) == packet


@given(st.integers(0, 255), st.binary(max_size=60), versions)
def test_random_bodies_raise_only_protocol_errors(
    first_byte: int, body: bytes, version: Version
) -> None:
    """Whatever a body holds, reading it gives a packet or a ProtocolError."""
    with suppress(ProtocolError):
        read_packet(first_byte, body, version)


@settings(max_examples=30)
@given(st.data(), versions)
def test_a_cut_packet_is_no_packet_of_another_length(data: st.DataObject, version: Version) -> None:
    """A body that was cut short raises ProtocolError or reads as something that writes back so short."""
    packet = data.draw(packets(version))
    encoded = encode(packet, version)
    header = 1 + next(size for size in range(1, 5) if encoded[size] < 0x80)
    body = encoded[header:]
    cut = body[: data.draw(st.integers(0, max(0, len(body) - 1)))]
    try:
        again = read_packet(encoded[0], cut, version)
    except ProtocolError:
        return
    assert len(encode(again, version)) <= len(encoded)


def test_a_packet_before_connect_is_refused() -> None:
    """Without a version only CONNECT can be read."""
    with pytest.raises(ProtocolError, match="not CONNECT"):
        read_packet(0xC0, b"", None)


@pytest.mark.parametrize(
    ("first_byte", "in_hex", "version"),
    [
        (0x00, "", V5),  # type 0
        (0xF0, "", V311),  # AUTH does not exist yet
        (0xC1, "", V311),  # flags in PINGREQ
        (0xC0, "00", V311),  # body in PINGREQ
        (0x80, "0001000161" + "00", V311),  # SUBSCRIBE without its flags
        (0x82, "0001", V311),  # SUBSCRIBE without filters
        (0x82, "0001000161" + "03", V311),  # QoS 3
        (0x82, "0001000161" + "04", V311),  # no local in 3.1.1
        (0x82, "000100000161" + "30", V5),  # retain handling 3
        (0x82, "0000000161" + "00", V311),  # packet id 0
        (0x82, "0001000000", V311),  # empty filter
        (0xA0, "0001000161", V311),  # UNSUBSCRIBE without its flags
        (0xA2, "0001", V311),  # UNSUBSCRIBE without filters
        (0x36, "000161" + "0001", V311),  # PUBLISH with QoS 3
        (0x38, "000161", V311),  # DUP with QoS 0
        (0x30, "00012b", V311),  # wildcard in a topic
        (0x30, "0000", V311),  # no topic
        (0x30, "000000", V5),  # neither topic nor alias
        (0x32, "000161" + "0000", V311),  # packet id 0
        (0x30, "0001ff", V311),  # not UTF-8
        (0x30, "000100", V311),  # U+0000
        (0x40, "000100", V311),  # PUBACK with a code in 3.1.1
        (0x60, "0001", V311),  # PUBREL without its flags
        (0xE0, "00", V311),  # DISCONNECT with a code in 3.1.1
        (0xE1, "", V311),  # flags in DISCONNECT
        (0xF1, "", V5),  # flags in AUTH
        (0x90 | 1, "000100", V311),  # flags in SUBACK
        (0xB1, "0001", V311),  # flags in UNSUBACK
        (0x20, "0200", V311),  # reserved bits in CONNACK
    ],
)
def test_illegal_packets_are_refused(first_byte: int, in_hex: str, version: Version) -> None:
    """Each rule of the specification that one packet alone can break is checked."""
    with pytest.raises(ProtocolError):
        read_packet(first_byte, bytes.fromhex(in_hex), version)
