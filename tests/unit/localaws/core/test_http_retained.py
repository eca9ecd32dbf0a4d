"""Retained messages over HTTP."""

import pytest

from localaws.core.http_retained import listing_body, read_topic, retained_body
from localaws.core.message import Message
from localaws.core.refusal import Refusal
from localaws.core.retained import RetainedMessage
from localaws.core.signed_request import Request


def request(path: str = "/retainedMessage", query: str = "") -> Request:
    """Return a request."""
    return Request(method="GET", path=path, query=query, headers={})


def stored(topic: str, **more: object) -> RetainedMessage:
    """Return a stored message."""
    return RetainedMessage(Message(topic=topic, payload=b"Hi", **more), 1.5)  # type: ignore[arg-type]


def test_topics_are_read_from_the_raw_path() -> None:
    """Escaped or not; an empty one is none."""
    assert read_topic(request("/retainedMessage/a%2Fb")) == "a/b"
    assert read_topic(request("/retainedMessage/a/b")) == "a/b"
    assert isinstance(read_topic(request("/retainedMessage/")), Refusal)
    assert isinstance(read_topic(request("/retainedMessage/%ff")), Refusal)


def test_a_message_is_told() -> None:
    """Bytes as base64, times in milliseconds, properties only where there are any."""
    assert retained_body(stored("a", qos=1), "a") == {
        "topic": "a",
        "payload": "SGk=",
        "qos": 1,
        "lastModifiedTime": 1500,
    }
    told = retained_body(stored("a", user_properties=(("k", "v"),)), "a")
    assert not isinstance(told, Refusal)
    assert told["userProperties"] == "W3siayI6ICJ2In1d"


def test_none_is_not_found() -> None:
    """404, which SDKs know by its code."""
    found = retained_body(None, "a")
    assert isinstance(found, Refusal)
    assert (found.status, found.code) == (404, "ResourceNotFoundException")


def test_a_listing_has_pages() -> None:
    """Sorted by topic, with sizes instead of payloads."""
    all_of_them = [stored("b"), stored("a"), stored("c")]
    first = listing_body(request(query="maxResults=2"), all_of_them)
    assert not isinstance(first, Refusal)
    assert first["retainedTopics"] == [
        {"topic": name, "payloadSize": 2, "qos": 0, "lastModifiedTime": 1500} for name in "ab"
    ]
    rest = listing_body(request(query=f"nextToken={first['nextToken']}"), all_of_them)
    assert not isinstance(rest, Refusal)
    assert [one["topic"] for one in rest["retainedTopics"]] == ["c"]  # type: ignore[attr-defined]
    assert "nextToken" not in rest


@pytest.mark.parametrize("query", ["maxResults=0", "maxResults=201", "nextToken=%3F"])
def test_what_does_not_fit(query: str) -> None:
    """InvalidRequestException."""
    found = listing_body(request(query=query), [])
    assert isinstance(found, Refusal)
    assert found.code == "InvalidRequestException"
