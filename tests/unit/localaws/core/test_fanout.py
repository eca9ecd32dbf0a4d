"""Fan-out: who gets which copy, windows and queues, shared subscriptions, shared bytes."""

import pytest

from localaws.core.mqtt.properties import Properties
from localaws.core.mqtt.subscribe import Request, Subscribe
from localaws.core.mqtt.version import Version
from localaws.core.quotas import Quotas
from tests.unit.localaws.core.mqtt_world import V5, V311, Caller, Client, World

BOTH = pytest.mark.parametrize("version", Version)


@BOTH
@pytest.mark.parametrize(("published", "subscribed", "received"), [(0, 1, 0), (1, 0, 0), (1, 1, 1)])
def test_the_lower_qos_counts(
    version: Version, published: int, subscribed: int, received: int
) -> None:
    """Of the publisher's and the subscription's."""
    world = World()
    client = world.connected(version=version)
    client.subscribe("t", qos=subscribed)
    world.publish("t", qos=published)
    assert [one.qos for one in client.messages()] == [received]


def test_overlapping_filters_give_one_copy_at_the_highest_qos() -> None:
    """However many of a client's filters match."""
    world = World()
    client = world.connected()
    client.subscribe("t/#", qos=0)
    client.subscribe("t/+", qos=1)
    client.subscribe("t/a", qos=0)
    world.publish("t/a", qos=1)
    assert [one.qos for one in client.messages()] == [1]


def test_a_denied_receive_is_not_delivered_and_closes_nothing() -> None:
    """Receive is asked for each topic, once; the denial is reported."""
    world = World()
    caller = Caller(rule=lambda action, name: (action, name) != ("iot:Receive", "t/secret"))
    client = world.connected(caller=caller)
    client.subscribe("t/+")
    for topic in ("t/open", "t/secret", "t/open", "t/secret"):
        world.publish(topic, topic.encode())
    assert client.payloads() == [b"t/open", b"t/open"]
    assert client.ending is None
    assert caller.asked.count(("iot:Receive", "topic", "t/secret")) == 1
    assert [one.name for one in world.watcher.denials] == ["t/secret"]


@BOTH
def test_100_unacknowledged_messages_are_the_limit(version: Version) -> None:
    """The rest waits and follows, in order, one for each acknowledgement."""
    world = World()
    client = world.connected(version=version)
    client.subscribe("t")
    for number in range(150):
        world.publish("t", bytes((number,)), qos=1)
    first = client.messages(acknowledge=False)
    assert len(first) == 100
    client.acknowledge(first[0])
    (following,) = client.messages(acknowledge=False)
    assert following.payload == bytes((100,))
    client.acknowledge(*first[1:], following)
    rest = client.messages()
    assert [one.payload for one in rest] == [bytes((number,)) for number in range(101, 150)]


def test_a_client_may_take_fewer_at_a_time() -> None:
    """Receive maximum lowers the limit."""
    world = World()
    client = world.connected(version=V5, properties=Properties(receive_maximum=2))
    client.subscribe("t")
    for _ in range(3):
        world.publish("t", qos=1)
    assert len(client.messages(acknowledge=False)) == 2


def test_a_full_queue_drops_the_newest() -> None:
    """The queue is bounded, and the drop is reported."""
    world = World(Quotas(unacknowledged=1, queued_messages=2, publishes_per_s=None))
    client = world.connected()
    client.subscribe("t")
    for number in range(4):
        world.publish("t", bytes((number,)), qos=1)
    assert client.payloads() == [b"\0", b"\1", b"\2"]
    assert world.watcher.drops == [("c", "queue full")]


def test_what_is_too_large_for_a_client_is_not_sent() -> None:
    """Maximum packet size is kept to in silence."""
    world = World()
    client = world.connected(version=V5, properties=Properties(maximum_packet_bytes=600))
    client.subscribe("t")
    world.publish("t", bytes(600), qos=1)
    world.publish("t", b"small", qos=1)
    assert client.payloads() == [b"small"]
    assert world.watcher.drops == [("c", "too large for the client")]


def test_more_than_100_a_second_to_one_client_are_discarded() -> None:
    """In and out count together."""
    world = World(Quotas())
    client = world.connected()
    client.subscribe("t")
    for _ in range(120):
        world.publish("t")
    assert len(client.messages()) == 100
    assert len(world.watcher.drops) == 20


def subscribed_with(client: Client, request: Request) -> None:
    """Subscribe with options."""
    client.send(Subscribe(packet_id=1, requests=(request,)))
    client.received()


def test_no_local_keeps_a_clients_own_messages_away() -> None:
    """Those of others still come."""
    world = World()
    client, other = world.connected("c", V5), world.connected("d", V5)
    subscribed_with(client, Request(topic_filter="t", no_local=True))
    client.publish("t", b"mine")
    other.publish("t", b"theirs")
    assert client.payloads() == [b"theirs"]


def test_retain_as_published_keeps_the_flag() -> None:
    """Where it is not asked for, the flag is cleared."""
    world = World()
    keeping, other = world.connected("c", V5), world.connected("d", V5)
    subscribed_with(keeping, Request(topic_filter="t", retain_as_published=True))
    subscribed_with(other, Request(topic_filter="t"))
    world.publish("t", retain=True)
    assert [one.retain for one in keeping.messages()] == [True]
    assert [one.retain for one in other.messages()] == [False]


@BOTH
def test_one_member_of_a_group_gets_a_shared_message(version: Version) -> None:
    """Chosen at random among those connected; the group's name and other groups keep apart."""
    world = World()
    members = [world.connected(str(number), version) for number in range(3)]
    for member in members:
        member.subscribe("$share/g/t/+")
    lone = world.connected("lone", version)
    lone.subscribe("$share/h/t/+")
    world.picks = [2, 0, 0, 0]
    world.publish("t/a", b"1")
    world.publish("t/a", b"2")
    assert [member.payloads() for member in members] == [[b"2"], [], [b"1"]]
    assert lone.payloads() == [b"1", b"2"]
    members[0].unsubscribe("$share/g/t/+")
    world.publish("t/a", b"3")
    assert members[1].payloads() == [b"3"]


def test_a_shared_message_passes_over_who_may_not_receive_it() -> None:
    """And waits for a lasting member when nobody is connected."""
    world = World()
    barred = world.connected("a", caller=Caller(rule=lambda action, _name: action != "iot:Receive"))
    lasting = world.connected("b", clean=False)
    for client in (barred, lasting):
        client.subscribe("$share/g/t")
    world.publish("t", b"1", qos=1)
    assert lasting.payloads() == [b"1"]
    lasting.lose()
    barred.disconnect()
    world.publish("t", b"2", qos=1)
    assert world.connected("b", clean=False).payloads() == [b"2"]


def test_receivers_share_the_very_bytes() -> None:
    """A message is encoded once for a version, at QoS 1 too where packet ids are the same."""
    world = World()
    clients = [world.connected(str(number), V311) for number in range(3)]
    for client in clients:
        client.subscribe("t")
        client.received()
    world.publish("t", qos=0)
    world.publish("t", qos=1)
    first, *others = [client.connection.outbox for client in clients]
    assert all(one is same for other in others for one, same in zip(other, first, strict=True))


def test_a_reconnected_session_is_delivered_to_again() -> None:
    """Routes follow connections as they come and go."""
    world = World()
    client = world.connected("c", clean=False)
    client.subscribe("t")
    world.publish("t", b"1")
    assert client.payloads() == [b"1"]
    client.lose()
    world.publish("t", b"lost: QoS 0")
    again = world.connected("c", clean=False)
    world.publish("t", b"2")
    assert again.payloads() == [b"2"]
