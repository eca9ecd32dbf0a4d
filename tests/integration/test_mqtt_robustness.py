"""Random and mutated bytes against the running endpoint: it stays up and logs no error of ours."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from typing import TYPE_CHECKING

import pytest
import uvloop

from bench import wire_bytes
from localaws.core.message import Message
from tests.integration.test_mqtt_websocket import serving

if TYPE_CHECKING:
    from tests.integration.test_mqtt_websocket import Served

ATTEMPTS = 400
AT_ONCE = 20

HELLO = wire_bytes.handshake("/mqtt", "127.0.0.1", subprotocol="mqtt")
PACKETS = (
    wire_bytes.connect("someone")
    + wire_bytes.subscribe("a/+", 1)
    + wire_bytes.publish("a/b", b"x" * 300, 1, 1)
    + wire_bytes.PUBACK_START
    + b"\0\1\xc0\0\xe0\0"
)


def mutated(dice: random.Random, data: bytes) -> bytes:
    """Change a few bytes, cut some out, put some in."""
    out = bytearray(data)
    for _ in range(dice.randrange(1, 6)):
        at = dice.randrange(len(out) + 1)
        what = dice.randrange(3)
        if what == 0 and at < len(out):
            out[at] = dice.randrange(256)
        elif what == 1:
            del out[at : at + dice.randrange(1, 9)]
        else:
            out[at:at] = dice.randbytes(dice.randrange(1, 9))
    return bytes(out)


def attack(dice: random.Random) -> list[bytes]:
    """Make the portions one bad client sends."""
    frame = wire_bytes.frame
    return dice.choice(
        (
            lambda: [dice.randbytes(dice.randrange(1, 400))],
            lambda: [mutated(dice, HELLO)],
            lambda: [HELLO, dice.randbytes(dice.randrange(1, 400))],
            lambda: [HELLO, mutated(dice, frame(PACKETS))],
            lambda: [HELLO, frame(mutated(dice, PACKETS))],
            lambda: [HELLO, frame(wire_bytes.connect("x")), frame(dice.randbytes(100))],
            lambda: [HELLO, frame(PACKETS)[: dice.randrange(1, 200)]],
            lambda: [
                mutated(dice, b"POST /topics/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            ],
        )
    )()


async def attempt(one: Served, portions: list[bytes]) -> None:
    """Send the portions, read a little, and be gone."""
    reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
    try:
        for portion in portions:
            writer.write(portion)
            with contextlib.suppress(TimeoutError, ConnectionError):
                await asyncio.wait_for(reader.read(4_096), 0.02)
    finally:
        writer.transport.abort()


async def healthy(one: Served) -> bool:
    """Tell whether a client still gets a message."""
    reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
    said = wire_bytes.connect("healthy") + wire_bytes.subscribe("still/here", 0)
    writer.write(HELLO)
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    writer.write(wire_bytes.frame(said))
    await asyncio.wait_for(reader.readuntil(b"\x90\x03\x00\x01\x00"), 5)
    one.endpoint.publish(Message(topic="still/here", payload=b"yes!"), one.endpoint.turns.clock())
    await asyncio.wait_for(reader.readuntil(b"yes!"), 5)
    writer.transport.abort()
    return True


@pytest.mark.parametrize("seed", range(3))
def test_the_endpoint_survives_noise(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    """Bad requests, handshakes, frames and packets from many clients at once; then all is well."""

    async def run() -> None:
        dice = random.Random(seed)  # noqa: S311 (noise that can be repeated)
        failures: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, facts: failures.append(facts))
        async with serving() as one:
            for _ in range(ATTEMPTS // AT_ONCE):
                await asyncio.gather(*(attempt(one, attack(dice)) for _ in range(AT_ONCE)))
            assert await healthy(one)
            await asyncio.sleep(0.1)
            assert not one.endpoint.broker.connections
        assert [repr(one.get("exception")) for one in failures] == []

    with caplog.at_level(logging.INFO):
        uvloop.run(run())
    ours = [one for one in caplog.records if one.name.startswith("localaws")]
    # picows words a peer's broken frame as an error; an exception of ours comes with a traceback.
    assert [one.getMessage() for one in ours if one.exc_info] == []
