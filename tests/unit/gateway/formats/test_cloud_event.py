"""A CloudEvent becomes an event of ours, or says everything that is wrong with it."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from cloudevents.core.bindings import http
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.event import Event, parse_event
from gateway.core.strict_json import JsonValue, parse_json
from gateway.errors import InvalidEvent
from gateway.formats.cloud_event import MAX_ATTRIBUTES, read_cloud_event

GOOD: dict[str, Any] = {
    "specversion": "1.0",
    "id": "i",
    "source": "/orders",
    "type": "order.shipped",
    "to": "user:42 group:orders/eu",
    "data": {"n": 1},
}


def parse(document: JsonValue) -> Event:
    """Read the fields of an event."""
    return parse_event(document, namespace="n", new_id="made", max_addresses=5)


def read(members: JsonValue, **trace: str) -> Event:
    """Read a CloudEvent as sent by the shop."""
    return read_cloud_event(members, own_source="/services/shop", trace=trace, parse=parse)


def problems(members: JsonValue) -> dict[str, str]:
    """Return what is wrong, by pointer."""
    with pytest.raises(InvalidEvent) as caught:
        read(members)
    return {problem.pointer: problem.problem for problem in caught.value.problems}


def test_reads_an_event() -> None:
    """`to` is one text with blanks between; what the envelope has anyway is not carried twice."""
    event = read(GOOD)
    assert ([str(to) for to in event.to], event.id, event.type, event.data) == (
        ["user:42", "group:orders/eu"],
        "i",
        "order.shipped",
        {"n": 1},
    )
    assert event.extensions == {"source": "/orders"}


def test_carries_every_other_attribute() -> None:
    """As text, the way CloudEvents writes booleans and integers; time in our form."""
    more = {
        "subject": "order 7",
        "time": "2026-01-31T13:00:00+01:00",
        "dataschema": "https://example.com/s",
        "datacontenttype": "application/json",
        "region": "eu",
        "attempt": 3.0,
        "final": True,
        "nothing": None,
    }
    assert read(GOOD | more).extensions == {
        "source": "/orders",
        "subject": "order 7",
        "time": "2026-01-31T12:00:00.000Z",
        "dataschema": "https://example.com/s",
        "region": "eu",
        "attempt": "3",
        "final": "true",
    }


def test_keeps_the_type_of_data_that_is_no_json() -> None:
    """A text may be anything; its type says what."""
    event = read(GOOD | {"datacontenttype": "text/csv", "data": "a,b"})
    assert (event.data, event.extensions["datacontenttype"]) == ("a,b", "text/csv")


@pytest.mark.parametrize("text", [False, True])
def test_options_are_extension_attributes(text: bool) -> None:  # noqa: FBT001
    """Their types may have been lost on the way, as in headers."""
    options: dict[str, Any] = {"qos": 0, "retain": True, "ttl": 60}
    if text:
        options = {"qos": "0", "retain": "true", "ttl": "60"}
    event = read(GOOD | options)
    assert (event.qos, event.retain, event.ttl_s) == (0, True, 60)
    assert event.extensions == {"source": "/orders"}


def test_the_requests_trace_is_for_events_that_bring_none() -> None:
    """CloudEvents distributed tracing: the event's own wins."""
    assert read(GOOD, traceparent="request").extensions["traceparent"] == "request"
    own = read(GOOD | {"traceparent": "own"}, traceparent="request")
    assert own.extensions["traceparent"] == "own"


def test_says_everything_at_once() -> None:
    """One round trip is enough to put it right; names are those of attributes."""
    assert problems({"to": 7, "deliverat": "never", "Nope": 1, "data_base64": "AA=="}) == {
        "/specversion": "is required",
        "/id": "is required",
        "/source": "is required",
        "/type": "is required",
        "/to": "must be one text of addresses with blanks between",
        "/data_base64": "is not carried: data must be JSON or text",
        "/deliverat": problems(GOOD | {"deliverat": "never"})["/deliverat"],
        "/Nope": "is no attribute's name: 1 to 20 characters of a-z 0-9",
    }


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"specversion": "0.3"}, "/specversion"),
        ({"source": "/services/bank"}, "/source"),
        ({"source": "a b"}, "/source"),
        ({"source": ""}, "/source"),
        ({"id": "ü"}, "/id"),
        ({"type": ""}, "/type"),
        ({"to": "user:42 nowhere"}, "/to/1"),
        ({"to": ""}, "/to"),
        ({"time": "yesterday"}, "/time"),
        ({"time": "2026-01-31T12:00:00"}, "/time"),
        ({"subject": ""}, "/subject"),
        ({"subject": "a\nb"}, "/subject"),
        ({"subject": "x" * 1_025}, "/subject"),
        ({"size": 2**31}, "/size"),
        ({"size": 0.5}, "/size"),
        ({"list": []}, "/list"),
        ({"qos": "many"}, "/qos"),
        ({"retain": "yes"}, "/retain"),
        ({"x" * 21: "1"}, "/" + "x" * 21),
    ],
)
def test_refuses(change: dict[str, Any], pointer: str) -> None:
    """Each rule of the standard and of ours, at its place."""
    assert list(problems(GOOD | change)) == [pointer]


def test_refuses_what_is_no_object() -> None:
    """And says so."""
    assert problems([1]) == {"": "must be a JSON object"}


def test_a_service_may_name_itself() -> None:
    """Its own source is what the gateway would give it anyway."""
    assert read(GOOD | {"source": "/services/shop"}).extensions == {"source": "/services/shop"}


def test_bounds_the_attributes() -> None:
    """An envelope is no place for a database."""
    many = {f"a{number}": "1" for number in range(MAX_ATTRIBUTES)}
    assert len(problems(GOOD | many)) == 1


@given(
    st.dictionaries(
        st.text(max_size=25), st.none() | st.booleans() | st.integers() | st.text() | st.just([])
    )
)
def test_any_object_is_read_or_refused(members: dict[str, JsonValue]) -> None:
    """Nothing else is raised, whatever the members are."""
    with contextlib.suppress(InvalidEvent):
        read(GOOD | members)


@given(
    subject=st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=50
    ),
    data=st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(), st.lists, max_leaves=5
    ),
)
def test_reads_what_the_reference_library_writes(subject: str, data: Any) -> None:
    """The CloudEvents project's own SDK is understood: structured mode."""
    foreign = CloudEvent(
        {
            "specversion": "1.0",
            "id": "i",
            "source": "/orders",
            "type": "t",
            "to": "user:42",
            "subject": subject,
            "datacontenttype": "application/json",
        },
        data,
    )
    message = http.to_structured(foreign, JSONFormat())
    event = read(parse_json(message.body, max_depth=64))
    assert (event.data, event.extensions["subject"]) == (data, subject)
