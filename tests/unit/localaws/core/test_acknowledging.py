"""Acknowledgements of QoS 1: sent again until they come, and which are taken for one."""

from dataclasses import fields, replace

import pytest

from localaws.core.connection import DisconnectReason
from localaws.core.message import Message
from localaws.core.mqtt.acknowledgement import Puback
from localaws.core.mqtt.ping import Pingreq
from localaws.core.mqtt.publish import Publish
from localaws.core.mqtt.version import Version
from localaws.core.quotas import Quotas
from tests.unit.localaws.core.mqtt_world import START, UNLIMITED, V5, V311, World

THROTTLED = DisconnectReason.THROTTLED

OFF = Quotas(**{one.name: None for one in fields(Quotas)})
"""Nothing is limited."""

BOTH = pytest.mark.parametrize("version", Version)


@BOTH
def test_an_unacknowledged_message_is_sent_again(version: Version) -> None:
    """On the same connection, with the same packet id and DUP; until it is acknowledged."""
    world = World(replace(UNLIMITED, retry_s=30))
    client = world.connected("c", version, keep_alive_s=1_200)
    client.subscribe("t")
    world.publish("t", b"x", qos=1)
    (first,) = client.messages(acknowledge=False)
    world.wait(29)
    assert client.messages(acknowledge=False) == []
    world.wait(1)
    (second,) = client.messages(acknowledge=False)
    assert (second.dup, second.packet_id, second.payload) == (True, first.packet_id, b"x")
    world.wait(30)
    (third,) = client.messages()
    assert third.dup
    world.wait(60)
    assert client.messages() == []


@pytest.mark.parametrize(("version", "kept_s"), [(V311, 3_600), (V5, 300)])
def test_a_message_is_given_up_after_its_time(version: Version, kept_s: int) -> None:
    """One hour in 3.1.1, five minutes in 5; what waited behind it goes out."""
    world = World(replace(UNLIMITED, unacknowledged=1, retry_s=30))
    client = world.connected("c", version, keep_alive_s=1_200)
    client.subscribe("t")
    world.publish("t", b"stuck", qos=1)
    world.publish("t", b"next", qos=1)
    for _ in range(kept_s // 30 - 1):
        world.wait(30)
        client.send(Pingreq())
    seen = client.messages(acknowledge=False)
    assert {one.payload for one in seen} == {b"stuck"}
    world.wait(30)
    assert [one.payload for one in client.messages(acknowledge=False)] == [b"next"]
    assert world.watcher.drops == [("c", "not acknowledged")]


def test_an_expired_message_is_not_sent_again() -> None:
    """Its time is over."""
    world = World(UNLIMITED)
    client = world.connected(keep_alive_s=1_200)
    client.subscribe("t")
    world.broker.publish(Message(topic="t", payload=b"x", qos=1, expires_at=START + 20), START)
    client.messages(acknowledge=False)
    world.wait(30)
    assert client.messages() == []


def test_retry_can_be_switched_off() -> None:
    """Then a message waits for the next connection."""
    world = World(replace(UNLIMITED, retry_s=None))
    client = world.connected(clean=False, keep_alive_s=1_200)
    client.subscribe("t")
    world.publish("t", b"x", qos=1)
    client.messages(acknowledge=False)
    world.wait(1_000)
    assert client.messages() == []
    client.lose()
    (again,) = world.connected(clean=False).messages()
    assert again.dup


# What AWS does not support


@BOTH
def test_dup_on_a_publish_is_not_looked_at(version: Version) -> None:
    """AWS does not support the flag: a message sent twice is published twice, acknowledged twice."""
    world = World()
    client = world.connected("c", version)
    packet = Publish(topic="t", payload=b"x", qos=1, packet_id=5)
    client.send(packet, replace(packet, dup=True))
    assert [one.packet_id for one in client.received() if isinstance(one, Puback)] == [5, 5]
    assert len([one for one in world.watcher.messages if one.topic == "t"]) == 2


@BOTH
def test_plain_pubacks_in_one_portion_are_all_taken(version: Version) -> None:
    """Merged, split, and with another packet behind them."""
    world = World()
    client = world.connected("c", version)
    client.subscribe("t")
    for _ in range(4):
        world.publish("t", qos=1)
    ids = [one.packet_id for one in client.messages(acknowledge=False)]
    stream = b"".join(b"\x40\x02" + (one or 0).to_bytes(2) for one in ids) + b"\xc0\x00"
    world.broker.receive(client.connection, stream[:5], world.now)
    world.broker.receive(client.connection, stream[5:], world.now)
    session = client.connection.session
    assert session is not None
    assert session.inflight == {}
    assert len(client.received()) == 1


@BOTH
def test_a_puback_for_packet_id_zero_ends_the_connection(version: Version) -> None:
    """The quick way past the decoder makes nothing legal."""
    world = World()
    client = world.connected("c", version)
    world.broker.receive(client.connection, b"\x40\x02\x00\x00", world.now)
    assert client.ending is DisconnectReason.CLIENT_ERROR
