"""One connection: answers however they are cut, and nothing that came out of turn."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.iot.http_connection import Answer, BadAnswer, HttpConnection
from tests.unit.gateway.iot.wire import Wire

OK = b"HTTP/1.1 200 OK\r\nX-Amzn-RequestId: 7\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 429 Slow\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


class Line:
    """A connection with its wire."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.connection = HttpConnection()
        self.connection.connection_made(self.wire)

    async def ask(self, parts: Sequence[bytes], *, then: Exception | None = None) -> Answer:
        """Send a request and let the answer arrive in parts, then perhaps lose the connection."""
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.connection.send(b"request", answered)
        for part in parts:
            self.connection.data_received(part)
        if then is not None:
            self.connection.connection_lost(then)
        return await answered


@given(
    st.sampled_from([OK, CHUNKED, INTERIM + OK]),
    st.lists(st.integers(0, 100), max_size=8),
    st.data(),
)
def test_reads_an_answer_however_it_is_cut(
    answer: bytes, cuts: list[int], data: st.DataObject
) -> None:
    """Any split of the bytes is the same answer, and the connection can be used again."""
    edges = [0, *sorted(min(cut, len(answer)) for cut in cuts), len(answer)]
    parts = [answer[start:end] for start, end in itertools.pairwise(edges) if start < end]

    async def scenario() -> None:
        line = Line()
        for _ in range(data.draw(st.integers(1, 3))):
            got = await line.ask(parts)
            assert got.status == (429 if answer is CHUNKED else 200)
            assert got.body == b"{}"
            assert line.connection.reusable
        assert got.headers.get("x-amzn-requestid") == (None if answer is CHUNKED else "7")

    asyncio.run(scenario())


@given(st.binary(max_size=200))
def test_random_bytes_end_in_our_errors(noise: bytes) -> None:
    """Whatever the peer sends, there is an answer or one of two kinds of error."""

    async def scenario() -> None:
        line = Line()
        try:
            await line.ask([noise], then=ConnectionResetError())
        except (BadAnswer, OSError):
            assert not line.connection.reusable
            assert line.wire.aborted

    asyncio.run(scenario())


async def test_gives_up_a_connection_that_says_more_than_asked() -> None:
    """The rest of a second answer would be taken for the next request's."""
    line = Line()
    assert (await line.ask([OK + OK[:20]])).status == 200
    assert not line.connection.reusable


async def test_gives_up_a_connection_that_speaks_unasked() -> None:
    """Bytes between two requests end the connection."""
    line = Line()
    await line.ask([OK])
    line.connection.data_received(b"x")
    assert line.wire.aborted
    with pytest.raises(ConnectionResetError):
        await line.ask([])


async def test_close_means_close() -> None:
    """A peer that announces its end is not asked again."""
    line = Line()
    await line.ask([OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")])
    assert not line.connection.reusable


@pytest.mark.parametrize("answer", [b"", OK[:30], OK[:-1]])
async def test_a_cut_answer_is_no_answer(answer: bytes) -> None:
    """What was cut short is an error, never half an answer."""
    with pytest.raises(ConnectionResetError):
        await Line().ask([answer], then=ConnectionResetError())


async def test_bounds_the_answer() -> None:
    """A peer that never stops is stopped."""
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(70_000)
    line = Line()
    with pytest.raises(BadAnswer):
        await line.ask([endless])
    assert cast("Wire", line.connection._transport).aborted
