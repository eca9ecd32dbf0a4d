"""What the headers of a post say, found out once."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.errors import UnsupportedMedia
from gateway.formats.media import Form
from gateway.formats.post_head import PostHead

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def head(*fields: tuple[str, str]) -> PostHead:
    """Make a head."""
    return PostHead(CIMultiDictProxy(CIMultiDict(fields)))


def test_says_nothing_where_nothing_is_sent() -> None:
    """Only the media type has to be there."""
    empty = head()
    assert (empty.bearer, empty.request_id) == (None, None)
    assert (dict(empty.trace), empty.preferences) == ({}, ())
    for _ in range(2):
        with pytest.raises(UnsupportedMedia):
            assert empty.media


def test_finds_everything_whatever_the_case_of_names() -> None:
    """As HTTP asks. Source: RFC 9110 section 5.1."""
    full = head(
        ("AUTHORIZATION", "Bearer swk_x"),
        ("content-TYPE", "application/json; charset=utf-8"),
        ("PREFER", "wait=5"),
        ("x-request-id", "7"),
    )
    assert full.bearer is not None
    assert full.bearer.shown == "swk_x"
    assert full.media.form is Form.JSON
    assert (full.preferences, full.request_id) == (("wait=5",), "7")
    assert full.media is full.media


def test_several_states_are_one_list() -> None:
    """In their order. Source: W3C Trace Context, section 3.3.1.1."""
    said = head(("traceparent", PARENT), ("tracestate", "a=1"), ("Tracestate", "b=2, c=3"))
    assert said.trace == {"traceparent": PARENT, "tracestate": "a=1,b=2, c=3"}
