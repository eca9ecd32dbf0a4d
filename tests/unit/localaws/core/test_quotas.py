"""Quotas: AWS's numbers, what happens at each of them, and that each can be switched off.

Limits of SUBSCRIBE, CONNECT and PUBLISH that came with those packets are proven in their own files.
"""

from dataclasses import fields, replace

import pytest

from localaws.core.connection import DisconnectReason
from localaws.core.fanout import MAX_HELD_BYTES
from localaws.core.message import Message
from localaws.core.mqtt.acknowledgement import Puback
from localaws.core.mqtt.connack import Connack
from localaws.core.mqtt.connect import Will
from localaws.core.mqtt.disconnect import Disconnect
from localaws.core.mqtt.packet import encode
from localaws.core.mqtt.properties import Properties
from localaws.core.mqtt.publish import Publish
from localaws.core.mqtt.reason import ReasonCode
from localaws.core.mqtt.subscribe import Request, Subscribe
from localaws.core.mqtt.version import Version
from localaws.core.quotas import DEFAULTS, Exhausted, Quotas
from tests.unit.localaws.core.mqtt_world import UNLIMITED, V5, V311, World

THROTTLED = DisconnectReason.THROTTLED

OFF = Quotas(**{one.name: None for one in fields(Quotas)})
"""Nothing is limited."""

BOTH = pytest.mark.parametrize("version", Version)


def test_the_defaults_are_awss() -> None:
    """The numbers of the quota pages. Source: aws-iot-facts 3.11 and 8."""
    assert (DEFAULTS.payload_bytes, DEFAULTS.topic_bytes, DEFAULTS.topic_slashes) == (
        131_072,
        256,
        7,
    )
    assert (DEFAULTS.filters_per_subscribe, DEFAULTS.subscriptions_per_connection) == (8, 50)
    assert (DEFAULTS.publishes_per_s, DEFAULTS.bytes_per_s, DEFAULTS.unacknowledged) == (
        100,
        524_288,
        100,
    )
    assert (DEFAULTS.connects_per_s, DEFAULTS.retained_per_s) == (1, 1)
    assert (DEFAULTS.account_connects_per_s, DEFAULTS.account_subscriptions_per_s) == (500, 500)
    assert DEFAULTS.account_publishes_in_per_s == DEFAULTS.account_publishes_out_per_s == 20_000
    assert (DEFAULTS.retry_for_311_s, DEFAULTS.retry_for_5_s) == (3_600, 300)
    assert (DEFAULTS.user_properties_bytes, DEFAULTS.correlation_bytes) == (8_192, 8_192)
    assert (DEFAULTS.content_type_bytes, DEFAULTS.least_packet_bytes) == (256, 512)


@BOTH
def test_everything_can_be_switched_off(version: Version) -> None:
    """With every limit at None a client does what AWS would refuse, and nothing ends it."""
    world = World(OFF)
    client = world.connected("c" * 300, version, keep_alive_s=0)
    for _ in range(2):
        client = world.connected("c" * 300, version, keep_alive_s=0)
    topic = "/".join("t" * 300)
    client.subscribe(*(f"f{number}" for number in range(60)), topic)
    for number in range(200):
        client.publish(topic, bytes(1_000) + bytes((number,)), qos=1, retain=True)
    assert len(client.messages()) == 200
    client.publish(topic, bytes(140_000))
    assert len(client.messages()) == 1
    world.wait(1_000_000)
    assert client.ending is None
    assert world.watcher.drops == []


# CONNECT


@BOTH
def test_one_connect_a_second_for_each_client_id(version: Version) -> None:
    """The second one is refused and the first connection stays; a second later all is well."""
    world = World(replace(UNLIMITED, connects_per_s=1))
    first = world.connected("a", version)
    second = world.client("a", version)
    assert second.ending is THROTTLED
    codes = [one.code for one in second.received() if isinstance(one, Connack)]
    assert codes == ([ReasonCode.QUOTA_EXCEEDED] if version is V5 else [])
    assert first.ending is None
    world.now += 1
    world.connected("a", version)
    assert first.ending is DisconnectReason.DUPLICATE_CLIENTID


def test_connects_of_the_account_are_counted_together() -> None:
    """Whatever their client ids."""
    world = World(replace(UNLIMITED, account_connects_per_s=2))
    world.connected("a")
    world.connected("b")
    assert world.client("c").ending is THROTTLED


def test_a_client_that_takes_too_small_packets_is_refused() -> None:
    """Version 5 clients may not ask for less than 512 bytes."""
    for size, code in ((511, ReasonCode.QUOTA_EXCEEDED), (512, ReasonCode.SUCCESS)):
        client = World().client("c", V5, properties=Properties(maximum_packet_bytes=size))
        assert client.take(Connack).code == code


def test_keep_alive_can_be_left_alone() -> None:
    """Without the clamps a client gets what it asks for; 0 is for ever."""
    free = Quotas(least_keep_alive_s=None, most_keep_alive_s=None)
    assert (free.keep_alive_s(1), free.keep_alive_s(5_000)) == (1, 5_000)
    assert free.keep_alive_s(0) > 86_400
    assert (DEFAULTS.keep_alive_s(0), DEFAULTS.keep_alive_s(1)) == (1_200, 30)


# SUBSCRIBE


@BOTH
def test_subscriptions_of_the_account_are_counted_by_filter(version: Version) -> None:
    """Three filters in one SUBSCRIBE count three."""
    world = World(replace(UNLIMITED, account_subscriptions_per_s=4))
    client = world.connected("c", version)
    client.subscribe("a", "b", "c")
    requests = tuple(Request(topic_filter=one) for one in "de")
    client.send(Subscribe(packet_id=9, requests=requests))
    assert client.ending is DisconnectReason.CLIENT_ERROR


def test_groups_and_members_of_shared_subscriptions_are_bounded() -> None:
    """A member too many and a group too many are refused; what ends makes room."""
    world = World(replace(UNLIMITED, share_groups=1, share_members=1))
    first = world.connected("a")
    first.subscribe("$share/g/t")
    first.subscribe("$share/g/t")
    member, group = world.connected("b"), world.connected("c")
    for client, wanted in ((member, "$share/g/t"), (group, "$share/h/t")):
        client.send(Subscribe(packet_id=1, requests=(Request(topic_filter=wanted),)))
        assert client.ending is DisconnectReason.CLIENT_ERROR
    first.unsubscribe("$share/g/t")
    world.connected("d").subscribe("$share/h/t")


# PUBLISH


@BOTH
def test_publishes_beyond_the_rate_are_discarded(version: Version) -> None:
    """100 a second of one connection: the rest vanishes without a word, the connection stays."""
    world = World(replace(UNLIMITED, publishes_per_s=3))
    client = world.connected("c", version)
    for number in range(5):
        client.publish("t", bytes((number,)), qos=1)
    assert len([one for one in client.received() if isinstance(one, Puback)]) == 3
    assert client.ending is None
    assert world.watcher.drops == [("c", "rate of its own messages")] * 2


@BOTH
@pytest.mark.parametrize("qos", [0, 1])
def test_deliveries_beyond_the_rate_are_discarded(version: Version, qos: int) -> None:
    """In and out together."""
    world = World(replace(UNLIMITED, publishes_per_s=3))
    client = world.connected("c", version)
    client.subscribe("t", qos=qos)
    client.publish("other")
    for _ in range(5):
        world.publish("t", qos=qos)
    assert len(client.messages()) == 2
    world.now += 1
    world.publish("t", qos=qos)
    assert len(client.messages()) == 1


@BOTH
def test_a_retained_publish_too_many_is_refused(version: Version) -> None:
    """One a second to one topic: version 5 is told in PUBACK, 3.1.1 gets none; nothing is kept."""
    world = World(replace(UNLIMITED, retained_per_s=1))
    client = world.connected("c", version)
    client.publish("t", b"1", qos=1, retain=True)
    client.publish("t", b"2", qos=1, retain=True)
    codes = [one.code for one in client.received() if isinstance(one, Puback)]
    assert codes == ([0, ReasonCode.QUOTA_EXCEEDED] if version is V5 else [0])
    assert client.ending is None
    kept = world.broker.retained.get("t", world.now)
    assert kept is not None
    assert kept.message.payload == b"1"
    client.publish("t", b"3", qos=1)
    assert client.take(Puback).code == 0


def test_a_full_store_of_retained_messages_refuses() -> None:
    """HTTP callers are told, and nothing is published."""
    world = World(replace(UNLIMITED, retained_messages=1))
    for topic, answer in (("a", None), ("b", Exhausted.RETAINED_MESSAGES), ("a", None)):
        message = Message(topic=topic, payload=b"x", retain=True)
        assert world.broker.submit(message, world.now) is answer
    assert [one.topic for one in world.watcher.messages] == ["a", "a"]


def test_publishes_of_the_account_are_counted_together() -> None:
    """MQTT and HTTP; the broker's own events are not among them."""
    world = World(replace(UNLIMITED, account_publishes_in_per_s=2))
    client = world.connected()
    client.publish("t")
    message = Message(topic="t", payload=b"x")
    assert world.broker.submit(message, world.now) is None
    assert world.broker.submit(message, world.now) is Exhausted.ACCOUNT_PUBLISHES
    client.publish("t")
    assert world.watcher.drops == [("c", "publishes per second of the account")]


@pytest.mark.parametrize(
    "properties",
    [
        Properties(user_properties=(("a" * 4_096, "b" * 4_097),)),
        Properties(correlation_data=bytes(8_193)),
        Properties(content_type="c" * 257),
    ],
)
def test_properties_that_are_too_large_end_the_connection(properties: Properties) -> None:
    """In a PUBLISH and in a will."""
    client = World().connected("c", V5)
    client.publish("t", properties=properties)
    assert client.received() == [Disconnect(code=ReasonCode.QUOTA_EXCEEDED)]
    will = Will(topic="t", payload=b"", properties=properties)
    assert World().client("c", V5, will=will).take(Connack).code == ReasonCode.QUOTA_EXCEEDED


def test_properties_at_the_limit_are_fine() -> None:
    """All three."""
    client = World().connected("c", V5)
    client.subscribe("t")
    properties = Properties(
        user_properties=(("a" * 4_096, "b" * 4_096),),
        correlation_data=bytes(8_192),
        content_type="ö" * 128,
    )
    client.publish("t", properties=properties)
    (message,) = client.messages()
    assert message.properties == properties


# Deliveries of the account


def test_deliveries_beyond_the_accounts_rate_wait_or_vanish() -> None:
    """QoS 1 is kept and comes at the pace of stored messages; QoS 0 is dropped."""
    world = World(replace(UNLIMITED, account_publishes_out_per_s=3))
    clients = [
        world.connected(str(number), version) for number, version in enumerate((V311, V5) * 2)
    ]
    for number, client in enumerate(clients):
        client.subscribe("t", qos=number // 2)
    world.now += 2  # the subscribed events are not delivered to anybody and cost nothing
    world.publish("t", b"one", qos=1)
    now = [client.payloads() for client in clients]
    assert sum(map(len, now)) == 3
    world.wait(1)
    later = [client.payloads() for client in clients]
    assert sum(map(len, later)) == 1
    world.now += 1
    for _ in range(2):
        world.publish("t", b"two", qos=0)
    assert sum(len(client.payloads()) for client in clients) == 3
    assert len(world.watcher.drops) == 5
    assert {why for _, why in world.watcher.drops} == {"deliveries per second of the account"}


def test_careful_receivers_are_throttled_like_the_others() -> None:
    """Those with a rate of their own, too."""
    world = World(replace(UNLIMITED, account_publishes_out_per_s=1, publishes_per_s=50))
    clients = [world.connected(name) for name in "ab"]
    for client in clients:
        client.subscribe("t")
    world.publish("t", qos=1)
    assert [len(client.payloads()) for client in clients] == [1, 0]
    world.wait(1)
    assert [len(client.payloads()) for client in clients] == [0, 1]


# Bytes per second


def test_bytes_beyond_the_rate_are_delayed_inwards() -> None:
    """The shell is told how long not to read."""
    world = World(replace(UNLIMITED, bytes_per_s=1_000))
    client = world.connected()
    world.now += 1
    packet = encode(Publish(topic="t", payload=bytes(997)), V311)
    assert len(packet) == 1_003
    assert world.broker.receive(client.connection, packet[:900], world.now) == 0.0
    wait_s = world.broker.receive(client.connection, packet[900:] + packet[:897], world.now)
    assert world.broker.receive(client.connection, b"", world.now) == wait_s
    assert wait_s == pytest.approx(0.9, abs=0.05)
    assert len(world.watcher.messages[-1].payload) == 997


def test_bytes_beyond_the_rate_are_delayed_outwards() -> None:
    """What was sent stays in order and comes once it may; nothing is lost."""
    world = World(replace(UNLIMITED, bytes_per_s=1_000))
    client = world.connected()
    client.subscribe("t", qos=0)
    world.now += 1
    world.publish("t", b"1" * 1_500)
    assert client.payloads() == [b"1" * 1_500]
    world.publish("t", b"2" * 10)
    world.publish("t", b"3" * 10)
    assert world.broker.take_ready(world.now) == []
    assert world.broker.held
    world.now += 0.6
    assert world.broker.take_ready(world.now) == [client.connection]
    assert not world.broker.held
    assert client.payloads() == [b"2" * 10, b"3" * 10]


def test_a_receiver_far_behind_its_rate_is_dropped() -> None:
    """What waits is bounded: THROTTLED, and the others go on."""
    world = World(replace(UNLIMITED, bytes_per_s=1_000, payload_bytes=None))
    client = world.connected()
    client.subscribe("t", qos=0)
    world.publish("t", bytes(10_000))
    client.received()
    for _ in range(MAX_HELD_BYTES // 100_000 + 1):
        world.publish("t", bytes(100_000))
    world.broker.take_ready(world.now)
    assert client.ending is None
    world.broker.take_ready(world.now)
    assert client.ending is THROTTLED


def test_an_ending_does_not_wait_for_bytes_per_second() -> None:
    """A connection that is over is closed at once."""
    world = World(replace(UNLIMITED, bytes_per_s=1_000))
    client = world.connected()
    client.subscribe("t", qos=0)
    world.publish("t", bytes(10_000))
    client.received()
    world.publish("t", b"held")
    assert world.broker.take_ready(world.now) == []
    assert world.broker.held
    client.lose()
    assert world.broker.take_ready(world.now) == [client.connection]
    assert world.broker.take_ready(world.now) == []
