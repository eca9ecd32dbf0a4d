"""Looking up clients: live connections, gone ones for half an hour, sessions and subscriptions."""

import pytest

from localaws.core import connection_view
from localaws.core.connection import DisconnectReason
from localaws.core.connection_view import ConnectionView, SubscriptionView
from localaws.core.mqtt.properties import Properties
from tests.unit.localaws.core.mqtt_world import START, V5, World


def view(world: World, client_id: str = "c") -> ConnectionView | None:
    """Look a client up."""
    return world.broker.connection_of(client_id, world.now)


def test_a_live_connection_is_seen() -> None:
    """All that GetConnection tells of it, its addresses included."""
    world = World()
    client = world.connected(
        version=V5, keep_alive_s=45, properties=Properties(session_expiry_interval_s=600)
    )
    client.connection.source_port, client.connection.target = 5000, ("192.0.2.1", 443)
    assert view(world) == ConnectionView(
        client_id="c",
        connected=True,
        clean_session=False,
        session_expiry_s=600,
        keep_alive_s=45,
        connected_at=START,
        source_ip="192.0.2.7",
        source_port=5000,
        target_ip="192.0.2.1",
        target_port=443,
    )


def test_a_connection_is_remembered_for_half_an_hour() -> None:
    """With when and why it ended; then nothing is known of it."""
    world = World()
    world.connected().disconnect()
    world.wait(1_799)
    gone = view(world)
    assert gone is not None
    assert not gone.connected
    assert gone.clean_session
    assert gone.disconnected_at == START
    assert gone.disconnect_reason is DisconnectReason.CLIENT_INITIATED_DISCONNECT
    world.now += 1
    assert view(world) is None
    world.wait(0)
    assert view(world) is None


def test_a_session_without_history_is_seen_as_not_connected() -> None:
    """A persistent session outlives what is remembered of its connection."""
    world = World()
    world.connected(clean=False).disconnect()
    world.wait(1_801)
    assert view(world) == ConnectionView(
        client_id="c", connected=False, clean_session=False, session_expiry_s=3_600
    )


def test_the_latest_connection_is_the_one_remembered() -> None:
    """A client that came back and left again starts its half hour anew."""
    world = World()
    world.connected().disconnect()
    world.wait(1_000)
    world.connected().lose()
    world.wait(1_000)
    gone = view(world)
    assert gone is not None
    assert gone.disconnect_reason is DisconnectReason.CONNECTION_LOST


def test_an_unknown_client_is_not_seen() -> None:
    """Neither connection nor session nor history."""
    assert view(World()) is None
    assert World().broker.subscriptions_of("c") is None


def test_the_history_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is forgotten first."""
    monkeypatch.setattr(connection_view, "MAX_HISTORY", 2)
    world = World()
    for name in ("a", "b", "c"):
        world.connected(name).disconnect()
    assert [view(world, name) is None for name in ("a", "b", "c")] == [True, False, False]


def test_subscriptions_are_listed_by_filter_offline_too() -> None:
    """In one order, so that they can be paged through."""
    world = World()
    client = world.connected(clean=False)
    client.subscribe("b/+", qos=1)
    client.subscribe("a", qos=0)
    listed = (SubscriptionView("a", 0), SubscriptionView("b/+", 1))
    assert world.broker.subscriptions_of("c") == listed
    client.disconnect()
    assert world.broker.subscriptions_of("c") == listed
