"""A stand-in for IoT Core's HTTP endpoint that costs next to nothing: it counts publishes.

Owns answering every publish with IoT Core's 200 and measuring how old the event in it is, by the
time that the load stamped into it (`"at":`, nanoseconds of the system's monotonic clock).
Does not: check signatures, or deliver anything (`localaws` does both).

    python -m bench.iot_stub        prints its port, then serves until it is ended
"""

from __future__ import annotations

import asyncio
import json
import time

import uvloop

_BODY = b'{"message":"OK","traceId":"6a3d0e38-0d06-4a4c-9a0e-000000000000"}'
_OK = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 65\r\n"
    b"date: Mon, 23 Nov 2026 15:00:00 GMT\r\n"
    b"x-amzn-RequestId: 6a3d0e38-0d06-4a4c-9a0e-000000000000\r\nconnection: keep-alive\r\n\r\n"
) + _BODY
_MARK = b'"at":'


class Seen:
    """What was published since the last reset."""

    def __init__(self) -> None:
        self.ages_ns: list[int] = []
        self.last_ns = 0
        self.count = 0

    def add(self, body: bytes) -> None:
        """Note one publish."""
        now = time.perf_counter_ns()
        self.count += 1
        self.last_ns = now
        start = body.find(_MARK)
        if start >= 0:
            self.ages_ns.append(now - int(body[start + 5 : start + 30].split(b",", 1)[0]))

    def facts(self) -> bytes:
        """Return count, time of the last publish, and 1,001 quantiles of age."""
        ages = sorted(self.ages_ns)
        last = len(ages) - 1
        quantiles = [ages[last * index // 1_000] / 1e6 for index in range(1_001)] if ages else []
        return json.dumps(
            {"count": self.count, "last_ns": self.last_ns, "ages_ms": quantiles}
        ).encode()


class Endpoint(asyncio.Protocol):
    """One connection."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._read = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport."""
        self._transport = transport  # type: ignore[assignment] # TCP gives this kind

    def data_received(self, data: bytes) -> None:
        """Answer every complete request."""
        self._read += data
        while True:
            end = self._read.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._read[:end].lower()
            at = head.find(b"content-length: ")
            length = int(head[at + 16 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._read) < end + 4 + length:
                return
            body = self._read[end + 4 : end + 4 + length]
            self._read = self._read[end + 4 + length :]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"get /stats"):
            facts = self._seen.facts()
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(facts))
            self._transport.write(facts)
        elif head.startswith(b"get /reset"):
            self._seen.__init__()  # type: ignore[misc] # everything anew
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        else:
            self._seen.add(body)
            self._transport.write(_OK)


async def main() -> None:
    """Serve until ended."""
    seen = Seen()
    server = await asyncio.get_running_loop().create_server(
        lambda: Endpoint(seen), "127.0.0.1", 0, backlog=1_024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
