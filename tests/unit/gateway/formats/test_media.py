"""The headers decide how a body is read."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from gateway.errors import UnsupportedMedia
from gateway.formats.media import ACCEPTED, Form, media_of


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({"Content-Type": "application/json"}, Form.JSON),
        ({"content-type": "Application/JSON; Charset=UTF-8"}, Form.JSON),
        ({"Content-Type": 'application/json; charset="utf-8"'}, Form.JSON),
        ({"Content-Type": "application/x-ndjson"}, Form.NDJSON),
        ({"Content-Type": "application/ndjson"}, Form.NDJSON),
        ({"Content-Type": "application/cloudevents+json; charset=utf-8"}, Form.CLOUD_EVENT),
        ({"Content-Type": "application/cloudevents-batch+json"}, Form.CLOUD_EVENTS),
        ({"Content-Type": "application/json", "ce-specversion": "1.0"}, Form.BINARY),
        ({"Content-Type": "text/plain", "CE-SpecVersion": "1.0"}, Form.BINARY),
        ({"ce-specversion": "1.0"}, Form.BINARY),
        (
            {"Content-Type": "application/cloudevents+json", "ce-specversion": "1.0"},
            Form.CLOUD_EVENT,
        ),
    ],
)
def test_tells_the_form(headers: dict[str, str], form: Form) -> None:
    """Case, quotes and a charset of UTF-8 do not matter; `ce-` headers make binary mode."""
    assert media_of(CIMultiDict(headers)).form is form


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json; charset=latin-1", "ce-specversion": "1.0"},
        {"Content-Type": "nonsense"},
        {"Content-Type": "application/cloudevents+avro"},
    ],
)
def test_refuses_other_media(headers: dict[str, str]) -> None:
    """The answer names what would be taken."""
    with pytest.raises(UnsupportedMedia) as caught:
        media_of(CIMultiDict(headers))
    assert (caught.value.header, caught.value.accepted) == ("Content-Type", ACCEPTED)


def test_keeps_the_type_of_binary_data() -> None:
    """Binary mode needs it to read the data."""
    media = media_of(
        CIMultiDict({"Content-Type": "text/csv; charset=utf-8", "ce-specversion": "1.0"})
    )
    assert media.content_type == "text/csv"
