"""A raw HTTP server in place of IoT Core, which keeps the bytes it is sent.

Owns answering as told, with or without TLS, and misbehaving below HTTP.
Does not: understand a request beyond its length.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

OK = b'{"message":"OK","traceId":"t"}'


def answer(status: int = 200, body: bytes = OK, **headers: str) -> bytes:
    """Return an answer as IoT Core writes it."""
    lines = {"content-type": "application/json", "content-length": str(len(body))}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Words\r\n{head}\r\n".encode() + body


def refusal(status: int, code: str, message: str = "words", **headers: str) -> bytes:
    """Return a refusal as IoT Core writes it."""
    body = f'{{"message":"{message}","traceId":"t"}}'.encode()
    return answer(status, body, **{"x-amzn-ErrorType": f"{code}:"}, **headers)


class IotServer:
    """A server that keeps requests and answers as told.

    Attributes:
        url: Where it listens.
        requests: All requests, head and body, in order.
        connections: How many connections were made.
        most_open: How many requests were under way at most.
        reply: Makes the answer to a request; None cuts the connection, b"" says nothing.
        hold: Cleared while answers wait.
        close_after: Whether each connection is closed after its answer, unannounced.
    """

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[bytes] = []
        self.connections = 0
        self.open = 0
        self.most_open = 0
        self.reply: Callable[[bytes], bytes | None] = lambda _: answer()
        self.hold = asyncio.Event()
        self.hold.set()
        self.close_after = False
        self.writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        self.writers.add(writer)
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        request = head + await reader.readexactly(int(length[1]) if length else 0)
        self.requests.append(request)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        await self.hold.wait()
        self.open -= 1
        reply = self.reply(request)
        if reply is None:
            writer.transport.abort()
            return False
        writer.write(reply)
        return not self.close_after

    def cut(self) -> None:
        """Close all connections."""
        for writer in self.writers:
            writer.close()


@asynccontextmanager
async def iot_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[IotServer]:
    """Run a server on a port of its own."""
    subject = IotServer()
    server = await asyncio.start_server(subject.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    subject.url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
    try:
        yield subject
    finally:
        subject.hold.set()
        subject.cut()
        server.close()
        await asyncio.sleep(0)
