"""Keep-alive HTTP/1.1 connections to one endpoint, for requests that are ready-made bytes.

Owns connections: opening them (TLS included), one request at a time on each, reuse, timeouts,
a bound on their number, closing them.
Does not: build or sign requests, follow redirects, use proxies, retry, or understand the answer
beyond its framing (which `httptools`, Node's parser, does).
Source: RFC 9112; docs/decisions/0009-publish-path.md has what it saves and why it is safe.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import httptools

if TYPE_CHECKING:
    import ssl

_MAX_BODY_BYTES: Final = 64 * 1024
"""Most bytes of an answer's body: IoT Core's have about 100. More is a peer that is not IoT Core."""

_TICK_S: Final = 0.1
"""How often timeouts are looked at, seconds; one look over all connections costs microseconds, a
timer for each request would cost as much as parsing the answer."""


class BadAnswer(Exception):
    """What came back is not an HTTP answer that can be read."""


class ConnectTimedOut(ConnectionError):
    """No connection in time; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it arrived.

    Attributes:
        status: HTTP status.
        fields: Headers as they came.
        body: The whole body.
    """

    status: int
    fields: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """Headers by name in lower case; of a name that stands twice, the last value."""
        return {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self.fields
        }


class HttpConnection(asyncio.Protocol):
    """One connection, one request at a time.

    Whatever happens out of turn ends the connection: bytes nobody asked for, an answer that cannot
    be read, silence past the deadline, a caller that stopped waiting.
    """

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[Answer] | None = None
        self._fields: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._body_bytes = 0
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

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self._fields.append((name, value))

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body, within the bound."""
        self._body_bytes += len(body)
        if self._body_bytes > _MAX_BODY_BYTES:
            self.end(BadAnswer("the answer is too large"))
            return
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Hand over the answer."""
        status = self._parser.get_status_code()
        fields, body = self._fields, b"".join(self._body)
        self._fields, self._body, self._body_bytes = [], [], 0
        if self._waiter is None or self._waiter.done() or status < 200:
            return  # below 200 is an interim answer; the real one follows
        self.reusable = self.reusable and self._parser.should_keep_alive()
        self._waiter.set_result(Answer(status, fields, body))

    # What the pool calls.

    async def exchange(self, request: bytes) -> Answer:
        """Send a request and wait for its answer; the pool looks after the deadline.

        Raises:
            OSError: The connection broke, or the deadline passed (TimeoutError).
            BadAnswer: The answer cannot be read.
        """
        if self._transport is None or not self.reusable:
            raise ConnectionResetError("the connection was closed")
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._waiter
        except BaseException:
            self.end(None)
            raise
        finally:
            self._waiter = None

    def end(self, error: Exception | None) -> None:
        """Close at once; whoever waits gets the error."""
        self.reusable = False
        if self._waiter is not None and not self._waiter.done() and error is not None:
            self._waiter.set_exception(error)
        if self._transport is not None:
            self._transport.abort()


class HttpPool:
    """A bounded number of connections to one endpoint.

    Args:
        host: Name or address to connect to, and the name its certificate must have.
        port: TCP port.
        tls: How to check the certificate, or None for plain HTTP.
        connections: Most connections; further callers wait for their turn, in order.
        connect_timeout_s: Longest wait for a connection, its TLS included, seconds.
        read_timeout_s: Longest wait for an answer, seconds.
        idle_s: How long a connection without work is kept, seconds.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        connections: int,
        connect_timeout_s: float,
        read_timeout_s: float,
        idle_s: float,
    ) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._idle_s = idle_s
        self._turns = asyncio.Semaphore(connections)
        self._idle: list[HttpConnection] = []
        self._busy: set[HttpConnection] = set()
        self._loop = asyncio.get_running_loop()
        self._tick: asyncio.TimerHandle | None = None

    @property
    def ready(self) -> bool:
        """Whether a request would leave at once, without waiting for a turn or a connection."""
        return bool(self._idle) and not self._turns.locked()

    async def exchange(self, request: bytes) -> Answer:
        """Send a request on a free connection and wait for the answer.

        Waits for a turn as long as the caller lets it.

        Raises:
            OSError: Not reachable, broken, or too slow (TimeoutError).
            BadAnswer: The answer cannot be read.
        """
        async with self._turns:
            connection = self._take() or await self._connect()
            connection.deadline = self._loop.time() + self._read_timeout_s
            self._busy.add(connection)
            self._watch()
            try:
                return await connection.exchange(request)
            finally:
                self._busy.discard(connection)
                if connection.reusable:
                    connection.deadline = self._loop.time() + self._idle_s
                    self._idle.append(connection)
                else:
                    connection.end(None)

    def close(self) -> None:
        """Close all connections; whoever waits gets an error."""
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        for connection in (*self._idle, *self._busy):
            connection.end(ConnectionAbortedError("the gateway closes its connections"))
        self._idle.clear()

    def _take(self) -> HttpConnection | None:
        # The one used last: the others become idle long enough to be closed.
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable:
                return connection
        return None

    async def _connect(self) -> HttpConnection:
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                _, connection = await self._loop.create_connection(
                    HttpConnection,
                    self._host,
                    self._port,
                    ssl=self._tls,
                    server_hostname=self._host if self._tls else None,
                )
        except TimeoutError:
            raise ConnectTimedOut("no connection in time") from None
        return connection

    def _watch(self) -> None:
        if self._tick is None:
            self._tick = self._loop.call_later(_TICK_S, self._look)

    def _look(self) -> None:
        self._tick = None
        now = self._loop.time()
        for connection in tuple(self._busy):
            if now >= connection.deadline:
                connection.end(TimeoutError("no answer in time"))
        for connection in self._idle:
            if now >= connection.deadline:
                connection.end(None)
        self._idle = [connection for connection in self._idle if connection.reusable]
        if self._busy or self._idle:
            self._watch()
