"""Lifecycle events: fields, version numbers, who gets none."""

import json

import pytest

from localaws.core.connection import Connection, DisconnectReason
from localaws.core.interference import Interference
from localaws.core.lifecycle import Lifecycle
from localaws.core.message import Message
from tests.unit.localaws.core.mqtt_world import START, Caller, World

COMMON = ["clientId", "timestamp", "eventType", "sessionIdentifier", "principalIdentifier"]


def connection() -> Connection:
    """Make a connection with an identifier."""
    made = Connection(Caller(), address="192.0.2.7", now=START)
    made.session_identifier = "uuid"
    return made


def body(event: Message | None) -> dict[str, object]:
    """Read an event's payload."""
    assert event is not None
    read: dict[str, object] = json.loads(event.payload)
    return read


def test_fields_stand_in_awss_order() -> None:
    """As in the samples of the developer guide, thingName aside."""
    lifecycle, one = Lifecycle(), connection()
    assert list(body(lifecycle.connected("c", one, START))) == [
        *COMMON,
        "ipAddress",
        "versionNumber",
    ]
    gone = lifecycle.disconnected("c", one, DisconnectReason.CONNECTION_LOST, START)
    assert list(body(gone)) == [
        *COMMON,
        "clientInitiatedDisconnect",
        "disconnectReason",
        "versionNumber",
    ]
    assert set(body(lifecycle.connect_failed("c", one, "AUTHORIZATION_FAILED", START))) == {
        *COMMON,
        "connectFailureReason",
        "ipAddress",
    }
    assert list(body(lifecycle.subscribed("c", one, ["a"], START))) == [*COMMON, "topics"]
    assert list(body(lifecycle.unsubscribed("c", one, ["a"], START))) == [*COMMON, "topics"]


def test_values_are_those_of_the_connection() -> None:
    """Milliseconds, the principal, the session identifier."""
    told = body(Lifecycle().connected("c", connection(), START))
    assert told == {
        "clientId": "c",
        "timestamp": int(START * 1000),
        "eventType": "connected",
        "sessionIdentifier": "uuid",
        "principalIdentifier": "AROATEST:user",
        "ipAddress": "192.0.2.7",
        "versionNumber": 0,
    }


@pytest.mark.parametrize("reason", DisconnectReason)
def test_only_the_clients_own_wish_is_client_initiated(reason: DisconnectReason) -> None:
    """Every reason is told by its name."""
    lifecycle, one = Lifecycle(), connection()
    lifecycle.connected("c", one, START)
    told = body(lifecycle.disconnected("c", one, reason, START))
    assert told["disconnectReason"] == reason.name
    assert told["clientInitiatedDisconnect"] is (reason.name == "CLIENT_INITIATED_DISCONNECT")


def test_the_version_number_tells_connections_apart() -> None:
    """A takeover's late disconnect carries the older number."""
    lifecycle, older, newer = Lifecycle(), connection(), connection()
    assert body(lifecycle.connected("c", older, START))["versionNumber"] == 0
    assert body(lifecycle.connected("c", newer, START))["versionNumber"] == 1
    gone = lifecycle.disconnected("c", older, DisconnectReason.DUPLICATE_CLIENTID, START)
    assert body(gone)["versionNumber"] == 0
    lifecycle.forget(START + 10_000)
    assert body(lifecycle.connected("c", older, START))["versionNumber"] == 2


def test_the_version_number_begins_anew_after_an_hour() -> None:
    """Counted from the disconnect."""
    lifecycle, one = Lifecycle(), connection()
    lifecycle.connected("c", one, START)
    lifecycle.disconnected("c", one, DisconnectReason.CONNECTION_LOST, START)
    lifecycle.forget(START + 3_599)
    assert body(lifecycle.connected("c", one, START))["versionNumber"] == 1
    lifecycle.disconnected("c", one, DisconnectReason.CONNECTION_LOST, START)
    lifecycle.forget(START + 3_600)
    assert body(lifecycle.connected("c", one, START))["versionNumber"] == 0


@pytest.mark.parametrize("client_id", ["a#b", "a+b"])
def test_client_ids_with_wildcards_get_no_events(client_id: str) -> None:
    """Their topic would be no topic."""
    assert Lifecycle().connected(client_id, connection(), START) is None


def test_interference_may_repeat_and_hold_back_events() -> None:
    """What is published in an event's place is what it returns."""
    world = World()

    class Twice(Interference):
        """Says everything twice, subscriptions never."""

        def lifecycle(self, event: Message, now: float) -> tuple[Message, ...]:
            """Repeat, or hold back."""
            del now
            return () if "subscriptions" in event.topic else (event, event)

    world.broker.interference = Twice()
    world.connected("42.a").subscribe("t")
    assert len(world.watcher.events("connected")) == 2
    assert world.watcher.events("subscribed") == []
