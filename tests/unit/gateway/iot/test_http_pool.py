"""A pool of connections: turns in order, none lost, and never more connections than allowed."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.iot.http_connection import Answer, HttpConnection
from gateway.iot.http_pool import ConnectTimedOut, HttpPool
from tests.unit.gateway.iot.wire import Wire

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Endpoint:
    """Somebody to connect to; notes every connection and its wire."""

    def __init__(
        self, connections: int, *, silent: bool = False, read_timeout_s: float = 5
    ) -> None:
        self.opened: list[tuple[HttpConnection, Wire]] = []
        self._silent = silent
        self.pool = HttpPool(
            connect=self._connect,
            connections=connections,
            connect_timeout_s=0 if silent else 5,
            read_timeout_s=read_timeout_s,
            idle_s=5,
        )

    async def _connect(self) -> HttpConnection:
        await asyncio.sleep(0)
        if self._silent:
            await asyncio.Event().wait()
        connection, wire = HttpConnection(), Wire()
        connection.connection_made(wire)
        self.opened.append((connection, wire))
        return connection

    @property
    def asked(self) -> list[tuple[HttpConnection, Wire]]:
        """Connections with a request that was not answered."""
        return [(one, wire) for one, wire in self.opened if wire.written and not wire.aborted]

    def answer(self, place: int = 0) -> bytes:
        """Answer one of the requests; return it."""
        connection, wire = self.asked[place]
        request, wire.written = wire.written, b""
        connection.data_received(OK)
        return request


async def settle() -> None:
    """Let everything happen that can."""
    for _ in range(10):
        await asyncio.sleep(0)


def ask(endpoint: Endpoint, name: str = "r") -> asyncio.Task[Answer]:
    """Send a request."""
    return asyncio.create_task(endpoint.pool.exchange(name.encode()))


async def test_turns_are_taken_in_order() -> None:
    """Three callers, one connection."""
    endpoint = Endpoint(1)
    tasks = [ask(endpoint, name) for name in "abc"]
    for name in b"a", b"b", b"c":
        await settle()
        assert endpoint.answer() == name
    assert [(await task).status for task in tasks] == [200, 200, 200]
    assert len(endpoint.opened) == 1
    endpoint.pool.close()


async def test_a_caller_that_leaves_ends_its_connection() -> None:
    """The answer to a cancelled publish must not answer the next."""
    endpoint = Endpoint(1)
    task = ask(endpoint)
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert endpoint.opened[0][1].aborted
    assert not endpoint.pool.ready
    after = ask(endpoint)
    await settle()
    endpoint.answer()
    assert (await after).status == 200
    assert len(endpoint.opened) == 2
    endpoint.pool.close()


async def test_a_connection_that_died_idle_is_not_used() -> None:
    """The caller gets another one."""
    endpoint = Endpoint(1)
    task = ask(endpoint)
    await settle()
    endpoint.answer()
    await task
    assert endpoint.pool.ready
    endpoint.opened[0][0].connection_lost(None)
    again = ask(endpoint)
    await settle()
    endpoint.answer()
    assert (await again).status == 200
    endpoint.pool.close()


async def test_silence_ends_in_time() -> None:
    """An answer that does not come is a timeout, and so is a connection."""
    endpoint = Endpoint(1, read_timeout_s=0)
    with pytest.raises(TimeoutError):
        await ask(endpoint)
    assert endpoint.opened[0][1].aborted
    with pytest.raises(ConnectTimedOut):
        await ask(Endpoint(1, silent=True))


async def test_closing_tells_who_waits() -> None:
    """Whoever is under way gets an error."""
    endpoint = Endpoint(1)
    task = ask(endpoint)
    await settle()
    endpoint.pool.close()
    with pytest.raises(ConnectionAbortedError):
        await task


@given(
    st.integers(1, 3),
    st.lists(st.sampled_from(["ask", "cancel", "answer", "lose", "go on"]), max_size=40),
    st.randoms(use_true_random=False),
)
def test_no_turn_is_lost_or_given_twice(
    connections: int, steps: list[str], chance: random.Random
) -> None:
    """Whoever asks, leaves or breaks in whatever order: at the end all turns are back."""

    async def scenario() -> None:
        endpoint, tasks = Endpoint(connections), []
        for step in steps:
            if step == "ask":
                tasks.append(ask(endpoint))
            elif step == "cancel" and tasks:
                tasks[chance.randrange(len(tasks))].cancel()
            elif step == "answer" and endpoint.asked:
                endpoint.answer()
            elif step == "lose" and endpoint.asked:
                connection, wire = endpoint.asked[0]
                wire.aborted = True
                connection.connection_lost(None)
            else:
                await asyncio.sleep(0)
            assert len(endpoint.asked) <= connections
        while not all(task.done() for task in tasks):
            await settle()
            for _ in tuple(endpoint.asked):
                endpoint.answer()
        for task in tasks:
            with suppress(asyncio.CancelledError, OSError):
                await task
        after = [ask(endpoint) for _ in range(connections)]
        await settle()
        assert len(endpoint.asked) == connections
        for _ in after:
            endpoint.answer()
        await asyncio.gather(*after)
        endpoint.pool.close()

    asyncio.run(scenario())
