"""Keep-alive connections to one endpoint, as many as are allowed.

Owns whose turn it is, reuse, timeouts, a bound on the connections' number, closing them.
Does not: read answers (`http_connection.py`), know where connections lead, or retry.
Source: RFC 9112; docs/decisions/0009-publish-path.md.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.iot.http_connection import Answer, HttpConnection

_TICK_S: Final = 0.1
"""How often timeouts are looked at, seconds; one look over all connections costs microseconds, a
timer for each request would cost as much as parsing the answer."""


class ConnectTimedOut(ConnectionError):
    """No connection in time; nothing was sent."""


class HttpPool:
    """A bounded number of connections to one endpoint.

    Args:
        connect: Opens a connection, its TLS included; raises OSError.
        connections: Most connections; further callers wait for their turn, in order.
        connect_timeout_s: Longest wait for a connection, its TLS included, seconds.
        read_timeout_s: Longest wait for an answer, seconds.
        idle_s: How long a connection without work is kept, seconds.
    """

    def __init__(
        self,
        *,
        connect: Callable[[], Awaitable[HttpConnection]],
        connections: int,
        connect_timeout_s: float,
        read_timeout_s: float,
        idle_s: float,
    ) -> None:
        self._open = connect
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._idle_s = idle_s
        self._turns = connections
        self._queue: deque[asyncio.Future[None]] = deque()
        self._idle: list[HttpConnection] = []
        self._busy: set[HttpConnection] = set()
        self._loop = asyncio.get_running_loop()
        self._tick: asyncio.TimerHandle | None = None

    @property
    def ready(self) -> bool:
        """Whether a request would leave at once, without waiting for a turn or a connection."""
        return bool(self._idle) and self._turns > 0

    async def exchange(self, request: bytes) -> Answer:
        """Send a request on a free connection and wait for the answer.

        Waits for a turn as long as the caller lets it.

        Raises:
            OSError: Not reachable, broken, or too slow (TimeoutError).
            BadAnswer: The answer cannot be read.
        """
        if self._turns > 0:
            self._turns -= 1
        else:
            await self._turn()
        try:
            connection = self._take() or await self._connect()
            connection.deadline = self._loop.time() + self._read_timeout_s
            self._busy.add(connection)
            self._watch()
            answered: asyncio.Future[Answer] = self._loop.create_future()
            try:
                connection.send(request, answered)
                return await answered
            except BaseException:
                connection.end(None)
                raise
            finally:
                self._busy.discard(connection)
                if connection.reusable:
                    connection.deadline = self._loop.time() + self._idle_s
                    self._idle.append(connection)
                else:
                    connection.end(None)
        finally:
            self._pass_on()

    async def _turn(self) -> None:
        """Wait for a turn, behind those who wait already."""
        # Not asyncio.Semaphore: for the turn that is nearly always free it takes nine calls.
        turn: asyncio.Future[None] = self._loop.create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the turn came at the same moment
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give a turn to whoever waits first, or back."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._turns += 1

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
                return await self._open()
        except TimeoutError:
            raise ConnectTimedOut("no connection in time") from None

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
