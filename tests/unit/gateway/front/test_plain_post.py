"""What is a plain post and what is not: never both, however the bytes arrive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.front.plain_post import MAX_HEAD_BYTES, PlainPost, PostReader, Verdict

START = b"POST /v1/events HTTP/1.1\r\n"
HEADERS = st.dictionaries(
    st.from_regex(r"x-[a-z0-9-]{1,20}", fullmatch=True),
    st.from_regex(r"[!-~]([ -~]{0,30}[!-~])?", fullmatch=True),
    max_size=6,
)


def request(body: bytes = b"{}", start: bytes = START, **headers: str) -> bytes:
    """Return a request; underscores in names are hyphens."""
    lines = {"Host": "a", "Content-Length": str(len(body))} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return start + head.encode() + b"\r\n" + body


def read(received: bytes, max_body_bytes: int = 1_000) -> PlainPost | Verdict:
    """Read what a connection sent."""
    return PostReader(max_body_bytes=max_body_bytes).read(received)


@given(HEADERS, st.binary(max_size=200), st.binary(max_size=50))
def test_reads_one_request_and_leaves_the_rest(
    headers: dict[str, str], body: bytes, behind: bytes
) -> None:
    """Headers and body come back as sent; what stands behind is not touched."""
    whole = request(body, START, **headers)
    found = read(whole + behind)
    assert isinstance(found, PlainPost)
    assert (found.body, found.size) == (body, len(whole))
    assert {name: found.head.headers[name] for name in headers} == headers


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    {},
                    {"X-A": "1"},
                    {"X-A": "2"},
                    {"X-A": "1", "content-length": ""},
                    {"X-A": "1", "X-Content-Length": "7"},
                    {"Content-Length": "+2"},
                    {"Content-Length": "02"},
                    {"Expect": "100-continue"},
                ]
            ),
            st.sampled_from([b"", b"{}", b"x" * 99, b"\r\ncontent-length: 5\r\n\r\n"]),
        ),
        max_size=8,
    )
)
def test_a_remembered_head_changes_nothing(requests: list[tuple[dict[str, str], bytes]]) -> None:
    """One reader says of each request what a new one says."""
    reader = PostReader(max_body_bytes=1_000)
    for headers, body in requests:
        received = request(body, START, **headers)
        assert _said(reader.read(received)) == _said(read(received))


def _said(found: PlainPost | Verdict) -> object:
    if isinstance(found, Verdict):
        return found
    return list(found.head.headers.items()), found.body, found.size


def test_a_head_that_is_the_same_is_not_read_again() -> None:
    """But for the length of the body."""
    reader = PostReader(max_body_bytes=1_000)
    first, second, other = (
        reader.read(request(body, START, X_A=value))
        for body, value in ((b"{}", "1"), (b"[1,2,3,4,5]", "1"), (b"{}", "2"))
    )
    assert isinstance(first, PlainPost)
    assert isinstance(second, PlainPost)
    assert isinstance(other, PlainPost)
    assert second.body == b"[1,2,3,4,5]"
    assert second.head is first.head
    assert other.head.headers["X-A"] == "2"


@given(st.binary(max_size=60), st.data())
def test_a_beginning_is_incomplete(body: bytes, data: st.DataObject) -> None:
    """However the bytes are cut, nothing is decided before the last one is there."""
    whole = request(body)
    cut = data.draw(st.integers(0, len(whole) - 1))
    assert read(whole[:cut]) is Verdict.INCOMPLETE


@given(st.binary(max_size=300))
def test_random_bytes_are_judged_and_no_error(noise: bytes) -> None:
    """Whatever arrives, there is a verdict."""
    for received in (noise, START + noise, START + noise + b"\r\n\r\n", request(noise) + noise):
        assert isinstance(read(received), PlainPost | Verdict)


@pytest.mark.parametrize(
    "received",
    [
        b"GET /v1/events HTTP/1.1\r\n",
        b"POST /v1/events HTTP/1.0\r\n",
        b"POST /v1/events?a=b HTTP/1.1\r\n",
        b"POST /v1/events/1 HTTP/1.1\r\n",
        b"post /v1/events HTTP/1.1\r\n",
        b"\r\nPOST /v1/events HTTP/1.1\r\n",
        request(Connection="close"),
        request(Connection="Upgrade", Upgrade="websocket"),
        request(Transfer_Encoding="chunked"),
        request(Content_Encoding="gzip"),
        request(Expect="100-continue"),
        request(Origin="https://a.example"),
        request(Content_Length=""),
        request(Content_Length="+2"),
        request(Content_Length="1_0"),
        request(Content_Length="-1"),
        request(Content_Length="1001"),
        request(X_A="one\r\n two"),
        request(X_A="one\x00"),
        request().replace(b"Host: a", b"Host : a"),
        request().replace(b"Host: a", b"Content-Length: 2"),
        request().replace(b"Host: a", b"Content-Length: 3"),
        request().replace(b"Host: a\r\n", b"Host: a\n"),
        START + b"X-A: " + b"a" * MAX_HEAD_BYTES,
        request(X_A="a" * MAX_HEAD_BYTES),
    ],
)
def test_anything_else_is_for_aiohttp(received: bytes) -> None:
    """Other requests, other ways to send a body, and what is not well-formed."""
    assert read(received) is Verdict.OTHER
