"""The load client: one publisher and many subscribers in one process, the same for every server.

Owns connecting, publishing, counting and acknowledging. Started by `bench.fanout` with a job as JSON
on stdin; answers with JSON lines on stdout.

Theory of operation: a closed loop. The publisher keeps a few messages under way, and sends the next
ones when all subscribers have got the earlier ones, so nothing is queued without bound or lost, and
the rate is the server's. Deliveries are counted by a mark in the payload, whatever the framing; with
QoS 1 each is acknowledged by the packet id behind the topic, all of one read in one frame.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from dataclasses import dataclass
from typing import Any

import uvloop

from bench import wire_bytes

MARK = b"\xf0\x9f\x8e\x88mark"
"""Stands once in each payload, and nowhere else."""

AT_ONCE = 100
"""Handshakes under way at a time."""

TIMEOUT_S = 60.0


@dataclass
class Job:
    """What to do.

    Attributes:
        kind: `mqtt` over WebSocket, `mqtt-tcp` without, or `nchan` without MQTT in its frames.
        clients: Path and client id of each subscriber.
        publisher: Path and client id of the publisher.
        window: Messages under way at a time.
        broadcasts: Measure the delay of so many single messages, in place of the rate.
    """

    kind: str
    host: str
    port: int
    clients: list[tuple[str, str]]
    publisher: tuple[str, str]
    topic: str
    qos: int
    payload_bytes: int
    window: int
    warm_up_s: float
    seconds: float
    broadcasts: int = 0


class Subscriber(asyncio.Protocol):
    """One subscriber: says its hello, then counts."""

    def __init__(self, run: Run, hello: bytes, answers: tuple[bytes, ...], first: bytes) -> None:
        self._run = run
        self._hello = hello
        self._first = first
        self._answers = list(answers)
        self._head = b""
        self._rest = b""
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the WebSocket."""
        self._transport: Any = transport
        transport.write(self._first)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Take the answers of the beginning, then messages."""
        if self._answers:
            self._begin(data)
            return
        run = self._run
        if run.qos:
            self._acknowledge(data)
            return
        data = self._rest + data
        found = data.count(MARK)
        run.count += found
        if found and run.delays is not None:
            run.delays.append(time.monotonic() - run.published_at)
        # A mark may be cut in two by a read, and a whole one must not be counted twice.
        keep = len(MARK) - 1
        cut = data.rfind(MARK)
        self._rest = data[max(cut + len(MARK) if cut >= 0 else 0, len(data) - keep) :]
        if run.count >= run.next_at:
            run.pump()

    def connection_lost(self, error: Exception | None) -> None:
        """Fail if nobody asked for it."""
        if not self.ready.done():
            self.ready.set_exception(
                ConnectionError(f"closed at the beginning: {self._head[:300]!r}")
            )
        elif not self._run.over:
            self._run.failure = f"a subscriber was closed: {error}"

    def write(self, data: bytes) -> None:
        """Write bytes."""
        self._transport.write(data)

    def close(self) -> None:
        """Close."""
        self._transport.abort()

    def _begin(self, data: bytes) -> None:
        self._head += data
        while self._answers:
            at = self._head.find(self._answers[0])
            if at < 0:
                return
            self._head = self._head[at + len(self._answers.pop(0)) :]
            if self._hello:
                self._transport.write(self._hello)
                self._hello = b""
        self.ready.set_result(None)

    def _acknowledge(self, data: bytes) -> None:
        run = self._run
        data = self._rest + data
        ids, end = [], 0
        for found in run.numbered.finditer(data):
            ids.append(found[1])
            end = found.end()
        self._rest = data[max(end, len(data) - run.numbered_size + 1) :]
        if ids:
            start = wire_bytes.PUBACK_START
            self._transport.write(run.framed(start + start.join(ids)))
            run.count += len(ids)
            if run.count >= run.next_at:
                run.pump()


class Run:
    """One measurement.

    Attributes:
        count: Deliveries so far.
        next_at: Deliveries at which the publisher may send more.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.qos = job.qos
        self.count = 0
        self.sent = 0
        self.next_at = 0
        self.over = False
        self.failure = ""
        self.delays: list[float] | None = [] if job.broadcasts else None
        self.published_at = 0.0
        self.payload = MARK + b"x" * (job.payload_bytes - len(MARK))
        topic = job.topic.encode()
        self.numbered = re.compile(re.escape(len(topic).to_bytes(2) + topic) + b"(..)", re.DOTALL)
        self.numbered_size = len(topic) + 4
        self._loop = asyncio.get_running_loop()

    async def open(self) -> list[Subscriber]:
        """Connect the publisher and all subscribers."""
        gate = asyncio.Semaphore(AT_ONCE)
        self.publisher = await self._one(*self.job.publisher, subscribes=False, gate=gate)
        return await asyncio.gather(
            *(self._one(path, name, subscribes=True, gate=gate) for path, name in self.job.clients)
        )

    def pump(self) -> None:
        """Publish until the window is full."""
        if self.over:
            return
        job, done = self.job, self.count // len(self.job.clients)
        while self.sent - done < job.window:
            self.sent += 1
            data = self.payload
            if job.kind != "nchan":
                data = wire_bytes.publish(job.topic, self.payload, job.qos, self.sent)
            self.publisher.write(self.framed(data))
        self.next_at = (done + 1) * len(job.clients)

    def framed(self, data: bytes) -> bytes:
        """Put bytes into a frame, where there are frames."""
        return data if self.job.kind == "mqtt-tcp" else wire_bytes.frame(data)

    async def finished(self) -> bool:
        """Wait until everything published has arrived everywhere."""
        deadline = time.monotonic() + 5
        while self.count < self.sent * len(self.job.clients):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.01)
        return True

    async def _one(
        self, path: str, name: str, *, subscribes: bool, gate: asyncio.Semaphore
    ) -> Subscriber:
        job = self.job
        first = wire_bytes.handshake(
            path, f"{job.host}:{job.port}", subprotocol="mqtt" if job.kind == "mqtt" else None
        )
        hello = b""
        answers: tuple[bytes, ...] = (b" 101 ", b"\r\n\r\n")
        if job.kind != "nchan":
            said = wire_bytes.connect(name)
            answers = (*answers, b"\x20\x02\x00\x00")
            if subscribes:
                said += wire_bytes.subscribe(job.topic, job.qos)
                answers = (*answers, b"\x90\x03\x00\x01" + bytes((job.qos,)))
            hello = self.framed(said)
        if job.kind == "mqtt-tcp":
            first, hello, answers = hello, b"", answers[2:]
        async with gate:
            _, made = await self._loop.create_connection(
                lambda: Subscriber(self, hello, answers, first), job.host, job.port
            )
            await asyncio.wait_for(made.ready, TIMEOUT_S)
        return made


async def broadcast(run: Run) -> None:
    """Publish single messages and tell when they reached everybody."""
    first_s = 0.0
    for number in range(run.job.broadcasts + 1):
        run.published_at = time.monotonic()
        run.next_at = sys.maxsize
        run.sent += 1
        data = wire_bytes.publish(run.job.topic, run.payload, 0, 0)
        run.publisher.write(run.framed(data))
        if not await run.finished():
            run.failure = "a broadcast did not reach everybody"
            break
        if not number:
            # Decides iot:Receive for everybody; remembered from then on.
            first_s, run.delays = max(run.delays or [0.0]), []
        await asyncio.sleep(0.2)
    delays = sorted(run.delays or [0.0])
    say(
        delays_s={str(share): delays[int(share * (len(delays) - 1))] for share in (0.5, 0.99, 1.0)},
        first_s=first_s,
        deliveries=len(delays),
        failure=run.failure,
    )


def say(**facts: object) -> None:
    """Answer with one line."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


async def work(job: Job) -> None:
    """Connect, measure, tell."""
    run = Run(job)
    began = time.monotonic()
    subscribers = await run.open()
    say(connected_s=time.monotonic() - began)
    if job.broadcasts:
        # The parent looks at the server's memory before it says go.
        await asyncio.to_thread(sys.stdin.readline)
        await broadcast(run)
        return
    run.pump()
    await asyncio.sleep(job.warm_up_s)
    began, before = time.monotonic(), run.count
    while time.monotonic() - began < job.seconds:
        await asyncio.sleep(0.25)
        say(deliveries=run.count - before, after_s=time.monotonic() - began)
        if run.failure:
            break
    seconds, deliveries = time.monotonic() - began, run.count - before
    run.over = True
    complete = await run.finished()
    say(
        rate=deliveries / seconds,
        deliveries=deliveries,
        missing=run.sent * len(job.clients) - run.count,
        complete=complete,
        failure=run.failure,
    )
    for one in subscribers:
        one.close()


def main() -> None:
    """Read the job and do it."""
    job = Job(**json.loads(sys.stdin.readline()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(job))


if __name__ == "__main__":
    main()
