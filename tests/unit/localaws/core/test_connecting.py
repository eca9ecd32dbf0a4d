"""CONNECT: refusals, takeover, sessions that go on, and what CONNACK promises."""

import json

import pytest

from localaws.core.connection import DisconnectReason
from localaws.core.mqtt.connack import Connack
from localaws.core.mqtt.connect import Will
from localaws.core.mqtt.disconnect import Disconnect
from localaws.core.mqtt.properties import Properties
from localaws.core.mqtt.reason import ReasonCode
from localaws.core.mqtt.version import Version
from tests.unit.localaws.core.mqtt_world import V5, V311, Caller, World

BOTH = pytest.mark.parametrize("version", Version)


@BOTH
def test_a_denied_connect_is_refused(version: Version) -> None:
    """3.1.1 is closed without CONNACK, 5 gets 0x87; a connect_failed event tells of it."""
    world = World()
    denied = Caller(rule=lambda action, _name: action != "iot:Connect")
    client = world.client("42.a", version, caller=denied)
    assert client.ending is DisconnectReason.AUTH_ERROR
    assert client.received() == ([Connack(code=0x87)] if version is V5 else [])
    (event,) = world.watcher.events("connect_failed")
    assert json.loads(event.payload)["connectFailureReason"] == "AUTHORIZATION_FAILED"
    assert world.watcher.denials[0].action == "iot:Connect"
    assert world.watcher.events("disconnected") == []
    assert world.broker.sessions == {}


def test_the_policy_is_asked_about_the_client_and_its_will() -> None:
    """Connect on the client id; Publish and RetainPublish on the will's topic; attributes told."""
    caller = Caller()
    will = Will(topic="w", payload=b"", retain=True)
    World().connected("42.a", caller=caller, will=will, clean=False)
    assert caller.asked == [
        ("iot:Connect", "client", "42.a"),
        ("iot:Publish", "topic", "w"),
        ("iot:RetainPublish", "topic", "w"),
    ]
    assert caller.contexts[0] == {
        "iot:ClientId": "42.a",
        "iot:ConnectAttributes": ("PersistentConnect", "LastWill"),
        "aws:SourceIp": "192.0.2.7",
    }


@pytest.mark.parametrize("action", ["iot:Publish", "iot:RetainPublish"])
def test_a_will_that_may_not_be_published_fails_the_connect(action: str) -> None:
    """The will's topic needs Publish, and RetainPublish if it is retained."""
    denied = Caller(rule=lambda asked, _name: asked != action)
    will = Will(topic="w", payload=b"", retain=True)
    assert World().client(caller=denied, will=will).ending is DisconnectReason.AUTH_ERROR


@BOTH
@pytest.mark.parametrize("client_id", ["x" * 129, "é" * 65, "$aws"])
def test_an_invalid_client_id_is_told_so(version: Version, client_id: str) -> None:
    """At most 128 bytes, and no leading `$`."""
    client = World().client(client_id, version)
    assert client.take(Connack).code == (2 if version is V311 else 0x85)
    assert client.ending is DisconnectReason.CLIENT_ERROR


def test_an_empty_client_id_is_replaced_where_that_is_possible() -> None:
    """A clean session gets a made-up id, told to version 5; a lasting one without id is refused."""
    world = World()
    assert world.connected("").connack == Connack(code=0)
    assigned = world.connected("", V5).connack.properties.assigned_client_id
    assert assigned in world.broker.sessions
    assert world.client("", clean=False).take(Connack).code == 2


def test_wills_out_of_the_rules_are_refused() -> None:
    """QoS 2, a reserved topic, a payload over the limit, in version 5 with its code."""
    for will, code in (
        (Will(topic="w", payload=b"", qos=2), 0x9B),
        (Will(topic="$aws/x", payload=b""), 0x90),
        (Will(topic="a/#", payload=b""), 0x90),
    ):
        assert World().client("c", V5, will=will).take(Connack).code == code
        assert World().client("c", V311, will=will).received() == []


def test_enhanced_authentication_is_refused() -> None:
    """IoT Core has no AUTH."""
    client = World().client("c", V5, properties=Properties(authentication_method="SCRAM"))
    assert client.take(Connack).code == ReasonCode.BAD_AUTHENTICATION_METHOD


def test_connack_tells_a_version_5_client_the_limits() -> None:
    """Maximum QoS 1, no subscription identifiers, 8 topic aliases, the clamped keep-alive."""
    told = World().connected("c", V5, keep_alive_s=5).connack.properties
    assert told == Properties(
        receive_maximum=100,
        maximum_qos=1,
        retain_available=1,
        maximum_packet_bytes=149_504,
        topic_alias_maximum=8,
        wildcard_subscription_available=1,
        subscription_identifier_available=0,
        shared_subscription_available=1,
        server_keep_alive_s=30,
    )


def test_a_session_expiry_over_the_limit_is_lowered_and_told() -> None:
    """The account's limit is an hour unless set otherwise."""
    world = World()
    lasting = world.connected("a", V5, properties=Properties(session_expiry_interval_s=7200))
    assert lasting.connack.properties.session_expiry_interval_s == 3600
    shorter = world.connected("b", V5, properties=Properties(session_expiry_interval_s=60))
    assert shorter.connack.properties.session_expiry_interval_s is None


@BOTH
def test_a_new_connection_takes_the_client_id_over(version: Version) -> None:
    """The old one is told 0x8E (5) and closed, its will is published, the new one stays."""
    world = World()
    watcher = world.connected("watcher")
    watcher.subscribe("wills")
    old = world.connected("c", version, will=Will(topic="wills", payload=b"gone"))
    new = world.connected("c", version)
    assert old.ending is DisconnectReason.DUPLICATE_CLIENTID
    assert old.received() == (
        [Disconnect(code=ReasonCode.SESSION_TAKEN_OVER)] if version is V5 else []
    )
    assert new.ending is None
    assert watcher.payloads() == [b"gone"]
    told = [one for one in world.watcher.events("presence") if one.topic.endswith("/c")]
    numbers = [json.loads(one.payload)["versionNumber"] for one in told]
    assert numbers == [0, 0, 1]


@BOTH
def test_a_lasting_session_goes_on(version: Version) -> None:
    """Subscriptions stay, QoS 1 messages wait, and CONNACK says that there was a session."""
    world = World()
    lasting = Properties(session_expiry_interval_s=600)
    first = world.connected("c", version, clean=False, properties=lasting)
    first.subscribe("t")
    first.lose()
    world.publish("t", b"kept", qos=1)
    world.publish("t", b"not kept", qos=0)
    second = world.connected("c", version, clean=False, properties=lasting)
    assert second.connack.session_present
    assert second.payloads() == [b"kept"]


@BOTH
def test_what_was_not_acknowledged_comes_again_as_a_duplicate(version: Version) -> None:
    """QoS 1 messages in flight are sent again with DUP and the same packet id, in order."""
    world = World()
    lasting = Properties(session_expiry_interval_s=600)
    first = world.connected("c", version, clean=False, properties=lasting)
    first.subscribe("t")
    for payload in (b"1", b"2", b"3"):
        world.publish("t", payload, qos=1)
    before = first.messages(acknowledge=False)
    first.acknowledge(before[0])
    first.lose()
    second = world.connected("c", version, clean=False, properties=lasting)
    again = second.messages()
    assert [(one.payload, one.dup, one.packet_id) for one in again] == [
        (one.payload, True, one.packet_id) for one in before[1:]
    ]


def test_a_session_of_the_other_version_does_not_go_on() -> None:
    """A 3.1.1 session cannot be resumed as 5, nor the reverse."""
    world = World()
    world.connected("c", V311, clean=False).lose()
    second = world.connected(
        "c", V5, clean=False, properties=Properties(session_expiry_interval_s=60)
    )
    assert not second.connack.session_present


def test_a_clean_session_forgets_the_lasting_one() -> None:
    """Connecting with a clean session ends the stored one."""
    world = World()
    first = world.connected("c", clean=False)
    first.subscribe("t")
    first.lose()
    assert not world.connected("c").connack.session_present
    world.publish("t", qos=1)
    assert not world.connected("c", clean=False).connack.session_present


def test_a_session_ends_after_its_time() -> None:
    """3.1.1 sessions live an hour without a connection."""
    world = World()
    world.connected("c", clean=False).lose()
    world.wait(3_599)
    assert "c" in world.broker.sessions
    world.wait(1)
    assert "c" not in world.broker.sessions


def test_stored_messages_come_at_ten_a_second() -> None:
    """A resumed session is not flooded; new messages queue behind the stored ones."""
    world = World()
    first = world.connected("c", clean=False)
    first.subscribe("t")
    first.lose()
    for number in range(25):
        world.publish("t", bytes((number,)), qos=1)
    second = world.connected("c", clean=False)
    got = second.payloads()
    world.publish("t", b"new", qos=1)
    for _ in range(3):
        assert len(got) <= 21
        world.wait(1)
        got += second.payloads()
    assert got == [*(bytes((number,)) for number in range(25)), b"new"]
