"""Reading a message: the event API's readers, ids that never change, and who may send what."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.core.event import Event
from gateway.errors import (
    InvalidEvent,
    MalformedBody,
    NotAllowed,
    RequestRefused,
    TooManyEvents,
)
from gateway.formats.media import Form, media_of
from gateway.formats.submission import Bounds, Reader
from gateway.inbox.reading import Contents, read_message
from tests.unit.gateway.inbox.messages import GOOD, SHOP, message

READER = Reader(
    Bounds(namespace="n", max_addresses=5, max_depth=8, max_events=20), lambda: "made-up"
)
CLOUD = {"specversion": "1.0", "id": "c", "source": "/s", "type": "t", "to": "user:42"}
ITEMS = st.lists(
    st.sampled_from(
        [
            GOOD,
            GOOD | {"id": "mine"},
            GOOD | {"to": "everyone"},
            GOOD | {"qos": 7},
            {"to": "user:1"},
            1,
            "x",
            [],
            {},
        ]
    ),
    max_size=8,
)


def read(body: object, **changes: Any) -> Contents:
    """Read a message of the shop."""
    return read_message(message(body, **changes), service=SHOP, reader=READER)


def test_one_event_has_the_messages_id() -> None:
    """What SendMessage answered is what the event can be looked up by."""
    contents = read(GOOD)
    (event,) = contents.events.values()
    assert (event.id, event.id_given) == (message().id, True)
    assert not contents.many


def test_an_id_of_the_senders_own_is_kept() -> None:
    """It makes the event one however many messages bring it, over HTTP too."""
    assert read(GOOD | {"id": "order-1"}).events[0].id == "order-1"
    assert read(CLOUD).events[0].id == "c"


def test_each_document_shows_what_it_is() -> None:
    """Events, CloudEvents and EventBridge's own, in one array if need be."""
    bridge = {"id": "b", "detail-type": "T", "source": "x", "detail": {"n": 1}}
    contents = read([GOOD, CLOUD, bridge], group="group:orders/eu")
    assert [event.id for event in contents.events.values()] == [f"{message().id}.0", "c", "b"]
    assert [str(event.to[0]) for event in contents.events.values()] == [
        "user:42", "user:42", "group:orders/eu",
    ]  # fmt: skip
    assert not contents.refused


def test_the_group_is_no_address_of_other_events() -> None:
    """Only a rule of EventBridge has no other way to say it."""
    with pytest.raises(InvalidEvent, match="/to: is required"):
        read({"type": "t", "data": 1}, group="user:42")


@given(ITEMS)
def test_a_message_is_read_as_the_event_api_reads_it(documents: list[Any]) -> None:
    """The same array: the same events and refusals, but for ids that nobody gave."""
    body = json.dumps(documents)
    headers = CIMultiDictProxy(CIMultiDict({"Content-Type": str(Form.JSON)}))
    there = READER.read(
        media_of(headers), headers, body.encode(), own_source=SHOP.source, trace={}
    ).items
    here = read(body)
    assert set(here.events) | set(here.refused) == set(range(len(documents)))
    for place, item in enumerate(there):
        if isinstance(item, RequestRefused):
            assert str(here.refused[place]) == str(item)
        elif place in here.events:
            ours = here.events[place]
            assert (ours.to, ours.type, ours.data, ours.qos) == (
                item.to, item.type, item.data, item.qos,
            )  # fmt: skip
            assert not item.id_given or ours.id == item.id
        else:
            assert isinstance(here.refused[place], NotAllowed)


@given(ITEMS)
def test_a_message_received_twice_is_the_same_events(documents: list[Any]) -> None:
    """Read again it gives the same ids, and within it none that was not given is there twice."""
    first, again = read(documents), read(documents, receipt="another", receives=2)
    assert first.events == again.events
    made = [event.id for event in first.events.values() if event.id != "mine"]
    assert len(made) == len(set(made))
    other = read(documents, id="00000000-0000-4000-8000-000000000000")
    assert not {event.id for event in other.events.values()} & set(made)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("Hi!", MalformedBody),
        ("", MalformedBody),
        ("\ud800", MalformedBody),
        ("[1", MalformedBody),
        ({"type": "t"}, InvalidEvent),
        (GOOD | {"to": "everyone"}, NotAllowed),
        (CLOUD | {"source": "/services/other"}, InvalidEvent),
        ([GOOD] * 21, TooManyEvents),
    ],
)
def test_what_cannot_be_read_is_refused_whole(body: object, error: type[RequestRefused]) -> None:
    """A message with one event, or with none that can be told apart."""
    with pytest.raises(error):
        read(body)


def test_the_senders_trace_is_carried() -> None:
    """As the headers of the event API are."""
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    (event,) = read(GOOD, attributes={"traceparent": parent}).events.values()
    assert isinstance(event, Event)
    assert event.extensions == {"traceparent": parent}
