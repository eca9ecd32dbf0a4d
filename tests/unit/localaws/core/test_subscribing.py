"""SUBSCRIBE and UNSUBSCRIBE: limits, denials, retained messages."""

import pytest

from localaws.core.connection import DisconnectReason
from localaws.core.mqtt.disconnect import Disconnect
from localaws.core.mqtt.properties import Properties
from localaws.core.mqtt.publish import Publish
from localaws.core.mqtt.reason import ReasonCode
from localaws.core.mqtt.suback import Suback
from localaws.core.mqtt.subscribe import Request, Subscribe
from localaws.core.mqtt.version import Version
from tests.unit.localaws.core.mqtt_world import V5, V311, Caller, Client, World

BOTH = pytest.mark.parametrize("version", Version)


def asking(client: Client, *filters: str, qos: int = 1) -> None:
    """Send a SUBSCRIBE without reading the answer."""
    requests = tuple(Request(topic_filter=one, qos=qos) for one in filters)
    client.send(Subscribe(packet_id=9, requests=requests))


@BOTH
def test_the_granted_qos_is_told(version: Version) -> None:
    """One code for each filter, in order."""
    client = World().connected(version=version)
    assert client.subscribe("a", "b/#", qos=0) == (0, 0)
    assert client.subscribe("a", qos=1) == (1,)


@BOTH
def test_a_denied_subscribe_ends_the_connection(version: Version) -> None:
    """3.1.1 gets no SUBACK; 5 gets the codes of all filters, then DISCONNECT 0x87."""
    world = World()
    caller = Caller(rule=lambda action, name: (action, name) != ("iot:Subscribe", "no/#"))
    client = world.connected(version=version, caller=caller)
    asking(client, "yes", "no/#")
    assert client.ending is DisconnectReason.AUTH_ERROR
    assert client.received() == (
        [Suback(packet_id=9, codes=(1, 0x87)), Disconnect(code=0x87)] if version is V5 else []
    )
    (denial,) = world.watcher.denials
    assert (denial.resource_kind, denial.name) == ("topicfilter", "no/#")
    assert denial.explanation == "a rule of the test"


@BOTH
@pytest.mark.parametrize(
    "wrong", ["a/#/b", "a+", "$SYS/#", "$aws/rules/x", "x" * 257, "/".join("123456789"), "$share/g"]
)
def test_an_illegal_filter_ends_the_connection(version: Version, wrong: str) -> None:
    """Filters out of AWS's rules, and reserved topics, are refused."""
    client = World().connected(version=version)
    asking(client, wrong)
    assert client.ending is DisconnectReason.CLIENT_ERROR
    codes = [one.codes for one in client.received() if isinstance(one, Suback)]
    assert codes == ([(ReasonCode.TOPIC_FILTER_INVALID,)] if version is V5 else [])


@BOTH
def test_more_than_eight_filters_are_refused(version: Version) -> None:
    """One SUBSCRIBE has at most 8 filters."""
    client = World().connected(version=version)
    client.subscribe(*"12345678")
    asking(client, *"123456789")
    assert client.ending is DisconnectReason.CLIENT_ERROR


@BOTH
def test_more_than_fifty_subscriptions_are_refused(version: Version) -> None:
    """A connection holds at most 50; subscribing again to one of them is no new one."""
    client = World().connected(version=version)
    for number in range(50):
        client.subscribe(f"t/{number}")
    client.subscribe("t/0")
    asking(client, "t/50")
    assert client.ending is DisconnectReason.CLIENT_ERROR


@BOTH
def test_qos_2_is_passed_over_in_silence(version: Version) -> None:
    """IoT Core sends no SUBACK for QoS 2."""
    client = World().connected(version=version)
    asking(client, "t", qos=2)
    assert client.received() == []
    assert client.ending is None


def test_subscription_identifiers_are_refused() -> None:
    """DISCONNECT 0xA1."""
    client = World().connected(version=V5)
    listed = Properties(subscription_identifiers=(1,))
    client.send(Subscribe(packet_id=1, requests=(Request(topic_filter="t"),), properties=listed))
    assert client.received() == [Disconnect(code=0xA1)]


@BOTH
def test_nothing_comes_after_unsubscribe(version: Version) -> None:
    """UNSUBACK ends delivery, also of a wildcard; an unknown filter is no error."""
    world = World()
    client = world.connected(version=version)
    client.subscribe("a", "b/+")
    world.publish("a")
    assert client.payloads() == [b"x"]
    codes = client.unsubscribe("a", "b/+", "never")
    assert codes == ((0, 0, 0) if version is V5 else ())
    world.publish("a")
    world.publish("b/c")
    assert client.payloads() == []


@BOTH
def test_retained_messages_come_for_exact_filters_only(version: Version) -> None:
    """On subscribing, with the retain flag; not for wildcards, not for shared subscriptions."""
    world = World()
    world.publish("t/1", b"kept", qos=1, retain=True)
    client = world.connected(version=version)
    client.subscribe("t/+", "$share/g/t/1")
    assert client.payloads() == []
    client.subscribe("t/1")
    (message,) = client.messages()
    assert (message.payload, message.retain, message.qos) == (b"kept", True, 1)
    world.publish("t/1", b"now", retain=True)
    assert [one.retain for one in client.messages()] == [False, False]


def test_an_empty_retained_message_deletes() -> None:
    """It is delivered as well."""
    world = World()
    client = world.connected("a")
    client.subscribe("t")
    world.publish("t", b"kept", retain=True)
    world.publish("t", b"", retain=True)
    assert client.payloads() == [b"kept", b""]
    other = world.connected("b")
    other.subscribe("t")
    assert other.payloads() == []


def test_retain_handling_is_kept_to() -> None:
    """1 sends retained messages for a new subscription only, 2 never."""
    world = World()
    world.publish("t", b"kept", retain=True)
    client = world.connected(version=V5)
    for handling, expected in ((2, []), (1, []), (0, [b"kept"])):
        client.send(
            Subscribe(packet_id=1, requests=(Request(topic_filter="t", retain_handling=handling),))
        )
        assert client.payloads() == expected
    client.unsubscribe("t")
    client.send(Subscribe(packet_id=1, requests=(Request(topic_filter="t", retain_handling=1),)))
    assert client.payloads() == [b"kept"]


def test_retained_messages_need_receive() -> None:
    """A retained message on a topic that may not be received is not sent."""
    world = World()
    world.publish("t", b"kept", retain=True)
    client = world.connected(caller=Caller(rule=lambda action, _name: action != "iot:Receive"))
    client.subscribe("t")
    assert client.payloads() == []


def test_subscribing_again_replaces_the_qos() -> None:
    """The newer QoS counts, from the next message on."""
    world = World()
    client = world.connected()
    client.subscribe("t", qos=0)
    world.publish("t", qos=1)
    assert [one.qos for one in client.messages()] == [0]
    assert client.subscribe("t", qos=1) == (1,)
    world.publish("t", qos=1)
    assert [one.qos for one in client.messages()] == [1]


def test_lifecycle_topics_can_be_subscribed_to() -> None:
    """Presence events reach a subscriber whose policy allows it."""
    world = World()
    client = world.connected("watch")
    client.subscribe("$aws/events/presence/#")
    world.connected("42.a", V311)
    (event,) = client.messages()
    assert isinstance(event, Publish)
    assert event.topic == "$aws/events/presence/connected/42.a"
