"""Headers become attributes, and a body data."""

from __future__ import annotations

import pytest
from cloudevents.core.bindings import http
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidEvent, MalformedBody, UnsupportedMedia
from gateway.formats.binary_mode import members_of


def members(body: bytes = b"", content_type: str = "", **attributes: str) -> dict[str, object]:
    """Return what binary mode makes of a request."""
    headers = [("Host", "h"), *((f"CE-{name}", value) for name, value in attributes.items())]
    return dict(members_of(headers, body, content_type=content_type, max_depth=8))


def test_reads_attributes_and_json() -> None:
    """Only `ce-` headers are attributes, whatever their case."""
    assert members(b'{"n":1}', "application/json", id="i", To="user:42%20user:7") == {
        "id": "i",
        "to": "user:42 user:7",
        "data": {"n": 1},
        "datacontenttype": "application/json",
    }


@pytest.mark.parametrize(
    ("body", "content_type", "data"),
    [
        (b"", "", None),
        (b"hi \xc3\xbc", "text/plain", "hi ü"),
        (b"[1]", "application/vnd.shop+json", [1]),
    ],
)
def test_reads_data_by_its_type(body: bytes, content_type: str, data: object) -> None:
    """Nothing, text, and anything that is JSON."""
    assert members(body, content_type)["data"] == data


@pytest.mark.parametrize(
    ("body", "content_type", "refusal"),
    [
        (b"{", "application/json", MalformedBody),
        (b"\xff", "text/plain", MalformedBody),
        (b"\x00", "application/octet-stream", UnsupportedMedia),
        (b"x", "", UnsupportedMedia),
    ],
)
def test_refuses_data(body: bytes, content_type: str, refusal: type[Exception]) -> None:
    """What is neither JSON nor text cannot reach a browser as JSON."""
    with pytest.raises(refusal):
        members(body, content_type)


@pytest.mark.parametrize(
    ("value", "decoded"),
    [("%E2%82%AC", "€"), ('"a \\"b\\""', 'a "b"'), ("100%25", "100%"), ("  x ", "x"), ('"', '"')],
)
def test_decodes_headers(value: str, decoded: str) -> None:
    """Percent-encoding of UTF-8, and HTTP's quoted strings."""
    assert members(subject=value)["subject"] == decoded


@pytest.mark.parametrize("value", ["ü", "%ff"])
def test_refuses_headers_that_cannot_be_read(value: str) -> None:
    """The attribute is named."""
    with pytest.raises(InvalidEvent) as caught:
        members(subject=value)
    assert caught.value.problems[0].pointer == "/subject"


@pytest.mark.parametrize("name", ["data", "data_base64", "datacontenttype"])
def test_refuses_members_that_are_no_attributes(name: str) -> None:
    """They would take the place of the body or of Content-Type."""
    with pytest.raises(InvalidEvent):
        members(b"", "", **{name: "x"})


def test_refuses_an_attribute_that_stands_twice() -> None:
    """Which one counts would be a guess."""
    with pytest.raises(InvalidEvent):
        members_of([("ce-id", "1"), ("Ce-Id", "2")], b"", content_type="", max_depth=8)


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)
)
def test_reads_what_the_reference_library_writes(subject: str) -> None:
    """The CloudEvents project's own SDK is understood: binary mode."""
    event = CloudEvent(
        {
            "specversion": "1.0",
            "id": "i",
            "source": "/orders",
            "type": "t",
            "subject": f"a{subject}b",
            "datacontenttype": "application/json",
        },
        {"n": 1},
    )
    message = http.to_binary(event, JSONFormat())
    found = members_of(
        message.headers.items(), message.body, content_type="application/json", max_depth=8
    )
    assert (found["subject"], found["data"]) == (f"a{subject}b", {"n": 1})
