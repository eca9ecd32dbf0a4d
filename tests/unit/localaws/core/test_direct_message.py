"""Direct messages: to one connected client, confirmed or not, refused for the documented reasons."""

import pytest

from localaws.core.delivery import Outcome
from localaws.core.direct_message import DirectRefusal, DirectSent
from localaws.core.message import Message
from localaws.core.mqtt.properties import Properties
from localaws.core.quotas import Quotas
from tests.unit.localaws.core.mqtt_world import UNLIMITED, V5, V311, Caller, World

MESSAGE = Message(
    topic="direct/x", payload=b"hi", content_type="text/plain", user_properties=(("a", "b"),)
)


def sent(world: World, client_id: str = "c", *, confirm: bool = True) -> DirectSent:
    """Send a direct message and expect it to go out."""
    answer = world.broker.send_direct(client_id, MESSAGE, confirm=confirm, now=world.now)
    assert isinstance(answer, DirectSent)
    return answer


def refused(world: World, client_id: str = "c", *, confirm: bool = True) -> DirectRefusal:
    """Send a direct message and expect a refusal."""
    answer = world.broker.send_direct(client_id, MESSAGE, confirm=confirm, now=world.now)
    assert isinstance(answer, DirectRefusal)
    return answer


def test_it_arrives_without_a_subscription() -> None:
    """Unconfirmed it has QoS 0; version 5 gets the properties, 3.1.1 the payload alone."""
    world = World()
    old, new = world.connected("old", V311), world.connected("new", V5)
    assert sent(world, "old", confirm=False).confirmation is None
    assert sent(world, "new", confirm=False).confirmation is None
    (to_old,), (to_new,) = old.messages(), new.messages()
    assert (to_old.topic, to_old.payload, to_old.qos, to_old.retain) == (
        "direct/x",
        b"hi",
        0,
        False,
    )
    assert to_new.properties == Properties(content_type="text/plain", user_properties=(("a", "b"),))


def test_puback_confirms_it_once() -> None:
    """A confirmed message has QoS 1; its sender hears of PUBACK, once."""
    world = World()
    client = world.connected()
    answer = sent(world)
    assert answer.confirmation is not None
    heard: list[Outcome] = []
    answer.confirmation.on_settled = heard.append
    (message,) = client.messages(acknowledge=False)
    assert message.qos == 1
    assert answer.confirmation.outcome is None
    client.acknowledge(message, message)
    assert heard == [Outcome.ACKNOWLEDGED]


def test_a_lost_connection_settles_it_as_lost_and_nobody_gets_it_later() -> None:
    """It belongs to the connection: a persistent session does not keep it."""
    world = World()
    client = world.connected(clean=False)
    answer = sent(world)
    client.lose()
    assert answer.confirmation is not None
    assert answer.confirmation.outcome is Outcome.LOST
    assert world.connected(clean=False).messages() == []


def test_a_withdrawn_message_frees_its_place() -> None:
    """The sender's time is over: the window has room again, a late PUBACK changes nothing."""
    world = World(Quotas(unacknowledged=1, publishes_per_s=None))
    client = world.connected()
    answer = sent(world)
    assert refused(world) is DirectRefusal.THROTTLED
    world.broker.withdraw("c", answer)
    assert answer.confirmation is not None
    assert answer.confirmation.outcome is Outcome.LOST
    sent(world)
    late = client.messages(acknowledge=False)[0]
    client.acknowledge(late)
    assert answer.confirmation.outcome is Outcome.LOST


def test_withdrawing_what_is_settled_changes_nothing() -> None:
    """A confirmation is settled once; one that was not asked for cannot be withdrawn."""
    world = World()
    client = world.connected()
    answer = sent(world)
    client.messages()
    world.broker.withdraw("c", answer)
    world.broker.withdraw("c", sent(world, confirm=False))
    assert answer.confirmation is not None
    assert answer.confirmation.outcome is Outcome.ACKNOWLEDGED


def test_withdrawing_after_the_session_ended_changes_nothing() -> None:
    """The connection's end has settled it before."""
    world = World()
    client = world.connected()
    answer = sent(world)
    client.disconnect()
    world.broker.withdraw("c", answer)
    assert answer.confirmation is not None
    assert answer.confirmation.outcome is Outcome.LOST


def test_a_client_that_is_not_there_is_told_from_one_that_is_offline() -> None:
    """Nothing is queued for either."""
    world = World()
    assert refused(world) is DirectRefusal.UNKNOWN
    world.connected(clean=False).disconnect()
    assert refused(world) is DirectRefusal.OFFLINE


def test_the_receiver_needs_receive() -> None:
    """The receiver's policy decides, as for every delivery."""
    world = World()
    client = world.connected(caller=Caller(lambda action, _name: action != "iot:Receive"))
    assert refused(world) is DirectRefusal.DENIED
    assert client.messages() == []


@pytest.mark.parametrize("confirm", [True, False])
def test_the_receivers_rate_counts(confirm: bool) -> None:  # noqa: FBT001 (a case)
    """100 a second of one connection, in and out together."""
    world = World(Quotas(publishes_per_s=1))
    world.connected()
    sent(world, confirm=confirm)
    assert refused(world, confirm=confirm) is DirectRefusal.THROTTLED
    world.now += 1
    sent(world, confirm=confirm)


def test_a_receiver_says_how_large_packets_may_be() -> None:
    """A packet above the client's maximum is not sent."""
    world = World(Quotas(least_packet_bytes=None))
    world.connected("c", V5, properties=Properties(maximum_packet_bytes=10))
    assert refused(world) is DirectRefusal.TOO_LARGE


def test_it_is_not_published() -> None:
    """Neither subscribers nor rules see it."""
    world = World(UNLIMITED)
    other = world.connected("other")
    other.subscribe("direct/x")
    world.connected()
    sent(world, confirm=False)
    assert other.messages() == []
    assert MESSAGE not in world.watcher.messages
