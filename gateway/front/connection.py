"""A connection of a caller, as long as it sends plain posts.

Owns answering them one after the other, and handing the connection to aiohttp for anything else.
Does not: tell what is plain (`plain_post.py`) or take events (`gateway/event_api.py`).
Source: docs/decisions/0015-front.md; asyncio, "Transports and Protocols".

Theory of operation: bytes gather until they are a plain post, or certainly none. A plain post is
answered in a task of its own, and what arrives meanwhile waits; beyond a bound the connection is
read no further. The first request that is not plain ends this object's part: the transport gets
aiohttp's protocol in its place, which is given every byte that was not answered, and keeps it. A
request that is not complete after `PATIENCE_S` goes there too: aiohttp bounds slow callers.

| state | what is true | ends with |
|---|---|---|
| idle | no task, no bytes | bytes; `idle_s` (closed) |
| incomplete | no task, some bytes | more bytes; `PATIENCE_S` (handed over) |
| answering | a task | its answer |
| closing | nothing more is read | the answer under way |
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

from gateway.answers import EVENTS
from gateway.front.plain_post import MAX_BODY_BYTES, PlainPost, PostReader, Verdict
from gateway.refusals import Refusals
from gateway.request_line import GONE, REQUEST_ID, SERVER_NAME, Line, RequestLines

if TYPE_CHECKING:
    from gateway.event_api import EventApi
    from gateway.metrics import Metrics
    from gateway.reply import Reply

PATIENCE_S: Final = 1.0
"""How long a request may stay incomplete before it is aiohttp's to wait for, seconds."""

MOST_BEHIND_BYTES: Final = 64 * 1024
"""What a caller may send ahead while an answer is under way; behind, it is read no further."""


class Connections(Protocol):
    """Who keeps the connections of a server together."""

    def joined(self, connection: EventConnection) -> None:
        """Learn of a connection."""

    def left(self, connection: EventConnection) -> None:
        """Learn that it is closed, or somebody else's."""


class Answer(NamedTuple):
    """What goes back, and under which request id."""

    reply: Reply
    request_id: str


class PlainPosts:
    """What answers plain posts, the same for all connections.

    Args:
        api: Who takes events.
        metrics: Where requests and refusals are counted.
        max_body_bytes: Largest body that may be taken.
    """

    def __init__(self, *, api: EventApi, metrics: Metrics, max_body_bytes: int) -> None:
        self.max_body_bytes = min(max_body_bytes, MAX_BODY_BYTES)
        self._api = api
        self._lines = RequestLines(metrics)
        self._refusals = Refusals(metrics)

    async def answer(self, post: PlainPost, remote: str | None) -> Answer:
        """Return the answer to a plain post.

        Args:
            post: The request.
            remote: The caller's address.
        """

        async def read() -> bytes:
            return post.body

        line = Line(post.head.request_id)
        status = GONE
        try:
            try:
                reply = await self._api.post(post.head, read, line)
            except Exception as error:
                reply = self._refusals.reply(error, line)
            status = reply.status
            return Answer(reply, line.request_id)
        finally:
            self._lines.write(line, method="POST", route=EVENTS, status=status, remote=remote)


class EventConnection(asyncio.Protocol):
    """One connection.

    Args:
        posts: What answers plain posts.
        others: Makes aiohttp's protocol for everything else.
        connections: Who keeps all connections together.
    """

    def __init__(
        self,
        *,
        posts: PlainPosts,
        others: Callable[[], asyncio.Protocol],
        connections: Connections,
    ) -> None:
        self._posts = posts
        self._others = others
        self._connections = connections
        self._transport: asyncio.Transport
        self._remote: str | None = None
        self._reader = PostReader(max_body_bytes=posts.max_body_bytes)
        self._received = b""
        self._since = time.monotonic()
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._paused = False
        self._closing = False

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._remote = peer[0] if isinstance(peer, tuple) else None
        self._connections.joined(self)

    def data_received(self, data: bytes) -> None:
        """Read on, unless an answer is under way."""
        if not self._received:
            self._since = time.monotonic()
        self._received += data
        if self._task is None:
            self._read()
        elif len(self._received) > MOST_BEHIND_BYTES:
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """Answer nothing more until the caller has read what was answered."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on."""
        self._paused = False
        if self._task is None:
            self._read()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go; a request under way is finished, for it may have been accepted already."""
        del exc
        self._closing = True
        self._connections.left(self)

    # What the server calls.

    def look(self, now: float, idle_s: float) -> None:
        """Close the connection if it has been idle for long, or give up a slow request.

        Args:
            now: Seconds of the monotonic clock.
            idle_s: How long it may be idle.
        """
        waited_s = now - self._since
        if self._task is not None:
            return
        if self._received and not self._paused and waited_s >= PATIENCE_S:
            self._hand_over()
        elif waited_s >= idle_s:
            # At once: what is left to write is what nobody reads.
            self._transport.abort()

    def close(self) -> None:
        """Close once nothing is under way; read nothing more."""
        self._closing = True
        if self._task is None:
            self._transport.close()

    async def shutdown(self, timeout_s: float | None) -> None:
        """Close, and give what is under way so long to finish."""
        self.close()
        if self._task is not None:
            _, late = await asyncio.wait([self._task], timeout=timeout_s)
            for task in late:
                task.cancel()
        self._transport.close()

    # What happens in between.

    def _read(self) -> None:
        if self._closing or self._paused or not self._received:
            return
        found = self._reader.read(self._received)
        if found is Verdict.OTHER:
            self._hand_over()
        elif isinstance(found, PlainPost):
            self._received = self._received[found.size :]
            self._task = self._loop.create_task(self._answer(found))

    async def _answer(self, post: PlainPost) -> None:
        try:
            answer = await self._posts.answer(post, self._remote)
        finally:
            self._task = None
            self._since = time.monotonic()
        if self._transport.is_closing():
            return
        self._transport.write(_written(answer, last=self._closing))
        if self._closing:
            self._transport.close()
            return
        if not self._transport.is_reading():
            self._transport.resume_reading()
        self._read()

    def _hand_over(self) -> None:
        received, self._received = self._received, b""
        self._connections.left(self)
        other = self._others()
        self._transport.set_protocol(other)
        other.connection_made(self._transport)
        if received:
            other.data_received(received)


@lru_cache(maxsize=64)
def _start(status: int) -> str:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _written(answer: Answer, *, last: bool) -> bytes:
    reply, request_id = answer
    more = "".join([f"{name}: {value}\r\n" for name, value in reply.headers.items()])
    head = (
        f"{_start(reply.status)}Content-Type: {reply.content_type}\r\n{more}"
        f"{REQUEST_ID}: {request_id}\r\nServer: {SERVER_NAME}\r\n"
        f"Date: {_date(int(time.time()))}\r\nContent-Length: {len(reply.body)}\r\n"
    )
    end = "Connection: close\r\n\r\n" if last else "\r\n"
    return f"{head}{end}".encode("latin-1") + reply.body
