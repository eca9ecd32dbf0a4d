"""One request holds one event or many, and one bad event spoils no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.core.event import Event
from gateway.errors import InvalidEvent, MalformedBody, RequestRefused, TooManyEvents
from gateway.formats.media import Form, media_of
from gateway.formats.submission import Bounds, Reader, Submission

GOOD: dict[str, Any] = {"to": "user:42", "type": "t", "data": 1, "id": "i"}
CLOUD: dict[str, Any] = {"specversion": "1.0", "source": "/s"} | GOOD
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
MANY: dict[str, Callable[[list[bytes]], bytes]] = {
    Form.JSON: lambda items: b"[" + b",".join(items) + b"]",
    Form.NDJSON: lambda items: b"\n".join(items) + b"\n",
    Form.CLOUD_EVENTS: lambda items: b" [ " + b" , ".join(items) + b" ] ",
}


def read(
    body: bytes,
    content_type: str = Form.JSON,
    trace: dict[str, str] | None = None,
    **headers: str,
) -> Submission:
    """Read one request of the shop."""
    bounds = Bounds(namespace="n", max_addresses=5, max_depth=8, max_events=4)
    proxy = CIMultiDictProxy(CIMultiDict({"Content-Type": content_type} | headers))
    reader = Reader(bounds, lambda: "made")
    return reader.read(media_of(proxy), proxy, body, own_source="/services/shop", trace=trace or {})


def event_of(form: str) -> bytes:
    """Return a good event in the form."""
    return json.dumps(CLOUD if "cloudevents" in form else GOOD).encode()


@pytest.mark.parametrize("form", [Form.JSON, Form.CLOUD_EVENT])
def test_reads_one(form: Form) -> None:
    """A form for one answers with one."""
    submission = read(event_of(form), form)
    assert not submission.batch
    assert [item.id for item in submission.items if isinstance(item, Event)] == ["i"]


def test_reads_one_in_binary_mode() -> None:
    """Attributes in headers, data in the body."""
    headers = {f"ce-{name}": str(value) for name, value in CLOUD.items() if name != "data"}
    (item,) = read(b"[1]", Form.JSON, {}, **headers).items
    assert isinstance(item, Event)
    assert (item.data, item.extensions) == ([1], {"source": "/s"})


@pytest.mark.parametrize("form", MANY)
def test_reads_many(form: str) -> None:
    """In the order of the request."""
    submission = read(MANY[form]([event_of(form)] * 3), form)
    assert submission.batch
    assert all(isinstance(item, Event) for item in submission.items)
    assert len(submission.items) == 3


@pytest.mark.parametrize("form", MANY)
@pytest.mark.parametrize(
    ("bad", "refusal"),
    [
        (b"{}", InvalidEvent),
        (b"7", InvalidEvent),
        (b'{"to":1,"to":2}', MalformedBody),
        (b"NaN", MalformedBody),
        (b'"\\ud800"', MalformedBody),
        (b"[" * 9 + b"]" * 9, MalformedBody),
        (b"1e999", MalformedBody),
    ],
)
def test_a_bad_event_spoils_no_other(form: str, bad: bytes, refusal: type[RequestRefused]) -> None:
    """What stands before and behind it is read."""
    first, second, third = read(MANY[form]([event_of(form), bad, event_of(form)]), form).items
    assert isinstance(first, Event)
    assert isinstance(second, refusal)
    assert isinstance(third, Event)


def test_a_line_that_is_no_json_spoils_no_other() -> None:
    """Lines stand apart, whatever is on them; empty ones do not count."""
    first, second = read(b"{\n\n \r\n" + json.dumps(GOOD).encode(), Form.NDJSON).items
    assert isinstance(first, MalformedBody)
    assert isinstance(second, Event)


@pytest.mark.parametrize("form", [Form.JSON, Form.CLOUD_EVENTS])
@pytest.mark.parametrize("body", [b"[", b"[1", b"[1,", b"[1,]", b"[1 2]", b"[1]x", b"[,1]"])
def test_an_array_that_is_none_is_refused_whole(form: Form, body: bytes) -> None:
    """Behind a broken place nothing can be read."""
    with pytest.raises(MalformedBody):
        read(body, form)


@pytest.mark.parametrize("form", MANY)
def test_bounds_the_number(form: str) -> None:
    """The limit is told; the limit itself is fine."""
    assert len(read(MANY[form]([event_of(form)] * 4), form).items) == 4
    with pytest.raises(TooManyEvents) as caught:
        read(MANY[form]([event_of(form)] * 5), form)
    assert caught.value.limit == 4


@pytest.mark.parametrize("form", MANY)
def test_none_at_all_is_a_batch_of_none(form: str) -> None:
    """Who has nothing to say has done nothing wrong."""
    assert read(MANY[form]([]), form) == Submission(items=(), batch=True)


def test_an_id_is_made_where_there_is_none() -> None:
    """Every event can be spoken of."""
    (item,) = read(json.dumps({k: v for k, v in GOOD.items() if k != "id"}).encode()).items
    assert isinstance(item, Event)
    assert item.id == "made"


def test_carries_the_requests_trace() -> None:
    """To every event of the request."""
    submission = read(b"[" + event_of(Form.JSON) + b"]", trace={"traceparent": TRACE})
    assert [item.extensions for item in submission.items if isinstance(item, Event)] == [
        {"traceparent": TRACE}
    ]


def test_one_bad_event_alone_is_the_requests_refusal() -> None:
    """A form for one has no per-item answers."""
    with pytest.raises(InvalidEvent):
        read(b"{}")
