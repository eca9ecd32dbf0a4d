"""Plain posts and aiohttp's: the same answers, on the same connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.integration.gateway_caller import GOOD, Caller, Start, address_of, kept, start, stub
from tests.integration.gateway_stub import Fault, StubIot

__all__ = ["kept", "start", "stub"]

CHANGING = {"date", "x-request-id"}


class Line:
    """A connection whose bytes a test writes itself."""

    def __init__(
        self, caller: Caller, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._key = caller._key
        self.reader, self.writer = reader, writer

    def request(self, document: object, method: str = "POST", **headers: str) -> bytes:
        """Return the bytes of a request."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        lines = {
            "Host": "gateway",
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{method} /v1/events HTTP/1.1\r\n{head}\r\n".encode() + body

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Read one answer: status, headers by lower-case name, body."""
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {
                name.lower(): value
                for name, _, value in (line.partition(": ") for line in head[1:] if line)
            }
            body = await self.reader.readexactly(int(headers["content-length"]))
        return int(head[0].split()[1]), headers, body


@asynccontextmanager
async def line(caller: Caller) -> AsyncIterator[Line]:
    """Open a connection."""
    reader, writer = await asyncio.open_connection(*address_of(caller))
    yield Line(caller, reader, writer)
    writer.close()


@pytest.mark.parametrize(
    ("document", "headers"),
    [
        (GOOD, {}),
        (GOOD, {"Prefer": "wait=5"}),
        ([GOOD, {"to": "user:1"}, GOOD | {"id": "j"}], {}),
        ([], {}),
        (b'{"to":"user:1","type":"t","data":1}\n{"to":', {"Content_Type": "application/x-ndjson"}),
        (b"{", {}),
        (b"\xff", {}),
        ({}, {}),
        (GOOD | {"to": "client:x"}, {}),
        (GOOD | {"to": "everyone"}, {}),
        (GOOD, {"Authorization": "Bearer nothing"}),
        (GOOD, {"Authorization": "Basic x"}),
        (GOOD, {"Content_Type": "text/html"}),
        (b"1", {"Content_Type": "application/json", "ce_specversion": "1.0", "ce_id": "b"}),
        (
            b"1",
            {
                "ce_specversion": "1.0", "ce_id": "b", "ce_source": "/a", "ce_type": "t",
                "ce_to": "user:1",
            },
        ),
        (GOOD | {"data": "\U0001f600\u00e9"}, {"X_Request_Id": "mine", "traceparent": "no"}),
    ],
)  # fmt: skip
async def test_both_ways_answer_alike(
    start: Start, document: object, headers: dict[str, str]
) -> None:
    """Status, headers and body of a plain post are those that aiohttp's way gives."""
    answers = []
    for more in ({}, {"Content_Encoding": "identity"}):
        async with start() as caller, line(caller) as sent:
            told = document  # with ids that are new to both
            if more and isinstance(document, dict) and "id" in document:
                told = document | {"id": document["id"] + "-again"}
            elif more and isinstance(document, list):
                told = [
                    one | {"id": one["id"] + "-again"} if "id" in one else one for one in document
                ]
            elif more and "ce_id" in headers:
                headers = headers | {"ce_id": "b-again"}
            sent.writer.write(sent.request(told, **headers, **more))
            status, shown, body = await sent.answer()
            assert set(shown) >= CHANGING
            kept = {name: value for name, value in shown.items() if name not in CHANGING}
            text = body.decode().replace("-again", "")
            kept["location"] = kept.get("location", "").replace("-again", "")
            if "location" in kept and len(kept["location"]) > 40:
                kept["location"] = "an id of ours"
            del kept["content-length"]
            answers.append((status, kept, _without_ids(json.loads(text))))
    assert answers[0] == answers[1]


def _without_ids(answer: object) -> object:
    """Leave out what differs each time: ids that the gateway makes, and times."""
    if isinstance(answer, dict):
        return {
            name: _without_ids(value)
            for name, value in answer.items()
            if not (name.endswith("At") or (name == "id" and len(str(value)) == 36))
        }
    if isinstance(answer, list):
        return [_without_ids(one) for one in answer]
    return answer


async def test_one_connection_may_change_its_mind(start: Start, stub: StubIot) -> None:
    """Posts, a look-up and a post through aiohttp, sent ahead all at once, answered in order."""
    async with start() as caller, line(caller) as sent:
        first = sent.request(GOOD | {"id": "a"}) + sent.request(GOOD | {"id": "b"})
        get = sent.request(b"", method="GET")
        sent.writer.write(first + get + sent.request(GOOD | {"id": "c"}))
        statuses = [await sent.answer() for _ in range(4)]
        await caller.settled("c")
    assert [status for status, _, _ in statuses] == [202, 202, 200, 202]
    ids = [json.loads(body).get("id") for _, _, body in statuses]
    assert ids == ["a", "b", None, "c"]
    assert [json.loads(one.body)["id"] for one in stub.seen] == ["a", "b", "c"]


async def test_a_post_in_single_bytes_arrives(start: Start) -> None:
    """However it is cut, also across the patience that the front has."""
    async with start() as caller, line(caller) as sent:
        whole = sent.request(GOOD)
        for at in range(len(whole)):
            sent.writer.write(whole[at : at + 1])
            await sent.writer.drain()
            if at == len(whole) // 2:
                await asyncio.sleep(1.8)
        status, _, _ = await sent.answer()
    assert status == 202


async def test_counts_plain_posts_like_others(start: Start) -> None:
    """One measurement of one route, whichever way they went."""
    async with start() as caller, line(caller) as sent:
        sent.writer.write(sent.request(GOOD))
        await sent.answer()
        sent.writer.write(sent.request(GOOD, Content_Encoding="identity"))
        await sent.answer()
        _, text = await caller.get("/metrics")
    row = 'gateway_request_seconds_count{method="POST",route="/v1/events",status="202"} 2.0'
    assert row in text


async def test_says_that_it_closes(start: Start, stub: StubIot) -> None:
    """A request under way when the gateway stops is answered, and is the connection's last."""
    stub.fault = Fault(hang=True)
    async with start(drain_s=5.0) as caller:
        reader, writer = await asyncio.open_connection(*address_of(caller))
        sent = Line(caller, reader, writer)
        writer.write(sent.request(GOOD, Prefer="wait=9"))
        await stub.arrived.wait()
        answer = asyncio.create_task(sent.answer())
        asyncio.get_running_loop().call_later(0.5, stub.released.set)
    status, headers, _ = await answer
    assert (status, headers["connection"]) == (200, "close")
    assert await reader.read() == b""
    writer.close()
