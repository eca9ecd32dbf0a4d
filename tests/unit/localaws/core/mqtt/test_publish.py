"""PUBLISH prepared once for many receivers: the same bytes as written one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.core.mqtt.decoder import Decoder
from localaws.core.mqtt.errors import EncodingError
from localaws.core.mqtt.publish import PreparedPublish, Publish, prepare, write_publish
from localaws.core.mqtt.version import Version
from tests.unit.localaws.core.mqtt.strategies import packet_ids, publishes, versions


@given(st.data(), versions, packet_ids, st.booleans())
def test_a_prepared_packet_is_patched_with_the_packet_id(
    data: st.DataObject,
    version: Version,
    packet_id: int,
    again: bool,  # noqa: FBT001 (drawn)
) -> None:
    """Reading the patched bytes gives the packet with that id and flag, and nothing else changed."""
    packet = data.draw(publishes(version))
    prepared = prepare(packet, version)
    written = prepared.numbered(packet_id, dup=again) if packet.qos else prepared.whole
    (read,) = Decoder(version=version).feed(written)
    assert isinstance(read, Publish)
    assert (read.topic, read.payload, read.qos, read.retain, read.properties) == (
        packet.topic,
        packet.payload,
        packet.qos,
        packet.retain,
        packet.properties,
    )
    if packet.qos:
        assert (read.packet_id, read.dup) == (packet_id, again)
    assert prepared.size == len(written)


def test_receivers_at_the_same_packet_id_share_the_bytes() -> None:
    """The very object; one sent again is made anew."""
    prepared = prepare(Publish(topic="t", payload=b"x", qos=1), Version.V311)
    assert prepared.numbered(7) is prepared.numbered(7)
    assert prepared.numbered(7, dup=True) == b"\x3a" + prepared.numbered(7)[1:]


@pytest.mark.parametrize("packet_id", [0, 65_536, -1])
def test_packet_ids_have_their_range(packet_id: int) -> None:
    """1 to 65,535."""
    with pytest.raises(EncodingError):
        PreparedPublish(b"\x32\x05\x00\x01t", b"", qos=1).numbered(packet_id)


def test_a_publish_with_qos_needs_a_packet_id() -> None:
    """Writing one without is our bug."""
    with pytest.raises(EncodingError):
        write_publish(Publish(topic="t", payload=b"", qos=1), Version.V311)
