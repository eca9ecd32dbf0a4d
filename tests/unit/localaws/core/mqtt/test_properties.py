"""Property lists: there and back, each in its place, once, with legal values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.core.mqtt.errors import MalformedPacket, ProtocolError, ProtocolViolation
from localaws.core.mqtt.fields import Reader
from localaws.core.mqtt.properties import (
    NO_PROPERTIES,
    Place,
    Properties,
    allowed_names,
    read_properties,
    write_properties,
)
from localaws.core.mqtt.reason import ReasonCode
from localaws.core.mqtt.version import Version
from tests.unit.localaws.core.mqtt.strategies import properties

places = st.sampled_from(list(Place))


@given(st.data(), places)
def test_what_is_written_is_read_back(data: st.DataObject, place: Place) -> None:
    """Every property that may stand in a place."""
    listed = data.draw(properties(place, Version.V5))
    reader = Reader(write_properties(listed))
    assert read_properties(reader, place) == listed
    assert reader.at_end


@given(st.data(), places, places)
def test_a_property_stands_only_where_it_may(
    data: st.DataObject, here: Place, there: Place
) -> None:
    """Elsewhere it is a protocol violation."""
    listed = data.draw(properties(here, Version.V5))
    used = {name for name in allowed_names(here) if getattr(listed, name) not in (None, ())}
    reader = Reader(write_properties(listed))
    if used <= set(allowed_names(there)):
        read_properties(reader, there)
    else:
        with pytest.raises(ProtocolViolation):
            read_properties(reader, there)


def test_an_empty_list_is_one_shared_value() -> None:
    """Most packets have none."""
    assert read_properties(Reader(b"\0"), Place.PUBLISH) is NO_PROPERTIES
    assert write_properties(NO_PROPERTIES) == b"\0"


@pytest.mark.parametrize(
    ("in_hex", "place", "error"),
    [
        ("02ff01", Place.PUBLISH, MalformedPacket),  # 0xFF 0x01 is no property
        ("0501", Place.PUBLISH, MalformedPacket),  # cut off
        ("0401010101", Place.PUBLISH, ProtocolViolation),  # twice
        ("020102", Place.PUBLISH, ProtocolViolation),  # neither 0 nor 1
        ("03230000", Place.PUBLISH, ProtocolViolation),  # alias 0
        ("03210000", Place.CONNECT, ProtocolViolation),  # receive maximum 0
        ("052700000000", Place.CONNECT, ProtocolViolation),  # maximum packet size 0
        ("020b00", Place.SUBSCRIBE, ProtocolViolation),  # subscription identifier 0
        ("040b010b02", Place.SUBSCRIBE, ProtocolViolation),  # two of them
        ("0221000a", Place.CONNECT, MalformedPacket),  # ends inside
    ],
)
def test_illegal_lists_are_refused(in_hex: str, place: Place, error: type[ProtocolError]) -> None:
    """Each rule one list alone can break."""
    with pytest.raises(error):
        read_properties(Reader(bytes.fromhex(in_hex)), place)


def test_a_topic_alias_of_zero_has_a_code_of_its_own() -> None:
    """Topic alias invalid. Source: MQTT 5.0 section 3.3.2.3.4."""
    with pytest.raises(ProtocolViolation) as caught:
        read_properties(Reader(bytes.fromhex("03230000")), Place.PUBLISH)
    assert caught.value.reason is ReasonCode.TOPIC_ALIAS_INVALID


def test_several_user_properties_keep_order_and_repeats() -> None:
    """The same name may stand there twice."""
    listed = Properties(user_properties=(("b", "1"), ("a", "2"), ("b", "1")))
    assert read_properties(Reader(write_properties(listed)), Place.PUBLISH) == listed
