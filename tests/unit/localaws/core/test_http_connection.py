"""Connections over HTTP."""

import pytest

from localaws.core.connection import DisconnectReason
from localaws.core.connection_view import ConnectionView, SubscriptionView
from localaws.core.http_connection import (
    Deletion,
    Lookup,
    connection_body,
    read_deletion,
    read_lookup,
    read_subscriber,
    subscriptions_body,
    unknown_client,
)
from localaws.core.refusal import Refusal
from localaws.core.signed_request import Request

LIVE = ConnectionView(
    client_id="c",
    connected=True,
    clean_session=False,
    session_expiry_s=60,
    keep_alive_s=30,
    connected_at=1.5,
    source_ip="192.0.2.1",
    source_port=5,
    target_ip="192.0.2.2",
    target_port=443,
)


def request(path: str = "/connections/c", query: str = "") -> Request:
    """Return a request."""
    return Request(method="GET", path=path, query=query, headers={})


def test_deletions_are_read() -> None:
    """Both switches are off unless told."""
    assert read_deletion(request()) == Deletion(
        client_id="c", clean_session=False, prevent_will=False
    )
    both = read_deletion(request(query="cleanSession=true&preventWillMessage=true"))
    assert both == Deletion(client_id="c", clean_session=True, prevent_will=True)
    assert isinstance(read_deletion(request(query="cleanSession=yes")), Refusal)


def test_lookups_are_read() -> None:
    """Addresses are told on request."""
    assert read_lookup(request()) == Lookup("c")
    assert read_lookup(request(query="includeSocketInformation=true")) == Lookup("c", True)  # noqa: FBT003
    assert isinstance(read_lookup(request("/connections/$c")), Refusal)
    assert read_subscriber(request("/connections/a%2Fb/subscriptions")) == Lookup("a/b")
    assert isinstance(read_subscriber(request("/connections/%ff/subscriptions")), Refusal)


def test_a_live_connection_is_told() -> None:
    """Times in milliseconds, durations in seconds, addresses only on request."""
    told = {
        "clientId": "c",
        "connected": True,
        "cleanSession": False,
        "sessionExpiry": 60,
        "keepAliveDuration": 30,
        "connectedSince": 1500,
    }
    assert connection_body(LIVE, with_socket=False) == told
    assert connection_body(LIVE, with_socket=True) == {
        **told,
        "sourceIp": "192.0.2.1",
        "sourcePort": 5,
        "targetIp": "192.0.2.2",
        "targetPort": 443,
    }


def test_a_connection_that_is_gone_is_told() -> None:
    """When and why it ended."""
    gone = ConnectionView(
        client_id="c",
        connected=False,
        clean_session=True,
        session_expiry_s=0,
        connected_at=1.5,
        disconnected_at=2.5,
        disconnect_reason=DisconnectReason.CONNECTION_LOST,
    )
    assert connection_body(gone, with_socket=True) == {
        "clientId": "c",
        "connected": False,
        "cleanSession": True,
        "sessionExpiry": 0,
        "disconnectedSince": 2500,
        "disconnectReason": "CONNECTION_LOST",
    }


def test_subscriptions_have_pages() -> None:
    """Twenty at a time unless told otherwise."""
    views = tuple(SubscriptionView(f"a/{number:02}", 1) for number in range(25))
    first = subscriptions_body(request(), views)
    assert not isinstance(first, Refusal)
    assert len(first["subscriptions"]) == 20  # type: ignore[arg-type]
    rest = subscriptions_body(request(query=f"nextToken={first['nextToken']}"), views)
    assert not isinstance(rest, Refusal)
    assert rest == {
        "subscriptions": [{"topicFilter": f"a/{number}", "qos": 1} for number in range(20, 25)]
    }


@pytest.mark.parametrize("query", ["maxResults=0", "maxResults=201", "nextToken=%3F"])
def test_what_does_not_fit(query: str) -> None:
    """InvalidRequestException."""
    found = subscriptions_body(request(query=query), ())
    assert isinstance(found, Refusal)
    assert found.code == "InvalidRequestException"


def test_an_unknown_client_is_not_found() -> None:
    """404, which SDKs know by its code."""
    assert (unknown_client().status, unknown_client().code) == (404, "ResourceNotFoundException")
