"""One keep-alive HTTP/1.1 connection, for requests that are ready-made bytes.

Owns one request at a time on it, and reading the answer.
Does not: open it, choose it, or look after its deadline (`http_pool.py` does); build or sign
requests, follow redirects, or understand the answer beyond its framing (which `httptools`, Node's
parser, does).
Source: RFC 9112; docs/decisions/0009-publish-path.md has what it saves and why it is safe.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, cast

import httptools

_MAX_ANSWER_BYTES: Final = 64 * 1024
"""Most bytes of an answer: IoT Core's have about 400. More is a peer that is not IoT Core."""


class BadAnswer(Exception):
    """What came back is not an HTTP answer that can be read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it arrived.

    Attributes:
        status: HTTP status.
        raw: All its bytes, with those of interim answers before it.
        body: The whole body.
    """

    status: int
    raw: bytes
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """Headers by name in lower case; of a name that stands twice, the last value.

        Read when somebody asks: what is said about a publish that went well interests nobody.
        """
        head = _Head()
        httptools.HttpResponseParser(head).feed_data(self.raw)
        return head.fields


class _Head:
    """Collects the headers of the last of some answers; what the parser calls."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}

    def on_message_begin(self) -> None:
        self.fields = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields[name.decode("latin-1").lower()] = value.decode("latin-1")


class HttpConnection(asyncio.Protocol):
    """One connection, one request at a time.

    Whatever happens out of turn ends the connection: bytes nobody asked for, an answer that cannot
    be read, silence past the deadline, a caller that stopped waiting.
    """

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[Answer] | None = None
        self._raw = b""
        self._body: list[bytes] = []
        self.deadline = 0.0
        self.reusable = False

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self.reusable = True

    def data_received(self, data: bytes) -> None:
        """Read on, or end the connection."""
        if self._waiter is None or self._waiter.done():
            self.end(BadAnswer("bytes nobody asked for"))
            return
        self._raw += data
        if len(self._raw) > _MAX_ANSWER_BYTES:
            self.end(BadAnswer("the answer is too large"))
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.end(BadAnswer(str(error)))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self.end(exc or ConnectionResetError("the connection was closed"))

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Give the connection up if this is an answer that nobody asked for."""
        if self._waiter is None or self._waiter.done():
            self.reusable = False

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Hand over the answer."""
        status = self._parser.get_status_code()
        body, self._body = b"".join(self._body), []
        if self._waiter is None or self._waiter.done() or status < 200:
            return  # below 200 is an interim answer; the real one follows
        self.reusable = self.reusable and self._parser.should_keep_alive()
        self._waiter.set_result(Answer(status, self._raw, body))

    # What the pool calls.

    def send(self, request: bytes, answered: asyncio.Future[Answer]) -> None:
        """Send a request; the future gets its answer, an OSError or a `BadAnswer`.

        Whoever waits must end the connection when it stops waiting.

        Raises:
            OSError: The connection is closed; nothing was sent.
        """
        if self._transport is None or not self.reusable:
            raise ConnectionResetError("the connection was closed")
        self._raw = b""
        self._waiter = answered
        self._transport.write(request)

    def end(self, error: Exception | None) -> None:
        """Close at once; whoever waits gets the error."""
        self.reusable = False
        if self._waiter is not None and not self._waiter.done() and error is not None:
            self._waiter.set_exception(error)
        if self._transport is not None:
            self._transport.abort()
