"""A plain post: a request for the event API that arrived whole and asks for nothing unusual.

Owns telling plain posts from everything else, and taking one apart.
Does not: refuse anything. What it does not know is aiohttp's to judge, so the two cannot disagree
about what is well-formed: both read heads with Node's parser (llhttp), strictly.
Source: RFC 9112; docs/decisions/0015-front.md.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final, NamedTuple

import httptools
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.formats.post_head import PostHead

MAX_HEAD_BYTES: Final = 8_000
"""A longer head is aiohttp's, whose own bound for one header line is 8,190 bytes."""

MAX_BODY_BYTES: Final = 256 * 1024
"""A larger body is aiohttp's: reading it costs far more than aiohttp does."""

_START: Final = b"POST /v1/events HTTP/1.1\r\n"
_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]{1,9}) *\r\n", re.IGNORECASE)

_UNUSUAL: Final = frozenset(
    {"content-encoding", "expect", "origin", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that change how a request is read or answered."""


class Verdict(Enum):
    """What the first bytes on a connection are, if they are no plain post."""

    INCOMPLETE = auto()
    """The beginning of what may become one."""
    OTHER = auto()
    """Something else."""


class PlainPost(NamedTuple):
    """A plain post.

    Attributes:
        head: What its headers say. They are as aiohttp would give them, but for Content-Length,
            which the size of the body says.
        body: Its body.
        size: Bytes it takes; those behind belong to the next request.
    """

    head: PostHead
    body: bytes
    size: int


class PostReader:
    """Read the requests of one connection.

    Theory of operation: a caller that keeps its connection mostly sends the same head again, but
    for the length of its body. So the last head is kept without that number, and a head that is
    the same needs no parsing.

    Args:
        max_body_bytes: Largest body that is read; at most `MAX_BODY_BYTES`.
    """

    def __init__(self, *, max_body_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes
        self._bytes = b""
        self._head: PostHead | None = None

    def read(self, received: bytes) -> PlainPost | Verdict:
        """Read the first request.

        Args:
            received: What the connection sent, and was not answered yet.
        """
        if not received.startswith(_START):
            return Verdict.INCOMPLETE if _START.startswith(received) else Verdict.OTHER
        head_end = received.find(_HEAD_END, len(_START) - 2, MAX_HEAD_BYTES)
        if head_end < 0:
            return Verdict.INCOMPLETE if len(received) < MAX_HEAD_BYTES else Verdict.OTHER
        body_at = head_end + len(_HEAD_END)
        length = _LENGTH.search(received, len(_START) - 2, body_at)
        if length is None or int(length[1]) > self._max_body_bytes:
            return Verdict.OTHER
        same = received[: length.start(1)] + received[length.end(1) : body_at]
        if same != self._bytes or self._head is None:
            self._bytes, self._head = same, _head(received[:body_at])
            if self._head is None:
                return Verdict.OTHER
        size = body_at + int(length[1])
        if len(received) < size:
            return Verdict.INCOMPLETE
        return PlainPost(self._head, received[body_at:size], size)


class _Fields:
    """Collects headers; what the parser calls."""

    def __init__(self) -> None:
        self.fields: list[tuple[str, str]] = []
        self.plain = True

    def on_header(self, name: bytes, value: bytes) -> None:
        # As aiohttp decodes them, so that both show a handler the same text.
        field = name.decode("ascii")
        lower = field.lower()
        if lower in _UNUSUAL:
            self.plain = False
        elif lower != "content-length":
            self.fields.append((field, value.decode("utf-8", "surrogateescape")))


def _head(head: bytes) -> PostHead | None:
    found = _Fields()
    parser = httptools.HttpRequestParser(found)
    try:
        parser.feed_data(head)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade, UnicodeDecodeError):
        return None
    if not found.plain or not parser.should_keep_alive():
        return None
    return PostHead(CIMultiDictProxy(CIMultiDict(found.fields)))
