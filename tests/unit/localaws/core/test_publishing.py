"""PUBLISH from clients: refusals, limits, acknowledgements, topic aliases."""

import pytest

from localaws.core.connection import DisconnectReason
from localaws.core.mqtt.acknowledgement import Puback
from localaws.core.mqtt.disconnect import Disconnect
from localaws.core.mqtt.properties import Properties
from localaws.core.mqtt.publish import Publish
from localaws.core.mqtt.reason import ReasonCode
from localaws.core.mqtt.version import Version
from localaws.core.quotas import Quotas
from tests.unit.localaws.core.mqtt_world import V5, Caller, World

BOTH = pytest.mark.parametrize("version", Version)


@BOTH
def test_qos_1_is_acknowledged_and_qos_0_is_not(version: Version) -> None:
    """PUBACK carries the packet id."""
    client = World().connected(version=version)
    client.publish("t", qos=0)
    client.publish("t", qos=1)
    assert client.received() == [Puback(packet_id=1)]


@BOTH
@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("denied", ["iot:Publish", "iot:RetainPublish"])
def test_a_denied_publish_ends_the_connection(version: Version, qos: int, denied: str) -> None:
    """Nobody receives it; 5 gets PUBACK 0x87 with QoS 1, then DISCONNECT 0x87."""
    world = World()
    client = world.connected(
        version=version, caller=Caller(rule=lambda action, _name: action != denied)
    )
    client.publish("t", qos=qos, retain=True)
    assert client.ending is DisconnectReason.AUTH_ERROR
    acknowledged = [Puback(packet_id=1, code=0x87)] if qos else []
    assert client.received() == ([*acknowledged, Disconnect(code=0x87)] if version is V5 else [])
    assert [one for one in world.watcher.messages if one.topic == "t"] == []


@BOTH
@pytest.mark.parametrize(
    "topic", ["$SYS/x", "$aws/events/presence/connected/me", "x" * 257, "/".join("123456789")]
)
def test_an_illegal_topic_ends_the_connection(version: Version, topic: str) -> None:
    """Reserved topics, more than 256 bytes, more than 7 slashes."""
    client = World().connected(version=version)
    client.publish(topic)
    assert client.ending is DisconnectReason.CLIENT_ERROR
    assert client.received() == (
        [Disconnect(code=ReasonCode.TOPIC_NAME_INVALID)] if version is V5 else []
    )


@BOTH
def test_basic_ingest_reaches_rules_and_no_subscriber(version: Version) -> None:
    """The prefix counts neither as bytes nor as slashes; the publish is acknowledged."""
    world = World()
    client = world.connected(version=version)
    client.subscribe("#")
    topic = "$aws/rules/keep/" + "/".join("12345678")
    client.publish(topic, qos=1)
    assert client.received() == [Puback(packet_id=2)]
    assert world.watcher.messages[-1].topic == topic


@BOTH
def test_a_payload_over_128_kb_ends_the_connection(version: Version) -> None:
    """131,072 bytes pass, one more does not."""
    client = World().connected(version=version)
    client.publish("t", bytes(131_072))
    assert client.ending is None
    client.publish("t", bytes(131_073))
    assert client.ending is DisconnectReason.CLIENT_ERROR


def test_qos_2_is_ignored_in_3_and_ends_a_5() -> None:
    """3.1.1 gets no acknowledgement, 5 gets DISCONNECT 0x9B; nobody receives it."""
    for version in Version:
        world = World()
        client = world.connected(version=version)
        client.publish("t", qos=2)
        assert client.received() == (
            [Disconnect(code=ReasonCode.QOS_NOT_SUPPORTED)] if version is V5 else []
        )
        assert (client.ending is None) == (version is not V5)
        assert [one for one in world.watcher.messages if one.topic == "t"] == []


@BOTH
def test_more_than_100_a_second_are_discarded(version: Version) -> None:
    """The excess is neither delivered nor acknowledged; a second later it goes on."""
    world = World(Quotas())
    client = world.connected(version=version)
    for _ in range(101):
        client.publish("t", qos=1)
    assert len(client.received()) == 100
    assert world.watcher.drops == [("c", "rate of its own messages")]
    world.wait(1)
    client.publish("t", qos=1)
    assert len(client.received()) == 1


def test_a_topic_alias_stands_for_its_topic() -> None:
    """Set with a topic, used without, set anew."""
    world = World()
    client = world.connected(version=V5)
    client.subscribe("#")
    alias = Properties(topic_alias=8)
    for topic in ("a", "", "b", ""):
        client.publish(topic, properties=alias)
    assert [one.topic for one in client.messages()] == ["a", "a", "b", "b"]


@pytest.mark.parametrize(
    ("alias", "code"), [(9, ReasonCode.TOPIC_ALIAS_INVALID), (1, ReasonCode.PROTOCOL_ERROR)]
)
def test_an_illegal_topic_alias_ends_the_connection(alias: int, code: ReasonCode) -> None:
    """At most 8; and it must have been set."""
    client = World().connected(version=V5)
    client.publish("", properties=Properties(topic_alias=alias))
    assert client.received() == [Disconnect(code=code)]


def test_properties_travel_to_version_5_and_are_left_out_for_3() -> None:
    """What describes the message goes along; the topic alias does not."""
    world = World()
    new, old = world.connected("new", V5), world.connected("old")
    new.subscribe("t")
    old.subscribe("t")
    described = Properties(
        content_type="application/json",
        response_topic="r",
        correlation_data=b"1",
        payload_format_indicator=1,
        user_properties=(("a", "1"), ("a", "2")),
    )
    new.publish("t", properties=described)
    (message,) = new.messages()
    assert message.properties == described
    assert old.messages() == [Publish(topic="t", payload=b"x")]


def test_the_remaining_time_is_told_and_kept_to() -> None:
    """Message expiry counts while a message waits, also for a 3.1.1 receiver."""
    world = World()
    lasting = Properties(session_expiry_interval_s=600)
    for client_id, version in (("new", V5), ("old", Version.V311)):
        client = world.connected(client_id, version, clean=False, properties=lasting)
        client.subscribe("t")
        client.lose()
    sender = world.connected("sender", V5)
    sender.publish("t", b"10", qos=1, properties=Properties(message_expiry_interval_s=10))
    sender.publish("t", b"100", qos=1, properties=Properties(message_expiry_interval_s=100))
    world.wait(30)
    for client_id, version in (("new", V5), ("old", Version.V311)):
        client = world.connected(client_id, version, clean=False, properties=lasting)
        (message,) = client.messages()
        assert message.payload == b"100"
        if version is V5:
            assert message.properties.message_expiry_interval_s == 70
