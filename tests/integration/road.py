"""A road between the gateway and IoT Core that can be closed: a TCP forwarder of the tests' own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

_READ_BYTES = 65_536


class Road:
    """Forwards connections while it is open.

    Attributes:
        url: Where it begins.
    """

    def __init__(self, to_url: str) -> None:
        there = urlsplit(to_url)
        self._to = (there.hostname, there.port)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._travellers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it begins."""
        return f"http://127.0.0.1:{self._port}"

    async def open(self) -> None:
        """Open it, at the same place as before."""
        self._server = await asyncio.start_server(self._travel, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Close it: connections are refused, those that are there are cut."""
        if self._server is None:
            return
        self._server.close()
        for writer in list(self._travellers):
            writer.transport.abort()
        for task in list(self._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._server = None

    async def _travel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._to)
        except OSError:
            writer.transport.abort()
            return
        for one, other in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._carry(one, other), name="road")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._travellers.add(writer)
        try:
            while data := await reader.read(_READ_BYTES):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            self._travellers.discard(writer)
            writer.transport.abort()


@asynccontextmanager
async def road(to_url: str) -> AsyncIterator[Road]:
    """Have a road inside the block, open at first."""
    found = Road(to_url)
    await found.open()
    try:
        yield found
    finally:
        await found.close()
