"""The broker: endings, time, goodbyes and what others do to connections."""

import json

import pytest

from localaws.core.connection import DisconnectReason
from localaws.core.mqtt.acknowledgement import Pubrel
from localaws.core.mqtt.auth import Auth
from localaws.core.mqtt.connack import Connack
from localaws.core.mqtt.connect import Connect, Will
from localaws.core.mqtt.disconnect import Disconnect
from localaws.core.mqtt.ping import Pingreq, Pingresp
from localaws.core.mqtt.properties import Properties
from localaws.core.mqtt.reason import ReasonCode
from localaws.core.mqtt.version import Version
from localaws.core.quotas import Quotas
from tests.unit.localaws.core.mqtt_world import V5, V311, World

BOTH = pytest.mark.parametrize("version", Version)

LOST = DisconnectReason.CONNECTION_LOST
GOODBYE = DisconnectReason.CLIENT_INITIATED_DISCONNECT


@BOTH
def test_a_ping_is_answered(version: Version) -> None:
    """PINGREQ gets PINGRESP."""
    client = World().connected(version=version)
    client.send(Pingreq())
    assert client.take(Pingresp) == Pingresp()


@BOTH
@pytest.mark.parametrize(
    ("asked_s", "given_s"), [(0, 1200), (5, 30), (30, 30), (60, 60), (1200, 1200), (2000, 1200)]
)
def test_silence_ends_a_connection_after_one_and_a_half_keep_alives(
    version: Version, asked_s: int, given_s: int
) -> None:
    """Keep-alive is clamped to 30..1200 s; any packet starts the time anew."""
    world = World()
    client = world.connected(version=version, keep_alive_s=asked_s)
    world.wait(given_s * 1.4)
    client.send(Pingreq())
    world.wait(given_s * 1.4)
    assert client.ending is None
    world.wait(given_s * 0.2)
    assert client.ending is DisconnectReason.MQTT_KEEP_ALIVE_TIMEOUT
    if version is V5:
        assert client.received()[-1] == Disconnect(code=ReasonCode.KEEP_ALIVE_TIMEOUT)


def test_a_connection_without_connect_is_ended() -> None:
    """CONNECT must come in time."""
    world = World(Quotas(connect_timeout_s=3))
    client = world.transport()
    world.wait(2.9)
    assert client.ending is None
    world.wait(0.2)
    assert client.ending is DisconnectReason.CLIENT_ERROR


def test_a_websocket_lives_one_day() -> None:
    """After 24 hours the connection ends, however lively it is."""
    world = World(Quotas(connection_s=86_400))
    client = world.connected()
    for _ in range(86_400 // 60):
        world.wait(59.99)
        client.send(Pingreq())
    assert client.ending is None
    world.wait(59)
    assert client.ending is DisconnectReason.WEBSOCKET_TTL_EXPIRATION


def test_bytes_behind_an_ending_are_ignored() -> None:
    """What a client sends after its DISCONNECT changes nothing."""
    world = World()
    client = world.connected()
    client.send(Disconnect(), Pingreq())
    client.send(Pingreq())
    assert client.ending is GOODBYE
    assert client.received() == []


@BOTH
@pytest.mark.parametrize("packet", [Pubrel(packet_id=1), Connack(code=0), Auth()])
def test_packets_out_of_place_end_the_connection(version: Version, packet: Pubrel) -> None:
    """QoS 2's packets, a broker's packets and AUTH are not accepted."""
    if isinstance(packet, Auth) and version is V311:
        packet = Pubrel(packet_id=2)
    client = World().connected(version=version)
    client.send(packet)
    assert client.ending is DisconnectReason.CLIENT_ERROR
    assert client.received() == (
        [Disconnect(code=ReasonCode.PROTOCOL_ERROR)] if version is V5 else []
    )


def test_a_second_connect_ends_the_connection() -> None:
    """CONNECT is said once. Source: MQTT 3.1.1 [MQTT-3.1.0-2]."""
    client = World().connected()
    client.send(Connect(version=V311, client_id="c"))
    assert client.ending is DisconnectReason.CLIENT_ERROR


def test_malformed_bytes_end_only_their_connection() -> None:
    """The other connections go on."""
    world = World()
    bad, good = world.connected("bad", V5), world.connected("good")
    world.broker.receive(bad.connection, b"\xc1\x00", world.now)
    assert bad.ending is DisconnectReason.CLIENT_ERROR
    assert bad.received() == [Disconnect(code=ReasonCode.MALFORMED_PACKET)]
    assert good.ending is None


@pytest.mark.parametrize(
    ("level", "version", "code"), [(3, V311, 1), (6, V5, 0x84)], ids=["3", "6"]
)
def test_an_unknown_version_is_told_so(level: int, version: Version, code: int) -> None:
    """A CONNECT of another protocol level gets the CONNACK that its version understands best."""
    client = World().transport()
    hello = bytes.fromhex(f"100d00044d515454{level:02x}02003c000163")
    client._decoder.version = version
    client.world.broker.receive(client.connection, hello, client.world.now)
    assert client.take(Connack).code == code
    assert client.ending is DisconnectReason.CLIENT_ERROR


@BOTH
def test_the_will_is_published_unless_the_client_says_goodbye(version: Version) -> None:
    """A lost connection publishes the will; DISCONNECT and a WebSocket Close frame do not."""
    world = World()
    watcher = world.connected("watcher")
    watcher.subscribe("wills")
    will = Will(topic="wills", payload=b"gone")
    world.connected("a", version, will=will).disconnect()
    world.connected("b", version, will=will).lose(GOODBYE)
    assert watcher.payloads() == []
    world.connected("d", version, will=will).lose()
    assert watcher.payloads() == [b"gone"]


def test_a_goodbye_may_ask_for_the_will() -> None:
    """DISCONNECT with reason 0x04 publishes it."""
    world = World()
    watcher = world.connected("watcher")
    watcher.subscribe("wills")
    client = world.connected("a", V5, will=Will(topic="wills", payload=b"gone"))
    client.send(Disconnect(code=ReasonCode.DISCONNECT_WITH_WILL))
    assert watcher.payloads() == [b"gone"]


def test_a_delayed_will_waits_and_is_called_off_by_a_return() -> None:
    """The will comes after its delay, or when the session ends, or not if the client is back."""
    world = World()
    watcher = world.connected("watcher", keep_alive_s=1200)
    watcher.subscribe("wills")
    will = Will(topic="wills", payload=b"w", properties=Properties(will_delay_interval_s=10))
    lasting = Properties(session_expiry_interval_s=60)
    world.connected("a", V5, will=will, properties=lasting).lose()
    world.wait(9)
    assert watcher.payloads() == []
    world.wait(1)
    assert watcher.payloads() == [b"w"]
    world.connected("b", V5, will=will, properties=lasting).lose()
    world.connected("b", V5, clean=False, properties=lasting)
    world.wait(30)
    assert watcher.payloads() == []
    world.connected("d", V5, will=will).lose()
    assert watcher.payloads() == [b"w"], "without a session it comes at once"


def test_a_session_expiry_cannot_begin_at_the_goodbye() -> None:
    """A client without a lasting session cannot ask for one in DISCONNECT."""
    client = World().connected("a", V5)
    client.send(Disconnect(properties=Properties(session_expiry_interval_s=5)))
    assert client.received() == [Disconnect(code=ReasonCode.PROTOCOL_ERROR)]
    other = client.world.connected("b", V5, properties=Properties(session_expiry_interval_s=50))
    other.send(Disconnect(properties=Properties(session_expiry_interval_s=5)))
    client.world.wait(5)
    assert "b" not in client.world.broker.sessions


def test_delete_connection_ends_the_connection_and_tells_a_version_5_client() -> None:
    """DeleteConnection says 0x98, publishes the will unless prevented, and can end the session."""
    world = World()
    watcher = world.connected("watcher")
    watcher.subscribe("wills")
    will = Will(topic="wills", payload=b"gone")
    client = world.connected("a", V5, will=will)
    assert world.broker.disconnect("a", now=world.now)
    assert client.received() == [Disconnect(code=ReasonCode.ADMINISTRATIVE_ACTION)]
    assert client.ending is DisconnectReason.API_INITIATED_DISCONNECT
    assert watcher.payloads() == [b"gone"]
    world.connected("b", will=will, clean=False)
    assert world.broker.disconnect("b", now=world.now, prevent_will=True)
    assert "b" in world.broker.sessions
    assert world.broker.disconnect("b", now=world.now, clean_session=True)
    assert not world.broker.disconnect("b", now=world.now)
    assert watcher.payloads() == []


def test_shutdown_ends_everything() -> None:
    """Every connection ends, version 5 clients are told why."""
    world = World()
    clients = [world.connected("a"), world.connected("b", V5), world.transport()]
    world.broker.shut_down(world.now)
    assert all(one.ending is DisconnectReason.SERVER_INITIATED_DISCONNECT for one in clients)
    assert clients[1].received() == [Disconnect(code=ReasonCode.SERVER_SHUTTING_DOWN)]
    assert world.broker.connections == set()


def test_every_ending_is_on_the_ready_list() -> None:
    """The shell learns of endings that came without bytes, too."""
    world = World()
    client = world.connected()
    client.received()
    client.lose()
    assert client.connection in world.broker.take_ready(world.now)
    assert world.broker.take_ready(world.now) == []


def test_lifecycle_events_tell_the_story_of_a_connection() -> None:
    """Connected, subscribed, unsubscribed and disconnected, with one session identifier."""
    world = World()
    client = world.connected("42.a")
    client.subscribe("t")
    client.unsubscribe("t", "never")
    client.lose()
    told = [(one.topic, json.loads(one.payload)) for one in world.watcher.events("")]
    assert [topic for topic, _ in told] == [
        "$aws/events/presence/connected/42.a",
        "$aws/events/subscriptions/subscribed/42.a",
        "$aws/events/subscriptions/unsubscribed/42.a",
        "$aws/events/presence/disconnected/42.a",
    ]
    assert {body["sessionIdentifier"] for _, body in told} == {"id-1"}
    assert told[2][1]["topics"] == ["t"]
    assert told[3][1]["disconnectReason"] == "CONNECTION_LOST"
    assert told[3][1]["clientInitiatedDisconnect"] is False
