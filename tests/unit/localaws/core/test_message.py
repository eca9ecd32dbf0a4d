"""Messages: expiry, and the PUBLISH they become for each kind of receiver."""

import pytest

from localaws.core.message import Message, expiry, message_of
from localaws.core.mqtt.decoder import Decoder
from localaws.core.mqtt.properties import Properties
from localaws.core.mqtt.publish import Publish
from localaws.core.mqtt.version import Version
from wire.limits import MAX_MESSAGE_EXPIRY_S

FULL = Message(
    topic="t",
    payload=b"p",
    qos=1,
    expires_at=110.0,
    payload_format_indicator=1,
    content_type="text/plain",
    response_topic="answers",
    correlation_data=b"7",
    user_properties=(("a", "1"), ("a", "2")),
)


def read(data: bytes, version: Version) -> Publish:
    """Read the one PUBLISH."""
    (packet,) = Decoder(version=version).feed(data)
    assert isinstance(packet, Publish)
    return packet


def test_version_5_gets_everything_and_the_remaining_time() -> None:
    """Message expiry counts down on the way."""
    data = FULL.prepared(Version.V5, qos=1, retain=False, now=103.0).numbered(9)
    assert read(data, Version.V5) == Publish(
        topic="t",
        payload=b"p",
        qos=1,
        packet_id=9,
        properties=Properties(
            payload_format_indicator=1,
            message_expiry_interval_s=7,
            content_type="text/plain",
            response_topic="answers",
            correlation_data=b"7",
            user_properties=(("a", "1"), ("a", "2")),
        ),
    )


def test_version_311_gets_topic_and_payload() -> None:
    """Properties are dropped."""
    data = FULL.prepared(Version.V311, qos=0, retain=True, now=103.0).whole
    assert read(data, Version.V311) == Publish(topic="t", payload=b"p", retain=True)


def test_the_remaining_time_is_never_zero() -> None:
    """A message delivered in its last half second has one second left."""
    data = FULL.prepared(Version.V5, qos=0, retain=False, now=109.9).whole
    assert read(data, Version.V5).properties.message_expiry_interval_s == 1


def test_a_message_expires_at_its_time() -> None:
    """Not before; without a time never."""
    assert not FULL.expired(109.9)
    assert FULL.expired(110.0)
    assert not Message(topic="t", payload=b"").expired(1e12)


@pytest.mark.parametrize(
    ("asked_s", "given_s"), [(0, 1), (1, 1), (60, 60), (10**9, MAX_MESSAGE_EXPIRY_S)]
)
def test_expiry_is_clamped(asked_s: int, given_s: int) -> None:
    """At least one second, at most seven days."""
    assert expiry(asked_s, 100.0) == 100.0 + given_s
    assert expiry(None, 100.0) is None


def test_a_publish_becomes_a_message() -> None:
    """With who sent it, its topic resolved, and no packet id."""
    packet = Publish(
        topic="",
        payload=b"p",
        qos=1,
        retain=True,
        packet_id=4,
        properties=Properties(topic_alias=2, message_expiry_interval_s=0, content_type="c"),
    )
    assert message_of(packet, topic="t", publisher="c", principal="AROA:s", now=5.0) == Message(
        topic="t",
        payload=b"p",
        qos=1,
        retain=True,
        expires_at=6.0,
        content_type="c",
        publisher="c",
        principal="AROA:s",
    )
