"""Interference: PUBACKs that get lost on purpose."""

from localaws.core.delivery import Outcome
from localaws.core.direct_message import DirectSent
from localaws.core.interference import Interference
from localaws.core.message import Message
from localaws.core.mqtt.acknowledgement import Puback
from tests.unit.localaws.core.mqtt_world import World


class Losing(Interference):
    """Loses PUBACKs of one client in both directions."""

    def loses_puback_to(self, client_id: str) -> bool:
        """Lose it."""
        return client_id == "unlucky"

    loses_puback_from = loses_puback_to


def test_a_lost_puback_leaves_the_publisher_waiting() -> None:
    """The message was published all the same; others get their PUBACK."""
    world = World()
    world.broker.interference = Losing()
    unlucky, lucky = world.connected("unlucky"), world.connected("lucky")
    unlucky.publish("t", b"1", qos=1)
    lucky.publish("t", b"2", qos=1)
    assert unlucky.received() == []
    assert lucky.take(Puback).packet_id == 1
    assert [one.payload for one in world.watcher.messages[-2:]] == [b"1", b"2"]


def test_a_puback_that_never_arrives_keeps_the_message_in_flight() -> None:
    """The sender of a direct message hears nothing."""
    world = World()
    world.broker.interference = Losing()
    client = world.connected("unlucky")
    message = Message(topic="t", payload=b"x")
    sent = world.broker.send_direct("unlucky", message, confirm=True, now=world.now)
    assert isinstance(sent, DirectSent)
    assert sent.confirmation is not None
    client.messages()
    assert sent.confirmation.outcome is None
    world.broker.interference = None
    client.send(Puback(packet_id=sent.packet_id))
    assert sent.confirmation.outcome is Outcome.ACKNOWLEDGED


def test_by_itself_it_lets_everything_pass() -> None:
    """The base asks for nothing."""
    calm, event = Interference(), Message(topic="t", payload=b"")
    assert not calm.loses_puback_to("c")
    assert not calm.loses_puback_from("c")
    assert list(calm.lifecycle(event, 0.0)) == [event]
