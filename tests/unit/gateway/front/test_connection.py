"""A connection that answers plain posts in order and hands everything else over."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.front.connection import (
    MOST_BEHIND_BYTES,
    PATIENCE_S,
    Answer,
    EventConnection,
)
from gateway.front.plain_post import PlainPost
from gateway.reply import Reply
from tests.unit.gateway.front.test_plain_post import request

GET = b"GET / HTTP/1.1\r\n\r\n"
IDLE_S = 30.0


class Wire(asyncio.Transport):
    """A transport that keeps what happens to it."""

    def __init__(self) -> None:
        super().__init__({"peername": ("10.0.0.1", 5)})
        self.written = b""
        self.closed = False
        self.protocol: Any = None
        self.reading = True

    def write(self, data: Any) -> None:
        """Keep it."""
        self.written += bytes(data)

    def close(self) -> None:
        """Note it."""
        self.closed = True

    def abort(self) -> None:
        """Note it."""
        self.closed = True

    def is_closing(self) -> bool:
        """Tell."""
        return self.closed

    def is_reading(self) -> bool:
        """Tell."""
        return self.reading

    def pause_reading(self) -> None:
        """Note it."""
        self.reading = False

    def resume_reading(self) -> None:
        """Note it."""
        self.reading = True

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Note it."""
        self.protocol = protocol


class Other(asyncio.Protocol):
    """What takes over."""

    def __init__(self) -> None:
        self.received = b""
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note it."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Keep it."""
        self.received += data


class World:
    """A connection, and whoever answers its posts: at once, or when told to."""

    def __init__(self, *, held: bool = False) -> None:
        self.max_body_bytes = MOST_BEHIND_BYTES * 4
        self.go = asyncio.Event()
        if not held:
            self.go.set()
        self.bodies: list[bytes] = []
        self.known: set[EventConnection] = set()
        self.wire, self.other = Wire(), Other()
        self.connection = EventConnection(
            posts=self,  # type: ignore[arg-type] # what a connection asks of it
            others=lambda: self.other,
            connections=self,
        )
        self.connection.connection_made(self.wire)

    async def answer(self, post: PlainPost, remote: str | None) -> Answer:
        """Answer with the body."""
        assert remote == "10.0.0.1"
        await self.go.wait()
        self.bodies.append(post.body)
        return Answer(Reply(202, post.body, "text/plain", {"Location": "/x"}), "r-1")

    def joined(self, connection: EventConnection) -> None:
        """Note it."""
        self.known.add(connection)

    def left(self, connection: EventConnection) -> None:
        """Note it."""
        self.known.discard(connection)

    async def receive(self, *parts: bytes) -> None:
        """Let bytes arrive, and what follows happen."""
        for part in parts:
            self.connection.data_received(part)
        for _ in range(20):
            await asyncio.sleep(0)


async def test_answers_a_post() -> None:
    """With what every answer has."""
    world = World()
    await world.receive(request(b"one"))
    head, _, body = world.wire.written.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 202 Accepted"
    assert {"Content-Length: 3", "Location: /x", "X-Request-Id: r-1", "Server: gateway"} <= set(
        lines
    )
    assert any(line.startswith("Date: ") and line.endswith(" GMT") for line in lines)
    assert body == b"one"


async def test_answers_in_order_one_after_the_other() -> None:
    """Requests sent ahead wait, however their bytes are cut."""
    world = World()
    whole = b"".join(request(b"%d" % number) for number in range(5))
    await world.receive(*[whole[at : at + 7] for at in range(0, len(whole), 7)])
    assert world.bodies == [b"0", b"1", b"2", b"3", b"4"]
    assert world.wire.written.count(b"HTTP/1.1 202") == 5


async def test_hands_over_what_it_does_not_know() -> None:
    """With every byte that was not answered, and is out of it."""
    world = World()
    await world.receive(request(b"one") + GET + b"more")
    assert world.bodies == [b"one"]
    assert world.wire.protocol is world.other
    assert world.other.transport is world.wire
    assert world.other.received == GET + b"more"
    assert not world.known


async def test_nothing_is_handed_over_before_its_turn() -> None:
    """The answer under way comes first."""
    world = World(held=True)
    await world.receive(request(b"one"), GET)
    assert world.wire.protocol is None
    world.go.set()
    await world.receive()
    assert b"one" in world.wire.written
    assert world.other.received == GET


async def test_reads_no_further_than_its_bound() -> None:
    """Who sends far ahead is read on when its turn comes."""
    world = World(held=True)
    await world.receive(request(b"one"), request(b"x" * (MOST_BEHIND_BYTES + 1)))
    assert not world.wire.reading
    world.go.set()
    await world.receive()
    assert world.wire.reading
    assert [len(body) for body in world.bodies] == [3, MOST_BEHIND_BYTES + 1]


async def test_who_does_not_read_gets_no_more() -> None:
    """Until it has read what there is; never, if it never does."""
    world = World()
    world.connection.pause_writing()
    await world.receive(request(b"one"))
    assert not world.bodies
    world.connection.resume_writing()
    await world.receive()
    assert world.bodies == [b"one"]
    world.connection.pause_writing()
    world.connection.look(asyncio.get_running_loop().time() + 2 * IDLE_S, IDLE_S)
    assert world.wire.closed


async def test_a_slow_request_is_aiohttps() -> None:
    """After a moment; it bounds how long that may take."""
    world = World()
    await world.receive(request(b"one")[:-1])
    now = asyncio.get_running_loop().time()
    world.connection.look(now, IDLE_S)
    assert world.wire.protocol is None
    world.connection.look(now + PATIENCE_S + 1, IDLE_S)
    assert world.other.received == request(b"one")[:-1]


@pytest.mark.parametrize("answered", [False, True])
async def test_an_idle_connection_is_closed(answered: bool) -> None:  # noqa: FBT001
    """Whether it ever sent anything or not; not while an answer is under way."""
    world = World(held=True)
    now = asyncio.get_running_loop().time()
    if answered:
        await world.receive(request())
        world.connection.look(now + 2 * IDLE_S, IDLE_S)
        assert not world.wire.closed
        world.go.set()
        await world.receive()
    world.connection.look(now + IDLE_S / 2, IDLE_S)
    assert not world.wire.closed
    world.connection.look(now + IDLE_S + 5, IDLE_S)
    assert world.wire.closed


async def test_closing_waits_for_the_answer_under_way() -> None:
    """And says so; what stands behind is not read any more."""
    world = World(held=True)
    await world.receive(request(b"one"), request(b"two"))
    world.connection.close()
    assert not world.wire.closed
    ending = asyncio.create_task(world.connection.shutdown(5.0))
    world.go.set()
    await ending
    await world.receive()
    assert world.wire.closed
    assert world.bodies == [b"one"]
    assert b"Connection: close\r\n" in world.wire.written


async def test_an_answer_that_takes_too_long_is_given_up() -> None:
    """At shutdown."""
    world = World(held=True)
    await world.receive(request(b"one"))
    await world.connection.shutdown(0.0)
    await world.receive()
    assert world.wire.closed
    assert not world.bodies


async def test_a_lost_connection_does_not_stop_what_was_begun() -> None:
    """It may have been accepted already; there is just nobody to answer."""
    world = World(held=True)
    await world.receive(request(b"one"))
    world.wire.closed = True
    world.connection.connection_lost(None)
    world.go.set()
    await world.receive()
    assert world.bodies == [b"one"]
    assert not world.wire.written
    assert not world.known
