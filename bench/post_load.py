"""The load: POSTs of events over keep-alive connections, as fast as answered or at a rate.

Owns making requests, stamping them with their time, and counting answers. Bytes are made by hand, so
that the load costs a tenth of what it loads.
Does not: start anything (`bench.gateway` does).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import httptools

USERS = 1_000
"""Topics the events go to, in turn: as many lanes."""

TEXT = "x" * 200


@dataclass(slots=True)
class Answers:
    """What came back.

    Attributes:
        accepted: Events in requests that were answered 200, 202 or 207.
        refused: Events in other requests.
        said: The first refusal.
        waits_ms: Time from POST to answer, for each request.
        began_ns: When the first request left.
    """

    accepted: int = 0
    refused: int = 0
    said: str = ""
    waits_ms: list[float] = field(default_factory=list)
    began_ns: int = 0


class Requests:
    """Make requests.

    Args:
        port: The gateway's.
        key: Service key, or nothing.
        batch: Events of one request; 1 posts an object, more an array.
    """

    def __init__(self, *, port: int, key: str, batch: int) -> None:
        self.port = port
        self.batch = batch
        bearer = f"Authorization: Bearer {key}\r\n" if key else ""
        self._head = (
            f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{bearer}"
            "Content-Type: application/json\r\nContent-Length: "
        )
        self._users = count()

    def next(self, at_ns: int) -> bytes:
        """Return the next request, stamped with a time."""
        body = ",".join(self._events(at_ns))
        if self.batch > 1:
            body = f"[{body}]"
        return f"{self._head}{len(body)}\r\n\r\n{body}".encode()

    def _events(self, at_ns: int) -> Iterator[str]:
        for _ in range(self.batch):
            user = next(self._users) % USERS
            yield (
                f'{{"to":"user:{user}","type":"bench.event",'
                f'"data":{{"at":{at_ns},"n":{user},"text":"{TEXT}"}}}}'
            )


class Poster(asyncio.Protocol):
    """One connection: sends one request, waits for its answer."""

    def __init__(self, answers: Answers, batch: int) -> None:
        self._answers = answers
        self._batch = batch
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport
        self._waiter: asyncio.Future[None] | None = None
        self._body = b""
        self._at_ns = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport."""
        self._transport = transport  # type: ignore[assignment] # TCP gives this kind

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """Keep the beginning of a body, for the first refusal."""
        self._body = self._body or body[:300]

    def on_message_complete(self) -> None:
        """Count the answer."""
        answers, status = self._answers, self._parser.get_status_code()
        answers.waits_ms.append((time.perf_counter_ns() - self._at_ns) / 1e6)
        if status in (200, 202, 207):
            answers.accepted += self._batch
        else:
            answers.refused += self._batch
            answers.said = answers.said or f"{status} {self._body.decode()}"
        self._body = b""
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the sender go."""
        if self._waiter and not self._waiter.done():
            self._waiter.set_exception(exc or ConnectionResetError())

    async def post(self, request: bytes, at_ns: int) -> None:
        """Send and wait."""
        self._at_ns = at_ns
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        await self._waiter

    def close(self) -> None:
        """Close."""
        self._transport.close()


async def closed_loop(requests: Requests, *, connections: int, seconds: float) -> Answers:
    """Post on every connection as soon as it was answered."""
    answers = Answers(began_ns=time.perf_counter_ns())
    until = time.perf_counter() + seconds

    async def run(poster: Poster) -> None:
        while time.perf_counter() < until:
            now = time.perf_counter_ns()
            await poster.post(requests.next(now), now)

    posters = await _connect(requests, answers, connections)
    await asyncio.gather(*map(run, posters))
    for poster in posters:
        poster.close()
    return answers


async def at_rate(
    requests: Requests, *, connections: int, seconds: float, events_per_s: float
) -> Answers:
    """Post at a steady rate, whatever the answers do.

    A request that finds no free connection waits, and its time counts from when it was due, so that
    a gateway that stalls cannot hide it.
    """
    answers = Answers(began_ns=time.perf_counter_ns())
    due: asyncio.Queue[int | None] = asyncio.Queue(maxsize=1_000_000)

    async def run(poster: Poster) -> None:
        while (at_ns := await due.get()) is not None:
            await poster.post(requests.next(at_ns), at_ns)

    posters = await _connect(requests, answers, connections)
    tasks = [asyncio.create_task(run(poster)) for poster in posters]
    gap_ns = 1e9 * requests.batch / events_per_s
    began, sent = time.perf_counter_ns(), 0
    while time.perf_counter_ns() - began < seconds * 1e9:
        while began + sent * gap_ns <= time.perf_counter_ns():
            due.put_nowait(int(began + sent * gap_ns))
            sent += 1
        await asyncio.sleep(0.001)
    for _ in posters:
        due.put_nowait(None)
    await asyncio.gather(*tasks)
    for poster in posters:
        poster.close()
    return answers


async def _connect(requests: Requests, answers: Answers, connections: int) -> list[Poster]:
    loop = asyncio.get_running_loop()
    made = []
    for _ in range(connections):
        _, poster = await loop.create_connection(
            lambda: Poster(answers, requests.batch), "127.0.0.1", requests.port
        )
        made.append(poster)
    return made
